"""A robot's limit and every page survive kills of the process that notifies."""

from collections.abc import Sequence
from itertools import product
from pathlib import Path

import psycopg

from alerts.robots import ELSEWHERE, KEPT
from rules.finding import Rule, Severity
from store.roster_import import import_document
from tests.integration.alerts.receiving import Had, Receiver, receiving
from tests.integration.alerts.world import NOW, World, began
from tests.services.doorstep import serve

URGENT_A_MINUTE = ELSEWHERE.per_minute - KEPT[Severity.URGENT]
RULES = (
    Rule.FEVER,
    Rule.PULSE,
    Rule.OXYGEN,
    Rule.LEFT_HOME,
    Rule.SILENT,
    Rule.NOT_WORN,
    Rule.BATTERY_LOW,
    Rule.DEVICE_FAULT,
)
PAGES = list(product((1, 4), RULES))
"""(person, rule) of one page each."""


def most_in_a_minute(had: Sequence[Had]) -> int:
    times = [each.at for each in had]
    return max(sum(start <= at < start + 60 for at in times) for start in times)


def share_one_robot(world: World, receiver: Receiver) -> None:
    """The doctor and the supervisor who has what is too much for one."""
    contacts = [f"json://127.0.0.1:{receiver.port}/"]
    document = {"staff": [{"id": each, "contacts": contacts} for each in ("dr-1", "sup-1")]}
    with psycopg.connect(world.url) as connection:
        import_document(connection, document, NOW)


def told(world: World) -> int:
    """How many pages have been in a message."""
    (row,) = world.rows(
        "SELECT count(*) AS n FROM delivery d JOIN alert_event e USING (event_id)"
        " JOIN subscriber s USING (subscriber_no) WHERE e.kind = 'raised'"
        " AND d.status = '1 of 1 contacts' AND s.id = 'notify:' || (e.detail #>> '{told,0}')"
    )
    return int(row["n"])


def held_or_told(world: World, number: int) -> None:
    """Until what was raised last has been told, or waits because a minute's messages are used.

    Who was killed between writing down a use and sending has used one all the same.
    """
    used_up = "SELECT 1 AS one FROM contact_use WHERE cardinality(sent) >= %s"
    for _ in range(10_000):
        if told(world) >= number or world.rows(used_up, URGENT_A_MINUTE):
            return
    raise AssertionError(f"neither told nor held: {number}")


def all_told(world: World) -> None:
    """Until nothing waits any more. That a minute has passed is said to the database."""
    for _ in range(10_000):
        with psycopg.connect(world.url) as connection:
            connection.execute("UPDATE contact_use SET sent = '{}'")
        if told(world) == len(PAGES):
            return
    raise AssertionError(f"not all were told: {told(world)}")


def test_kills_neither_fill_a_limit_again_nor_lose_a_page(world: World, tmp_path: Path) -> None:
    with receiving() as receiver:
        share_one_robot(world, receiver)
        service = serve(world.url, tmp_path, FEEDS__MQTT="false")
        service.start()
        for number, (person, rule) in enumerate(PAGES, 1):
            assert world.record(began(world.finding(person, rule=rule, severity=Severity.URGENT)))
            if number % 4 == 0:
                service.kill()
                service.start()
            held_or_told(world, number)
        assert most_in_a_minute(receiver.had) <= URGENT_A_MINUTE
        service.kill()
        with service:
            all_told(world)
