"""What the rules remember between batches: one row per wearer, at most 200 bytes.

A wearer is a (episode, device) pair; its row number is its slot (`rules.wearers`). A row of zeros
is a wearer of whom nothing is known yet, and a run that is not going on is all zeros too, so that
the same history leaves the same bytes behind whatever the batches were.

Columns are of two kinds. Those of `silence` depend on the order of arrival (the journal); all
others are a function of the readings alone and can be had again by `rules.engine.replay`.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

State = npt.NDArray[np.void]
"""A structured array of `STATE`, shape (n,), by slot."""

StateRow = np.void
"""One row of it."""


def _run(value: str) -> np.dtype[np.void]:
    """The columns of one hold machine (`rules.hold`); `value` is an integer wide enough."""
    return np.dtype(
        [
            ("first_at", "<i8"),  # the first qualifying reading of the run; active: the onset
            ("last_at", "<i8"),  # the latest qualifying one; active: the newest support
            ("clear_at", "<i8"),  # active: the first clearing reading in a row
            ("clear_last_at", "<i8"),  # active: the latest clearing one
            ("value", value),  # at last_at
            ("peak", value),  # the worst value so far
            ("limit", value),  # at first_at
            ("n", "u1"),  # qualifying readings so far; active: clearing ones in a row
            ("active", "u1"),
            ("severity", "u1"),  # the highest so far
            ("site", "u1"),  # at first_at; domain.reading.Site
            ("own", "u1"),  # where the limit comes from; rules.finding.Origin
        ]
    )


SILENCE: Final = np.dtype(
    [
        ("heard_at", "<i8"),  # received_at of the newest reading, or the assignment; 0 never
        ("heard_rc", "<i8"),  # the receive clock then
        ("began_at", "<i8"),  # when the silence was found; 0 not silent
        ("value", "<i4"),  # seconds of silence when it was found
        ("limit", "<i4"),  # seconds allowed then
        ("severity", "u1"),
    ]
)

NIGHTS: Final = 31

WATCH: Final = np.dtype([("levels", "<i8")])
"""The level of each of `nights`, two bits a night, the newest lowest: 0 green, 1 yellow, 2 red."""

RUNS: Final = ("fever_core", "fever_skin", "left_home")
"""The hold machines of one wearer, in the order in which their changes are reported."""

STATE: Final = np.dtype(
    [
        ("watermark_at", "<i8"),  # the newest measured_at judged; 0 none
        ("near_at", "<i8"),  # the newest reading that heard the home beacon; 0 none
        ("fever_core", _run("<i2")),
        ("fever_skin", _run("<i2")),
        ("left_home", _run("<i4")),
        ("silence", SILENCE),
        ("skin_hour", "<i4"),  # the present local hour, since 1970; see rules.baseline
        ("skin_sum", "<i4"),  # of its skin readings that count, centi-degrees
        ("skin_n", "<u2"),  # and how many
        ("skin_days", "<i2", (24, 2)),  # by hour of the day: what is known of it
        ("nights", "u1", NIGHTS),  # resting pulse of the newest nights, oldest first; 0 missing
        ("night_at", "<u2"),  # the newest of them, in days since 1970, local
        ("tonight_at", "<u2"),  # the night that is not over
        ("tonight_n", "<u2"),  # its resting pulses,
        ("tonight_sum", "<i4"),  # and their sum
        ("watch", WATCH),
    ]
)

JOURNAL_COLUMNS: Final = ("silence",)
"""Columns that depend on the order of arrival."""


def fresh(n: int) -> State:
    """State of `n` wearers of whom nothing is known."""
    return np.zeros(n, dtype=STATE)


def gather(state: State, slots: npt.NDArray[np.int64]) -> State:
    """A copy of the rows of these slots; slots beyond the end are fresh."""
    known = slots < len(state)
    if known.all():
        return state[slots]
    rows = fresh(len(slots))
    rows[known] = state[slots[known]]
    return rows
