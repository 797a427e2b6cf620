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
    VIEWED_ALERTS = "viewed_alerts"
    VIEWED_EPISODES = "viewed_episodes"
    VIEWED_EVENTS = "viewed_events"
    VIEWED_REPORT = "viewed_report"
    VIEWED_AUDIT = "viewed_audit"
    EXPORTED_ROSTER = "exported_roster"
    IMPORTED_ROSTER = "imported_roster"
    EXPORT_BEGAN = "export_began"
    EXPORT_ENDED = "export_ended"
    DENIED = "denied"
    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    SIGN_IN_FAILED = "sign_in_failed"
    ACCESS_GIVEN = "access_given"
    ACCESS_TAKEN = "access_taken"
    SET_SIGN_IN = "set_sign_in"
    MADE_WEBHOOK = "made_webhook"
    CHANGED_WEBHOOK = "changed_webhook"
    REMOVED_WEBHOOK = "removed_webhook"
    ROTATED_WEBHOOK = "rotated_webhook"
    TESTED_WEBHOOK = "tested_webhook"
    RESENT_EVENT = "resent_event"
    TESTED_CONTACTS = "tested_contacts"


@dataclass(frozen=True, slots=True)
class Entry:
    """One row. `at` in microseconds; no field has a line break."""

    no: int
    at: int
    staff: str | None
    """None: nobody who was signed in; the command line, or a sign-in that failed."""
    what: str
    object: str
    grid_nos: tuple[int, ...]
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Query:
    """Which entries are asked for. None does not narrow."""

    staff: str | None = None
    object: str | None = None
    what: str | None = None
    before: int | None = None
    """Only those with a smaller number."""
    limit: int = 100

    def said(self) -> str:
        """What is looked for, in a line."""
        asked = (("staff", self.staff), ("object", self.object), ("what", self.what))
        return " ".join(f"{name}={word}" for name, word in asked if word is not None)


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
