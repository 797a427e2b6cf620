"""The audit log: who looked at whom and who did what, each entry sealed with the one before it.

What a look or a deed is called, the bytes that an entry's SHA-256 covers, and where a log stops
being what was written. The database seals (migration 0015); this is what it is held against.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

GENESIS: Final = bytes(32)
"""Stands before the first entry."""


class What(StrEnum):
    """What was done, beside the deeds of `alerts.lifecycle.Kind`, which are called as there."""

    VIEWED_PERSON = "viewed_person"
    VIEWED_READINGS = "viewed_readings"
    VIEWED_LOCATION = "viewed_location"
    REFUSED_LOCATION = "refused_location"
    SIGNED_IN = "signed_in"
    ACCESS_GIVEN = "access_given"
    SET_SIGN_IN = "set_sign_in"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row. `at` in microseconds; no field has a line break."""

    no: int
    at: int
    staff: str | None
    """None: somebody at the command line."""
    what: str
    object: str
    grid_nos: tuple[int, ...]
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look at a whole log found."""

    entries: int
    """How many are as they were written, from the first on."""
    head: bytes
    """The SHA-256 of the last of those; written down elsewhere, it shows later whether any went."""
    broken: int | None
    """The number of the first that is not; None: all are."""


def seal(previous: bytes, entry: Entry) -> bytes:
    """The SHA-256 of an entry after the one before it: its fields, a line each, in UTF-8."""
    grids = ",".join(str(no) for no in entry.grid_nos)
    fields = (entry.no, entry.at, entry.staff or "", entry.what, entry.object, grids)
    return hashlib.sha256(previous + "\n".join(map(str, fields)).encode()).digest()


def verify(entries: Iterable[Entry], last: tuple[int, bytes]) -> Verdict:
    """Looks at a log in order of its numbers; `last` is the newest's number and SHA-256."""
    count, head = 0, GENESIS
    for entry in entries:
        if entry.no != count + 1 or entry.sha256 != seal(head, entry):
            return Verdict(count, head, count + 1)
        count, head = entry.no, entry.sha256
    return Verdict(count, head, None if last == (count, head) else count + 1)
