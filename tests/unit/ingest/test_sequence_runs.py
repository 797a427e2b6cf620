"""Where runs begin, and which stand alone."""

import numpy as np

from ingest.sequence_runs import first_rows, once


def test_a_run_ends_where_the_device_or_its_boot_is_another() -> None:
    device_no = np.array([1, 1, 1, 2, 2], dtype=np.intp)
    boot_key = np.array([7, 7, 8, 8, 8])
    assert first_rows(device_no, boot_key).tolist() == [True, False, True, True, False]


def test_what_is_there_once() -> None:
    assert once(np.array([1, 2, 2, 3], dtype=np.intp)).tolist() == [True, False, False, True]
    assert once(np.empty(0, dtype=np.intp)).tolist() == []
