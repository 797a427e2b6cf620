"""Where the service is blind, as those who ask are told: what is active, in which words and order.

Ingestion writes what it knows of itself into the signals' table. Two kinds need no row, because
what is stored shows them: that ingestion does not run (`blind`: its last heartbeat is old), and
that a device has counted past numbers we do not have (`gap`). Nothing here is an alert, and nothing
here names a person.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from alerts.casework import BadCursor, Page
from domain.instant import DAY_US, SECOND_US, format_rfc3339


class Kind(StrEnum):
    """Of the contract, section 6."""

    GAP = "gap"
    SESSION_LOST = "session_lost"
    BLIND = "blind"
    STALLED = "stalled"
    UNDELIVERABLE = "undeliverable"
    REJECTIONS = "rejections"


BLIND_AFTER_US: Final = 30 * SECOND_US
"""Ingestion writes at least every 10 s; two of three writes may be late before we say so."""
GAP_AFTER_US: Final = 10 * SECOND_US
"""After a reconnect, brokers deliver new messages before those they send again: that is no gap."""
GAP_UNTIL_US: Final = DAY_US
"""Devices keep about a day: what has not come by then will not. `GET /gaps` goes on naming it."""
STANDING_AT_MOST: Final = 1_000
"""Signals that are told to those who listen; the newest ones."""
_CURSOR: Final = re.compile(r"([0-9]{1,16})\.(b|g[A-Za-z0-9_-]{1,64}|s[0-9]{20})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Horizon:
    """What is new enough, or old enough, to be said now."""

    now: int
    heard_from: int
    """A heartbeat before this instant is an old one."""
    gaps_from: int
    gaps_to: int
    """A gap noticed before the one or after the other is not spoken of."""

    @classmethod
    def at(cls, now: int, factor: float) -> "Horizon":
        """As of `now`, on a clock that is `factor` times as fast as the day.

        Heartbeats and reconnects take real time whatever the clock says, so their bounds grow.
        """
        stretch = max(1.0, factor)
        return cls(
            now=now,
            heard_from=now - int(BLIND_AFTER_US * stretch),
            gaps_from=now - GAP_UNTIL_US,
            gaps_to=now - int(GAP_AFTER_US * stretch),
        )


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a signal stands in the list, which is in falling order of this."""

    since: int
    word: str
    """Of one signal only; ASCII, so that database and program order it alike."""

    def cursor(self) -> str:
        """As it is handed out."""
        return f"{self.since}.{self.word}"

    @classmethod
    def of(cls, cursor: str) -> "Place":
        """The place that was handed out. Raises `BadCursor`."""
        hit = _CURSOR.fullmatch(cursor)
        if hit is None:
            raise BadCursor("this cursor was not given out by this service")
        return cls(int(hit[1]), hit[2])


@dataclass(frozen=True, slots=True)
class Query:
    """Which signals are asked for: after a place; active ones, those that are over, or both."""

    active: bool | None = None
    after: Place | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Recorded:
    """A row that ingestion wrote."""

    no: int
    kind: Kind
    began_at: int
    ended_at: int | None
    """None: still so. Of an event, how long it is to be shown."""
    detail: str
    subject: str = ""
    """Which of several it is about; then there may be one for each of them."""
    grid_nos: frozenset[int] | None = None
    """Whom it concerns; None everybody."""

    @property
    def place(self) -> Place:
        """Its place."""
        return Place(self.began_at, f"s{self.no:020d}")

    def active(self, now: int) -> bool:
        """Whether it is so now."""
        return self.ended_at is None or self.ended_at > now


@dataclass(frozen=True, slots=True)
class Missing:
    """The open gaps of one device that are to be spoken of."""

    device: str
    since: int
    """When the first of them was noticed."""
    first: tuple[int, int]
    """That one's numbers, both included."""
    ranges: int

    @property
    def place(self) -> Place:
        """Its place."""
        return Place(self.since, f"g{self.device}")


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last sign of life of ingestion; None: there has never been one."""

    at: int | None

    def old(self, horizon: Horizon) -> bool:
        """Whether readings are not arriving, as far as one can see."""
        return self.at is None or self.at < horizon.heard_from

    def place(self, horizon: Horizon) -> Place:
        """Its place, if it is old."""
        return Place(horizon.now if self.at is None else self.at, "b")


def listed(
    recorded: Sequence[Recorded],
    missing: Sequence[Missing],
    heartbeat: Heartbeat,
    horizon: Horizon,
    query: Query,
) -> Page:
    """The newest signals of all sources, after the query's place.

    Of `recorded` and `missing` the first `limit + 1` that the query asks for are enough.
    """
    found = [
        *((each.place, _recorded(each, horizon.now)) for each in recorded),
        *((each.place, _missing(each)) for each in missing),
    ]
    if heartbeat.old(horizon):
        found.append((heartbeat.place(horizon), _blind(heartbeat)))
    wanted = [
        (place, item)
        for place, item in sorted(found, key=lambda each: each[0], reverse=True)
        if query.active in (None, item["active"]) and (query.after is None or place < query.after)
    ]
    shown = wanted[: query.limit]
    more = shown[-1][0].cursor() if len(wanted) > query.limit else None
    return Page([item for _, item in shown], more)


@dataclass(frozen=True, slots=True)
class Standing:
    """A signal that is active now, for those who listen."""

    grid_nos: frozenset[int] | None
    """Whom it concerns; None everybody."""
    item: Mapping[str, Any]
    """As in a list."""

    def over(self, now: int) -> "Standing":
        """The same, when it has ended."""
        return Standing(self.grid_nos, {**self.item, "active": False, "until": format_rfc3339(now)})


def standing(
    recorded: Sequence[Recorded], heartbeat: Heartbeat, horizon: Horizon
) -> dict[str, Standing]:
    """What is active now, by its place; without gaps, which are of devices and are asked for.

    One that listens is told of a signal when it is here, and when it is here no more.
    """
    found = {
        each.place.word: Standing(each.grid_nos, _recorded(each, horizon.now))
        for each in recorded
        if each.active(horizon.now)
    }
    if heartbeat.old(horizon):
        found[heartbeat.place(horizon).word] = Standing(None, _blind(heartbeat))
    return found


def _recorded(row: Recorded, now: int) -> dict[str, Any]:
    item = _item(row.kind, row.began_at, row.detail, active=row.active(now), until=row.ended_at)
    return {**item, "subject": row.subject} if row.subject else item


def _missing(gaps: Missing) -> dict[str, Any]:
    return {
        **_item(Kind.GAP, gaps.since, missing_text(gaps.first, gaps.ranges)),
        "device": gaps.device,
    }


def _blind(heartbeat: Heartbeat) -> dict[str, Any]:
    detail = (
        "no reading can have arrived: ingestion has never run"
        if heartbeat.at is None
        else "readings are not arriving: ingestion gives no sign of life"
    )
    return _item(Kind.BLIND, heartbeat.at, detail)


def _item(
    kind: Kind, since: int | None, detail: str, *, active: bool = True, until: int | None = None
) -> dict[str, Any]:
    return {
        "kind": kind.value,
        "active": active,
        "since": None if since is None else format_rfc3339(since),
        "until": None if until is None else format_rfc3339(until),
        "detail": detail,
    }


def missing_text(first: tuple[int, int], ranges: int) -> str:
    """`1,003-1,004 and 2 more ranges missing`."""
    low, high = first
    said = f"{low:,}" if low == high else f"{low:,}-{high:,}"
    if ranges > 1:
        said += f" and {ranges - 1:,} more range{'s' if ranges > 2 else ''}"
    return f"{said} missing"
