"""Puts the ingestion process together and runs it until a signal."""

import asyncio
import logging
import signal
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import uvicorn
from typing_extensions import override

from domain.people import Roster
from doorstep.clock import Clock
from doorstep.settings import ConfigurationError, Settings
from ingest.gathering import Limits
from ingest.health import application
from ingest.pipeline import Pipeline
from ingest.runner import Ports, Runner
from ingest.sources.address import SourceSettings
from ingest.sources.auto import source
from ingest.sources.port import Envelope, Source
from ingest.work import Beginning
from store import rejections, roster
from store.errors import StoreBusy, StoreMismatch, StoreUnreachable, translated
from store.ledger import PostgresLedger
from store.recovery import recall

log = logging.getLogger(__name__)

START_PATIENCE_S = 10.0
"""How long the database may take to appear before the process gives up with exit code 4."""

RESUBMITTED_A_PAGE = 500

PASSING = (StoreUnreachable, StoreBusy, StoreMismatch)
"""While running, even a schema that does not fit is waited out: an operator may be migrating."""


class _Server(uvicorn.Server):
    """Leaves the signals to us: they drain the pipeline first."""

    @contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:
        yield


async def run(settings: Settings) -> None:
    """Returns after SIGTERM or SIGINT; raises what `doorstep.cli` turns into exit codes."""
    clock = settings.make_clock()
    rulebook = settings.load_rulebook()
    listener = _listen(settings.ingest.http_host, settings.ingest.http_port)
    ledger = PostgresLedger(settings.database_url, new_id=lambda: uuid.uuid4().hex)
    connection = await asyncio.to_thread(_connect_patiently, ledger)
    beginning = await asyncio.to_thread(recall, connection, rulebook, clock.now())
    pipeline = Pipeline(_limits(settings), beginning)
    ports = Ports(
        source=_source(settings, clock),
        ledger=ledger,
        rosters=_Rosters(settings.database_url, clock.now),
        now=clock.now,
        passing=PASSING,
    )
    runner = Runner(pipeline, rulebook, ports)
    server = _Server(
        uvicorn.Config(
            application(pipeline, runner.signals), log_config=None, access_log=False, lifespan="off"
        )
    )
    _log_beginning(beginning)
    await _serve_until_stopped(runner, server, listener)
    ledger.close()


def _log_beginning(beginning: Beginning) -> None:
    log.info(
        "ingesting",
        extra={
            "wearers": len(beginning.wearers.slots),
            "roster_version": beginning.roster.version,
            "rulebook": beginning.rulebook.version,
        },
    )


async def _serve_until_stopped(
    runner: Runner, server: uvicorn.Server, listener: socket.socket
) -> None:
    """Health is served as long as the runner runs; whatever ends the runner ends the process."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, runner.stop)
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve([listener]))
            await runner.run()
            server.should_exit = True
    except BaseExceptionGroup as group:
        raise _root_cause(group) from group
    log.info("stopped")


def _root_cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _listen(host: str, port: int) -> socket.socket:
    """A bound socket, so that a taken port is a configuration error before anything else starts."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"ingest.http_port: cannot listen on {host}:{port}: {error}"
        ) from error
    return listener


def _connect_patiently(ledger: PostgresLedger) -> psycopg.Connection:
    deadline = time.monotonic() + START_PATIENCE_S
    while True:
        try:
            return ledger.connect()
        except StoreUnreachable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def _limits(settings: Settings) -> Limits:
    return Limits(
        readings=settings.ingest.batch_readings,
        payload_bytes=settings.ingest.batch_bytes,
        age_ms=settings.ingest.batch_age_ms,
        window=settings.mqtt.receive_maximum,
    )


def _source(settings: Settings, clock: Clock) -> Source:
    try:
        return source(_source_settings(settings), clock.now)
    except ValueError as error:
        raise ConfigurationError(f"mqtt: {error}") from error


def _source_settings(settings: Settings) -> SourceSettings:
    mqtt = settings.mqtt
    return SourceSettings(
        url=settings.mqtt_url,
        protocol=mqtt.protocol,
        client_id=mqtt.client_id,
        username=mqtt.username,
        password=mqtt.password,
        ca_file=None if mqtt.ca_file is None else str(mqtt.ca_file),
        receive_maximum=mqtt.receive_maximum,
        session_expiry_s=mqtt.session_expiry_s,
        keep_alive_s=mqtt.keep_alive_s,
    )


class _Rosters:
    """Reads rosters on a connection of its own, made anew whenever it breaks."""

    def __init__(self, database_url: str, now: Callable[[], int]) -> None:
        self._url = database_url
        self._now = now
        self._connection: psycopg.Connection | None = None

    def newer_than(self, version: int) -> Roster | None:
        """The roster if there is a newer one."""
        with translated():
            connection = self._connect()
            if roster.version(connection) <= version:
                return None
            return roster.load(connection, self._now())

    def covered(self, after: bytes) -> tuple[list[Envelope], bytes]:
        """Kept rejections that the newest roster covers."""
        with translated():
            return rejections.covered(self._connect(), after, RESUBMITTED_A_PAGE)

    def _connect(self) -> psycopg.Connection:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self._url, connect_timeout=5, autocommit=True, options="-c timezone=UTC"
            )
        return self._connection
