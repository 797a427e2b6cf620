"""Puts the serving process together and runs it until a signal."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Coroutine, Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Final

import typer
import uvicorn
from typing_extensions import override

from alerts.api.app import create_app
from alerts.api.ports import Ports
from alerts.api.webhook_ports import Webhooks
from alerts.dispatcher import Dispatcher
from alerts.feeds.webhook import new_secret
from alerts.feeds.worker import Worker
from domain.instant import MINUTE_US
from doorstep import faults, feeds
from doorstep.canaries import Aviary
from doorstep.clock import SystemClock
from doorstep.deadlines import keep
from doorstep.process import PASSING, START_PATIENCE_S, Server, listen, root_cause
from doorstep.settings import Settings
from doorstep.watchdog import watched
from store.access_desk import AccessDesk
from store.alertfeed import AlertFeed
from store.audit_desk import AuditDesk
from store.desk import Desk
from store.duty_desk import DutyDesk
from store.errors import StoreUnreachable
from store.location_desk import LocationDesk
from store.pool import Pool
from store.truth_desk import TruthDesk
from store.webhook_desk import WebhookDesk

log = logging.getLogger(__name__)

OVERDUE_US: Final = MINUTE_US
"""A deadline that has not fired so long after it passed, in real time: one second is enough."""
STOPS_WITHIN_S: Final = 8
"""What is being answered after a signal may take so long; streams end at once."""


class _Server(Server):
    """Says where it serves; ends the streams before it waits for requests: they never end."""

    def __init__(self, config: uvicorn.Config, dispatcher: Dispatcher, worker: Worker) -> None:
        super().__init__(config)
        self._dispatcher = dispatcher
        self._worker = worker

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for each in sockets or ():
            host, port = each.getsockname()[:2]
            typer.echo(f"serving on http://{host}:{port}", err=True)

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._dispatcher.stop()
        self._worker.stop()
        await super().shutdown(sockets)


async def run(settings: Settings) -> None:
    """Returns after SIGTERM or SIGINT; raises what `doorstep.cli` turns into exit codes."""
    faults.arm(os.environ)
    listener = listen("http.port", settings.http.host, settings.http.port)
    pool = Pool(settings.database_url)
    figures = settings.duty.figures()
    desk, duty = Desk(pool, figures), DutyDesk(pool, figures)
    pool.open()
    try:
        await _wait_for(desk)
        await asyncio.to_thread(feeds.keep_own_feeds, pool, settings)
        sender = feeds.webhook_sender(settings)
        own = feeds.own(settings, pool)
        aviary = Aviary(settings, pool, own)
        senders = {"webhook": sender, **own.senders()}
        worker = feeds.worker(settings, senders, aviary.handed)
        dispatcher = Dispatcher(
            lambda: AlertFeed(settings.database_url), PASSING, worker.news, aviary.streamed
        )
        now, factor = settings.make_clock().now, settings.clock_factor
        late_us = int(OVERDUE_US * max(1.0, factor))
        ports = Ports(
            desk=desk,
            access=AccessDesk(pool, settings.http.session_limits()),
            audit=AuditDesk(pool),
            truth=TruthDesk(pool),
            location=LocationDesk(pool),
            dispatcher=dispatcher,
            now=now,
            real_now=SystemClock().now,
            clock_factor=factor,
            console=Path(str(files("console") / "static")),
            unavailable=PASSING,
            webhooks=Webhooks(WebhookDesk(pool), sender, new_secret),
            notifier=own.notify,
            deliveries=lambda: worker.answers,
            deadlines_overdue=lambda: duty.overdue_since(now() - late_us),
            canary_ages=aviary.ages,
        )
        server = _server(ports, worker)
        with watched():
            endless = (
                dispatcher.run(),
                keep(lambda: duty.fire(now()), PASSING),
                feeds.watch_signals(ports),
                feeds.digests(settings, pool, own.notify).keep(lambda: worker.leading),
                *own.running(),
                *aviary.running(worker),
            )
            await _serve_until_stopped(server, worker, endless, listener)
    finally:
        listener.close()
        await asyncio.to_thread(pool.close)


def _server(ports: Ports, worker: Worker) -> _Server:
    config = uvicorn.Config(
        create_app(ports, version("doorstep")),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=STOPS_WITHIN_S,
        timeout_keep_alive=30,
    )
    return _Server(config, ports.dispatcher, worker)


async def _serve_until_stopped(
    server: _Server,
    worker: Worker,
    endless: Sequence[Coroutine[None, None, None]],
    listener: socket.socket,
) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(each) for each in endless]
            for task in (*running, tasks.create_task(worker.run())):
                task.add_done_callback(lambda _: stop())
            await server.serve([listener])
            worker.stop()
            for task in running:
                task.cancel()
    except BaseExceptionGroup as group:
        raise root_cause(group) from group
    log.info("stopped")


async def _wait_for(desk: Desk) -> None:
    clock = asyncio.get_running_loop().time
    deadline = clock() + START_PATIENCE_S
    while True:
        try:
            await asyncio.to_thread(desk.check)
        except StoreUnreachable:
            if clock() > deadline:
                raise
            await asyncio.sleep(0.3)
        else:
            return
