"""A file of readings on a virtual clock."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from doorstep.replaying import Played, play
from rules.finding import Rule
from rules.rulebook import DEFAULT, load
from store.roster_people import cast
from tests.unit.store.test_roster_people import document

BEGUN = datetime(2026, 2, 3, tzinfo=UTC)
CAST = cast(
    document(devices=[{"id": "w-1", "site": "axillary"}, {"id": "w-2"}], people=[{"id": "p"}])
)


def line(minute: float, device: str = "w-1", **quantities: Any) -> bytes:
    at = (BEGUN + timedelta(minutes=minute)).isoformat()
    return json.dumps({"device": device, "measured_at": at, **quantities}).encode()


def hot(minutes: range, celsius: float = 38.4) -> list[bytes]:
    return [line(minute, temperature_c=celsius) for minute in minutes]


def rules(played: Played) -> list[Rule]:
    return [alert.rule for alert in played.alerts]


def test_a_fever_in_a_file() -> None:
    played = play([line(0, temperature_c=36.5), *hot(range(5, 25))], CAST, DEFAULT)
    (alert,) = played.alerts
    assert (alert.rule, alert.device, alert.late) == (Rule.FEVER, "w-1", False)
    assert alert.raised_at - alert.onset_at <= 11 * 60_000_000
    assert (played.lines, played.readings, played.rejected) == (21, 21, [])


def test_the_rulebook_that_is_given_counts() -> None:
    strict = load({"version": "strict", "fever": {"threshold_c": {"axillary": 38.5}}})
    without = cast(
        document(
            devices=[{"id": "w-1", "site": "axillary"}],
            episodes=[document()["episodes"][0] | {"thresholds": {}}],
        )
    )
    assert rules(play(hot(range(25)), without, DEFAULT)) == [Rule.FEVER]
    assert rules(play(hot(range(25)), without, strict)) == []


def test_the_order_of_lines_changes_no_finding_of_event_time() -> None:
    lines = hot(range(30))
    mixed = lines.copy()
    random.Random(3).shuffle(mixed)
    one, other = (
        [alert for alert in play(each, CAST, DEFAULT).alerts if alert.rule is Rule.FEVER]
        for each in (lines, mixed)
    )
    assert [(a.onset_at, a.last_at) for a in one] == [(a.onset_at, a.last_at) for a in other]


def test_silence_between_lines_is_found_and_after_the_last_is_none() -> None:
    played = play([line(0, pulse_bpm=70), line(60, pulse_bpm=71)], CAST, DEFAULT)
    assert rules(played) == [Rule.SILENT]


def test_received_at_is_when_it_came() -> None:
    lines = [line(0, pulse_bpm=70)]
    lines += [
        line(m, pulse_bpm=70 + m, received_at=(BEGUN + timedelta(minutes=40)).isoformat())
        for m in range(1, 40)
    ]
    assert rules(play(lines, CAST, DEFAULT)) == [Rule.SILENT]


def test_readings_of_any_age_are_judged() -> None:
    late = (BEGUN + timedelta(days=11)).isoformat()
    old = [line(m, temperature_c=38.4, received_at=late) for m in range(20)]
    assert Rule.FEVER in rules(play(old, CAST, DEFAULT))
    ancient = (BEGUN + timedelta(days=300)).isoformat()
    played = play([line(0, temperature_c=38.4, received_at=ancient)], CAST, DEFAULT)
    assert (played.readings, played.rejected) == (1, [])


def test_what_is_not_accepted_says_why_and_where() -> None:
    lines = [
        b"nonsense",
        b"[]",
        b'{"device": "w-1"}',
        line(0, pulse_bpm=70, received_at="yesterday"),
        b'{"device": "w-1", "measured_at": 1000000000000000000000000000000, "pulse_bpm": 70}',
        b'{"device": "w-1", "measured_at": "9999-01-01T00:00:00Z", "pulse_bpm": 70}',
        line(1, "w-9", pulse_bpm=70),
        line(2, pulse_bpm=70, spo2_pct=7),
        b"",
    ]
    played = play(lines, CAST, DEFAULT)
    assert [number for number, _ in played.rejected] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert "unknown_device" in played.rejected[6][1]
    assert "out_of_range at /spo2_pct" in played.rejected[7][1]
    assert (played.lines, played.readings) == (8, 1)


def test_a_gap_of_years_takes_no_longer_than_a_week() -> None:
    far = (BEGUN + timedelta(days=20_000)).isoformat()
    played = play([line(0, pulse_bpm=70), line(1, pulse_bpm=70, received_at=far)], CAST, DEFAULT)
    assert Rule.SILENT in rules(played)
