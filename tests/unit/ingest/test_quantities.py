from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.batch import MISSING, NO_POSITION, QUANTITIES
from domain.reading import Site, centi, half_up
from ingest.quantities import NOTHING, columns
from ingest.rejection import Fault, Reason

NUMBERS = [
    "temperature_c",
    "pulse_bpm",
    "spo2_pct",
    "steps",
    "lat",
    "lon",
    "accuracy_m",
    "battery_pct",
]
ANY = st.dictionaries(
    st.sampled_from(NUMBERS), st.floats() | st.floats(-400, 400) | st.just(0.0)
).flatmap(
    lambda numbers: st.fixed_dictionaries(
        {name: st.just(value) for name, value in numbers.items()},
        optional={
            "site": st.none() | st.sampled_from([site.word for site in Site]) | st.text(),
            "datum": st.none() | st.sampled_from(["wgs84", "gcj02", "bd09"]) | st.text(),
            "near_home": st.none() | st.booleans(),
            "charging": st.none() | st.booleans(),
            "worn": st.none() | st.booleans(),
        },
    )
)


def measured(fields: dict[str, Any]) -> tuple[dict[str, int], list[Fault]]:
    dropped: list[Fault] = []
    reading: Any = {"measured_at": 0, **fields}
    row = columns(reading, dropped)
    assert len(row) == len(QUANTITIES)
    return dict(zip(QUANTITIES, row, strict=True)), dropped


def test_nothing_is_what_the_columns_call_missing() -> None:
    assert measured({}) == (dict(zip(QUANTITIES, NOTHING, strict=True)), [])
    assert dict(zip(QUANTITIES, NOTHING, strict=True)) == {
        name: MISSING.get(name, 0) for name in QUANTITIES
    }


@given(ANY)
def test_what_is_wrong_with_one_quantity_changes_no_other(fields: dict[str, Any]) -> None:
    row, dropped = measured(fields)
    pointers = {fault.pointer for fault in dropped}
    if pointers & {"/lat", "/lon", "/accuracy_m", "/datum"}:
        pointers |= {"/lat", "/lon", "/accuracy_m", "/datum"}
    kept = {name: value for name, value in fields.items() if f"/{name}" not in pointers}
    assert measured(kept) == (row, [])


@given(ANY)
def test_each_pointer_is_named_once_and_with_its_reason(fields: dict[str, Any]) -> None:
    _, dropped = measured(fields)
    assert len({fault.pointer for fault in dropped}) == len(dropped)
    for fault in dropped:
        value = fields.get(fault.pointer[1:])
        endless = isinstance(value, float) and value - value != 0
        assert fault.reason is (Reason.NOT_FINITE if endless else Reason.OUT_OF_RANGE)


@given(st.floats(20, 45), st.floats(20, 300), st.floats(0, 100))
def test_rounding_is_that_of_the_domain(
    temperature_c: float, pulse_bpm: float, battery_pct: float
) -> None:
    row, dropped = measured(
        {"temperature_c": temperature_c, "pulse_bpm": pulse_bpm, "battery_pct": battery_pct}
    )
    assert dropped == []
    assert row["temperature_cc"] == centi(temperature_c)
    assert row["pulse_bpm"] == half_up(pulse_bpm)
    assert row["battery_pct"] == half_up(battery_pct)


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_a_position_is_kept_to_a_centimetre(lat: float, lon: float) -> None:
    row, dropped = measured({"lat": lat, "lon": lon})
    assert dropped == []
    if row["lat_e7"] == NO_POSITION:
        assert abs(lat) < 1e-7
        assert abs(lon) < 1e-7
    else:
        assert row["lat_e7"] / 1e7 == pytest.approx(lat, abs=0.51e-7)
        assert row["lon_e7"] / 1e7 == pytest.approx(lon, abs=0.51e-7)


@pytest.mark.parametrize(
    "accuracy_m", [-1, -1e-9, 2.1e8, float("inf"), float("-inf"), float("nan")]
)
def test_a_fix_of_no_known_accuracy_is_no_fix(accuracy_m: float) -> None:
    row, [fault] = measured({"lat": 32.06, "lon": 118.79, "accuracy_m": accuracy_m})
    assert row["lat_e7"] == row["lon_e7"] == NO_POSITION
    assert row["accuracy_dm"] == -1
    assert fault.pointer == "/accuracy_m"


@pytest.mark.parametrize("site", [site for site in Site if site is not Site.NOT_GIVEN])
def test_each_site_by_its_word(site: Site) -> None:
    for word in (site.word, site.word.upper(), f" {site.word.replace('_', ' ')} "):
        assert measured({"temperature_c": 36.6, "site": word})[0]["site"] == site


@pytest.mark.parametrize("word", ["", "not_given", "anus", "\x00"])
def test_a_site_nobody_knows_is_unknown(word: str) -> None:
    assert measured({"temperature_c": 36.6, "site": word})[0]["site"] == Site.UNKNOWN
