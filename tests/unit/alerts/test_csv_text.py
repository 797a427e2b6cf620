"""CSV that a spreadsheet takes for data."""

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.csv_text import Cell, line


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("band-a", "band-a"),
        (None, ""),
        (True, "true"),
        (False, "false"),
        (-5, "-5"),
        (-0.5, "-0.5"),
        ("=1+1", "'=1+1"),
        ("+86", "'+86"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", '"\'\r=1"'),
        ("a=1", "a=1"),
        ("<5", "<5"),
        ('say "a, b"', '"say ""a, b"""'),
        ("two\nlines", '"two\nlines"'),
        ("第三网格", "第三网格"),
    ],
)
def test_a_cell(cell: Cell, text: str) -> None:
    assert line([cell, 1]) == f"{text},1\r\n"


@given(st.lists(st.text(), min_size=2))
def test_no_text_is_read_back_as_a_formula(cells: list[str]) -> None:
    (row,) = csv.reader(StringIO(line(cells), newline=""))
    for cell, read in zip(cells, row, strict=True):
        assert read in (cell, f"'{cell}")
        assert not read.startswith(("=", "+", "-", "@", "\t", "\r"))
