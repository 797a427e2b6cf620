"""Composes the embedded stack: PostgreSQL, the broker, migration, ingestion, the service, the demo.

Nothing is started before what can be wrong with the folder and the ports has been looked at. `run`
returns never: it ends with `StopRequested` when told to stop, or with a `StackError`.
"""

import json
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg

from domain.instant import format_rfc3339
from doorstep.clock import SystemClock
from doorstep.embedded import (
    account,
    binaries,
    broker,
    demo,
    ports,
    postgres,
    programs,
    virtual_clock,
)
from doorstep.embedded.child import Program
from doorstep.embedded.errors import Unreachable
from doorstep.embedded.folder import DataFolder, opened
from doorstep.embedded.stopping import Stop
from doorstep.embedded.tree import Part, Tree
from store.errors import StoreError, StoreMismatch
from store.journal import last_now_at

MQTT_USER: Final = "doorstep"
BACKBONE_TRIES: Final = 5
KEEP_STATE_EVERY_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the operator asked for."""

    data: Path
    http_port: int
    mqtt_port: int
    demo: bool
    factor: float
    run_as: str | None = None
    postgres_bin: Path | None = None


class Stack:
    """One run of the stack on an open data folder."""

    def __init__(
        self, options: Options, folder: DataFolder, tree: Tree, say: Callable[[str], None]
    ) -> None:
        self._options = options
        self._folder = folder
        self._tree = tree
        self._say = say
        self._state = folder.state()
        self._clock = virtual_clock.SharedClock(0, 1.0)
        self._login = broker.Login(MQTT_USER, folder.secret("mqtt-password"))
        self._database_url = ""
        self._addresses = programs.Addresses(
            database_url_file=folder.secret_file("database-url"),
            mqtt_port=ports.claim(options.mqtt_port, "--mqtt-port"),
            mqtt_user=MQTT_USER,
            mqtt_password_file=folder.secret_file("mqtt-password"),
            http_port=ports.claim(options.http_port, "--http-port"),
            ingest_port=ports.free(),
        )

    def start(self) -> None:
        """Brings everything up, in order; returns when everything is ready."""
        self._start_postgres()
        self._resume_clock()
        self._tree.run("migrate", self._command("migrate"))
        self._start_broker()
        self._start_command("ingest", self._addresses.ingest_port)
        self._start_command("serve", self._addresses.http_port)
        if self._options.demo:
            self._start_demo()
        else:
            self._say(f"console: {self._addresses.http}/")

    def ready_line(self) -> str:
        """What to tell a program that waits for us (contract section 2)."""
        facts = {
            "ready": True,
            "http": self._addresses.http,
            "mqtt": self._addresses.mqtt,
            "database": self._database_url,
            "mqtt_user": self._login.user,
            "mqtt_password": self._login.password,
            "data": str(self._folder.root),
        }
        if self._options.demo:
            facts["console_user"] = demo.STAFF[0]
            facts["console_password"] = self._folder.secret("console-password")
        return json.dumps(facts)

    def keep_state(self) -> None:
        """Notes how far the shared clock has come; the database's own journal is finer."""
        if self._clock.factor != 1.0:
            self._state["last_at"] = self._clock.at(SystemClock().now())
            self._folder.keep_state(self._state)

    def _start_postgres(self) -> None:
        options, folder = self._options, self._folder
        whom = account.choose(options.run_as, folder.root)
        found = binaries.postgres(options.postgres_bin, whom, folder.runtime)
        cluster = postgres.cluster(folder, found, whom)
        self._database_url = cluster.url(folder.secret("database-password"))
        folder.keep_secret("database-url", self._database_url)
        self._tree.start(
            Part(
                "postgres",
                cluster.program(),
                ready=lambda: _connects(self._database_url),
                stops_within_s=8.0,
                tries=BACKBONE_TRIES,
                before=lambda: postgres.clear_orphans(cluster),
            )
        )

    def _resume_clock(self) -> None:
        try:
            journalled_at = last_now_at(self._database_url)
        except StoreMismatch:
            journalled_at = None  # no schema yet
        except StoreError as error:
            raise Unreachable(f"postgres: {error}") from error
        last_at = virtual_clock.last_at(self._state, journalled_at)
        self._clock = virtual_clock.resume(self._options.factor, SystemClock().now(), last_at)
        self.keep_state()

    def _start_broker(self) -> None:
        folder, port = self._folder, self._addresses.mqtt_port
        log = folder.log("broker")
        file = folder.run / "nats.conf"
        text = broker.configuration(port, folder.broker, log, self._login)
        file.unlink(missing_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(text)
        self._tree.start(
            Part(
                "broker",
                broker.program(file, log),
                ready=lambda: broker.answers(port, self._login),
                tries=BACKBONE_TRIES,
            )
        )

    def _start_command(self, name: str, port: int) -> None:
        self._tree.start(
            Part(
                name,
                self._command(name),
                ready=lambda: programs.ready(port),
                stops_within_s=8.0,
            )
        )

    def _start_demo(self) -> None:
        """The community comes last: its first events are to find everything else running."""
        now = self._clock.at(SystemClock().now())
        story = demo.story(self._state, now, self._clock.factor)
        if story.begins:
            roster = str(self._folder.run / "roster.json")
            self._tree.run("simulate", self._command(*story.words(), "--roster", roster))
            self._tree.run("roster import", self._command("roster", "import", roster))
            self._remember("demo_start_at", format_rfc3339(story.start_at))
        self._tree.start(Part("simulate", self._command(*story.words()), may_finish=True))
        password = self._folder.secret("console-password")
        if not self._state.get("demo_sign_in"):
            self._set_passwords()
            self._remember("demo_sign_in", True)  # noqa: FBT003 - a JSON value
        for line in demo.greeting(
            self._addresses.http, password, self._clock.factor, begins=story.begins
        ):
            self._say(line)

    def _set_passwords(self) -> None:
        for staff in demo.STAFF:
            with self._folder.secret_file("console-password").open("rb") as stdin:
                words = ("staff", "password", staff, "--password-stdin")
                self._tree.run("staff password", self._command(*words), stdin=stdin.fileno())

    def _remember(self, name: str, value: object) -> None:
        self._state[name] = value
        self._folder.keep_state(self._state)

    def _command(self, *words: str) -> Program:
        env = programs.environment(os.environ, self._addresses, self._clock)
        return programs.command(list(words), env, self._folder.log(words[0]))


def run(options: Options, say: Callable[[str], None], announce: Callable[[str], None]) -> None:
    """Runs the stack until told to stop. `announce` gets the one line for programs, `say` the rest.

    Raises `StopRequested` when told to, else a `StackError`; either way no process is left.
    """
    with ExitStack() as stack:
        stopping = stack.enter_context(Stop())
        folder = stack.enter_context(opened(options.data))
        tree = stack.enter_context(Tree(stopping, say))
        whole = Stack(options, folder, tree, say)
        say(f"data: {folder.root} (logs in {folder.root / 'log'})")
        # When the tree has gone: no process can have seen a later instant.
        stack.callback(whole.keep_state)
        stack.callback(postgres.forget_sockets, folder)
        stack.callback(tree.close)
        whole.start()
        announce(whole.ready_line())
        say("Ctrl-C stops everything; the next start goes on from here")
        tree.watch(KEEP_STATE_EVERY_S, whole.keep_state)


def _connects(database_url: str) -> bool:
    try:
        psycopg.connect(database_url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True
