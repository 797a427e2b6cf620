"""A timestamp ahead of us mutes nothing: silence goes by what was received, and when."""

import json

import pytest

from domain.instant import MINUTE_US, SECOND_US, format_rfc3339
from ingest.events import Commit, Committed, Received, SourceUp, Ticked, Woke
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
