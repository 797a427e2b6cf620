"""Marks begin with what every rule needs."""

import numpy as np

from rules.marks import Batch
from rules.rulebook import DEFAULT
from rules.touched import Touched
from rules.wearers import Wearers
from tests.unit.rules.making import Worn, minutes, reading, roster_of, rows_of


def test_marks_know_their_row_their_wearer_and_their_time() -> None:
    rows = rows_of([reading(minutes(m), slot) for m, slot in ((0, 0), (1, 0), (5, 1))])
    wearers = Wearers.of(roster_of(Worn(), Worn()), DEFAULT)
    group = np.array([0, 0, 1])
    batch = Batch(rows, rows["slot"].astype(np.int64), group, Touched.fresh(2), wearers, DEFAULT)
    marks = batch.marks(np.array([0, 2]))
    assert marks["row"].tolist() == [0, 2]
    assert marks["group"].tolist() == [0, 1]
    assert marks["at"].tolist() == [minutes(0), minutes(5)]
    assert not marks["kind"].any()
