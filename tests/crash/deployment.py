"""Everything that runs in a crash run, as an operator would have it: processes that are started
again whenever they end, a broker, a database, and cables that can be cut.
"""

import os
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar

from typing_extensions import override

from tests.crash.listening import Subscriber
from tests.crash.traffic import STAFF
from tests.services import doorstep
from tests.services.brokers import Broker, started
from tests.services.postgres import Postgres, SmallDiskPostgres
from tests.services.proxy import Proxy

RESTART_S = 0.3
ANSWER_S = 0.3
READY_WITHIN_S = 45.0
FICKLE_AFTER = 7
"""One subscriber hangs up by itself after so many events,"""
FICKLE_SHARE = 200
"""or after one for so many wearers: it would still be connecting when all else is done."""


class CommitProxy(Proxy):
    """Pulls the cable when the words of a COMMIT, or of the question after one, come by."""

    PLACES: ClassVar = {
        # With the end of the statement: a temporary table says ON COMMIT as well.
        "before": b"COMMIT\x00",
        "after": b"COMMIT\x00",
        "settling": b"FROM journal",
    }

    def __init__(self, target: int) -> None:
        super().__init__(target)
        self._armed: list[str] = []
        self.sprung = threading.Event()

    def arm(self, *places: str) -> None:
        """Cuts at these places, one after the other; `after` lets the COMMIT arrive."""
        self.sprung.clear()
        self._armed = list(places)
        # On an older connection the statement is prepared, and its words do not come by any more.
        self.cut()

    def disarm(self) -> None:
        """Lets everything pass again."""
        self._armed = []
        self.flow()

    @override
    def passes(self, data: bytes) -> bytes:
        if not self._armed or self.PLACES[self._armed[0]] not in data:
            return data
        place = self._armed.pop(0)
        if place == "after":
            # The server gets it and its answer is lost; a moment later the connection is.
            self.lose_replies()
            threading.Timer(ANSWER_S, self._cut_after).start()
            return data
        self.cut()
        self._tell()
        return b""

    def _cut_after(self) -> None:
        self.cut()
        self.flow()
        self._tell()

    def _tell(self) -> None:
        if not self._armed:
            self.sprung.set()


class DeedProxy(Proxy):
    """Loses the answer to the COMMIT of one deed: it is done, and nobody hears so."""

    PLACES: ClassVar = 3
    """Where its key comes by before: when it is claimed, logged, and settled."""

    def __init__(self, target: int) -> None:
        super().__init__(target)
        self.disarm()
        self.sprung = threading.Event()

    def arm(self, key: str) -> None:
        """Waits for the deed of this key, and no longer for another's."""
        self.sprung.clear()
        self._key, self._left = key.encode(), self.PLACES

    def disarm(self) -> None:
        """Lets everything pass again, and waits for no deed."""
        self._key, self._left = b"", 0
        self.flow()

    @override
    def passes(self, data: bytes) -> bytes:
        if self._left > 0:
            self._left -= self._key in data
        elif self._key and b"COMMIT\x00" in data:
            self._key = b""
            self.lose_replies()
            self.sprung.set()
        return data


class Kept:
    """A process that is started again whenever it ends. `exits` has how: code, end of its log."""

    def __init__(self, process: doorstep.Process) -> None:
        self.service = process
        self.exits: list[tuple[int, str]] = []
        self.starts = 0
        self._lock = threading.Lock()
        self._wanted = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def start(self) -> None:
        """Starts it and sees to it from now on."""
        self._begin()
        self._thread.start()

    def kill(self, down_s: float = 0.0) -> None:
        """kill -9; it is started again after so long."""
        with self._lock:
            self._wanted = False
            self.signal(signal.SIGKILL)
            assert self.service.process is not None
            self.service.process.wait(10)
            self._over.wait(down_s)
            self._begin()

    def ready(self) -> bool:
        """Whether `/readyz` says 200."""
        try:
            urllib.request.urlopen(f"{self.service.url}/readyz", timeout=2).close()
        except OSError:
            return False
        return True

    def wait_ready(self, within_s: float) -> None:
        """Returns when it is ready, however often it had to be started until then."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if self.ready():
                return
            self._over.wait(0.1)
        raise AssertionError(f"not ready within {within_s} s:\n{self.service.tail()}")

    def signal(self, number: int) -> None:
        """Sends it a signal, if it is there."""
        assert self.service.process is not None
        self.service.process.send_signal(number)

    def stop(self) -> None:
        """Ends it for good: in order, or at once if that takes too long."""
        self._over.set()
        self._thread.join(20)
        process = self.service.process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)

    def _begin(self) -> None:
        self.starts += 1
        self.service.start()
        self._wanted = True

    def _keep(self) -> None:
        while not self._over.wait(RESTART_S):
            with self._lock:
                process = self.service.process
                if self._wanted and process is not None and process.poll() is not None:
                    self.exits.append((process.returncode, self.service.tail()))
                    self._begin()


class Deployment:
    """One broker, one database, `doorstep ingest` and `doorstep serve` with subscribers."""

    def __init__(
        self, broker: Broker, folder: Path, disk_mb: int, settings: Mapping[str, str]
    ) -> None:
        self.broker = broker
        self.folder = folder
        self._settings = settings
        self.postgres = SmallDiskPostgres(disk_mb) if os.geteuid() == 0 else Postgres()
        self.database = ""
        self._stack = ExitStack()
        self._others = 0

    @contextmanager
    def running(self, roster: dict[str, Any]) -> Iterator["Deployment"]:
        """Starts it all; at the end stops and removes it all."""
        with self._stack:
            self._stack.callback(self.postgres.close)
            self.postgres.start()
            self.database = self.postgres.fresh_database()
            doorstep.import_roster(self.database, roster)
            self.cable = self._stack.enter_context(CommitProxy(self.postgres.port))
            self.serve_cable = self._stack.enter_context(DeedProxy(self.postgres.port))
            self.broker_cable = self._stack.enter_context(Proxy(self.broker.port))
            self.ingest = Kept(self._ingest("ingest"))
            self.serve = Kept(self._serve())
            for kept in (self.ingest, self.serve):
                self._stack.callback(kept.stop)
                kept.start()
                kept.wait_ready(READY_WITHIN_S)
            self.subscribers = [self._subscriber(staff) for staff in STAFF]
            fickle_after = max(FICKLE_AFTER, len(roster["devices"]) // FICKLE_SHARE)
            self.subscribers.append(self._subscriber("sup-01", fickle_after))
            yield self

    def another_ingest(self) -> doorstep.Process:
        """A second ingester with the same client id; whoever starts it ends it."""
        self._others += 1
        return self._ingest(f"second-{self._others}")

    def token(self, staff: str) -> str:
        """A new one of a member of staff."""
        env = {"DOORSTEP_DATABASE_URL": self.database}
        made = doorstep.run(["token", "create", "--staff", staff], env)
        assert made.returncode == 0, made.stderr
        return made.stdout.strip()

    def _ingest(self, name: str) -> doorstep.Process:
        return doorstep.ingest(
            self._through(self.cable),
            f"mqtt://127.0.0.1:{self.broker_cable.port}",
            self._folder(name),
            MQTT__PROTOCOL=self.broker.protocol,
            **self._settings,
        )

    def _serve(self) -> doorstep.Process:
        given = {
            "MQTT_URL": self.broker.url,
            "MQTT__PROTOCOL": self.broker.protocol,
            "FEEDS__MQTT": "false",
            # They take numbers of events, of which none may be missing here.
            "CANARY__ON": "false",
        }
        return doorstep.serve(
            self._through(self.serve_cable), self._folder("serve"), **{**given, **self._settings}
        )

    def _through(self, cable: Proxy) -> str:
        return self.database.replace(f":{self.postgres.port}/", f":{cable.port}/")

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder

    def _subscriber(self, staff: str, fickle_after: int | None = None) -> Subscriber:
        port, token = self.serve.service.port, self.token(staff)
        subscriber = Subscriber(port, staff, token, fickle_after)
        self._stack.callback(subscriber.stop)
        subscriber.start()
        return subscriber


@contextmanager
def deployed(
    kind: str, folder: Path, roster: dict[str, Any], disk_mb: int, **settings: str
) -> Iterator[Deployment]:
    """A running deployment on a broker of this kind, its database on a disk of this size.

    `settings` are for both processes, as in `tests.services.doorstep`.
    """
    with started(kind) as broker:
        made = Deployment(broker, folder, disk_mb, settings)
        with made.running(roster) as running:
            yield running
