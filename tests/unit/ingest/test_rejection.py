import re
from pathlib import Path

import pytest

from ingest.rejection import Reason, shown

CONTRACT_SECTION_3 = """
too_large, too_many, not_json, not_utf8, schema, out_of_range, not_finite, duplicate_key,
time_too_old, time_in_future, unknown_device, not_assigned, device_mismatch, rate_limited,
refused_by_store
"""


def test_the_reasons_are_those_of_the_contract() -> None:
    assert list(Reason) == CONTRACT_SECTION_3.replace(",", " ").split()


def test_the_database_takes_each_reason_and_no_other() -> None:
    sql = (Path(__file__).parents[3] / "store/migrations/0002_readings.sql").read_text()
    listed = re.search(r"reason IN \(([^)]*)\)", sql)
    assert listed is not None
    assert set(re.findall(r"'(\w+)'", listed[1])) == set(Reason)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (98.6, "98.6"),
        ("\x00\u202e\ud800居", r"'\x00\u202e\ud800\u5c45'"),
        ("a" * 100, "'" + "a" * 36 + "..."),
        (10**60, "1" + "0" * 36 + "..."),
    ],
)
def test_shows_a_little_of_a_payload(value: object, text: str) -> None:
    assert shown(value) == text
    assert len(text) <= 40
