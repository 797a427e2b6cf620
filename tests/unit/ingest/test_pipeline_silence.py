"""A timestamp ahead of us mutes nothing: silence goes by what was received, and when."""

import json

import pytest

from domain.instant import MINUTE_US, SECOND_US, format_rfc3339
from ingest.events import (
    Commit,
    CommitFailed,
    Committed,
    Received,
    Retried,
    SourceLost,
    SourceUp,
    Ticked,
    Woke,
)
from ingest.pipeline import Pipeline
from ingest.sources.port import Envelope
from rules.finding import Change, Rule
from tests.unit.ingest.transcripts import NOW, TOPIC, done, new_pipeline

QUIET_S = 15 * 60
"""Of a device that sends each minute (contract section 5)."""


def _stored(pipeline: Pipeline, event: Received | Woke | Ticked, now: int) -> list[Rule]:
    """Which rules began to hold, with everything stored at once."""
    began = []
    for effect in pipeline.handle(event, now):
        if isinstance(effect, Commit):
            committed: Committed = done(effect.work)
            changes = committed.result.evaluation.changes
            began += [c.finding.key.rule for c in changes if c.change is Change.BEGAN]
            pipeline.handle(committed, now)
    return began


def _silent_after_s(*said: tuple[int, int]) -> int:
    """When a wearer is silent who says things (second, measured so many minutes ahead)."""
    pipeline = new_pipeline()
    pipeline.handle(SourceUp(1, session_present=True), NOW)
    for second in range(3_600):
        now = NOW + second * SECOND_US
        for ahead in [minutes for at, minutes in said if at == second]:
            at = format_rfc3339(now + ahead * MINUTE_US)
            payload = json.dumps({"measured_at": at, "temperature_c": 33.0}).encode()
            _stored(pipeline, Received([Envelope(None, TOPIC, payload, now)]), now)
            _stored(pipeline, Woke(), now)
        if Rule.SILENT in _stored(pipeline, Ticked(), now):
            return second
    raise AssertionError("never silent")


def test_a_reading_from_the_near_future_is_heard_when_it_comes() -> None:
    plain = _silent_after_s((10, 0))
    assert plain == pytest.approx(10 + QUIET_S, abs=5)
    assert _silent_after_s((10, 4)) == plain


def test_a_rejected_reading_from_the_future_is_no_sign_of_life() -> None:
    plain = _silent_after_s((10, 0))
    assert _silent_after_s((10, 0), (600, 10)) == plain
    assert _silent_after_s((10, 0), (600, 0)) > plain


def _sent(count: int, now: int, *, good: bool = True) -> Received:
    """So many messages, as a backlog is handed over: all at once."""
    said = [
        {"measured_at": format_rfc3339(now - n * MINUTE_US), "temperature_c": 33.0}
        for n in range(count)
    ]
    payloads = [json.dumps(each).encode() if good else b"{" for each in said]
    return Received([Envelope(None, TOPIC, each, now) for each in payloads])


def test_our_own_outage_is_neither_silence_nor_a_fault_of_the_device() -> None:
    pipeline, began = new_pipeline(), []
    pipeline.handle(SourceUp(1, session_present=True), NOW)
    began += _stored(pipeline, _sent(30, NOW), NOW) + _stored(pipeline, Woke(), NOW)
    pipeline.handle(SourceLost(1, "gone"), NOW)
    for minute in range(1, 120):
        began += _stored(pipeline, Ticked(), NOW + minute * MINUTE_US)
    back = NOW + 120 * MINUTE_US
    pipeline.handle(SourceUp(2, session_present=True), back)
    # The hours' readings come, and as the broker is not sure of them, once more.
    for _ in range(2):
        began += _stored(pipeline, _sent(120, back), back) + _stored(pipeline, Woke(), back)
    for second in range(1, 60):
        began += _stored(pipeline, Ticked(), back + second * SECOND_US)
    assert began == []


def test_a_message_counts_once_however_often_it_could_not_be_stored() -> None:
    pipeline = new_pipeline()
    pipeline.handle(SourceUp(1, session_present=True), NOW)
    _stored(pipeline, _sent(20, NOW), NOW)
    _stored(pipeline, Woke(), NOW)
    pipeline.handle(_sent(9, NOW, good=False), NOW)
    (work,) = [each.work for each in pipeline.handle(Woke(), NOW) if isinstance(each, Commit)]
    for _ in range(5):
        pipeline.handle(CommitFailed("no room"), NOW)
        pipeline.handle(Retried(), NOW)
    assert done(work).result.evaluation.changes == []
    pipeline.handle(done(work), NOW)
    began = _stored(pipeline, _sent(1, NOW, good=False), NOW) + _stored(pipeline, Woke(), NOW)
    assert began == [Rule.DEVICE_FAULT]
