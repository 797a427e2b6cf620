"""Whether two lists of findings say the same, one of them the oracle's."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from domain.batch import Rows
from rules.finding import Finding, Rule
from tests.unit.rules.making import rows_of

SHARE = 0.005
"""The oracle measures distances on a sphere, which is right to half a percent."""


def as_the_oracle_says(found: Sequence[Finding], said: Sequence[Finding]) -> bool:
    """Equal in everything but the last digit of distances. Both in order."""
    return len(found) == len(said) and all(
        _plain(ours) == _plain(its)
        and ours.value == pytest.approx(its.value, rel=SHARE * (ours.key.rule is Rule.LEFT_HOME))
        and ours.peak == pytest.approx(its.peak, rel=SHARE * (ours.key.rule is Rule.LEFT_HOME))
        for ours, its in zip(found, said, strict=True)
    )


def _plain(finding: Finding) -> Finding:
    """The nights of `watch` are its particulars; what else is said of other findings is not."""
    detail = finding.detail if finding.key.rule is Rule.WATCH else ""
    return replace(finding, value=0, peak=0, detail=detail)


def of_the_first(finding: Finding) -> Finding:
    """As if it were of episode and device 1, as the oracle has it."""
    return replace(finding, key=replace(finding.key, episode_no=1, device_no=1))


def as_readings(rows: Rows) -> list[dict[str, Any]]:
    """Rows as the oracle reads them."""
    names = rows.dtype.names or ()
    return [dict(zip(names, row, strict=True)) for row in rows.tolist()]


def in_content_order(readings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The order of time, and of content at one instant."""
    return as_readings(rows_of(readings))
