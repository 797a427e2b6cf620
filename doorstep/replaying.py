"""Composes `doorstep replay` over a file: lines in, a virtual clock, alerts out; no database.

The clock goes with the lines: it never goes back, and between two of them it ticks once a minute,
as long as there is anybody whose silence or night it could end. It stops at the last line, so that
a file that ends makes nobody silent.
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from alerts.alert import Alert
from domain.batch import rows_of
from domain.instant import DAY_US, MINUTE_US, parse_rfc3339
from ingest.gathering import NOT_ITS_FAULT
from ingest.rehearsal import Rehearsal
from ingest.rejection import Rejection
from ingest.wire import OLDEST_US, decode
from rules.heard import Heard
from rules.rulebook import Rulebook
from rules.slots import NO_SLOT
from rules.wearers import Wearers
from store.roster_people import Cast

TICK_US: Final = MINUTE_US
LONG_US: Final = 2 * DAY_US
"""Of a gap longer than this, the first and the last of it are ticked through: nothing new happens
in between that a day of ticks has not found."""


@dataclass(slots=True)
class Played:
    """What came of a file."""

    alerts: list[Alert] = field(default_factory=list)
    lines: int = 0
    readings: int = 0
    duplicates: int = 0
    rejected: list[tuple[int, str]] = field(default_factory=list)
    """(line, why) of lines of which something was not accepted."""


@dataclass(slots=True)
class _Minute:
    """Lines that came between two ticks."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    heard: list[tuple[int, bool, int]] = field(default_factory=list)
    origins: list[int] = field(default_factory=list)
    """Of each row, which of `heard` it came in."""


def play(lines: Iterable[bytes], cast: Cast, rulebook: Rulebook) -> Played:
    """Runs a rulebook over lines of `doorstep replay --readings`."""
    wearers = Wearers.of(cast.roster, rulebook)
    ids = (f"replay-{n}" for n in itertools.count(1))
    rehearsal = Rehearsal(wearers, rulebook, cast.surroundings, lambda: next(ids))
    played = Played()
    clock: _Clock | None = None
    minute = _Minute()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        played.lines += 1
        came = _came_at(line)
        if isinstance(came, str):
            played.rejected.append((number, came))
            continue
        device, received_at, measured_at = came
        if clock is None:
            clock = _Clock(received_at)
        for at in clock.ticks_until(received_at):
            _close(rehearsal, minute, at, clock)
            minute = _Minute()
            rehearsal.tick(at, clock.heard_us(at))
            rehearsal.settle(at, clock.heard_us(at))
        why = _take(minute, device, line, (clock.now, measured_at), cast, wearers)
        if why:
            played.rejected.append((number, why))
    if clock is not None:
        _close(rehearsal, minute, clock.now, clock)
        rehearsal.tick(clock.now, clock.heard_us(clock.now))
        rehearsal.settle(clock.now, clock.heard_us(clock.now))
    played.readings = rehearsal.stored
    played.duplicates = rehearsal.duplicates
    played.alerts = rehearsal.caseload.alerts
    return played


class _Clock:
    """The virtual time: that of the newest line, and never before it."""

    def __init__(self, begins_at: int) -> None:
        self._begins_at = begins_at
        self._ticked_at = begins_at
        self.now = begins_at

    def heard_us(self, at: int) -> int:
        """The receive clock: we have been hearing since the first line."""
        return at - self._begins_at

    def ticks_until(self, at: int) -> Iterator[int]:
        """The ticks that are due before a line that came at `at`; `now` goes with them."""
        at = max(at, self.now)
        while self._ticked_at + TICK_US <= at:
            self._ticked_at += TICK_US
            if self._ticked_at - self.now > DAY_US and at - self._ticked_at > LONG_US:
                self._ticked_at += (at - DAY_US - self._ticked_at) // TICK_US * TICK_US
            yield self._ticked_at
        self.now = at


def _came_at(line: bytes) -> tuple[str, int, int] | str:
    """(device, received_at, measured_at) of a line, or why it has none of them."""
    try:
        given = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"no JSON: {error}"
    if not isinstance(given, Mapping) or not isinstance(given.get("device"), str):
        return "no object with a device"
    measured_at = _instant(given.get("measured_at"))
    if measured_at is None:
        return "measured_at: no RFC 3339 instant with an offset, nor whole milliseconds"
    if "received_at" not in given:
        return given["device"], measured_at, measured_at
    received_at = _instant(given["received_at"])
    if received_at is None:
        return "received_at: no RFC 3339 instant with an offset, nor whole milliseconds"
    return given["device"], received_at, measured_at


def _instant(given: object) -> int | None:
    try:
        at = parse_rfc3339(given) if isinstance(given, str) else None
    except ValueError:
        return None
    if isinstance(given, int) and not isinstance(given, bool):
        at = given * 1_000
    return at if at is not None and _EARLIEST < at < _LATEST else None


def _take(
    minute: _Minute,
    device: str,
    line: bytes,
    times: tuple[int, int],
    cast: Cast,
    wearers: Wearers,
) -> str:
    """Decodes a line as the service would; what was not accepted of it, in words.

    `times` is (now, measured_at).
    """
    now, measured_at = times
    topic = f"doorstep/v1/devices/{device}/readings"
    # A history may be older than what a band may send: no reading here is too old.
    judged_at = min(now, measured_at + OLDEST_US)
    decoded = decode(topic, line, judged_at, cast.roster, wearers.slots)
    minute.rows += [_received(row, now) for row in decoded.rows]
    minute.origins += [len(minute.heard)] * len(decoded.rows)
    slot = decoded.rows[0][0] if decoded.rows else _worn_by(device, now, cast, wearers)
    if slot != NO_SLOT:
        bad = any(each.reason not in NOT_ITS_FAULT for each in decoded.rejections)
        minute.heard.append((slot, bad, now))
    return "; ".join(_words(each) for each in decoded.rejections)


_EARLIEST: Final = parse_rfc3339("2000-01-01T00:00:00Z")
_LATEST: Final = parse_rfc3339("2200-01-01T00:00:00Z")
_RECEIVED_AT: Final = 4
"""Its place in a row, `domain.batch.READING`."""


def _received(row: tuple[Any, ...], now: int) -> tuple[Any, ...]:
    return (*row[:_RECEIVED_AT], now, *row[_RECEIVED_AT + 1 :])


def _worn_by(device: str, now: int, cast: Cast, wearers: Wearers) -> int:
    known = cast.roster.devices.get(device)
    assignment = None if known is None else cast.roster.assigned(known.no, now)
    if assignment is None:
        return NO_SLOT
    return wearers.slots[assignment.episode_no, assignment.device_no]


def _words(rejection: Rejection) -> str:
    at = f" at {rejection.pointer}" if rejection.pointer else ""
    return f"{rejection.reason.value}{at}: {rejection.detail}"


def _close(rehearsal: Rehearsal, minute: _Minute, at: int, clock: _Clock) -> None:
    if not (minute.rows or minute.heard):
        return
    heard = np.array(minute.heard, dtype=np.int64).reshape(-1, 3)
    origins = np.array(minute.origins, dtype=np.int64)
    messages = Heard(heard[:, 0].copy(), heard[:, 1] != 0, heard[:, 2].copy(), origins)
    rehearsal.batch(rows_of(minute.rows), at, clock.heard_us(at), messages)
