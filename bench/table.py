"""Samples to rows to text: medians, percentiles, ratios, and whether a bar is met."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from typing_extensions import override

Samples = Mapping[str, Sequence[float]]
"""What was measured, by key; one figure a round, or many that are pooled."""

HEAD: Final = ("row", "figure", "unit", "against", "baseline", "ratio", "bar", "")


@dataclass(frozen=True, slots=True)
class Bar:
    """What is asked of a row's figure, or of its ratio to the baseline."""

    of: Literal["figure", "ratio"]
    sign: Literal[">=", "<=", "<"]
    limit: float

    def met(self, figure: float, ratio: float | None) -> bool | None:
        """None when there is nothing to hold against it."""
        value = figure if self.of == "figure" else ratio
        if value is None:
            return None
        return {
            ">=": value >= self.limit,
            "<=": value <= self.limit,
            "<": value < self.limit,
        }[self.sign]

    @override
    def __str__(self) -> str:
        return f"{self.sign} {number(self.limit)}{'x' if self.of == 'ratio' else ''}"


@dataclass(frozen=True, slots=True)
class Line:
    """Where a row of the table comes from."""

    name: str
    key: str
    unit: str
    against: str = ""
    """What the baseline is, in words."""
    baseline: str = ""
    """Its key."""
    bar: Bar | None = None
    percentile: float = 50.0
    """Of the figure and of the baseline; 50 is the median."""
    compares: bool = False
    """Whether the row says nothing without its baseline."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    figure: float
    unit: str
    against: str = ""
    baseline: float | None = None
    bar: Bar | None = None

    @property
    def ratio(self) -> float | None:
        """Of the figure to the baseline."""
        return self.figure / self.baseline if self.baseline else None

    @property
    def verdict(self) -> str:
        met = None if self.bar is None else self.bar.met(self.figure, self.ratio)
        return "" if met is None else "met" if met else "NOT MET"


def rows(lines: Sequence[Line], samples: Samples) -> list[Row]:
    """The rows of all lines that have samples."""
    return [
        Row(line.name, figure, line.unit, line.against, baseline, line.bar)
        for line in lines
        if (figure := _value(samples, line.key, line.percentile)) is not None
        and ((baseline := _value(samples, line.baseline, line.percentile)) or not line.compares)
    ]


def _value(samples: Samples, key: str, share: float) -> float | None:
    values = samples.get(key)
    return percentile(values, share) if values else None


def percentile(values: Sequence[float], share: float) -> float:
    """The median, or else the smallest value that `share` per cent are not above."""
    if share == 50.0:
        return statistics.median(values)
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)]


def text(table: Sequence[Row]) -> str:
    """The table, aligned."""
    cells = [HEAD, *(_cells(row) for row in table)]
    widths = [max(len(row[n]) for row in cells) for n in range(len(HEAD))]
    numeric = {1, 4, 5}
    return "\n".join(
        "  ".join(
            cell.rjust(width) if n in numeric else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    )


def _cells(row: Row) -> tuple[str, ...]:
    ratio = "" if row.ratio is None else f"{number(row.ratio)}x"
    baseline = "" if row.baseline is None else number(row.baseline)
    bar = "" if row.bar is None else str(row.bar)
    return (
        row.name,
        number(row.figure),
        row.unit,
        row.against,
        baseline,
        ratio,
        bar,
        row.verdict,
    )


def number(value: float) -> str:
    """Three digits that count, and no more than are needed."""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
