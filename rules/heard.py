"""Messages as they arrived, beside the readings in them: what journal-order rules hear."""

from dataclasses import dataclass
from typing import Final

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


NOTHING_HEARD: Final = Heard(
    np.empty(0, dtype=np.int64), np.empty(0, dtype=np.bool_), np.empty(0, dtype=np.int64)
)
