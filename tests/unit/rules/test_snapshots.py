"""What is kept of the rule state is what it was."""

import numpy as np

from rules.snapshots import LAYOUT, pack, unpack
from rules.touched import Touched

KEYS = np.array([(7 << 32) | 1, (7 << 32) | 2, (9 << 32) | 1])


def rows() -> Touched:
    found = Touched.fresh(3)
    found["watermark_at"][:] = [5, 6, 7]
    found["left_home"]["first_at"][1] = 8
    found["silence"]["began_at"] = [1, 0, 2]
    return found


def test_rows_come_back_as_they_were() -> None:
    kept = unpack(pack(KEYS, rows()))
    assert kept is not None
    assert kept.keys.tolist() == KEYS.tolist()
    assert kept.rows.tobytes() == rows().tobytes()
    kept.rows["watermark_at"][0] = 0


def test_nobody_is_nobody() -> None:
    kept = unpack(pack(KEYS[:0], Touched.fresh(0)))
    assert kept is not None
    assert len(kept.keys) == len(kept.rows) == 0


def test_other_columns_are_nothing_to_us() -> None:
    body = pack(KEYS, rows())
    assert unpack(bytes([LAYOUT[0] ^ 1]) + body[1:]) is None
    assert unpack(b"") is None
