"""Signals about what does not arrive, and what the log forgets."""

import psycopg
import pytest

from alerts.delivery import (
    GIVEN_UP_US,
    KEPT_US,
    OVERDUE_US,
    Delivery,
    Failed,
    Gone,
    Result,
    Sent,
)
from domain.instant import HOUR_US, to_datetime
from store.outbox import Outbox
from tests.integration.alerts.world import NOW, World
from tests.integration.store.subscribing import KINDS, answered, due, subscribe


def undeliverable(world: World) -> list[tuple[str, bool]]:
    """(Subject, whether it stands), in the order they began."""
    rows = world.rows("SELECT * FROM signal ORDER BY signal_no")
    return [(row["subject"], row["ended_at"] is None) for row in rows]


async def failing(world: World, outbox: Outbox) -> Delivery:
    """One that has failed once, as it is after that."""
    subscribe(world, "s", (1,))
    world.raise_alert(1)
    await outbox.hand_over(KINDS, NOW)
    await answered(outbox, 1, Failed("500"))
    (each,) = await due(outbox, NOW + HOUR_US)
    return each


async def test_what_does_not_arrive_raises_a_signal_for_its_grids_until_it_does(
    world: World, outbox: Outbox
) -> None:
    each = await failing(world, outbox)
    await outbox.tidy(NOW + OVERDUE_US - 1)
    assert undeliverable(world) == []
    for _ in range(2):
        await outbox.tidy(NOW + OVERDUE_US)
    (row,) = world.rows("SELECT * FROM signal")
    assert (row["kind"], row["subject"], row["grid_nos"]) == ("undeliverable", "feed:s", [1])
    assert row["began_at"] == to_datetime(NOW + HOUR_US), "on the service's clock"
    await outbox.record([Result(1, (each,), Sent("200"))], NOW + OVERDUE_US, 0.5)
    await outbox.tidy(NOW + OVERDUE_US)
    assert undeliverable(world) == [("feed:s", False)]


@pytest.mark.parametrize(
    "deed",
    [
        "UPDATE subscriber SET stopped_at = to_timestamp(0), stopped_why = 'person'",
        "DELETE FROM subscriber",
    ],
)
async def test_a_person_ends_it_by_stopping_or_taking_away(
    world: World, outbox: Outbox, deed: str
) -> None:
    await failing(world, outbox)
    await outbox.tidy(NOW + OVERDUE_US)
    with psycopg.connect(world.url) as connection:
        connection.execute(deed.encode())
    await outbox.tidy(NOW + OVERDUE_US)
    assert undeliverable(world) == [("feed:s", False)]


async def test_what_was_given_up_and_who_is_gone_stand_until_somebody_looks(
    world: World, outbox: Outbox
) -> None:
    each = await failing(world, outbox)
    days_later = NOW + GIVEN_UP_US
    await outbox.record([Result(1, (each,), Failed("500"))], days_later, 0.5)
    subscribe(world, "gone")
    world.raise_alert(4)
    await outbox.hand_over(KINDS, NOW)
    waiting = [queue for queue in await outbox.queues(KINDS, NOW) if queue.no == 2]
    await outbox.record([Result(2, waiting[0].waiting, Gone("410"))], days_later, 0.5)
    await outbox.tidy(days_later)
    assert sorted(undeliverable(world)) == [("feed:gone", True), ("feed:s", True)]


async def test_signals_of_others_are_left_alone(world: World, outbox: Outbox) -> None:
    with psycopg.connect(world.url) as connection:
        for kind, subject in (("undeliverable", "other"), ("blind", "")):
            connection.execute(
                "INSERT INTO signal (kind, began_at, detail, subject)"
                " VALUES (%s, to_timestamp(0), '', %s)",
                [kind, subject],
            )
    await outbox.tidy(NOW)
    assert undeliverable(world) == [("other", True), ("", True)]


async def test_the_log_forgets_what_was_delivered_long_ago_and_secrets_that_are_over(
    world: World, outbox: Outbox
) -> None:
    subscribe(world, "s")
    world.raise_alert(1)
    world.raise_alert(4)
    await outbox.hand_over(KINDS, NOW)
    await answered(outbox, 1, Sent("200"))
    with psycopg.connect(world.url) as connection:
        for secret, until in (("old", to_datetime(NOW)), ("new", None)):
            connection.execute(
                "INSERT INTO subscriber_secret VALUES (1, %s, to_timestamp(0), %s)",
                [secret, until],
            )
    await outbox.tidy(NOW + KEPT_US)
    assert len(world.rows("SELECT FROM delivery")) == 2
    await outbox.tidy(NOW + KEPT_US + 1)
    assert [row["event_id"] for row in world.rows("SELECT event_id FROM delivery")] == [2]
    assert [row["secret"] for row in world.rows("SELECT secret FROM subscriber_secret")] == ["new"]
