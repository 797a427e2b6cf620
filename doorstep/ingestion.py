"""Puts the ingestion process together and runs it until a signal."""

import asyncio
import logging
import os
import signal
import socket
import time
import uuid
from collections.abc import Callable

import psycopg
import uvicorn

from domain.people import Roster
from doorstep import faults
from doorstep.memory import collect_no_more_of_what_is_there, collect_rarely, map_large_arrays
from doorstep.process import PASSING, START_PATIENCE_S, Server, listen, root_cause
from doorstep.settings import Settings
from doorstep.watchdog import watched
from ingest.gathering import Limits
from ingest.health import application
from ingest.pipeline import Pipeline
from ingest.runner import Ports, Runner
from ingest.sources.auto import source
from ingest.sources.port import Envelope
from ingest.work import Beginning
from store import rejections, roster, rulebooks
from store.errors import StoreUnreachable, translated
from store.ledger import PostgresLedger
from store.recovery import recall

log = logging.getLogger(__name__)

RESUBMITTED_A_PAGE = 500


async def run(settings: Settings) -> None:
    """Returns after SIGTERM or SIGINT; raises what `doorstep.cli` turns into exit codes."""
    faults.arm(os.environ)
    map_large_arrays()
    collect_rarely()
    clock = settings.make_clock()
    document = settings.rulebook_document()
    listener = listen("ingest.http_port", settings.ingest.http_host, settings.ingest.http_port)
    ledger = PostgresLedger(
        settings.database_url, new_id=lambda: uuid.uuid4().hex, figures=settings.duty.figures()
    )
    connection = await asyncio.to_thread(_connect_patiently, ledger)
    rulebook = await asyncio.to_thread(rulebooks.take_up, connection, document, clock.now())
    beginning = await asyncio.to_thread(recall, connection, rulebook, clock.now())
    pipeline = Pipeline(_limits(settings), beginning)
    _log_beginning(beginning)
    del beginning  # the pipeline lets go of the first roster when there is a second
    ports = Ports(
        source=source(settings.source_settings(), clock.now),
        ledger=ledger,
        rosters=_Rosters(settings.database_url, clock.now),
        now=clock.now,
        passing=PASSING,
    )
    runner = Runner(pipeline, rulebook, ports)
    server = Server(
        uvicorn.Config(
            application(pipeline, runner.signals), log_config=None, access_log=False, lifespan="off"
        )
    )
    collect_no_more_of_what_is_there()
    with watched():
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
        raise root_cause(group) from group
    log.info("stopped")


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
        device_burst=settings.ingest.device_burst,
        device_per_s=settings.ingest.device_per_s,
        rejections_per_minute=settings.ingest.rejections_per_minute,
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
