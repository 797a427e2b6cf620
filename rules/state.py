"""What the rules remember between batches: one row per wearer, at most 200 bytes.

A wearer is a (episode, device) pair; its row number is its slot (`rules.wearers`). A row of zeros
is a wearer of whom nothing is known yet, and a run that is not going on is all zeros too, so that
the same history leaves the same bytes behind whatever the batches were.

Theory of operation. With most people nothing is the matter. So there are *dense* columns, which
everybody has, and *sparse* ones (runs and the findings that stand), kept only of those with whom
something is going on: a mapping from slot to the bytes of the column's row. `gather` gives the rows
of the wearers of one batch with both kinds side by side (`rules.touched`), `put` takes them back.

Columns are of two kinds in another way too. Those of `JOURNAL_COLUMNS` depend on the order of
arrival (the journal); all others are a function of the readings alone and can be had again by
`rules.engine.replay`.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from rules.columns import BIT, DENSE, SPARSE, is_going
from rules.touched import Touched

Slots = npt.NDArray[np.integer]


class State:
    """The rows of all wearers, by slot. Only `put` and `rules.silent` change it."""

    __slots__ = ("_pools", "dense")

    def __init__(self, dense: npt.NDArray[np.void]) -> None:
        self.dense = dense
        """Shape (len,), of `DENSE`."""
        self._pools: dict[str, dict[int, bytes]] = {name: {} for name in SPARSE}

    def __len__(self) -> int:
        return len(self.dense)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """A column of everybody, shape (len,). A sparse one is a copy."""
        if name in SPARSE:
            return self.gather(np.arange(len(self)))[name]
        return self.dense[name]

    @property
    def nbytes(self) -> int:
        """What is stored of all wearers. Python's own bookkeeping of the few is not counted."""
        sparse = sum(len(pool) * SPARSE[name].itemsize for name, pool in self._pools.items())
        return self.dense.nbytes + sparse

    def copy(self) -> "State":
        """The same, to be changed."""
        other = State(self.dense.copy())
        other._pools = {name: pool.copy() for name, pool in self._pools.items()}
        return other

    def tobytes(self) -> bytes:
        """All of it: equal for equal states, whatever came first."""
        return self.gather(np.arange(len(self))).tobytes()

    def padded(self, name: str, count: int) -> npt.NDArray[Any]:
        """A dense column of slots 0 .. `count`, zero for those who have no row yet."""
        column = self.dense[name][:count]
        if len(column) < count:
            column = np.append(column, np.zeros(count - len(column), dtype=column.dtype))
        return column

    def gather(self, slots: Slots) -> Touched:
        """A copy of the rows of these slots; slots beyond the end are fresh."""
        known = slots < len(self)
        if known.all():
            rows = Touched(self.dense[slots], {})
        else:
            rows = Touched.fresh(len(slots))
            rows.dense[known] = self.dense[slots[known]]
        going = rows.dense["going"]
        if going.any():
            for name, dtype in SPARSE.items():
                which = np.flatnonzero(going & BIT[name])
                if len(which):
                    pool = self._pools[name]
                    kept = b"".join([pool[slot] for slot in slots[which].tolist()])
                    rows[name][which] = np.frombuffer(kept, dtype=dtype)
        return rows

    def grown(self, count: int) -> "State":
        """The same with rows for so many, at least as many as now. Shares what it can."""
        dense = np.zeros(count, dtype=DENSE)
        dense[: len(self)] = self.dense
        larger = State(dense)
        larger._pools = self._pools
        return larger

    def put(self, slots: Slots, rows: Touched) -> None:
        """Takes rows back, in place. Every slot must have a row here."""
        before = self.dense["going"][slots]
        going = np.zeros(len(slots), dtype=before.dtype)
        for name in rows.present():
            self._put_sparse(slots, name, rows[name], before, going)
        self.dense[slots] = rows.dense
        self.dense["going"][slots] = going

    def _put_sparse(
        self,
        slots: Slots,
        name: str,
        column: npt.NDArray[np.void],
        before: npt.NDArray[np.uint16],
        going: npt.NDArray[np.uint16],
    ) -> None:
        pool, bit = self._pools[name], BIT[name]
        busy = is_going(column)
        going[busy] |= bit
        kept, size = column[busy].tobytes(), column.itemsize
        for nth, slot in enumerate(slots[busy].tolist()):
            pool[slot] = kept[nth * size : (nth + 1) * size]
        for slot in slots[~busy & ((before & bit) != 0)].tolist():
            del pool[slot]


def fresh(count: int) -> State:
    """The state of so many wearers of whom nothing is known."""
    return State(np.zeros(count, dtype=DENSE))
