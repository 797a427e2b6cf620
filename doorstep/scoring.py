"""Composes `doorstep score`: the truth from a file, the alerts from the store, the card as text."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.instant import SECOND_US, format_rfc3339
from simulator.scorecard import Card, Line, Raised, Truth, TruthError, quantile, read, score
from store import scores
from store.reading_only import reading_only


class NotScored(Exception):
    """There is nothing to hold against each other; says why."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which truth, from when on (None: its beginning), which rules, and what time it is now."""

    truth: Path
    since_at: int | None
    rules: Sequence[str]
    now: int


def scored(database_url: str, asked: Asked) -> tuple[Card, Truth]:
    """Raises `NotScored` and what `store.errors` has."""
    truth = _truth(asked.truth)
    from_at = max(truth.from_at, asked.since_at or truth.from_at)
    # A plan that was killed on the way was true until now at the most.
    until_at = truth.until_at if truth.complete else min(truth.until_at, asked.now)
    if from_at >= until_at:
        raise NotScored("the truth is over before the time that is looked at begins")
    episodes = [lived.episode for lived in truth.wearers]
    with reading_only(database_url) as connection:
        if not scores.known(connection, episodes):
            raise NotScored("none of its episodes is in the database")
        alerts = [Raised(**each) for each in scores.raised(connection, episodes)]
    return score(truth, alerts, from_at, until_at, asked.rules), truth


def as_document(card: Card, missed: Sequence[str]) -> dict[str, Any]:
    """The card as JSON values."""
    return {
        "from": format_rfc3339(card.from_at),
        "until": format_rfc3339(card.until_at),
        "wearer_days": round(card.wearer_days, 3),
        "false_per_wearer_day": round(card.false_per_day, 4),
        "items": [_item(line, card) for line in card.lines],
        "missed": list(missed),
    }


def as_text(card: Card) -> str:
    """The card as a table."""
    head = ("rule", "sites", "true", "found", "share", "median s", "p90 s", "alerts", "false")
    rows = [head]
    for line in card.lines:
        item = _item(line, card)
        share = "" if line.sensitivity is None else f"{line.sensitivity:.2f}"
        rows.append(
            (
                *(line.rule, line.sites, str(line.spells), str(line.found), share),
                *(_shown(item["delay_median_s"]), _shown(item["delay_p90_s"])),
                *(str(line.alerts), str(line.false)),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    text = "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
    return (
        f"{text}\n{card.wearer_days:.2f} wearer-days,"
        f" {card.false_per_day:.3f} false alarms per wearer-day"
    )


def _truth(path: Path) -> Truth:
    try:
        return read(json.loads(path.read_bytes()))
    except OSError as error:
        raise NotScored(f"cannot read {path}: {error.strerror}") from error
    except (TruthError, ValueError, RecursionError) as error:
        raise NotScored(f"cannot read {path}: {error}") from error


def _item(line: Line, card: Card) -> dict[str, Any]:
    return {
        "rule": line.rule,
        "sites": line.sites,
        "spells": line.spells,
        "found": line.found,
        "sensitivity": None if line.sensitivity is None else round(line.sensitivity, 4),
        "delay_median_s": _seconds(quantile(line.delays_us, 0.5)),
        "delay_p90_s": _seconds(quantile(line.delays_us, 0.9)),
        "alerts": line.alerts,
        "false": line.false,
        "false_per_wearer_day": round(line.false / card.wearer_days, 4),
    }


def _seconds(lasted_us: int | None) -> int | None:
    return None if lasted_us is None else lasted_us // SECOND_US


def _shown(value: int | None) -> str:
    return "" if value is None else str(value)
