"""Where alert events go in a run that kills `serve`: what each sink had, and what it should have.

Beside the event streams of `listening.py`: a session on the broker, a webhook that takes its time,
and the contacts of staff. All are filled into `Served`, which `sink_checks.py` holds against the
log of events; nothing in it needs a process or a clock.
"""

import json
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from doorstep.clock import SystemClock
from tests.acceptance import stored
from tests.crash.deployment import Deployment
from tests.crash.doctors import Intention
from tests.integration.alerts.receiving import Had, Receiver

GRANTED_WITHIN_S = 10.0
SLOW_S: Final = 0.05
"""How long webhook and contacts take to answer, so that kills meet something under way."""
_LINE: Final = re.compile(
    r"(?P<severity>\w+): .*?, building (?P<building>[\w-]+): (?P<what>[^,]+)(?P<passed>,.*)?"
)
PASSED_ON: Final = " passed on"
"""Stands for the words by which a line says so."""
_MORE: Final = re.compile(r"and (\d+) more")


@dataclass(frozen=True, slots=True)
class Logged:
    """One event of the log."""

    event_id: int
    alert_id: str
    grid: str
    type: str
    kind: str
    at: int
    actor: str | None
    note: str
    told: tuple[str, ...]
    after: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Got:
    """One message about an event, as a sink had it."""

    event_id: int
    alert_id: str
    type: str
    version: int
    at: int
    signed: bool = True


@dataclass(frozen=True, slots=True)
class Sink:
    """All that one sink had, in order."""

    name: str
    grids: tuple[str, ...]
    got: list[Got]
    once: bool = False
    """Whether it is promised that nothing comes twice."""


@dataclass(frozen=True, slots=True)
class Notification:
    """One message to a contact: a line for each case, and how many more there are."""

    staff: str
    at: int
    lines: tuple[str, ...]
    more: int = 0


@dataclass(frozen=True, slots=True)
class Handed:
    """What the delivery log says of one event and one member."""

    staff: str
    event_id: int
    state: str
    status: str
    settled_at: int


@dataclass
class Served:
    """Everything that a run of kills has left behind."""

    log: list[Logged]
    sinks: list[Sink]
    notifications: list[Notification]
    handed: list[Handed]
    intentions: list[Intention] = field(default_factory=list)


class MqttSink:
    """A doctors' system: a session that the broker keeps."""

    def __init__(self, port: int) -> None:
        self.got: list[Got] = []
        self._granted = threading.Event()
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="doctors", clean_session=False)
        self._client.on_connect = self._subscribe
        self._client.on_subscribe = lambda *_: self._granted.set()
        self._client.on_message = self._hear
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._granted.wait(GRANTED_WITHIN_S)

    def _subscribe(self, *_: Any) -> None:
        self._client.subscribe("doorstep/v1/grids/+/alerts/+", qos=1)

    def _hear(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        told = json.loads(message.payload)
        self.got.append(_got(told["id"], told, SystemClock().now()))

    def close(self) -> None:
        """Goes away."""
        self._client.disconnect()
        self._client.loop_stop()


def streamed(deployment: Deployment, grids: Mapping[str, tuple[str, ...]]) -> list[Sink]:
    """What each subscriber of the stream heard."""
    return [
        Sink(
            f"stream {number} {subscriber.staff}",
            grids[subscriber.staff],
            [_got(f"evt_{each.event_id}", each.data, each.at) for each in subscriber.heard],
            once=True,
        )
        for number, subscriber in enumerate(deployment.subscribers)
    ]


def posted(had: Iterable[Had], secret: str) -> list[Got]:
    """What a webhook had."""
    return [_got(each.id, each.body, each.came_at, signed=each.verified_by(secret)) for each in had]


def _got(id_: str, told: Mapping[str, Any], at: int, *, signed: bool = True) -> Got:
    after = told["after"]
    event_id = int(id_.removeprefix("evt_"))
    return Got(event_id, after["id"], told["type"], after["version"], at, signed)


def notified(receiver: Receiver, staff: Iterable[str]) -> list[Notification]:
    """What came to the contacts of staff; each has a path of its own."""
    return [
        _notification(who, each.came_at, each.body["message"])
        for who in staff
        for each in receiver.at(f"/{who}")
    ]


def _notification(staff: str, at: int, text: str) -> Notification:
    lines: list[str] = []
    more = 0
    for line in text.splitlines():
        if counted := _MORE.fullmatch(line):
            more = int(counted[1])
        else:
            said = _LINE.fullmatch(line)
            assert said is not None, line
            passed = PASSED_ON if said["passed"] else ""
            lines.append(f"{said['severity']} {said['building']} {said['what']}{passed}")
    return Notification(staff, at, tuple(lines), more)


def logged(database: str) -> list[Logged]:
    """The log of events, in order."""
    rows = stored.rows(
        database,
        "SELECT e.event_id, e.alert_id, g.id, e.type, e.kind,"
        " (extract(epoch FROM e.at) * 1000000)::bigint, e.actor, e.note,"
        " coalesce(e.detail -> 'told', '[]'), e.after"
        " FROM alert_event e JOIN grid g USING (grid_no) ORDER BY e.event_id",
    )
    return [Logged(*(*row[:8], tuple(row[8]), row[9])) for row in rows]


def handed(database: str) -> list[Handed]:
    """What the delivery log says of notifications."""
    rows = stored.rows(
        database,
        "SELECT s.config ->> 'staff', d.event_id, d.state, d.status,"
        " coalesce((extract(epoch FROM d.delivered_at) * 1000000)::bigint, 0)"
        " FROM delivery d JOIN subscriber s USING (subscriber_no)"
        " WHERE s.kind = 'notify' ORDER BY 1, 2",
    )
    return [Handed(*row) for row in rows]


def all_settled(database: str) -> bool:
    """Whether every subscriber has been handed every event, and nothing waits any more."""
    (settled,) = stored.rows(
        database,
        "SELECT NOT EXISTS (SELECT FROM delivery WHERE state = 'waiting') AND NOT EXISTS"
        " (SELECT FROM subscriber CROSS JOIN event_counter WHERE cursor < last_event_id)",
    )[0]
    return bool(settled)
