"""Transcripts: these events in, those effects out. Nothing is confirmed unstored."""

import json

import numpy as np
import pytest

from domain.instant import DAY_US, SECOND_US, format_rfc3339, parse_rfc3339
from domain.people import Assignment, Device, Episode, Roster
from domain.reading import Site
from ingest.events import (
    Ack,
    Commit,
    CommitFailed,
    Committed,
    Draining,
    Effect,
    Pause,
    Received,
    Resume,
    Retried,
    RetryIn,
    SourceLost,
    SourceUp,
    Stopped,
    Ticked,
    WakeIn,
    Warn,
    Woke,
)
from ingest.gathering import Limits
from ingest.pipeline import HEARTBEAT_US, Pipeline
from ingest.sources.port import Envelope
from ingest.work import Beginning, Kind, Result, Work
from rules.rulebook import DEFAULT
from rules.state import fresh
from rules.wearers import Wearers

NOW = parse_rfc3339("2026-02-03T04:05:06Z")
TOPIC = "doorstep/v1/devices/w-1/readings"


def _roster() -> Roster:
    episode = Episode(
        no=1,
        id="e-1",
        person="p-1",
        grid="g",
        community="c",
        building="1",
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


def _pipeline(*, readings: int = 100, window: int = 50, late_left: bool = False) -> Pipeline:
    wearers = Wearers.of(_roster(), DEFAULT)
    beginning = Beginning(
        rulebook=DEFAULT,
        roster=_roster(),
        wearers=wearers,
        state=fresh(len(wearers.slots)),
        receive_clock_us=0,
        late_left=late_left,
    )
    return Pipeline(Limits(readings=readings, window=window), beginning)


def _envelope(packet: int, generation: int = 1) -> Envelope:
    body = {"measured_at": format_rfc3339(NOW - 60 * SECOND_US + packet), "temperature_c": 33.0}
    return Envelope((generation, packet), TOPIC, json.dumps(body).encode(), NOW)


def _received(*packets: int, generation: int = 1) -> Received:
    return Received([_envelope(packet, generation) for packet in packets])


def _done(work: Work, *, late_left: bool = False) -> Committed:
    return Committed(
        Result(
            batch=1, evaluation=work.judge(work.rows), stored=len(work.rows), late_left=late_left
        )
    )


def _work(effects: list[Effect]) -> Work:
    [commit] = [effect for effect in effects if isinstance(effect, Commit)]
    return commit.work


def _kinds(effects: list[Effect]) -> list[str]:
    return [type(effect).__name__ for effect in effects]


def test_a_message_is_confirmed_only_after_its_commit() -> None:
    pipeline = _pipeline()
    assert pipeline.handle(SourceUp(1, session_present=False), NOW) == []
    assert pipeline.handle(_received(1, 2), NOW) == [WakeIn(50)]
    effects = pipeline.handle(Woke(), NOW)
    assert _kinds(effects) == ["Commit"]
    work = _work(effects)
    assert (work.kind, len(work.rows), len(work.messages)) == (Kind.BATCH, 2, 2)
    assert pipeline.handle(_done(work), NOW) == [Ack(((1, 1), (1, 2)))]


def test_one_commit_at_a_time_and_the_next_batch_fills_meanwhile() -> None:
    pipeline = _pipeline()
    pipeline.handle(_received(1), NOW)
    work = _work(pipeline.handle(Woke(), NOW))
    assert pipeline.handle(_received(2), NOW) == [WakeIn(50)]
    assert pipeline.handle(Woke(), NOW) == []
    effects = pipeline.handle(_done(work), NOW)
    assert _kinds(effects) == ["Ack", "Commit"]
    assert effects[0] == Ack(((1, 1),))
    assert len(_work(effects).messages) == 1


def test_a_failed_commit_is_the_same_work_again_and_confirms_nothing() -> None:
    pipeline = _pipeline()
    pipeline.handle(_received(1), NOW)
    work = _work(pipeline.handle(Woke(), NOW))
    for attempt in range(3):
        assert pipeline.handle(CommitFailed("gone"), NOW) == [RetryIn(attempt, "gone")]
        assert pipeline.failing
        assert _work(pipeline.handle(Retried(), NOW)) is work
    assert pipeline.handle(_done(work), NOW) == [Ack(((1, 1),))]
    assert not pipeline.failing


def test_a_full_batch_does_not_wait() -> None:
    pipeline = _pipeline(readings=3)
    assert _kinds(pipeline.handle(_received(1, 2, 3), NOW)) == ["Commit"]


def test_a_full_batch_behind_a_commit_pauses_the_source() -> None:
    pipeline = _pipeline(readings=2)
    work = _work(pipeline.handle(_received(1, 2), NOW))
    assert Pause() in pipeline.handle(_received(3, 4), NOW)
    effects = pipeline.handle(_done(work), NOW)
    assert _kinds(effects) == ["Ack", "Commit", "Resume"]
    assert isinstance(effects[-1], Resume)


def test_qos_0_is_stored_and_never_confirmed() -> None:
    pipeline = _pipeline()
    envelope = Envelope(None, TOPIC, _envelope(1).payload, NOW)
    pipeline.handle(Received([envelope]), NOW)
    work = _work(pipeline.handle(Woke(), NOW))
    assert pipeline.handle(_done(work), NOW) == []


def test_poison_goes_with_the_good_and_is_confirmed_with_it() -> None:
    pipeline = _pipeline()
    poison = Envelope((1, 9), TOPIC, b"{", NOW)
    pipeline.handle(Received([poison, _envelope(1)]), NOW)
    work = _work(pipeline.handle(Woke(), NOW))
    assert [message.payload for message in work.rejected] == [b"{"]
    assert len(work.rows) == 1
    assert pipeline.handle(_done(work), NOW) == [Ack(((1, 9), (1, 1)))]


def test_draining_finishes_what_was_accepted() -> None:
    pipeline = _pipeline()
    pipeline.handle(_received(1), NOW)
    effects = pipeline.handle(Draining(), NOW)
    work = _work(effects)
    assert pipeline.handle(_done(work), NOW) == [Ack(((1, 1),)), Stopped()]


def test_a_stop_waits_for_no_database_that_is_away() -> None:
    """Nothing was confirmed, so everything comes again to the next process."""
    pipeline = _pipeline()
    pipeline.handle(_received(1), NOW)
    pipeline.handle(Woke(), NOW)
    assert pipeline.handle(Draining(), NOW) == []
    assert pipeline.handle(CommitFailed("gone"), NOW) == [RetryIn(0, "gone"), Stopped()]
    assert pipeline.handle(Retried(), NOW) == [Stopped()]


def test_a_stop_while_a_commit_is_failing_is_at_once() -> None:
    pipeline = _pipeline()
    pipeline.handle(_received(1), NOW)
    pipeline.handle(Woke(), NOW)
    pipeline.handle(CommitFailed("gone"), NOW)
    assert pipeline.handle(Draining(), NOW) == [Stopped()]


def test_a_lost_session_is_a_possible_gap() -> None:
    pipeline = _pipeline()
    assert pipeline.handle(SourceUp(1, session_present=False), NOW) == []
    assert pipeline.handle(SourceLost(1, "cut"), NOW) == []
    assert not pipeline.connected
    [warning] = pipeline.handle(SourceUp(2, session_present=False), NOW)
    assert isinstance(warning, Warn)
    assert warning.signal == "session_lost"
    assert pipeline.handle(SourceUp(3, session_present=True), NOW) == []


def test_late_work_waits_for_no_quiet_moment() -> None:
    pipeline = _pipeline(late_left=True)
    pipeline.handle(_received(1), NOW)
    first = _work(pipeline.handle(Woke(), NOW))
    assert first.kind is Kind.BATCH
    pipeline.handle(_received(2), NOW)
    pipeline.handle(Woke(), NOW)
    pipeline.handle(Ticked(), NOW)
    late = _work(pipeline.handle(_done(first, late_left=True), NOW))
    assert late.kind is Kind.LATE
    then = _work(pipeline.handle(_done(late, late_left=True), NOW))
    assert then.kind is Kind.BATCH


def _tick(pipeline: Pipeline, now: int) -> None:
    """A tick whose work, if there is any, is stored at once."""
    for effect in pipeline.handle(Ticked(), now):
        assert isinstance(effect, Commit)
        pipeline.handle(_done(effect.work), now)


def _heard_s(pipeline: Pipeline) -> float:
    return pipeline.receive_clock_us / SECOND_US


def test_the_receive_clock_runs_while_we_hear() -> None:
    pipeline = _pipeline()
    pipeline.handle(SourceUp(1, session_present=True), NOW)
    for second in range(11):
        _tick(pipeline, NOW + second * SECOND_US)
    assert _heard_s(pipeline) == pytest.approx(9, abs=1)


@pytest.mark.parametrize("trouble", ["away", "failing", "hung", "backlog"])
def test_the_receive_clock_stands_still_while_we_are_deaf(trouble: str) -> None:
    pipeline = _pipeline(window=5)
    pipeline.handle(SourceUp(1, session_present=True), NOW)
    for second in range(3):
        _tick(pipeline, NOW + second * SECOND_US)
    if trouble == "away":
        pipeline.handle(SourceLost(1, "cut"), NOW)
    elif trouble == "backlog":
        pipeline.handle(_received(1, 2, 3, 4, 5), NOW)
    else:
        pipeline.handle(_received(1), NOW)
        pipeline.handle(Woke(), NOW)
        if trouble == "failing":
            pipeline.handle(CommitFailed("gone"), NOW)
    before = _heard_s(pipeline)
    for second in range(3, 63):
        pipeline.handle(Ticked(), NOW + second * SECOND_US)
    assert _heard_s(pipeline) - before <= 2


def test_a_quiet_night_still_writes_the_clock_down() -> None:
    pipeline = _pipeline()
    pipeline.handle(SourceUp(1, session_present=True), NOW)
    beats = 0
    for second in range(61):
        for effect in pipeline.handle(Ticked(), NOW + second * SECOND_US):
            assert isinstance(effect, Commit)
            beats += 1
            pipeline.handle(_done(effect.work), NOW)
    assert beats == 60 * SECOND_US // HEARTBEAT_US + 1


def test_rows_come_in_order_with_their_messages() -> None:
    pipeline = _pipeline()
    pipeline.handle(_received(3, 1, 2), NOW)
    work = _work(pipeline.handle(Woke(), NOW))
    assert np.all(np.diff(work.rows["measured_at"]) > 0)
    assert [work.messages[origin].token for origin in work.origins] == [(1, 1), (1, 2), (1, 3)]
