"""A small pipeline of one wearer, and short words for what goes in and comes out of it."""

import json

from domain.instant import DAY_US, SECOND_US, format_rfc3339, parse_rfc3339
from domain.people import Assignment, Device, Episode, Roster
from domain.reading import Site
from ingest.events import (
    Commit,
    Committed,
    Effect,
    Received,
    Ticked,
)
from ingest.gathering import Limits
from ingest.pipeline import Pipeline
from ingest.sources.port import Envelope
from ingest.work import Beginning, Result, Work
from rules.rulebook import DEFAULT
from rules.state import fresh
from rules.wearers import Wearers

NOW = parse_rfc3339("2026-02-03T04:05:06Z")
TOPIC = "doorstep/v1/devices/w-1/readings"


def one_wearer() -> Roster:
    episode = Episode(
        no=1,
        id="e-1",
        starts_at=NOW - DAY_US,
        ends_at=NOW + DAY_US,
        home=None,
        birth_year=None,
    )
    return Roster(
        version=1,
        devices={"w-1": Device(1, "w-1", "band-a", Site.WRIST, 60, spot=False)},
        episodes={1: episode},
        assignments={1: (Assignment(1, 1, NOW - DAY_US, None),)},
    )


def new_pipeline(
    *,
    readings: int = 100,
    window: int = 50,
    late_left: bool = False,
    device_burst: int = 100_000,
    rejections_per_minute: int = 6_000,
    heard_before: bool = False,
) -> Pipeline:
    wearers = Wearers.of(one_wearer(), DEFAULT)
    beginning = Beginning(
        rulebook=DEFAULT,
        roster=one_wearer(),
        wearers=wearers,
        state=fresh(len(wearers.slots)),
        receive_clock_us=0,
        late_left=late_left,
        heard_before=heard_before,
    )
    limits = Limits(
        readings=readings,
        window=window,
        device_burst=device_burst,
        device_per_s=1,
        rejections_per_minute=rejections_per_minute,
    )
    return Pipeline(limits, beginning)


def envelope_of(packet: int, generation: int = 1) -> Envelope:
    body = {"measured_at": format_rfc3339(NOW - 60 * SECOND_US + packet), "temperature_c": 33.0}
    return Envelope((generation, packet), TOPIC, json.dumps(body).encode(), NOW)


def received(*packets: int, generation: int = 1) -> Received:
    return Received([envelope_of(packet, generation) for packet in packets])


def done(work: Work, *, late_left: bool = False) -> Committed:
    return Committed(
        Result(
            batch=1, evaluation=work.judge(work.rows), stored=len(work.rows), late_left=late_left
        )
    )


def work_of(effects: list[Effect]) -> Work:
    [commit] = [effect for effect in effects if isinstance(effect, Commit)]
    return commit.work


def kinds(effects: list[Effect]) -> list[str]:
    return [type(effect).__name__ for effect in effects]


def tick_stored(pipeline: Pipeline, now: int) -> None:
    """A tick whose work, if there is any, is stored at once."""
    for effect in pipeline.handle(Ticked(), now):
        assert isinstance(effect, Commit)
        pipeline.handle(done(effect.work), now)
