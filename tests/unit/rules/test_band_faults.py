"""The row of `device_fault` and the finding it stands for."""

from dataclasses import replace

import numpy as np
import pytest

from rules.band_faults import BandFaults, Cause, standing_cells
from rules.columns import RUNS
from rules.finding import Change
from rules.rulebook import DEFAULT
from rules.touched import Touched
from rules.wearers import Wearers
from tests.unit.rules.making import Worn, minutes, roster_of

WEARERS = Wearers.of(roster_of(Worn()), DEFAULT)


def faults() -> BandFaults:
    return BandFaults(Touched.fresh(1), np.array([0]), WEARERS, DEFAULT.device_fault)


@pytest.mark.parametrize(
    ("cause", "value", "detail"),
    [
        (Cause.MESSAGES, 0, '{"bad":12,"cause":"rejected messages","of":20}'),
        (Cause.TEMPERATURE, 3650, '{"cause":"frozen temperature","temperature_c":36.5}'),
        (Cause.PULSE, 72, '{"cause":"frozen pulse","pulse_bpm":72}'),
    ],
)
def test_what_stands_can_be_had_again(cause: Cause, value: int, detail: str) -> None:
    of = faults()
    _, change = of.began(0, cause, minutes(1), minutes(2), 12, value)
    assert (change.change, change.finding.detail) == (Change.BEGAN, detail)
    assert standing_cells(change.finding) == of.states["device_fault"][0].item()


def test_a_finding_written_before_the_value_was_kept_can_be_had_too() -> None:
    _, change = faults().began(0, Cause.PULSE, minutes(1), minutes(2), 20, 72)
    assert standing_cells(replace(change.finding, detail='{"cause":"frozen pulse"}'))[-1] == 0


def test_it_is_told_after_silence_and_the_watch_and_before_what_a_reading_says() -> None:
    place, _ = faults().began(0, Cause.PULSE, minutes(1), minutes(2), 20, 72)
    assert (0, -1, len(RUNS) + 1) < place < (0, 0, 0)


def test_it_never_ends_before_it_began() -> None:
    of = faults()
    of.began(0, Cause.MESSAGES, minutes(5), minutes(6), 12)
    _, change = of.ended(0, minutes(1))
    assert (change.change, change.finding.ended_at) == (Change.ENDED, minutes(5))
    assert not of.states["device_fault"]["onset_at"].any()


def test_the_worst_is_kept() -> None:
    of = faults()
    of.began(0, Cause.MESSAGES, minutes(5), minutes(6), 12)
    _, change = of.seen(0, minutes(9), 10, 15)
    assert (change.finding.value, change.finding.peak) == (50, 75)
    assert not of.states["device_fault"]["value"].any(), "messages have none"
    assert change.before is not None
    assert change.before.peak == 60
