"""The columns of the rule state, dense and sparse: `rules.state` says what that means."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

RUN: Final = np.dtype(
    [
        ("first_at", "<i8"),  # the first qualifying reading of the run; active: the onset
        ("last_at", "<i8"),  # the latest qualifying one; active: the newest support
        ("clear_at", "<i8"),  # active: the first clearing reading in a row
        ("clear_last_at", "<i8"),  # active: the latest clearing one
        ("value", "<i4"),  # at last_at
        ("peak", "<i4"),  # the worst value so far
        ("limit", "<i4"),  # at first_at
        ("n", "u1"),  # qualifying readings so far; active: clearing ones in a row
        ("active", "u1"),
        ("severity", "u1"),  # the highest so far
        ("site", "u1"),  # at first_at; domain.reading.Site
        ("own", "u1"),  # where the limit comes from; rules.finding.Origin
    ]
)
"""One run of a hold machine (`rules.hold`)."""

RUNS: Final = (
    "not_worn",
    "fever_core",
    "fever_skin",
    "pulse",
    "oxygen",
    "left_home",
    "battery_low",
    "wrong_datum",
)
"""The hold machines of one wearer, in the order in which their changes are reported."""

NIGHTS: Final = 31


def _value(width: str) -> np.dtype[np.void]:
    """A value, since when it is so (minutes since 1970, mod 2^16), and over how many readings."""
    return np.dtype([("value", width), ("since", "<u2"), ("n", "u1")])


DENSE: Final = np.dtype(
    [
        ("watermark_at", "<i8"),  # the newest measured_at judged; 0 none
        ("near_at", "<i8"),  # twice the newest reading that heard the beacon; + 1: seen inside
        ("heard_at", "<i8"),  # received_at of the newest reading, or the assignment; 0 never
        ("heard_rc", "<i8"),  # the receive clock then
        ("skin_hour", "<u2"),  # the present local hour, since 1970, modulo; see rules.baseline
        ("skin_sum", "<i4"),  # of its skin readings that count, centi-degrees
        ("skin_n", "<u2"),  # and how many
        ("skin_days", "<i2", (24, 2)),  # by hour of the day: what is known of it
        ("nights", "u1", NIGHTS),  # resting pulse of the newest nights, oldest first; 0 missing
        ("night_at", "<u2"),  # the newest of them, in days since 1970, local
        ("tonight_at", "<u2"),  # the night that is not over
        ("tonight_n", "<u2"),  # its resting pulses,
        ("tonight_sum", "<i4"),  # and their sum
        ("messages", "<u4"),  # the last 20: a bit each, 1 bad; above them, how many were heard
        ("frozen_t", _value("<i2")),  # the temperature that stays as it is, centi-degrees
        ("frozen_p", _value("u1")),  # and the pulse, at most 255
        ("battery_pct", "u1"),  # the newest level; see rules.battery_life
        ("battery_at", "<u2"),  # and when, in minutes since 1970, mod 2^16
        ("discharge_pct", "u1"),  # one more than where the discharge began; 0 on the charger
        ("discharge_at", "<u2"),  # and when
        ("going", "<u2"),  # a bit for each sparse column that has a row
    ]
)
"""What everybody has."""

SPARSE: Final[dict[str, np.dtype[Any]]] = {
    **dict.fromkeys(RUNS, RUN),
    "silence": np.dtype(
        [
            ("began_at", "<i8"),  # when the silence was found
            ("value", "<i4"),  # seconds of silence then
            ("limit", "<i4"),  # seconds allowed then
            ("severity", "u1"),
            ("battery_pct", "u1"),  # the last level, if the battery explains it
            ("battery_at", "<u4"),  # and when, in minutes since 1970; 0 it does not
        ]
    ),
    # The level of each of `nights`, two bits a night, the newest lowest: 0 green, 1 yellow, 2 red.
    "watch": np.dtype([("levels", "<i8")]),
    "device_fault": np.dtype(
        [
            ("onset_at", "<i8"),
            ("last_at", "<i8"),
            ("bad", "u1"),  # of the last 20 messages
            ("most", "u1"),
            ("cause", "u1"),  # rules.band_faults.Cause
            ("good", "u1"),  # messages with another value than the frozen one
            ("value", "<i2"),  # which is this one, as in frozen_t or frozen_p
        ]
    ),
}
"""What only those have with whom something is going on, which is where the first field is not 0."""

BIT: Final = {name: np.uint16(1 << nth) for nth, name in enumerate(SPARSE)}
"""Of `going`."""

JOURNAL_COLUMNS: Final = (
    "heard_at",
    "heard_rc",
    "silence",
    "messages",
    "frozen_t",
    "frozen_p",
    "device_fault",
)
"""Columns that depend on the order of arrival."""


def is_going(column: npt.NDArray[np.void]) -> npt.NDArray[np.bool_]:
    """Where something is going on in a sparse column. Shape (n,)."""
    names = column.dtype.names
    assert names is not None
    going: npt.NDArray[np.bool_] = column[names[0]] != 0
    return going
