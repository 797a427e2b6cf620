"""What is the matter with bands: the rows of `device_fault` in the state, and their findings."""

import json
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from rules.changes import RULEBOOK_ORIGIN, Placed
from rules.columns import RUNS
from rules.finding import Change, Finding, FindingChange, FindingKey, Rule, Severity, SiteClass
from rules.rulebook import DeviceFault
from rules.touched import Touched
from rules.wearers import Wearers

MESSAGES: Final = 20
"""Remembered, contract section 5."""
_ORDER: Final = len(RUNS) + 2
"""Reported after silence and the watch."""

Slots = npt.NDArray[np.int64]


class Cause(IntEnum):
    """What is wrong. The numbers are in the state."""

    MESSAGES = 1
    TEMPERATURE = 2
    PULSE = 3

    @property
    def word(self) -> str:
        """As in the evidence."""
        return _WORDS[self]


_WORDS: Final = {
    Cause.MESSAGES: "rejected messages",
    Cause.TEMPERATURE: "frozen temperature",
    Cause.PULSE: "frozen pulse",
}


@dataclass(frozen=True, slots=True, eq=False)
class BandFaults:
    """Those of the wearers of a step."""

    states: Touched
    slots: Slots
    wearers: Wearers
    figures: DeviceFault

    def began(
        self, nth: int, cause: Cause, onset_at: int, at: int, bad: int, value: int = 0
    ) -> Placed:
        """A finding begins; `value` is the one that does not change."""
        cells = (onset_at, at, bad, bad, int(cause), 0, value)
        self.states["device_fault"][nth] = cells
        return self._placed(nth, FindingChange(Change.BEGAN, self.finding(nth)))

    def seen(self, nth: int, at: int, bad: int, most: int) -> Placed:
        """It is still so: `bad` at `at`, and at most `most` since it was told last."""
        before = self.finding(nth)
        row = self.states["device_fault"][nth]
        row["last_at"], row["bad"], row["most"] = at, bad, max(most, int(row["most"]))
        return self._placed(nth, FindingChange(Change.SEEN, self.finding(nth), before))

    def ended(self, nth: int, at: int) -> Placed:
        """It is over."""
        before = self.finding(nth)
        column = self.states["device_fault"]
        column[nth] = np.zeros((), dtype=column.dtype)
        after = replace(before, ended_at=max(at, before.onset_at))
        return self._placed(nth, FindingChange(Change.ENDED, after, before))

    def _placed(self, nth: int, change: FindingChange) -> Placed:
        return (int(self.slots[nth]), -1, _ORDER), change

    def finding(self, nth: int) -> Finding:
        """The one that stands."""
        slot = int(self.slots[nth])
        onset_at, last_at, bad, most, cause, _, value = self.states["device_fault"][nth].item()
        said: dict[str, object] = {"cause": Cause(cause).word}
        match Cause(cause):
            case Cause.MESSAGES:
                said |= {"bad": bad, "of": MESSAGES}
            case Cause.TEMPERATURE:
                said["temperature_c"] = value / 100
            case Cause.PULSE:
                said["pulse_bpm"] = value
        share, worst = (100 * n // MESSAGES for n in (bad, most))
        return Finding(
            key=FindingKey(
                int(self.wearers.episode_no[slot]),
                int(self.wearers.device_no[slot]),
                Rule.DEVICE_FAULT,
                SiteClass.NONE,
            ),
            onset_at=onset_at,
            ended_at=None,
            severity=Severity.ROUTINE,
            last_at=last_at,
            value=share,
            peak=worst,
            limit=self.figures.bad_pct,
            origin=RULEBOOK_ORIGIN,
            site="",
            detail=json.dumps(said, sort_keys=True, separators=(",", ":")),
        )


def standing_cells(standing: Finding) -> tuple[int, int, int, int, int, int, int]:
    """The row of `device_fault` that a finding stands for, for a state that was lost."""
    said = json.loads(standing.detail)
    cause = next(each for each, known in _WORDS.items() if known == said["cause"])
    value = round(100 * said.get("temperature_c", 0)) + int(said.get("pulse_bpm", 0))
    bad, most = (n * MESSAGES // 100 for n in (standing.value, standing.peak))
    return standing.onset_at, standing.last_at, bad, most, int(cause), 0, value
