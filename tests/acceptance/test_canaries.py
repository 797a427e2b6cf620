"""Every hop of the way cut in turn, and mended: a signal and a message to who answers for it.

Real processes, a real broker, a real database, and a receiver of notifications. An interval is half
a second here instead of a minute.
"""

import json
import queue
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import httpx
import psycopg
import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from typing_extensions import override

from domain.instant import format_rfc3339
from doorstep.clock import SystemClock
from doorstep.embedded.child import wait_until
from tests.acceptance import publishing
from tests.integration.alerts.receiving import Receiver, receiving
from tests.services import doorstep
from tests.services.brokers import Broker, started
from tests.services.mosquitto import Mosquitto
from tests.services.nats import Nats
from tests.services.postgres import Postgres
from tests.services.proxy import Proxy

WITHIN_S: Final = 60.0
CANARY: Final = {"CANARY__EVERY_S": "0.5", "CANARY__OVERDUE_S": "2.5"}
IN_TURN: Final = ("mosquitto-2.1", "nats")


@contextmanager
def hearing(port: int) -> Iterator["queue.Queue[dict[str, Any]]"]:
    """What comes on the topics of canaries."""
    heard: queue.Queue[dict[str, Any]] = queue.Queue()

    def take(_client: Client, _data: Any, message: MQTTMessage) -> None:
        heard.put(json.loads(message.payload))

    client = Client(CallbackAPIVersion.VERSION2, client_id="clinic")
    client.on_message = take
    client.connect("127.0.0.1", port)
    client.subscribe("doorstep/v1/grids/+/canary", qos=1)
    client.loop_start()
    yield heard
    client.disconnect()
    client.loop_stop()


class Guarded(Mosquitto):
    """One with an access list, which can be changed while it runs."""

    @override
    def prepare(self) -> None:
        self.options = (f"acl_file {self.host.inside(self.folder)}/acl",)
        self._write("readwrite")
        super().prepare()

    def allow(self, what: str) -> None:
        """What everybody may do with the topics of grids, from now on."""
        self._write(what)
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def _write(self, what: str) -> None:
        rules = f"topic readwrite doorstep/v1/devices/#\ntopic {what} doorstep/v1/grids/#\n"
        (self.folder / "acl").write_text(rules)
        self.own("acl")


@dataclass
class Deployment:
    """Everything, and what it says."""

    database: Postgres
    database_url: str
    mqtt_url: str
    protocol: str
    receiver: Receiver
    folder: Path
    ingest: doorstep.Process
    serve: doorstep.Process

    def told(self, *words: str) -> None:
        """Waits until the supervisor is told this in one message."""
        receiver = self.receiver

        def so() -> bool:
            said = [had.body["message"] for had in receiver.at("/sup")]
            return any(all(word in message for word in words) for message in said)

        with receiver.news:
            assert receiver.news.wait_for(so, WITHIN_S), (
                words,
                [had.body for had in receiver.had],
                self.serve.tail(),
            )

    def signals(self, *, active: bool) -> list[tuple[str, str, str]]:
        """(kind, subject, detail) of what stands, or is over, of canaries."""
        with psycopg.connect(self.database_url) as connection:
            return connection.execute(
                "SELECT kind, subject, detail FROM signal WHERE subject LIKE 'canary:%%'"
                " AND (ended_at IS NULL) = %s ORDER BY signal_no",
                [active],
            ).fetchall()

    def until_signals(self, *wanted: tuple[str, str]) -> None:
        """Waits until exactly these stand."""

        def so() -> bool:
            return [(kind, subject) for kind, subject, _ in self.signals(active=True)] == [*wanted]

        assert wait_until(so, WITHIN_S), (self.signals(active=True), self.serve.tail())

    def ages(self) -> dict[tuple[str, str], float]:
        """(Grid, hop) -> seconds."""
        text = httpx.get(f"{self.serve.url}/metrics", timeout=30).text
        found = {}
        for line in text.splitlines():
            if line.startswith("doorstep_canary_age_seconds{"):
                labels, _, value = line.partition("{")[2].rpartition("} ")
                grid, hop = (part.split('"')[1] for part in labels.split(","))
                found[grid, hop] = float(value)
        return found

    def until_well(self) -> None:
        """Waits until canaries come through to every hop."""
        hops = {"broker", "ingest", "stream", "feeds", "mqtt"}

        def so() -> bool:
            ages = self.ages()
            return {hop for _, hop in ages} == hops and max(ages.values()) < 2.0

        assert wait_until(so, WITHIN_S), (self.ages(), self.serve.tail())
        self.until_signals()


@contextmanager
def deployed(
    database: Postgres,
    mqtt_url: str,
    protocol: str,
    folder: Path,
    through: int | None = None,
    clock: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Deployment]:
    """`through`: a port of a proxy by which `serve` reaches the database."""
    url = database.fresh_database()
    serves = url if through is None else database.url_of(url.rpartition("/")[2], through)
    with receiving() as receiver:
        document = publishing.roster(SystemClock().now(), 1)
        contact = f"json://127.0.0.1:{receiver.port}/sup"
        document["staff"].append(
            {"id": "sup", "role": "supervisor", "grids": ["grid-01"], "contacts": [contact]}
        )
        document["staff"][0]["contacts"] = [f"json://127.0.0.1:{receiver.port}/doctor"]
        doorstep.import_roster(url, document)
        settings = {"MQTT__PROTOCOL": protocol, **CANARY, **clock}
        with (
            doorstep.ingest(url, mqtt_url, folder, MQTT__PROTOCOL=protocol, **clock) as ingest,
            doorstep.serve(serves, folder, MQTT_URL=mqtt_url, **settings) as serve,
        ):
            world = Deployment(database, url, mqtt_url, protocol, receiver, folder, ingest, serve)
            world.until_well()
            yield world
            # A doctor's telephone is never rung by any of this, nor is anything stored of it.
            assert not receiver.at("/doctor")
            with psycopg.connect(url) as connection:
                row = connection.execute(
                    "SELECT (SELECT count(*) FROM rejected_message)"
                    " + (SELECT count(*) FROM reading)"
                    # With a clock that runs faster the one wearer is soon silent, truly.
                    " + (SELECT count(*) FROM alert WHERE rule <> 'silent')"
                    " + (SELECT count(*) FROM boot) + (SELECT count(*) FROM gap)"
                ).fetchone()
            assert row == (0,)


@pytest.fixture
def own_database() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture(params=IN_TURN)
def own_broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    with started(request.param) as broker:
        yield broker


@pytest.fixture
def world(own_database: Postgres, own_broker: Broker, tmp_path: Path) -> Iterator[Deployment]:
    with deployed(own_database, own_broker.url, own_broker.protocol, tmp_path) as world:
        yield world


def cut_and_mend(
    world: Deployment, cut: Callable[[], object], mend: Callable[[], object], said: str
) -> None:
    before = len(world.receiver.at("/sup"))
    cut()
    world.told(said)
    mend()
    world.until_well()
    world.told("The technical alarm is over:", said)
    # Ingestion comes back to a database within 5 s, which is late at this pace, and told as well.
    others = [had.body["message"] for had in world.receiver.at("/sup")[before:]]
    assert all(said in each or "ingestion does not store" in each for each in others)


@pytest.mark.timeout(300)
def test_every_hop_cut_in_turn_is_told_and_mended(world: Deployment, own_broker: Broker) -> None:
    cut_and_mend(
        world,
        own_broker.server.kill,
        own_broker.server.start,
        "the broker does not take canaries: grid-01",
    )

    def restarted() -> None:
        world.ingest.start()
        world.ingest.wait_ready()

    world.ingest.kill()
    world.until_signals(("blind", "canary:ingest"))
    cut_and_mend(world, lambda: None, restarted, "ingestion does not store them: grid-01")

    def gone() -> None:
        world.database.kill()
        assert wait_until(
            lambda: httpx.get(f"{world.serve.url}/readyz", timeout=30).status_code == 503, WITHIN_S
        )

    cut_and_mend(world, gone, world.database.start, "the database does not answer")
    ended = world.signals(active=False)
    assert [(kind, subject) for kind, subject, _ in ended][:2] == [
        ("blind", "canary:broker"),
        ("blind", "canary:ingest"),
    ]


@pytest.mark.timeout(300)
def test_a_process_that_leads_and_is_frozen_is_told_of_by_the_other(
    world: Deployment, tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    settings = {"MQTT_URL": world.mqtt_url, "MQTT__PROTOCOL": world.protocol, **CANARY}
    with doorstep.serve(world.database_url, tmp_path / "other", **settings) as other:
        assert world.serve.process is not None
        world.serve.process.send_signal(signal.SIGSTOP)
        world.told("do not come to the feeds: grid-01")
        world.until_signals(("undeliverable", "canary:feeds"))
        world.serve.process.send_signal(signal.SIGCONT)
        world.until_well()
        assert httpx.get(f"{other.url}/metrics").text.count("doorstep_canary_age_seconds{") == 0


@pytest.mark.timeout(300)
def test_who_hears_a_grid_by_mqtt_hears_its_canaries_and_a_cut_there_is_told(
    own_database: Postgres, tmp_path: Path
) -> None:
    with (
        Guarded() as broker,
        deployed(own_database, broker.url, "5", tmp_path) as world,
        hearing(broker.port) as heard,
    ):
        told = heard.get(timeout=WITHIN_S)
        assert (told["type"], told["grid"]) == ("canary", "grid-01")
        assert "mark" not in told
        cut_and_mend(
            world,
            lambda: broker.allow("read"),
            lambda: broker.allow("readwrite"),
            "canaries do not come out by MQTT: grid-01",
        )


@pytest.mark.timeout(300)
def test_a_clock_that_runs_faster_raises_nothing(
    own_database: Postgres, nats: Nats, tmp_path: Path
) -> None:
    clock = {
        "CLOCK__ORIGIN_AT": format_rfc3339(SystemClock().now()),
        "CLOCK__FACTOR": "600",
    }
    with deployed(own_database, nats.url, "3.1.1", tmp_path, clock=clock) as world:

        def stored() -> int:
            with psycopg.connect(world.database_url) as connection:
                row = connection.execute("SELECT coalesce(max(event_id), 0) FROM canary").fetchone()
            assert row is not None
            return int(row[0])

        before = stored()
        assert wait_until(lambda: stored() >= before + 10, WITHIN_S)
        world.until_well()
        assert world.signals(active=False) == []
        assert world.receiver.had == []


@pytest.mark.timeout(300)
def test_a_database_that_hangs_is_told_of_as_one_that_is_gone(
    own_database: Postgres, nats: Nats, tmp_path: Path
) -> None:
    with (
        Proxy(own_database.port) as proxy,
        deployed(own_database, nats.url, "3.1.1", tmp_path, proxy.port) as world,
    ):
        cut_and_mend(world, proxy.stall, proxy.flow, "the database does not answer")
