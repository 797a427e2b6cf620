"""NightSignal: what a row of nightly resting pulses says about each night.

As published (Alavi et al., Nat Med 2022;28:175-184; `nightsignal.py` of the authors): the baseline
of a night is the median of it and all nights before, cut to a whole number. A night at least
`yellow` above its baseline after another such night is yellow; if both are `red` above, it is red.
A missing night breaks the row, unless it is the only one between two others and next to a further
one: then it is the mean of its neighbours, cut to a whole number. It may take the night after the
next to know that, so that the levels of the two nights before the newest may still change.

Whole columns of wearers at once: nights are of shape (n, NIGHTS), oldest first, 0 where missing.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from rules.columns import NIGHTS
from rules.rulebook import Watch

Nights = npt.NDArray[np.int64]

GREEN: Final = 0
YELLOW: Final = 1
RED: Final = 2
WORDS: Final = ("green", "yellow", "red")

_ABSENT: Final = 1 << 20
"""Sorts after every pulse."""
_MASK: Final = (1 << (2 * NIGHTS)) - 1


def imputed(nights: Nights) -> Nights:
    """The nights with single missing ones filled in as published."""
    wide = np.zeros((len(nights), NIGHTS + 4), dtype=np.int64)
    wide[:, 2:-2] = nights
    left, right = wide[:, 1:-3], wide[:, 3:-1]
    further = (wide[:, :-4] > 0) | (wide[:, 4:] > 0)
    lone = (nights == 0) & (left > 0) & (right > 0) & further
    return np.where(lone, (left + right) // 2, nights)


def baseline(filled: Nights, place: int) -> npt.NDArray[np.int64]:
    """The median of the nights up to `place`, cut to a whole number. Shape (n,). 0 if none."""
    upto = filled[:, : place + 1]
    count = (upto > 0).sum(axis=1)
    ascending = np.sort(np.where(upto > 0, upto, _ABSENT), axis=1)
    rows, last = np.arange(len(upto)), np.maximum(count - 1, 0)
    median = (ascending[rows, last // 2] + ascending[rows, (last + 1) // 2]) // 2
    return np.where(count > 0, median, 0)


def level(filled: Nights, place: int, figures: Watch) -> npt.NDArray[np.int64]:
    """The level of the night at `place`, from `imputed` nights. Shape (n,)."""
    found = np.full(len(filled), GREEN, dtype=np.int64)
    if place == 0:
        return found
    this = _above(filled, place)
    some = np.flatnonzero(this >= figures.yellow_bpm)
    least = np.minimum(this[some], _above(filled[some], place - 1))
    found[some[least >= figures.yellow_bpm]] = YELLOW
    found[some[least >= figures.red_bpm]] = RED
    return found


def _above(filled: Nights, place: int) -> npt.NDArray[np.int64]:
    """How far a night is above its baseline; far below where it is missing. Shape (n,)."""
    night = filled[:, place]
    return np.where(night > 0, night - baseline(filled, place), -_ABSENT)


def levels(nights: Nights, figures: Watch) -> npt.NDArray[np.int64]:
    """The level of every night, as published. Shape of `nights`."""
    filled = imputed(nights)
    return np.stack([level(filled, place, figures) for place in range(NIGHTS)], axis=1)


def next_levels(
    nights: Nights, known: npt.NDArray[np.int64], figures: Watch
) -> npt.NDArray[np.int64]:
    """The packed levels of `rules.state.WATCH` when the newest night has just been added.

    `known` are those of the nights before it, moved up already. What was said of a night stands,
    but for the two before the newest where one of them has just been filled in. Shape (n,).
    """
    filled = imputed(nights)
    newest = NIGHTS - 1
    one = (nights[:, newest - 1] == 0) & (filled[:, newest - 1] > 0)
    two = (nights[:, newest - 2] == 0) & (nights[:, newest - 4] == 0)
    two &= filled[:, newest - 2] > 0
    found = known.copy()
    for back, changed in ((0, np.ones(len(nights), dtype=np.bool_)), (1, one | two), (2, two)):
        which = np.flatnonzero(changed)
        if len(which):
            now = level(filled[which], newest - back, figures)
            found[which] = (found[which] & ~(3 << (2 * back))) | (now << (2 * back))
    return found


def moved(known: npt.NDArray[np.int64], gap: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Packed levels after so many further nights, all green. Shape (n,)."""
    gone = gap >= NIGHTS
    return np.where(gone, 0, (known << (2 * np.where(gone, 0, gap))) & _MASK)


def shifted(nights: Nights, gap: npt.NDArray[np.int64]) -> Nights:
    """The nights after so many further ones, all missing."""
    place = np.arange(NIGHTS)[None, :] + np.minimum(gap, NIGHTS)[:, None]
    wide = np.concatenate((nights, np.zeros_like(nights)), axis=1)
    return np.take_along_axis(wide, place, axis=1)


def unpacked(known: int) -> list[int]:
    """The level of each night, oldest first."""
    return [(known >> (2 * back)) & 3 for back in reversed(range(NIGHTS))]
