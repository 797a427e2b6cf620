"""Bands that are broken: by their messages as they come, and by values that do not change."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.band_faults import MESSAGES
from rules.engine import evaluate
from rules.finding import Change, Finding, Rule, Severity
from rules.heard import Heard
from rules.rulebook import DEFAULT, DeviceFault
from tests.unit.rules.making import T0, Service, Worn, minutes, reading, rows_of


class Band(Service):
    """Hears messages, good (`.`) and bad (`x`), a minute apart."""

    minute = 0

    def hear(self, said: str, slot: int = 0, **quantities: Any) -> None:
        """All of them in one batch; a good one has a reading."""
        at = np.array([minutes(self.minute + n) for n in range(len(said))], dtype=np.int64)
        bad = np.array([each == "x" for each in said], dtype=np.bool_)
        readings = [
            reading(int(when), slot, near_home=0, **quantities)
            for when, spoilt in zip(at, bad, strict=True)
            if not spoilt
        ]
        heard = Heard(np.full(len(said), slot), bad, at, np.flatnonzero(~bad))
        self.minute += len(said)
        done = evaluate(
            *(self.state, rows_of(readings), self.wearers, DEFAULT, T0, self.clock_us), heard
        )
        self._take_over(done)

    @property
    def faults(self) -> list[Finding]:
        found = [f for f in self.book.standing.values() if f.key.rule is Rule.DEVICE_FAULT]
        return sorted(found, key=lambda each: each.onset_at)


def test_half_of_the_last_twenty_are_a_fault() -> None:
    band = Band(Worn())
    band.hear("." * 10 + "x" * 9)
    assert not band.faults
    band.hear("x")
    (fault,) = band.faults
    assert (fault.onset_at, fault.ended_at, fault.severity) == (
        minutes(19),
        None,
        Severity.ROUTINE,
    )
    assert (fault.value, fault.limit) == (50, 50)
    assert json.loads(fault.detail) == {"bad": 10, "cause": "rejected messages", "of": 20}


def test_before_there_are_twenty_nothing_is_said() -> None:
    band = Band(Worn())
    band.hear("x" * 19)
    assert not band.faults
    band.hear("x")
    assert len(band.faults) == 1


def test_twenty_good_ones_in_a_row_end_it() -> None:
    band = Band(Worn())
    band.hear("x" * 20)
    band.hear("." * 19)
    band.hear("x")
    band.hear("." * 19)
    assert band.faults[0].ended_at is None
    band.hear(".")
    assert band.faults[0].ended_at == minutes(59)


def test_further_bad_ones_are_seen_and_the_worst_is_kept() -> None:
    band = Band(Worn())
    band.hear("." * 10 + "x" * 10)
    band.hear("x" * 5)
    band.hear(".....")
    band.hear(".....x")
    (fault,) = band.faults
    assert (fault.value, fault.peak, fault.last_at) == (50, 75, minutes(35))


@given(st.text(alphabet=".x", max_size=90), st.lists(st.integers(0, 90), max_size=6))
def test_where_a_batch_ends_makes_no_difference(said: str, cuts: list[int]) -> None:
    whole, parts = Band(Worn()), Band(Worn())
    whole.hear(said)
    ends = [0, *sorted(min(cut, len(said)) for cut in cuts), len(said)]
    for begin, end in itertools.pairwise(ends):
        parts.hear(said[begin:end])
    assert parts.faults == whole.faults
    assert parts.state["messages"].tolist() == whole.state["messages"].tolist()
    assert slow(said) == [
        (fault.onset_at, fault.ended_at) for fault in sorted(whole.faults, key=lambda f: f.onset_at)
    ]


def slow(said: str) -> list[tuple[int, int | None]]:
    """The same with a list of the last twenty."""
    found: list[tuple[int, int | None]] = []
    for n in range(len(said)):
        last = said[max(0, n - MESSAGES + 1) : n + 1]
        standing = bool(found) and found[-1][1] is None
        if standing and last == "." * MESSAGES:
            found[-1] = (found[-1][0], minutes(n))
        if not standing and len(last) == MESSAGES and last.count("x") >= MESSAGES // 2:
            found.append((minutes(n), None))
    return found


def frozen(count: int, apart_min: float, **quantities: Any) -> list[dict[str, Any]]:
    return [reading(minutes(n * apart_min), **quantities) for n in range(count)]


def faults_of(readings: Sequence[dict[str, Any]], worn: Worn | None = None) -> list[Finding]:
    band = Band(worn or Worn())
    band.receive(readings)
    return band.faults


@pytest.mark.parametrize(
    ("quantities", "cause"),
    [({"temperature_c": 36.5}, "frozen temperature"), ({"pulse_bpm": 72}, "frozen pulse")],
)
def test_one_value_for_six_hours_over_thirty_readings(
    quantities: dict[str, Any], cause: str
) -> None:
    (fault,) = faults_of(frozen(37, 10, **quantities))
    assert (json.loads(fault.detail), fault.onset_at) == ({"cause": cause, **quantities}, T0)
    assert fault.last_at == minutes(360)
    assert not faults_of(frozen(36, 10, **quantities)), "not six hours"
    assert not faults_of(frozen(29, 20, **quantities)), "not thirty readings"


def test_another_value_begins_anew() -> None:
    readings = frozen(37, 10, temperature_c=36.5)
    readings[20] = reading(minutes(200), temperature_c=36.51)
    assert not faults_of(readings)


def test_off_the_body_nothing_is_frozen() -> None:
    assert not faults_of(frozen(40, 10, temperature_c=22.0, worn=0))
    readings = frozen(37, 10, temperature_c=36.5)
    readings[20] = reading(minutes(200), worn=0)
    assert not faults_of(readings)


def test_a_spot_thermometer_is_never_frozen() -> None:
    assert not faults_of(frozen(40, 10, temperature_c=36.5), Worn(spot=True))


def test_late_readings_are_not_looked_at() -> None:
    band = Band(Worn())
    band.receive([reading(minutes(1000), temperature_c=36.9)])
    band.receive(frozen(40, 10, temperature_c=36.5))
    assert not band.faults


@given(st.lists(st.integers(0, 40), max_size=5))
def test_how_values_come_in_batches_makes_no_difference(cuts: list[int]) -> None:
    readings = frozen(40, 10, temperature_c=36.5, pulse_bpm=70)
    band, ends = Band(Worn()), [0, *sorted(cuts), 40]
    for begin, end in itertools.pairwise(ends):
        band.receive(readings[begin:end])
    (whole,) = faults_of(readings)
    (parts,) = band.faults
    assert parts == whole


def a_frozen_band() -> Band:
    band = Band(Worn())
    band.receive(frozen(37, 10, temperature_c=36.5))
    band.minute = 370
    return band


def test_a_frozen_band_is_well_after_twenty_messages_with_another_value() -> None:
    band = a_frozen_band()
    band.hear("." * 25, temperature_c=36.5)
    assert band.faults[0].ended_at is None
    for n in range(19):
        band.hear(".", temperature_c=36.3 + n % 2 / 10)
    assert band.faults[0].ended_at is None
    band.hear(".", temperature_c=36.6)
    assert band.faults[0].ended_at == minutes(370 + 44)


def test_a_mended_sensor_may_say_one_value_for_less_than_six_hours() -> None:
    band = a_frozen_band()
    band.hear("." * 20, temperature_c=36.4)
    assert band.faults[0].ended_at == minutes(370 + 19)
    band.hear("." * 30, temperature_c=36.5)
    assert len(band.faults) == 1


def test_what_says_nothing_of_the_sensor_or_the_value_again_does_not_count() -> None:
    band = a_frozen_band()
    band.hear("." * 19, temperature_c=36.4)
    band.hear("." * 5, temperature_c=36.5)
    band.hear("." * 5, pulse_bpm=70)
    band.hear("." * 5, temperature_c=36.6, worn=0)
    assert band.faults[0].ended_at is None
    band.hear(".", temperature_c=36.6)
    assert band.faults[0].ended_at == minutes(370 + 34)


@pytest.mark.parametrize("between", ["rejected", "frozen at another value"])
def test_the_twenty_are_counted_anew(between: str) -> None:
    band = a_frozen_band()
    band.hear("." * 19, temperature_c=36.4)
    if between == "rejected":
        band.hear("x")
    else:
        band.receive([reading(minutes(389 + 10 * n), temperature_c=36.4) for n in range(1, 37)])
        band.minute = 389 + 361
        band.hear(".", temperature_c=36.4)
    band.hear("." * 19, temperature_c=36.6)
    assert band.faults[0].ended_at is None
    band.hear(".", temperature_c=36.6)
    assert band.faults[0].ended_at == minutes(band.minute - 1)


QUICK = replace(DEFAULT, device_fault=DeviceFault(frozen_s=300, frozen_readings=3))
MESSAGE = st.tuples(
    st.booleans(),
    st.lists(st.tuples(st.integers(-6, 6), st.sampled_from([36.4, 36.5, 36.6, None])), max_size=3),
)


class Crate(Band):
    """Hears messages `(bad, its readings)`, some batches of them at a time."""

    came = 0

    def __init__(self) -> None:
        super().__init__(Worn(), rulebook=QUICK)
        self.known: list[tuple[int, float | None]] = []

    def take(self, messages: Sequence[tuple[bool, list[tuple[int, float | None]]]]) -> None:
        """One batch; a minute lies between two messages."""
        readings, origins = [], []
        for n, (_, said) in enumerate(messages):
            for off, value in said:
                one = self.came + n + off, value
                if one not in self.known:
                    self.known.append(one)
                    quantity = {"worn": 0} if value is None else {"temperature_c": value}
                    readings.append(reading(minutes(one[0]), **quantity))
                    origins.append(n)
        at = np.array([minutes(self.came + n) for n in range(len(messages))], dtype=np.int64)
        rows = rows_of(readings)
        keys = [(each["measured_at"], each.get("temperature_cc")) for each in readings]
        places = dict(zip(keys, origins, strict=True))
        came = [places[int(row["measured_at"]), int(row["temperature_cc"])] for row in rows]
        heard = Heard(
            *(np.zeros(len(messages), dtype=np.int64), np.array([bad for bad, _ in messages])),
            *(at, np.array(came, dtype=np.int64)),
        )
        self.came += len(messages)
        self._take_over(
            evaluate(self.state, rows, self.wearers, self.rulebook, T0, self.clock_us, heard)
        )


@given(st.lists(MESSAGE, min_size=1, max_size=60), st.sets(st.integers(0, 60), max_size=6))
def test_batches_of_any_messages_come_to_the_same(
    messages: list[tuple[bool, list[tuple[int, float | None]]]], cuts: set[int]
) -> None:
    whole, parts = Crate(), Crate()
    whole.take(messages)
    ends = sorted({0, len(messages), *(cut for cut in cuts if cut < len(messages))})
    for begin, end in itertools.pairwise(ends):
        parts.take(messages[begin:end])
    assert parts.faults == whole.faults
    for column in ("messages", "frozen_t", "frozen_p"):
        assert parts.state[column].tolist() == whole.state[column].tolist()


def test_it_ends_with_the_spell() -> None:
    band = Band(Worn(spells=((T0, minutes(30)),)))
    band.hear("x" * 20 + ".")
    band.tick(minutes(31))
    assert band.faults[0].ended_at == minutes(30)
    assert not band.state["device_fault"]["onset_at"].any()


def test_a_spell_is_over_by_the_clock_and_not_by_how_long_we_have_heard() -> None:
    band = Band(Worn(spells=((T0, minutes(30)),)))
    band.hear("x" * 20 + ".")
    band.tick(minutes(31), clock_us=0)
    assert band.faults[0].ended_at == minutes(30)


def test_wearers_are_counted_apart() -> None:
    band = Band(Worn(), Worn())
    band.hear("x" * 20, slot=1)
    band.hear("." * 20, slot=0)
    assert [fault.key.device_no for fault in band.faults] == [2]


def test_a_replay_leaves_it_alone() -> None:
    band = Band(Worn())
    band.hear("x" * 20)
    band.receive([reading(minutes(-5), temperature_c=36.5)])
    band.receive([reading(minutes(-9), temperature_c=36.5)])
    before = band.state["device_fault"][0]
    band.settle()
    assert band.state["device_fault"][0] == before
    assert [change.change for change in band.book.told if change.late] == []
    assert Change.BEGAN in {change.change for change in band.book.told}
