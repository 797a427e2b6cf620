"""Rows: content hashes, order, and values that cannot be taken for measurements."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.batch import MISSING, QUANTITIES, READING, digests, in_order, rows_of
from domain.reading import PULSE_BPM_RANGE, SPO2_PCT_RANGE, TEMPERATURE_C_RANGE


def row(**given_: Any) -> tuple[Any, ...]:
    values = dict.fromkeys(READING.names or (), 0) | MISSING | given_
    return tuple(values[name] for name in READING.names or ())


def test_what_is_missing_is_no_measurement() -> None:
    assert MISSING["temperature_cc"] < TEMPERATURE_C_RANGE[0] * 100
    assert MISSING["pulse_bpm"] < PULSE_BPM_RANGE[0]
    assert MISSING["spo2_pct"] < SPO2_PCT_RANGE[0]
    assert set(MISSING) <= set(READING.names or ())


@pytest.mark.parametrize("name", QUANTITIES)
def test_other_quantities_are_another_reading(name: str) -> None:
    plain, other = rows_of([row(), row(**{name: 1})])
    assert plain["digest"] != other["digest"]


@pytest.mark.parametrize("name", ["slot", "device_no", "received_at", "seq", "boot_key"])
def test_how_it_came_is_not_part_of_it(name: str) -> None:
    one, same = rows_of([row(), row(**{name: 1})])
    assert one["digest"] == same["digest"]


def test_digests_are_the_same_on_every_machine() -> None:
    assert digests(rows_of([row(temperature_cc=3670)])).tolist() == [DIGEST]


@given(st.permutations(range(12)))
def test_rows_have_one_order(order: list[int]) -> None:
    rows = rows_of([row(slot=n % 2, measured_at=n % 3, temperature_cc=3600 + n) for n in range(12)])
    assert in_order(rows[order]).tolist() == in_order(rows).tolist()
    ordered = in_order(rows)
    keys = np.stack([ordered[name] for name in ("slot", "measured_at", "digest")], axis=1)
    assert keys.tolist() == sorted(keys.tolist())


def test_no_rows() -> None:
    assert len(in_order(rows_of([]))) == 0


DIGEST = -7692389861392358330
"""Stored in databases: it may never change."""
