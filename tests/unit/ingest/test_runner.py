"""Whatever breaks inside the pipeline ends `run`, wherever it was called from: no deaf service."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import pytest

from ingest.events import Effect, Event, Received, SourceUp, Ticked, WakeIn, Woke
from ingest.runner import Ports, Runner
from ingest.sources.port import Connected, Deliver, Envelope, Notice, Report
from rules.rulebook import DEFAULT


class Bug(Exception):
    pass


@dataclass
class Hearing:
    deaf: bool = False
    heard_at: float | None = None


class Source:
    """Comes up, hands over one message, and stays."""

    hearing = Hearing()

    async def run(self, deliver: Deliver, report: Report) -> None:
        report(Connected(1, session_present=True))
        deliver([Envelope((1, 1), "t", b"x", 1)])
        await asyncio.Event().wait()

    def publish(self, notices: Sequence[Notice]) -> int:
        return len(notices)

    def pause(self) -> None:
        pass


class Breaking:
    """A pipeline that asks to be woken, and breaks on one kind of event."""

    roster_version = 1

    def __init__(self, breaks_on: type[object]) -> None:
        self._breaks_on = breaks_on

    def handle(self, event: Event, now: int) -> Sequence[Effect]:
        del now
        if isinstance(event, self._breaks_on):
            raise Bug
        return [WakeIn(1)] if isinstance(event, SourceUp) else []


@pytest.mark.parametrize("breaks_on", [SourceUp, Received, Woke, Ticked])
async def test_what_the_pipeline_raises_ends_the_run(breaks_on: type[object]) -> None:
    ports = Ports(
        source=cast("Any", Source()),
        ledger=cast("Any", None),
        rosters=cast("Any", None),
        now=lambda: 1,
        passing=(OSError,),
    )
    runner = Runner(cast("Any", Breaking(breaks_on)), DEFAULT, ports)
    with pytest.raises(ExceptionGroup) as caught:
        async with asyncio.timeout(10):
            await runner.run()
    assert caught.group_contains(Bug)
