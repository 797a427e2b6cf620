"""Spans of local time, cut out of rows in order."""

import numpy as np
import pytest

from rules import stretches
from rules.stretches import Stretches, Sums


def column(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, dtype=np.int64)


def test_a_stretch_ends_with_the_span_and_with_the_wearer() -> None:
    found = Stretches.of(column(0, 0, 0, 1, 1), column(7, 7, 8, 8, 7))
    assert found.group.tolist() == [0, 0, 1, 1]
    assert found.span.tolist() == [7, 8, 8, 7]
    assert found.first.tolist() == [0, 2, 3, 4]
    assert found.until.tolist() == [2, 3, 4, 5]
    assert [each.tolist() for each in found.rounds()] == [[0, 2], [1, 3]]


def test_no_rows_have_no_rounds() -> None:
    assert not list(Stretches.of(column(), column()).rounds())


def test_only_what_counts_is_summed(monkeypatch: pytest.MonkeyPatch) -> None:
    sums = Sums.of(column(1, 10, 100, 1000), np.array([True, False, True, True]))
    first, until = column(0, 1), column(2, 4)
    assert [each.tolist() for each in sums.within(first, until, column(0, 0))] == [
        [1, 2],
        [1, 1100],
    ]
    monkeypatch.setattr(stretches, "MOST", 5)
    assert [each.tolist() for each in sums.within(first, until, column(5, 4))] == [[0, 1], [0, 100]]
