"""Transcripts: these events in, those effects out. Nothing is confirmed unstored."""

import numpy as np
import pytest

from domain.instant import SECOND_US
from ingest.events import (
    Ack,
    Commit,
    CommitFailed,
    Draining,
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
from ingest.pipeline import HEARTBEAT_US, Pipeline
from ingest.sources.port import Envelope
from ingest.work import Kind
from tests.unit.ingest.transcripts import (
    NOW,
    TOPIC,
    done,
    envelope_of,
    kinds,
    new_pipeline,
    received,
    tick_stored,
    work_of,
)


def test_a_message_is_confirmed_only_after_its_commit() -> None:
    pipeline = new_pipeline()
    assert pipeline.handle(SourceUp(1, session_present=False), NOW) == []
    assert pipeline.handle(received(1, 2), NOW) == [WakeIn(50)]
    effects = pipeline.handle(Woke(), NOW)
    assert kinds(effects) == ["Commit"]
    work = work_of(effects)
    assert (work.kind, len(work.rows), len(work.messages)) == (Kind.BATCH, 2, 2)
    assert pipeline.handle(done(work), NOW) == [Ack(((1, 1), (1, 2)))]


def test_one_commit_at_a_time_and_the_next_batch_fills_meanwhile() -> None:
    pipeline = new_pipeline()
    pipeline.handle(received(1), NOW)
    work = work_of(pipeline.handle(Woke(), NOW))
    assert pipeline.handle(received(2), NOW) == [WakeIn(50)]
    assert pipeline.handle(Woke(), NOW) == []
    effects = pipeline.handle(done(work), NOW)
    assert kinds(effects) == ["Ack", "Commit"]
    assert effects[0] == Ack(((1, 1),))
    assert len(work_of(effects).messages) == 1


def test_a_failed_commit_is_the_same_work_again_and_confirms_nothing() -> None:
    pipeline = new_pipeline()
    pipeline.handle(received(1), NOW)
    work = work_of(pipeline.handle(Woke(), NOW))
    for attempt in range(3):
        assert pipeline.handle(CommitFailed("gone"), NOW) == [RetryIn(attempt, "gone")]
        assert pipeline.failing
        assert work_of(pipeline.handle(Retried(), NOW)) is work
    assert pipeline.handle(done(work), NOW) == [Ack(((1, 1),))]
    assert not pipeline.failing


def test_a_full_batch_does_not_wait() -> None:
    pipeline = new_pipeline(readings=3)
    assert kinds(pipeline.handle(received(1, 2, 3), NOW)) == ["Commit"]


def test_a_full_batch_behind_a_commit_pauses_the_source() -> None:
    pipeline = new_pipeline(readings=2)
    work = work_of(pipeline.handle(received(1, 2), NOW))
    assert Pause() in pipeline.handle(received(3, 4), NOW)
    effects = pipeline.handle(done(work), NOW)
    assert kinds(effects) == ["Ack", "Commit", "Resume"]
    assert isinstance(effects[-1], Resume)


def test_qos_0_is_stored_and_never_confirmed() -> None:
    pipeline = new_pipeline()
    envelope = Envelope(None, TOPIC, envelope_of(1).payload, NOW)
    pipeline.handle(Received([envelope]), NOW)
    work = work_of(pipeline.handle(Woke(), NOW))
    assert pipeline.handle(done(work), NOW) == []


def test_poison_goes_with_the_good_and_is_confirmed_with_it() -> None:
    pipeline = new_pipeline()
    poison = Envelope((1, 9), TOPIC, b"{", NOW)
    pipeline.handle(Received([poison, envelope_of(1)]), NOW)
    work = work_of(pipeline.handle(Woke(), NOW))
    assert [message.payload for message in work.rejected] == [b"{"]
    assert len(work.rows) == 1
    assert pipeline.handle(done(work), NOW) == [Ack(((1, 9), (1, 1)))]


def test_draining_finishes_what_was_accepted() -> None:
    pipeline = new_pipeline()
    pipeline.handle(received(1), NOW)
    effects = pipeline.handle(Draining(), NOW)
    work = work_of(effects)
    assert pipeline.handle(done(work), NOW) == [Ack(((1, 1),)), Stopped()]


def test_a_stop_waits_for_no_database_that_is_away() -> None:
    """Nothing was confirmed, so everything comes again to the next process."""
    pipeline = new_pipeline()
    pipeline.handle(received(1), NOW)
    pipeline.handle(Woke(), NOW)
    assert pipeline.handle(Draining(), NOW) == []
    assert pipeline.handle(CommitFailed("gone"), NOW) == [RetryIn(0, "gone"), Stopped()]
    assert pipeline.handle(Retried(), NOW) == [Stopped()]


def test_a_stop_while_a_commit_is_failing_is_at_once() -> None:
    pipeline = new_pipeline()
    pipeline.handle(received(1), NOW)
    pipeline.handle(Woke(), NOW)
    pipeline.handle(CommitFailed("gone"), NOW)
    assert pipeline.handle(Draining(), NOW) == [Stopped()]


def test_a_lost_session_is_a_possible_gap() -> None:
    pipeline = new_pipeline()
    assert pipeline.handle(SourceUp(1, session_present=False), NOW) == []
    assert pipeline.handle(SourceLost(1, "cut"), NOW) == []
    assert not pipeline.connected
    [warning] = pipeline.handle(SourceUp(2, session_present=False), NOW)
    assert isinstance(warning, Warn)
    assert warning.signal == "session_lost"
    assert pipeline.handle(SourceUp(3, session_present=True), NOW) == []


def test_late_work_waits_for_no_quiet_moment() -> None:
    pipeline = new_pipeline(late_left=True)
    pipeline.handle(received(1), NOW)
    first = work_of(pipeline.handle(Woke(), NOW))
    assert first.kind is Kind.BATCH
    pipeline.handle(received(2), NOW)
    pipeline.handle(Woke(), NOW)
    pipeline.handle(Ticked(), NOW)
    tick = work_of(pipeline.handle(done(first, late_left=True), NOW))
    assert tick.kind is Kind.TICK
    late = work_of(pipeline.handle(done(tick, late_left=True), NOW))
    assert late.kind is Kind.LATE
    then = work_of(pipeline.handle(done(late, late_left=True), NOW))
    assert then.kind is Kind.BATCH


def _heard_s(pipeline: Pipeline) -> float:
    return pipeline.receive_clock_us / SECOND_US


def test_the_receive_clock_runs_while_we_hear() -> None:
    pipeline = new_pipeline()
    pipeline.handle(SourceUp(1, session_present=True), NOW)
    for second in range(11):
        tick_stored(pipeline, NOW + second * SECOND_US)
    assert _heard_s(pipeline) == pytest.approx(9, abs=1)


@pytest.mark.parametrize("trouble", ["away", "failing", "hung", "backlog"])
def test_the_receive_clock_stands_still_while_we_are_deaf(trouble: str) -> None:
    pipeline = new_pipeline(window=5)
    pipeline.handle(SourceUp(1, session_present=True), NOW)
    for second in range(3):
        tick_stored(pipeline, NOW + second * SECOND_US)
    if trouble == "away":
        pipeline.handle(SourceLost(1, "cut"), NOW)
    elif trouble == "backlog":
        pipeline.handle(received(1, 2, 3, 4, 5), NOW)
    else:
        pipeline.handle(received(1), NOW)
        pipeline.handle(Woke(), NOW)
        if trouble == "failing":
            pipeline.handle(CommitFailed("gone"), NOW)
    before = _heard_s(pipeline)
    for second in range(3, 63):
        pipeline.handle(Ticked(), NOW + second * SECOND_US)
    assert _heard_s(pipeline) - before <= 2


def test_a_quiet_night_still_writes_the_clock_down() -> None:
    pipeline = new_pipeline()
    pipeline.handle(SourceUp(1, session_present=True), NOW)
    beats = 0
    for second in range(61):
        for effect in pipeline.handle(Ticked(), NOW + second * SECOND_US):
            assert isinstance(effect, Commit)
            beats += 1
            pipeline.handle(done(effect.work), NOW)
    assert beats == 60 * SECOND_US // HEARTBEAT_US + 1


def test_rows_come_in_order_with_their_messages() -> None:
    pipeline = new_pipeline()
    pipeline.handle(received(3, 1, 2), NOW)
    work = work_of(pipeline.handle(Woke(), NOW))
    assert np.all(np.diff(work.rows["measured_at"]) > 0)
    assert [work.messages[origin].token for origin in work.origins] == [(1, 1), (1, 2), (1, 3)]


def test_half_a_window_does_not_wait_for_its_age() -> None:
    """The broker sends the other half while this one is stored."""
    pipeline = new_pipeline(window=4)
    assert kinds(pipeline.handle(received(1), NOW)) == ["WakeIn"]
    assert kinds(pipeline.handle(received(2), NOW)) == ["Commit"]
