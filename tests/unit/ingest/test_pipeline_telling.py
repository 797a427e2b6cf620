"""Transcripts of what devices are told and what is noticed: only what is committed, and once."""

import json
from dataclasses import replace

from domain.instant import DAY_US, SECOND_US, format_rfc3339
from domain.people import Assignment, Roster
from ingest.directory import Directory
from ingest.events import (
    Ack,
    Commit,
    CommitFailed,
    Draining,
    Effect,
    Publish,
    Received,
    Retried,
    RosterChanged,
    SourceLost,
    SourceUp,
    Ticked,
    Warn,
    Woke,
)
from ingest.pipeline import Pipeline
from ingest.sources.port import Envelope
from ingest.work import Kind, Work
from rules.rulebook import DEFAULT
from rules.wearers import Wearers
from tests.unit.ingest.transcripts import (
    NOW,
    TOPIC,
    done,
    kinds,
    new_pipeline,
    one_wearer,
    tick_stored,
    work_of,
)

RECEIPT = "doorstep/v1/devices/w-1/receipt"
ERRORS = "doorstep/v1/devices/w-1/errors"


def _reading(packet: int, **fields: object) -> Envelope:
    at = format_rfc3339(NOW - 60 * SECOND_US + packet)
    body = {"measured_at": at, "temperature_c": 33.0, **fields}
    return Envelope((1, packet), TOPIC, json.dumps(body).encode(), NOW)


def _up(pipeline: Pipeline) -> Pipeline:
    """Connected, and with the first tick over."""
    pipeline.handle(SourceUp(1, session_present=True), NOW)
    tick_stored(pipeline, NOW)
    return pipeline


def _closed(pipeline: Pipeline, *envelopes: Envelope) -> Work:
    """The work that these become."""
    pipeline.handle(Received(envelopes), NOW)
    return work_of(pipeline.handle(Woke(), NOW))


def _published(effects: list[Effect], topic: str) -> list[dict[str, object]]:
    """What the device hears."""
    notices = [n for effect in effects if isinstance(effect, Publish) for n in effect.notices]
    assert {notice.topic for notice in notices} <= {topic}
    return [json.loads(notice.payload) for notice in notices]


def _signals(work: Work) -> list[tuple[str, int, int | None]]:
    return [(change.kind, change.at, change.until_at) for change in work.signals]


def _next_tick(pipeline: Pipeline, second: int) -> Work | None:
    """The work of a tick so many seconds on, stored, if there is any."""
    effects = pipeline.handle(Ticked(), NOW + second * SECOND_US)
    works = [effect.work for effect in effects if isinstance(effect, Commit)]
    for work in works:
        pipeline.handle(done(work), NOW + second * SECOND_US)
    return works[0] if works else None


def test_a_receipt_comes_only_after_the_commit() -> None:
    pipeline = _up(new_pipeline())
    work = _closed(pipeline, _reading(1, seq=1, boot="a"), _reading(2, seq=3, boot="a"))
    assert _published(pipeline.handle(Ticked(), NOW + SECOND_US), RECEIPT) == []
    pipeline.handle(CommitFailed("gone"), NOW)
    assert _published(pipeline.handle(Ticked(), NOW + 2 * SECOND_US), RECEIPT) == []
    pipeline.handle(Retried(), NOW)
    pipeline.handle(done(work), NOW)
    [receipt] = _published(pipeline.handle(Ticked(), NOW + 3 * SECOND_US), RECEIPT)
    at = format_rfc3339(NOW + 3 * SECOND_US)
    assert receipt == {"boot": "a", "seq": 3, "missing": [[2, 2]], "at": at}


def test_a_receipt_waits_for_a_session() -> None:
    pipeline = _up(new_pipeline())
    pipeline.handle(done(_closed(pipeline, _reading(1, seq=1))), NOW)
    pipeline.handle(SourceLost(1, "cut"), NOW)
    assert _published(pipeline.handle(Ticked(), NOW + SECOND_US), RECEIPT) == []
    pipeline.handle(SourceUp(2, session_present=True), NOW)
    receipts = _published(pipeline.handle(Ticked(), NOW + 2 * SECOND_US), RECEIPT)
    assert [receipt["seq"] for receipt in receipts] == [1]


def test_who_is_stopping_begins_to_tell_nobody() -> None:
    pipeline = _up(new_pipeline())
    pipeline.handle(done(_closed(pipeline, _reading(1, seq=1))), NOW)
    pipeline.handle(Draining(), NOW)
    assert _published(pipeline.handle(Ticked(), NOW + SECOND_US), RECEIPT) == []


def test_what_was_wrong_is_told_after_the_commit_and_only_while_connected() -> None:
    pipeline = _up(new_pipeline())
    bad = _reading(1, seq=4, boot="a", temperature_c="hot")
    work = _closed(pipeline, bad)
    assert _published(pipeline.handle(CommitFailed("gone"), NOW), ERRORS) == []
    [error] = _published(pipeline.handle(done(work), NOW), ERRORS)
    assert (error["boot"], error["seq"], error["reason"]) == ("a", 4, "schema")
    assert error["pointer"] == "/temperature_c"
    work = _closed(pipeline, bad)
    pipeline.handle(SourceLost(1, "cut"), NOW)
    assert kinds(pipeline.handle(done(work), NOW)) == ["Ack"]


def test_what_comes_too_fast_is_kept_confirmed_and_not_counted_as_committed() -> None:
    pipeline = _up(new_pipeline(device_burst=2))
    envelopes = [_reading(n, seq=n) for n in range(1, 5)]
    work = _closed(pipeline, *envelopes)
    assert [message.payload for message in work.rejected] == [e.payload for e in envelopes[2:]]
    assert {r.reason for m in work.rejected for r in m.rejections} == {"rate_limited"}
    assert work.rows["seq"].tolist() == [1, 2]
    effects = pipeline.handle(done(work), NOW)
    assert effects[0] == Ack(tuple((1, n) for n in range(1, 5)))
    assert [error["reason"] for error in _published(effects, ERRORS)] == ["rate_limited"] * 2
    receipts = _published(pipeline.handle(Ticked(), NOW + SECOND_US), RECEIPT)
    assert [(receipt["seq"], receipt["missing"]) for receipt in receipts] == [(2, [])]


def test_a_lost_session_is_a_signal_of_the_next_step() -> None:
    pipeline = _up(new_pipeline())
    pipeline.handle(SourceLost(1, "cut"), NOW)
    pipeline.handle(SourceUp(2, session_present=False), NOW)
    work = _closed(pipeline, _reading(1))
    assert _signals(work) == [("session_lost", NOW, NOW + DAY_US)]
    pipeline.handle(CommitFailed("gone"), NOW)
    assert work_of(pipeline.handle(Retried(), NOW)) is work
    pipeline.handle(done(work), NOW)
    assert _next_tick(pipeline, 1) is None


def test_a_session_that_was_lost_while_no_process_ran_is_a_possible_gap_too() -> None:
    for heard_before, session_present, lost in (
        (True, False, ["session_lost"]),
        (True, True, []),
        (False, False, []),  # the first process there ever was
    ):
        pipeline = new_pipeline(heard_before=heard_before)
        effects = pipeline.handle(SourceUp(1, session_present=session_present), NOW)
        assert [effect.signal for effect in effects if isinstance(effect, Warn)] == lost
        work = _closed(pipeline, _reading(1))
        assert [change.kind for change in work.signals] == lost


def test_blind_is_a_signal_after_ten_seconds_and_over_when_the_broker_is_back() -> None:
    """Neither waits for the heartbeat."""
    pipeline = _up(new_pipeline())
    _next_tick(pipeline, 5)
    pipeline.handle(SourceLost(1, "cut"), NOW + 5 * SECOND_US)
    signals = {second: _next_tick(pipeline, second) for second in range(6, 18)}
    told = [(at, _signals(work)) for at, work in signals.items() if work and work.signals]
    assert told == [(16, [("blind", NOW + 6 * SECOND_US, None)])]
    pipeline.handle(SourceUp(2, session_present=True), NOW + 18 * SECOND_US)
    back = _next_tick(pipeline, 18)
    assert back is not None
    assert _signals(back) == [("blind", NOW + 18 * SECOND_US, NOW + 18 * SECOND_US)]


def test_a_flood_of_rejections_turns_the_pipeline_and_the_signal() -> None:
    pipeline = _up(new_pipeline(rejections_per_minute=3))
    poison = [Envelope((1, n), TOPIC, b"{", NOW) for n in range(1, 5)]
    pipeline.handle(done(_closed(pipeline, *poison[:3])), NOW)
    _next_tick(pipeline, 1)
    assert not pipeline.flooded
    pipeline.handle(done(_closed(pipeline, poison[3])), NOW)
    began = _next_tick(pipeline, 2)
    assert began is not None
    assert pipeline.flooded
    assert _signals(began) == [("rejections", NOW + 2 * SECOND_US, None)]
    over = _next_tick(pipeline, 62)
    assert over is not None
    assert not pipeline.flooded
    assert _signals(over) == [("rejections", NOW + 62 * SECOND_US, NOW + 62 * SECOND_US)]


def test_what_is_judged_again_is_no_flood() -> None:
    pipeline = _up(new_pipeline(rejections_per_minute=1))
    kept = [Envelope(None, TOPIC, b"{", NOW, resubmitted=True)] * 5
    pipeline.handle(done(_closed(pipeline, *kept)), NOW)
    _next_tick(pipeline, 1)
    assert not pipeline.flooded


def test_a_new_roster_starts_the_open_batch_over() -> None:
    """All of a batch is judged by the roster its work names."""
    pipeline = _up(new_pipeline(readings=600, window=2_000))
    many = [_reading(n, seq=n) for n in range(1, 511)]
    pipeline.handle(Received(many), NOW)
    old = one_wearer()
    ended = Roster(2, old.devices, old.episodes, {1: (Assignment(1, 1, NOW - DAY_US, NOW - 1),)})
    moved = Roster(3, old.devices, old.episodes, {1: (Assignment(1, 1, NOW - SECOND_US, None),)})
    for roster in (ended, moved):
        wearers = Wearers.of(roster, DEFAULT, pipeline.wearers)
        pipeline.handle(RosterChanged(Directory.of(roster, wearers.slots), wearers), NOW)
    work = work_of(pipeline.handle(Woke(), NOW))
    assert work.roster_version == 3
    assert (len(work.messages), len(work.rows), len(work.rejected)) == (510, 0, 510)
    assert {r.reason for m in work.rejected for r in m.rejections} == {"not_assigned"}
    assert pipeline.counters.rejections == {"not_assigned": 510}


def test_kept_readings_wait_for_work_that_an_older_roster_made() -> None:
    """What it rejects is kept only when it is stored, and would not be found before."""
    pipeline = _up(new_pipeline())
    old = _closed(pipeline, _reading(1, seq=1))
    assert not pipeline.settling_older_roster
    newer = replace(one_wearer(), version=2)
    wearers = Wearers.of(newer, DEFAULT, pipeline.wearers)
    pipeline.handle(RosterChanged(Directory.of(newer, wearers.slots), wearers), NOW)
    pipeline.handle(CommitFailed("busy"), NOW)
    assert pipeline.settling_older_roster
    pipeline.handle(Retried(), NOW)
    pipeline.handle(done(old), NOW)
    assert not pipeline.settling_older_roster


def test_after_a_new_roster_whom_it_corrects_is_looked_for() -> None:
    """Also when a step begun under the old one, which did not ask, is stored meanwhile."""
    pipeline = _up(new_pipeline())
    tick_stored(pipeline, NOW)
    pipeline.handle(Received([_reading(1, seq=1)]), NOW)
    old = work_of(pipeline.handle(Woke(), NOW))
    newer = replace(one_wearer(), version=2)
    wearers = Wearers.of(newer, DEFAULT, pipeline.wearers)
    pipeline.handle(RosterChanged(Directory.of(newer, wearers.slots), wearers), NOW)
    pipeline.handle(done(old), NOW)
    late = work_of(pipeline.handle(Ticked(), NOW + SECOND_US))
    assert (late.kind, late.roster_version) == (Kind.LATE, 2)
    pipeline.handle(done(late), NOW + SECOND_US)
    assert "Commit" not in kinds(pipeline.handle(Ticked(), NOW + 2 * SECOND_US))
