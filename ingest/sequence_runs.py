"""The rows of a batch of sequence numbers, those of one (device, boot) beside each other."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """A batch in which the rows of each (device, boot) are beside each other."""

    device_no: npt.NDArray[np.intp]
    """Of each run. Shape (runs,), like the next."""
    boot_key: Integers
    starts: npt.NDArray[np.intp]
    ends: npt.NDArray[np.intp]
    alone: Truths
    """Whether it is the only run of its device."""
    steady: Truths
    """Whether its numbers climb by steps of 0 or 1."""
    seq: Integers
    """Of all rows."""
    order: npt.NDArray[np.intp] | None
    """Where the rows came from; None when they stayed in their places."""

    def last_row(self, run: int) -> int:
        """The last place in the batch as it came that a run touched."""
        if self.order is None:
            return int(self.ends[run])
        return int(self.order[self.starts[run] : self.ends[run]].max())


def first_rows(device_no: npt.NDArray[np.intp], boot_key: Integers) -> Truths:
    """Which rows are of another (device, boot) than the row before."""
    first = np.ones(len(device_no), dtype=bool)
    np.not_equal(device_no[1:], device_no[:-1], out=first[1:])
    first[1:] |= boot_key[1:] != boot_key[:-1]
    return first


def once(ascending: npt.NDArray[np.intp]) -> Truths:
    """Which values are there once."""
    single = np.ones(len(ascending), dtype=bool)
    again = ascending[1:] == ascending[:-1]
    single[1:] &= ~again
    single[:-1] &= ~again
    return single
