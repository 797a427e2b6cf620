"""Runs the tables about messages: what is found must be as written, in whatever batches."""

import itertools
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from domain.instant import MINUTE_US
from rules.engine import evaluate
from rules.finding import Finding, Rule
from rules.heard import Heard
from tests.golden.rules.test_tables import cases, number, table, worn_of
from tests.unit.rules.making import Service, minutes, reading, rows_of

NAMES = ("onset", "ended", "severity", "peak", "limit", "of")
"""What a table may say of a finding."""


@dataclass(frozen=True)
class Message:
    """One message, and the reading in it."""

    minute: float
    quantities: dict[str, Any] | None
    """None where something was rejected."""


def messages_of(case: dict[str, Any]) -> list[Message]:
    found = []
    for line in table(case["messages"]):
        quantities = {
            name: float(word)
            for name, word in line.items()
            if name not in ("minute", "times", "every", "rejected")
        }
        for n in range(int(line["times"])):
            minute = float(line["minute"]) + n * float(line["every"])
            found.append(Message(minute, None if "rejected" in line else quantities))
    return found


class Band(Service):
    """Hears messages."""

    def hear(self, messages: list[Message]) -> None:
        """All of them in one batch."""
        good = [each for each in messages if each.quantities is not None]
        rows = rows_of([reading(minutes(each.minute), **each.quantities or {}) for each in good])
        bad = np.array([each.quantities is None for each in messages], dtype=np.bool_)
        at = np.array([minutes(each.minute) for each in messages], dtype=np.int64)
        heard = Heard(np.zeros(len(messages), dtype=np.int64), bad, at, np.flatnonzero(~bad))
        now = int(at[-1])
        self._take_over(
            evaluate(self.state, rows, self.wearers, self.rulebook, now, self.clock_us, heard)
        )


def as_written(finding: Finding) -> dict[str, str | float]:
    written: dict[str, str | float] = {
        "onset": (finding.onset_at - minutes(0)) / MINUTE_US,
        "severity": finding.severity.word,
        "peak": finding.peak,
        "limit": finding.limit,
        "of": json.loads(finding.detail)["cause"].replace(" ", "_"),
    }
    if finding.ended_at is not None:
        written["ended"] = (finding.ended_at - minutes(0)) / MINUTE_US
    return written


@pytest.mark.parametrize("at_once", [1, 7, 1000])
@pytest.mark.parametrize("case", list(cases("messages")))
def test_table(case: dict[str, Any], at_once: int) -> None:
    band = Band(worn_of(case))
    messages = messages_of(case)
    for begin, end in itertools.pairwise([*range(0, len(messages), at_once), len(messages)]):
        band.hear(messages[begin:end])
    found = [each for each in band.book.standing.values() if each.key.rule is Rule.DEVICE_FAULT]
    expected = table(case["findings"])
    names = case["findings"].splitlines()[0].split() if expected else []
    assert {*names} <= {*NAMES}
    assert [{name: as_written(each).get(name) for name in names} for each in found] == [
        {name: number(line.get(name)) for name in names} for line in expected
    ]
