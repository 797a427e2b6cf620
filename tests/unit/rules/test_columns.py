"""The columns of the rule state."""

import numpy as np

from rules.columns import BIT, DENSE, JOURNAL_COLUMNS, RUN, RUNS, SPARSE, is_going
from rules.run import IDLE, Run


def test_runs_have_the_columns_of_the_scalar_path_in_its_order() -> None:
    assert RUN.names == tuple(Run.__dataclass_fields__)
    assert np.zeros(1, dtype=RUN)[0].item() == IDLE


def test_every_sparse_column_has_a_bit_that_fits() -> None:
    bits = np.zeros(1, dtype=DENSE)["going"]
    for bit in BIT.values():
        bits |= bit
    assert int(bits[0]).bit_count() == len(SPARSE)
    assert set(RUNS) <= set(SPARSE)


def test_columns_that_depend_on_arrival_exist() -> None:
    assert set(JOURNAL_COLUMNS) < {*(DENSE.names or ()), *SPARSE}


def test_a_row_of_zeros_is_not_going() -> None:
    for dtype in SPARSE.values():
        rows = np.zeros(2, dtype=dtype)
        rows[(dtype.names or ())[0]][1] = 1
        assert is_going(rows).tolist() == [False, True]
