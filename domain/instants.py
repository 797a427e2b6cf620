"""Many instants at once: RFC 3339 texts to microseconds, in columns.

Reads the forms that devices send, a character column at a time, and leaves everything else to
`domain.instant.parse_rfc3339`. What is read here, that function reads to the same number.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from domain.instant import SECOND_US

UNREAD: Final = -(2**63)
"""Stands for a text that is not read here; it may be an instant all the same."""

Instants = npt.NDArray[np.int64]
_Characters = npt.NDArray[np.uint8]
_Mask = npt.NDArray[np.bool_]

_SHORTEST: Final = len("2026-02-03T04:05:06Z")
_LONGEST: Final = len("2026-02-03T04:05:06.123456789+08:00")
_FRACTION: Final = 20
"""Where the digits after the point begin."""
_FINEST: Final = 9
"""Digits of a fraction at the most; those past the microsecond are dropped."""
_OFFSET: Final = len("+08:00")
_SEPARATORS: Final = ((4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":"))
_DIGITS: Final = (0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18)


def instants_of(texts: Sequence[str]) -> Instants:
    """The instant of each text, or `UNREAD`. Shape (n,)."""
    found = np.full(len(texts), UNREAD, dtype=np.int64)
    lengths = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    for length in np.unique(lengths).tolist():
        if _SHORTEST <= length <= _LONGEST:
            which = np.flatnonzero(lengths == length)
            some = texts if len(which) == len(texts) else [texts[n] for n in which.tolist()]
            block = np.frombuffer("".join(some).encode("ascii", "replace"), dtype=np.uint8)
            found[which] = _read(block.reshape(-1, length))
    return found


def _read(block: _Characters) -> Instants:
    """Texts of one length, a row each."""
    found = np.full(len(block), UNREAD, dtype=np.int64)
    zulu = block[:, -1] == ord("Z")
    for mask, tail in ((zulu, 1), (~zulu, _OFFSET)):
        if mask.any():
            found[mask] = _read_alike(block if mask.all() else block[mask], tail)
    return found


def _read_alike(block: _Characters, tail: int) -> Instants:
    """Texts that end in a `Z`, or in an offset of `_OFFSET` characters."""
    ends = block.shape[1] - tail
    if not _SHORTEST - 1 <= ends <= _FRACTION + _FINEST:
        return np.full(len(block), UNREAD, dtype=np.int64)
    good = _good_frame(block, ends)
    if not good.any():
        return np.full(len(block), UNREAD, dtype=np.int64)
    seconds, in_range = _seconds(block)
    micros = np.zeros(len(block), dtype=np.int64)
    for place, column in enumerate(range(_FRACTION, min(ends, _FRACTION + 6))):
        micros += (block[:, column].astype(np.int64) - ord("0")) * 10 ** (5 - place)
    good &= in_range
    if tail == _OFFSET:
        offset_s, known = _offset_s(block[:, ends:])
        seconds -= offset_s
        good &= known
    return np.where(good, seconds * SECOND_US + micros, UNREAD)


def _good_frame(block: _Characters, ends: int) -> _Mask:
    """Whether digits and separators are where they belong, up to the end of the fraction."""
    digits = [*_DIGITS, *range(_FRACTION, ends)]
    good = _are_digits(block[:, [column for column in digits if column < ends]])
    for column, word in _SEPARATORS:
        good &= np.equal(block[:, column], ord(word))
    if ends >= _FRACTION:
        good &= np.equal(block[:, _FRACTION - 1], ord("."))
        if ends == _FRACTION:
            good[:] = False  # a point wants at least one digit behind it
    return good


def _are_digits(characters: _Characters) -> _Mask:
    # Characters below "0" wrap around and are above 9 as well.
    return np.asarray(np.all((characters - np.uint8(ord("0"))) <= 9, axis=1), dtype=np.bool_)


def _two(block: _Characters, column: int) -> Instants:
    tens, ones = block[:, column].astype(np.int64), block[:, column + 1].astype(np.int64)
    return (tens - ord("0")) * 10 + ones - ord("0")


def _seconds(block: _Characters) -> tuple[Instants, _Mask]:
    """Seconds since the epoch of the date and time as written, and whether there is such a time."""
    year = _two(block, 0) * 100 + _two(block, 2)
    month, day = _two(block, 5), _two(block, 8)
    hour, minute, second = _two(block, 11), _two(block, 14), _two(block, 17)
    months = (year - 1970) * 12 + month - 1
    first_day = _first_day(months)
    there_is = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
    there_is &= day <= _first_day(months + 1) - first_day
    there_is &= (hour < 24) & (minute < 60) & (second < 60)
    days = first_day + day - 1
    return ((days * 24 + hour) * 60 + minute) * 60 + second, there_is


def _first_day(months: Instants) -> Instants:
    """Days from the epoch to the first of a month that is counted from January 1970."""
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _offset_s(tail: _Characters) -> tuple[Instants, _Mask]:
    """Seconds east of Greenwich, and whether the tail is an offset."""
    sign, hours, minutes = tail[:, 0], _two(tail, 1), _two(tail, 4)
    known = _are_digits(tail[:, [1, 2, 4, 5]]) & (tail[:, 3] == ord(":"))
    known &= ((sign == ord("+")) | (sign == ord("-"))) & (hours < 24) & (minutes < 60)
    return np.where(sign == ord("-"), -1, 1) * (hours * 60 + minutes) * 60, known
