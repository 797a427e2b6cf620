"""A log that was changed anywhere shows it, at the first entry that was."""

from dataclasses import replace
from typing import Any

import pytest

from alerts.audit import GENESIS, Entry, seal, verify


def log() -> list[Entry]:
    found: list[Entry] = []
    head = GENESIS
    for no in range(1, 6):
        entry = Entry(no, 1_000 * no, "dr-1", "viewed_person", f"e-{no}", (1, 2), b"")
        head = seal(head, entry)
        found.append(replace(entry, sha256=head))
    return found


def test_what_was_written_is_whole() -> None:
    entries = log()
    found = verify(entries, (5, entries[-1].sha256))
    assert (found.entries, found.head, found.broken) == (5, entries[-1].sha256, None)
    assert verify([], (0, GENESIS)).broken is None


@pytest.mark.parametrize(
    "change",
    [
        {"at": 3_001},
        {"staff": "dr-2"},
        {"staff": None},
        {"what": "acknowledged"},
        {"object": "e-9"},
        {"grid_nos": (1,)},
        {"sha256": bytes(32)},
        {"no": 4},
    ],
)
def test_a_change_shows_where_it_is(change: dict[str, Any]) -> None:
    entries = log()
    entries[2] = replace(entries[2], **change)
    assert verify(entries, (5, entries[-1].sha256)).broken == 3


def test_so_does_a_change_that_was_sealed_anew() -> None:
    entries = log()
    forged = replace(entries[2], object="e-9")
    entries[2] = replace(forged, sha256=seal(entries[1].sha256, forged))
    assert verify(entries, (5, entries[-1].sha256)).broken == 4


def test_entries_that_are_gone_show() -> None:
    entries = log()
    last = (5, entries[-1].sha256)
    assert verify(entries[:2] + entries[3:], last).broken == 3
    assert verify(entries[:4], last).broken == 5
    assert verify(entries[1:], last).broken == 1
