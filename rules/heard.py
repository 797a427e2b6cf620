"""Messages as they arrived, beside the readings in them: what journal-order rules hear."""

from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """Messages of wearers in order of arrival. Shapes (n,)."""

    slot: npt.NDArray[np.int64]
    """Whose."""
    bad: npt.NDArray[np.bool_]
    """Whether something in it was rejected."""
    at: npt.NDArray[np.int64]
    """received_at."""
    origins: npt.NDArray[np.int64] | None = None
    """Of each row that goes with them, which of these messages it came in; -1 in none that counts.
    Shape of the rows; None where no row's is known."""

    def with_rows(self, which: npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> Self:
        """The same messages beside some of the rows."""
        if self.origins is None:
            return self
        return replace(self, origins=self.origins[which])


NOTHING_HEARD: Final = Heard(
    np.empty(0, dtype=np.int64), np.empty(0, dtype=np.bool_), np.empty(0, dtype=np.int64)
)
