"""Death at each named moment, and what the promises say of it: docs/architecture.md, Fault points.

The real processes die there by themselves, are started again, and everything is stored once, the
alert is raised once, and a stream that resumes has had each event, with one id.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from domain.faults import Point
from domain.instant import MINUTE_US
from doorstep.clock import SystemClock
from doorstep.embedded.child import wait_until
from doorstep.faults import EXIT_CODE
from tests.acceptance import publishing, stored
from tests.crash.listening import Subscriber
from tests.integration.alerts.receiving import receiving
from tests.services import doorstep
from tests.services.brokers import Broker, started

WEARERS = 3
"""The first one has a fever."""
MINUTES = 40
TOTAL = WEARERS * MINUTES
ALL_IN_ONE_BATCH_MS = "400"
DIES_WITHIN_S = 30.0
HEARD_WITHIN_S = 20.0

READINGS = "SELECT count(*) FROM reading"
SEEN_AGAIN = "SELECT coalesce(sum(duplicates), 0) FROM journal"


def messages(now: int) -> Iterator[tuple[str, bytes]]:
    for minute in range(MINUTES):
        for wearer in range(WEARERS):
            measured_at = now - (MINUTES - minute) * MINUTE_US + wearer
            temperature_c = 36.6 if wearer else 38.6
            reading = publishing.reading(measured_at, seq=minute, temperature_c=temperature_c)
            yield publishing.encoded(f"w-{wearer:04d}", [reading])


def dies(process: doorstep.Process) -> None:
    """Waits until it has died of its fault point, and of nothing else."""
    assert process.process is not None
    code = process.process.wait(DIES_WITHIN_S)
    assert code == EXIT_CODE, process.tail()


@contextmanager
def ingesting(
    database: str, broker: Broker, folder: Path, point: Point | None = None
) -> Iterator[doorstep.Process]:
    folder.mkdir()
    armed = {} if point is None else {"FAULT": point.value}
    made = doorstep.ingest(
        database,
        broker.url,
        folder,
        MQTT__PROTOCOL=broker.protocol,
        INGEST__BATCH_AGE_MS=ALL_IN_ONE_BATCH_MS,
        MQTT__ECHO_S="0",  # the first bytes to be read are those of readings
        **armed,
    )
    with made as process:
        yield process


@contextmanager
def listening(database: str, serve: doorstep.Process) -> Iterator[Subscriber]:
    """To every event from the first on, resuming after whatever it had last."""
    env = {"DOORSTEP_DATABASE_URL": database}
    token = doorstep.run(["token", "create", "--staff", "dr-01"], env).stdout.strip()
    subscriber = Subscriber(serve.port, "dr-01", token)
    subscriber.start()
    try:
        yield subscriber
    finally:
        subscriber.stop()


def everything_is_as_it_should_be(database: str, subscriber: Subscriber) -> None:
    stored.wait_for(database, READINGS, TOTAL)
    assert stored.one(database, "SELECT count(DISTINCT (device_no, seq)) FROM reading") == TOTAL
    stored.wait_for(database, "SELECT count(*) FROM late_work", 0)
    assert stored.one(database, "SELECT count(*) FROM rejected_message") == 0
    alerts = stored.rows(
        database, "SELECT d.id, a.rule, a.id FROM alert a JOIN device d USING (device_no)"
    )
    assert [row[:2] for row in alerts] == [("w-0000", "fever")]
    events = {
        (i, a) for i, a in stored.rows(database, "SELECT event_id, alert_id FROM alert_event")
    }

    def heard() -> set[tuple[int, str]]:
        return {(each.event_id, each.data["after"]["id"]) for each in subscriber.heard}

    assert wait_until(lambda: len(heard()) >= len(events), HEARD_WITHIN_S), heard()
    assert heard() == events
    assert len({event_id for event_id, _ in events}) == len(events)


BEFORE_THE_COMMIT = (Point.BYTES_READ, Point.BATCH_OPEN, Point.READINGS_INSERTED)
UNCONFIRMED = (Point.COMMIT_SENT, Point.COMMITTED)
CONFIRMING = (Point.HALF_CONFIRMED, Point.CONFIRMED)


OF_THE_SOURCE = (Point.BYTES_READ, *CONFIRMING)
"""Each broker's protocol has a source of its own; the others are behind both."""


@pytest.mark.parametrize(
    ("kind", "point"),
    [
        *(("mosquitto", point) for point in (*BEFORE_THE_COMMIT, *UNCONFIRMED, *CONFIRMING)),
        *(("nats", point) for point in OF_THE_SOURCE),
    ],
)
async def test_ingestion_dies_there_and_nothing_is_lost_or_doubled(
    database: str, tmp_path: Path, kind: str, point: Point
) -> None:
    now = SystemClock().now()
    doorstep.import_roster(database, publishing.roster(now, WEARERS))
    with (
        started(kind) as broker,
        doorstep.serve(database, tmp_path) as serve,
        listening(database, serve) as subscriber,
    ):
        with ingesting(database, broker, tmp_path / "armed", point) as first:
            await publishing.publish(broker.port, messages(now))
            dies(first)
        if point is Point.COMMIT_SENT:
            # The server may still be at it.
            assert wait_until(lambda: stored.one(database, READINGS) > 0, DIES_WITHIN_S)
        before = stored.one(database, READINGS)
        assert (before == 0) == (point in BEFORE_THE_COMMIT)
        with ingesting(database, broker, tmp_path / "again"):
            everything_is_as_it_should_be(database, subscriber)
            # That it was there that it died shows in what the broker had to send again.
            if point is Point.CONFIRMED:
                assert stored.one(database, SEEN_AGAIN) <= before
            else:
                half = before // 2 if point is Point.HALF_CONFIRMED else 0
                stored.wait_for(database, SEEN_AGAIN, before - half)
                assert half > 0 or point is not Point.HALF_CONFIRMED


@pytest.mark.parametrize("point", [Point.EVENTS_READ, Point.EVENTS_STREAMED])
async def test_serving_dies_there_and_streams_miss_nothing(
    database: str, tmp_path: Path, point: Point
) -> None:
    now = SystemClock().now()
    doorstep.import_roster(database, publishing.roster(now, WEARERS))
    serve = doorstep.serve(database, tmp_path, FAULT=point.value)
    with (
        started("mosquitto") as broker,
        ingesting(database, broker, tmp_path / "ingest"),
        serve,
        listening(database, serve) as subscriber,
    ):
        assert wait_until(lambda: subscriber.connections == 1, HEARD_WITHIN_S)
        await publishing.publish(broker.port, messages(now))
        dies(serve)
        had = len(subscriber.heard)
        if point is Point.EVENTS_READ:
            assert had == 0
        else:
            assert wait_until(lambda: len(subscriber.heard) > 0, HEARD_WITHIN_S)
        serve.unset("FAULT")
        serve.start()
        serve.wait_ready()
        everything_is_as_it_should_be(database, subscriber)


@pytest.mark.parametrize("point", [Point.DELIVERIES_READ, Point.DELIVERIES_ANSWERED])
async def test_serving_dies_there_and_webhooks_miss_nothing(
    database: str, tmp_path: Path, point: Point
) -> None:
    """What was taken and not written down comes again, with the id it had."""
    now = SystemClock().now()
    roster = publishing.roster(now, WEARERS)
    roster["staff"] += [
        {"id": "sup-01", "name": "站长", "role": "supervisor", "grids": ["grid-01"]}
    ]
    doorstep.import_roster(database, roster)
    serve = doorstep.serve(database, tmp_path, FAULT=point.value, FEEDS__ALLOW_PRIVATE="true")
    with (
        started("mosquitto") as broker,
        ingesting(database, broker, tmp_path / "ingest"),
        receiving() as receiver,
        serve,
    ):
        secret = made_webhook(database, serve, receiver.url())
        await publishing.publish(broker.port, messages(now))
        dies(serve)
        had = len(receiver.had)
        assert had == 0 if point is Point.DELIVERIES_READ else had > 0
        serve.unset("FAULT")
        serve.start()
        serve.wait_ready()
        delivered = "SELECT count(*) FROM delivery WHERE state = 'delivered'"
        stored.wait_for(database, "SELECT count(*) FROM alert", 1)
        events = [event for (event,) in stored.rows(database, "SELECT event_id FROM alert_event")]
        stored.wait_for(database, delivered, len(events))
        assert all(each.verified_by(secret) for each in receiver.had)
        ids = [each.id for each in receiver.had]
        assert {*ids} == {f"evt_{event}" for event in events}
        # One was under way for this one alert when it died.
        again = len(ids) - len({*ids})
        assert again == (0 if point is Point.DELIVERIES_READ else 1)


def made_webhook(database: str, serve: doorstep.Process, url: str) -> str:
    """Its secret."""
    env = {"DOORSTEP_DATABASE_URL": database}
    token = doorstep.run(["token", "create", "--staff", "sup-01"], env).stdout.strip()
    answer = httpx.post(
        f"{serve.url}/api/v1/webhooks",
        json={"url": url, "grids": ["grid-01"]},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["secret"])


@pytest.mark.parametrize("command", ["ingest", "serve"])
def test_what_is_no_fault_point_is_a_mistake_in_the_configuration(command: str) -> None:
    done = doorstep.run([command], {"DOORSTEP_FAULT": "nowhere"})
    assert done.returncode == 3
    assert "DOORSTEP_FAULT" in done.stderr
    assert done.stderr.count("\n") == 1
