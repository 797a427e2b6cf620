"""Holds: what a run of readings is, and the intervals that runs begin and end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from domain.instant import MINUTE_US, SECOND_US
from rules.finding import Finding, FindingKey, Severity


@dataclass
class Said:
    """What one reading says to one rule: it counts ("yes"), it clears ("no"), or neither ("")."""

    at: int
    answer: str
    value: int = 0
    severity: Severity = Severity.URGENT
    limit: int = 0
    origin: str = "rulebook"
    site: str = ""
    enough: bool = False
    """By itself, without a hold."""
    worse: int = 0
    """The value with the highest is the worst."""
    n: int = 0
    """Which reading it was."""


@dataclass
class Terms:
    """How long and how often."""

    hold: int
    need: int
    clear: int
    clear_need: int
    gap: int


def terms(worn: Any, hold_min: int, need: int, clear_min: int) -> Terms:
    """Two consecutive readings suffice for a device that uploads rarely.

    That is never more than others need: where one reading is enough, it stays enough.
    """
    gap = max(3 * worn.interval_s * SECOND_US, 20 * MINUTE_US)
    if worn.interval_s >= 600:
        return Terms(0, min(need, 2), 0, 2 if clear_min else 1, gap)
    return Terms(hold_min * MINUTE_US, need, clear_min * MINUTE_US, 1, gap)


@dataclass
class Interval:
    """What was held: the readings that support it, and the first of those that ended it."""

    support: list[Said]
    known: Said
    """By this reading it had begun,"""
    ended: Said | None = None
    known_over: Said | None = None
    """and by this one it was over."""

    def finding(self, key: FindingKey, over_at: int | None) -> Finding:
        """`over_at` is when the device was taken off, if it was."""
        first, last = self.support[0], self.support[-1]
        return Finding(
            key=key,
            onset_at=first.at,
            ended_at=over_at if self.ended is None else self.ended.at,
            severity=max(each.severity for each in self.support),
            last_at=last.at,
            value=last.value,
            peak=max(self.support, key=lambda each: each.worse).value,
            limit=first.limit,
            origin=first.origin,
            site=first.site,
        )


def in_force(present: Any, before: Sequence[tuple[int, Any]], at: int) -> Any:
    """What of a roster entry held at an instant; `before` is (until when, what) in order."""
    return next((what for until_at, what in before if at < until_at), present)


def stretch(said: Sequence[Said], answer: str, gap: int) -> list[Said]:
    """The readings at the end that all give this answer, with no gap between them."""
    run: list[Said] = []
    for each in reversed(said):
        if each.answer != answer or (run and run[0].at - each.at > gap):
            break
        run.insert(0, each)
    return run


def intervals(said: Sequence[Said], terms: Terms) -> list[Interval]:
    """Looks for a run that suffices, then for one that clears, and so on."""
    found: list[Interval] = []
    used = 0
    for n in range(len(said)):
        run = stretch(said[used : n + 1], "yes", terms.gap)
        if n < used or not run:
            continue
        if run[-1].enough or (len(run) >= terms.need and run[-1].at - run[0].at >= terms.hold):
            interval, used = follow(run, said, n + 1, terms)
            found.append(interval)
    return found


def follow(run: list[Said], said: Sequence[Said], start: int, terms: Terms) -> tuple[Interval, int]:
    """What has begun with this run, to its end: it, and the first reading after it was over."""
    interval, since = Interval(list(run), known=run[-1]), list[Said]()
    for n in range(start, len(said)):
        if said[n].answer == "yes":
            interval.support.append(said[n])
        # What clears at the very instant of the newest support says nothing.
        if said[n].answer != "no" or said[n].at > interval.support[-1].at:
            since.append(said[n])
        quiet = stretch(since, "no", terms.gap) if said[n].answer == "no" else []
        if len(quiet) >= terms.clear_need and quiet[-1].at - quiet[0].at >= terms.clear:
            interval.ended, interval.known_over = quiet[0], said[n]
            return interval, n + 1
    return interval, len(said)
