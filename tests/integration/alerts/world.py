"""A small community in a real database, findings put into it, and a server before it.

Two communities: `c-1` with `grid-1` and `grid-2`, `c-2` with `grid-3`. Person, episode and device n
are in grid n (4 as well in grid 1). `PASSWORD` signs in every member of staff.
"""

import asyncio
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, Self

import psycopg
import uvicorn
from psycopg.rows import dict_row

from alerts.api.app import create_app
from alerts.api.ports import Ports
from alerts.api.webhook_ports import Webhooks
from alerts.dispatcher import Dispatcher
from alerts.feeds.notify import Notifier
from alerts.feeds.webhook import WebhookSender, new_secret
from alerts.feeds.worker import Worker
from alerts.passwords import hashed, new_token, sha256
from alerts.tokens import Scope
from domain.instant import (
    DAY_US,
    HOUR_US,
    MINUTE_US,
    format_rfc3339,
    parse_rfc3339,
    to_datetime,
)
from doorstep.clock import SystemClock
from doorstep.feeds import watch_signals
from doorstep.process import PASSING, listen
from rules.finding import Change, Finding, FindingChange, FindingKey, Rule, Severity, SiteClass
from store import alertlog, tokens
from store.access_desk import AccessDesk
from store.alertfeed import AlertFeed
from store.audit_desk import AuditDesk
from store.contact_uses import Uses
from store.desk import Desk
from store.location_desk import LocationDesk
from store.notified import Directory
from store.outbox import Outbox
from store.pool import Pool
from store.roster_import import import_document
from store.truth_desk import TruthDesk
from store.webhook_desk import WebhookDesk

NOW = parse_rfc3339("2026-02-03T04:05:06Z")
PASSWORD = "correct horse"
HASHED = hashed(PASSWORD)
STAFF = {
    "dr-1": ("doctor", ["grid-1"], []),
    "dr-2": ("doctor", ["grid-2"], []),
    "dr-3": ("doctor", ["grid-3"], []),
    "sup-1": ("supervisor", [], ["c-1"]),
    "admin-1": ("admin", [], ["c-1"]),
    "audit-2": ("auditor", [], ["c-2"]),
    "nobody": ("doctor", [], []),
}
CONSOLE = "https://doorstep.example.org"
CANARIES = ("王小明", "13800138000", "幸福路 7-301")
"""Name, phone and address of everybody: never where only ids belong."""


def roster() -> dict[str, Any]:
    return {
        "communities": [
            {"id": "c-1", "name": "One", "timezone": "Asia/Shanghai"},
            {"id": "c-2", "name": "Two", "timezone": "Asia/Urumqi"},
        ],
        "grids": [
            {"id": "grid-1", "community": "c-1", "name": "1", "escalate_to": "sup-1"},
            {"id": "grid-2", "community": "c-1", "name": "2"},
            {"id": "grid-3", "community": "c-2", "name": "3"},
        ],
        "staff": [
            {"id": id_, "name": f"Name of {id_}", "role": role, "grids": grids, "communities": own}
            for id_, (role, grids, own) in STAFF.items()
        ],
        "people": [
            {
                "id": f"p-{n}",
                "name": CANARIES[0],
                "phone": CANARIES[1],
                "address": CANARIES[2],
                "birth_year": 1950,
                "flags": ["lives_alone"],
            }
            for n in range(1, 5)
        ],
        "devices": [
            {"id": f"w-{n}", "model": "band", "site": "axillary", "interval_s": 60, "spot": False}
            for n in range(1, 6)
        ],
        "episodes": [
            {
                "id": f"e-{n}",
                "person": f"p-{n}",
                "grid": f"grid-{1 if n == 4 else n}",
                "building": str(n),
                "starts_at": format_rfc3339(NOW - 7 * DAY_US),
                "ends_at": format_rfc3339(NOW + 7 * DAY_US),
                "home": {"lat": 32.06, "lon": 118.79, "datum": "wgs84", "radius_m": 50},
            }
            for n in range(1, 5)
        ],
        "assignments": [
            {"device": f"w-{n}", "episode": f"e-{n}", "from": format_rfc3339(NOW - 7 * DAY_US)}
            for n in range(1, 5)
        ],
    }


class World:
    """One database. Instants are minutes before or after `NOW`."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.now = NOW
        self._ids = (f"alert-{n}" for n in count(1))
        self._batches = count(1)
        with psycopg.connect(url) as connection:
            import_document(connection, roster(), NOW)
            connection.execute("UPDATE staff SET password_hash = %s", [HASHED])
            rows = connection.execute("SELECT id, episode_no FROM episode").fetchall()
            self._episodes = {str(id_): int(no) for id_, no in rows}
            rows = connection.execute("SELECT id, device_no FROM device").fetchall()
            self._devices = {str(id_): int(no) for id_, no in rows}

    def new_id(self) -> str:
        return next(self._ids)

    def finding(
        self,
        n: int = 1,
        onset: float = -20,
        ended: float | None = None,
        severity: Severity = Severity.URGENT,
        rule: Rule = Rule.FEVER,
        device: int | None = None,
        **given: Any,
    ) -> Finding:
        fever = rule is Rule.FEVER
        key = FindingKey(
            self._episodes[f"e-{n}"],
            self._devices[f"w-{device or n}"],
            rule,
            SiteClass.CORE if fever else SiteClass.NONE,
        )
        last = onset + 12 if ended is None else ended
        plain = Finding(
            key=key,
            onset_at=minute(onset),
            ended_at=None if ended is None else minute(ended),
            severity=severity,
            last_at=minute(last),
            value=3840,
            peak=3840,
            limit=3730,
            origin="rulebook",
            site="axillary" if fever else "",
        )
        return replace(plain, **given)

    def record(self, *changes: FindingChange, now: int | None = None) -> int:
        """One step of the ledger."""
        with psycopg.connect(self.url) as connection, connection.cursor() as cursor:
            return alertlog.record(
                cursor, changes, now or self.now, "rules-1", next(self._batches), self.new_id
            )

    def tick(self, now: int) -> int:
        with psycopg.connect(self.url) as connection, connection.cursor() as cursor:
            return alertlog.quiet_time_over(cursor, now, "rules-1", self.new_id)

    def raise_alert(self, n: int = 1, **given: Any) -> str:
        """A finding that begins; the id of the alert it raises."""
        assert self.record(began(self.finding(n, **given))) == 1
        return str(self.rows("SELECT id FROM alert ORDER BY raised_at DESC, id DESC")[-1]["id"])

    def rows(self, statement: str, *arguments: Any) -> list[dict[str, Any]]:
        with psycopg.connect(self.url, row_factory=dict_row) as connection:
            return connection.execute(statement.encode(), arguments).fetchall()

    def alert(self, alert_id: str) -> dict[str, Any]:
        (row,) = self.rows("SELECT * FROM alert WHERE id = %s", alert_id)
        return row

    def kinds(self) -> list[str]:
        return [row["kind"] for row in self.rows("SELECT kind FROM alert_event ORDER BY event_id")]

    def heartbeat(self, at: int | None) -> None:
        """What ingestion's last sign of life says."""
        with psycopg.connect(self.url) as connection:
            when = None if at is None else to_datetime(at)
            connection.execute("UPDATE shard SET heartbeat_at = %s", [when])

    def gap(
        self, n: int, low: int, high: int, noticed_at: int = NOW, boot: str | None = "a1"
    ) -> None:
        """Numbers that device n has counted past."""
        number, key = self._devices[f"w-{n}"], 0 if boot is None else sum(boot.encode())
        with psycopg.connect(self.url) as connection:
            if boot is not None:
                connection.execute(
                    "INSERT INTO boot VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                    [number, key, boot],
                )
            connection.execute(
                "INSERT INTO gap VALUES (%s, %s, %s, %s, %s)",
                [number, key, low, high, to_datetime(noticed_at)],
            )

    def token(self, staff: str = "dr-1", valid_s: int = 3600, scope: Scope = Scope.ACT) -> str:
        word, now = new_token(), SystemClock().now()
        with psycopg.connect(self.url) as connection:
            valid = (now - DAY_US, now + valid_s * 1_000_000)
            assert tokens.add(connection, staff, (word, sha256(word)), scope, valid)
        return word


def minute(minutes: float) -> int:
    return NOW + int(minutes * MINUTE_US)


def hour(hours: float) -> int:
    return NOW + int(hours * HOUR_US)


def began(finding: Finding, *, late: bool = False) -> FindingChange:
    return FindingChange(Change.BEGAN, replace(finding, ended_at=None), late=late)


def seen(finding: Finding, before: Finding | None = None) -> FindingChange:
    return FindingChange(Change.SEEN, finding, before or finding)


def worsened(finding: Finding) -> FindingChange:
    after = replace(finding, severity=Severity.CRITICAL)
    return FindingChange(Change.WORSENED, after, finding)


def ended(finding: Finding, at: float) -> FindingChange:
    after = replace(finding, ended_at=minute(at), last_at=minute(at))
    return FindingChange(Change.ENDED, after, finding)


def withdrawn(finding: Finding) -> FindingChange:
    return FindingChange(Change.WITHDRAWN, finding, finding, late=True)


def revised(before: Finding, **changed: Any) -> FindingChange:
    return FindingChange(Change.REVISED, replace(before, **changed), before, late=True)


class Server:
    """`create_app` behind uvicorn in a thread, on a free port."""

    def __init__(self, url: str, now: int, console: Path) -> None:
        self.now = now
        self.later = 0
        """How much later than it is tokens and sessions are told."""
        self.factor = 60.0
        self.pool = Pool(url)
        self.sender: WebhookSender
        self.notifier: Notifier
        self.worker: Worker
        self.desk = Desk(self.pool)
        self.access = AccessDesk(self.pool)
        self._url = url
        self._console = console
        self._listener = listen("http.port", "127.0.0.1", 0)
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.dispatcher: Dispatcher
        self._up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self._server: uvicorn.Server

    async def _run(self) -> None:
        self.sender = WebhookSender(SystemClock().now, private=True)
        self.notifier = Notifier(
            Directory(self.pool), Uses(self.pool), CONSOLE, SystemClock().now, PASSING
        )
        self.worker = Worker(
            Outbox(self._url, lambda: self.now),
            {"webhook": self.sender, "notify": self.notifier},
            SystemClock().now,
            lambda: 0.5,
            PASSING,
        )
        self.dispatcher = Dispatcher(lambda: AlertFeed(self._url), PASSING, self.worker.news)
        ports = Ports(
            desk=self.desk,
            access=self.access,
            audit=AuditDesk(self.pool),
            truth=TruthDesk(self.pool),
            location=LocationDesk(self.pool),
            dispatcher=self.dispatcher,
            now=lambda: self.now,
            real_now=lambda: SystemClock().now() + self.later,
            clock_factor=self.factor,
            console=self._console,
            unavailable=PASSING,
            webhooks=Webhooks(WebhookDesk(self.pool), self.sender, new_secret),
            notifier=self.notifier,
            deliveries=lambda: self.worker.answers,
        )
        self.app = create_app(ports, "0")
        config = uvicorn.Config(self.app, log_config=None, lifespan="off")
        self._server = uvicorn.Server(config)
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(self.dispatcher.run())
            tasks.create_task(self.worker.run())
            watching = tasks.create_task(watch_signals(ports))
            tasks.create_task(self._announce())
            await self._server._serve([self._listener])
            self.dispatcher.stop()
            self.worker.stop()
            watching.cancel()
            reading.cancel()

    async def _announce(self) -> None:
        while not (self._server.started and self.dispatcher.ready):
            await asyncio.sleep(0.005)
        self._up.set()

    def __enter__(self) -> Self:
        self.pool.open()
        self._thread.start()
        assert self._up.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(15)
        assert not self._thread.is_alive()
        self.pool.close()


@contextmanager
def serving(world: World, console: Path) -> Iterator[Server]:
    with Server(world.url, world.now, console) as server:
        yield server


def leaks(text: str) -> Sequence[str]:
    """What of the canaries is in a text, plain or escaped."""
    return [word for word in CANARIES if word in text or json.dumps(word)[1:-1] in text]
