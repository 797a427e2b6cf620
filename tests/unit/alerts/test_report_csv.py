"""Every figure of the report is a line."""

import csv
from io import StringIO
from typing import Any

from alerts.api.shapes_report import EXAMPLE
from alerts.report_csv import COLUMNS, lines


def read(report: dict[str, Any]) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO("".join(lines(report)), newline="")))


def numbers(value: Any) -> int:
    """How many figures there are in a report."""
    match value:
        case dict():
            return sum(numbers(each) for each in value.values())
        case list():
            return sum(numbers(each) for each in value)
        case bool():
            return 0
        case int():
            return 1
        case str():
            return value in ("<5", "withheld")
        case _:
            return 0


def test_every_figure_is_there_once() -> None:
    rows = read(dict(EXAMPLE))
    assert len(rows) == numbers(dict(EXAMPLE))
    assert {*rows[0]} == {*COLUMNS}
    places = [tuple(row[each] for each in ("section", "item", "rule", "severity")) for row in rows]
    assert len({*places}) == len(places)


def test_what_a_line_says() -> None:
    rows = read(dict(EXAMPLE))
    assert rows[0] == {
        "date": "2026-02-03",
        "complete": "true",
        "grids": "grid-03",
        "section": "people",
        "item": "under_care",
        "rule": "",
        "severity": "",
        "value": "31",
    }
    found = {
        (row["section"], row["item"], row["rule"], row["severity"]): row["value"] for row in rows
    }
    assert found["people", "age 0-15", "", ""] == "<5"
    assert found["raised", "alerts", "fever", "critical"] == "1"
    assert found["visited", "p90_s", "", "urgent"] == "2400"
    assert found["verdicts", "confirmed", "fever", ""] == "2"
    assert found["signals", "session_lost", "", ""] == "1"
