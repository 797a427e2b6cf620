"""Columns of fields to whole units; test_straight.py holds them to the exact road."""

from typing import Any

import numpy as np

from domain.batch import MISSING, NO_POSITION
from ingest.directory import Directory
from ingest.straight import Fields
from ingest.straight_columns import Table, table_of
from tests.unit.ingest.test_wire import RECEIVED_AT, ROSTER, SLOTS


def _table(*readings: dict[str, Any]) -> Table:
    given = [tuple(each.get(name) for each in readings) for name in Fields.__struct_fields__]
    return table_of(
        list(given),
        np.ones(len(readings), dtype=np.int32),
        (),
        np.full(len(readings), RECEIVED_AT),
        Directory.of(ROSTER, SLOTS),
    )


def _at(**quantities: Any) -> dict[str, Any]:
    return {"measured_at": RECEIVED_AT // 1000, **quantities}


def test_halves_go_up_and_nothing_is_a_missing_value() -> None:
    rows = _table(_at(temperature_c=36.705, pulse_bpm=71.5), _at(lat=0.5, lon=-0.5)).rows
    assert rows["temperature_cc"].tolist() == [3671, MISSING["temperature_cc"]]
    assert rows["pulse_bpm"].tolist() == [72, -1]
    assert rows["lat_e7"].tolist() == [NO_POSITION, 5_000_000]
    assert rows["accuracy_dm"].tolist() == [-1, -1]


def test_zeros_that_stand_for_no_value() -> None:
    table = _table(_at(pulse_bpm=0), _at(pulse_bpm=70, spo2_pct=0), _at(lat=0, lon=0, steps=1))
    assert table.good.all()
    assert table.rows["pulse_bpm"].tolist() == [0, 70, -1]
    assert table.rows["spo2_pct"].tolist() == [-1, -1, -1]
    assert table.rows["lat_e7"].tolist() == [NO_POSITION] * 3


def test_whatever_is_wrong_with_a_reading_it_is_not_good() -> None:
    wrong = [
        *(_at(), _at(spo2_pct=0), _at(temperature_c=45.1), _at(pulse_bpm=19), _at(steps=-1)),
        *(_at(lat=1.0), _at(lat=91, lon=0), _at(lat=1, lon=1, datum="x"), _at(spo2_pct=49)),
        *(_at(lat=1, lon=1, accuracy_m=-1), _at(battery_pct=101), _at(worn=True, boot="\x7f")),
        {"measured_at": 0, "pulse_bpm": 70},
        {"measured_at": "yesterday", "pulse_bpm": 70},
    ]
    assert not _table(*wrong).good.any()
    assert _table(*wrong, _at(worn=False)).good.tolist() == [False] * len(wrong) + [True]


def test_boots_have_one_key_each() -> None:
    table = _table(_at(worn=True, boot="a1"), _at(worn=True), _at(worn=True, boot="a1"))
    key, none, again = table.rows["boot_key"].tolist()
    assert (key, none) == (again, MISSING["boot_key"])
    assert table.boots == {key: "a1"}
