"""Arrays that are let go of are given back to the system."""

import subprocess
import sys

SCRIPT = """
import numpy as np
from doorstep.memory import LARGE_BYTES, map_large_arrays

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

assert map_large_arrays()
before = resident()
np.ones(2 * LARGE_BYTES, dtype=np.uint8)  # let go of at once: from now on short-lived, if not told
columns = [np.ones(LARGE_BYTES, dtype=np.uint8) for _ in range(40)]
last = columns.pop()  # what a heap could not shrink past
taken = resident() - before
del columns
left = resident() - before
assert taken > 39 * LARGE_BYTES, taken
assert left < 5 * LARGE_BYTES, left
"""


def test_a_roster_that_is_let_go_of_leaves_no_holes() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
