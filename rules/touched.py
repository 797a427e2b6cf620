"""The rows of the rule state that one step works on: everybody has every column here."""

from typing import Any, Self

import numpy as np
import numpy.typing as npt

from rules.columns import DENSE, SPARSE, is_going


class Touched:
    """Rows of some wearers. A sparse column that nobody has is made when it is asked for."""

    __slots__ = ("_sparse", "dense")

    def __init__(
        self, dense: npt.NDArray[np.void], sparse: dict[str, npt.NDArray[np.void]]
    ) -> None:
        self.dense = dense
        """Shape (len,), of `DENSE`; its `going` is not kept up to date."""
        self._sparse = sparse

    @classmethod
    def fresh(cls, count: int) -> Self:
        """Of so many wearers of whom nothing is known."""
        return cls(np.zeros(count, dtype=DENSE), {})

    def __len__(self) -> int:
        return len(self.dense)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """A column to read and to write to, shape (len,)."""
        if name not in SPARSE:
            return self.dense[name]
        column = self._sparse.get(name)
        if column is None:
            column = self._sparse[name] = np.zeros(len(self), dtype=SPARSE[name])
        return column

    def present(self) -> tuple[str, ...]:
        """The sparse columns in which there may be something."""
        return tuple(self._sparse)

    def going(self, name: str) -> npt.NDArray[np.bool_]:
        """With whom something is going on in a sparse column. Shape (len,)."""
        column = self._sparse.get(name)
        return np.zeros(len(self), dtype=np.bool_) if column is None else is_going(column)

    def copy(self) -> "Touched":
        """The same, to be changed."""
        return Touched(
            self.dense.copy(), {name: column.copy() for name, column in self._sparse.items()}
        )

    def runs(self) -> "Touched":
        """The same, with the sparse columns to be changed and the dense ones shared."""
        return Touched(self.dense, {name: each.copy() for name, each in self._sparse.items()})

    def tobytes(self) -> bytes:
        """All of it: equal for equal rows."""
        columns = [self[name].tobytes() for name in SPARSE if self.going(name).any()]
        dense = self.dense.copy()
        dense["going"] = 0
        return b"".join([dense.tobytes(), *columns])
