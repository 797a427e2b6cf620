"""What one check found, and what all of them together mean. Pure.

What cannot be seen is a warning, never ok: missing is not green.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from doorstep.doctor.catalogue import CATALOGUE, REACHABLE


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    """A key of the catalogue."""
    verdict: Verdict
    seen: str
    """What was found, in a few words; never a secret."""

    @property
    def why(self) -> str:
        """Why it matters."""
        return CATALOGUE[self.name].why

    @property
    def remedy(self) -> str:
        """What to do when it is not ok."""
        return CATALOGUE[self.name].remedy

    @property
    def unreachable(self) -> bool:
        """Whether this says that the broker or the database cannot be reached."""
        return self.verdict is Verdict.FAIL and self.name in REACHABLE


def ok(name: str, seen: str) -> Check:
    """A check that found what it should."""
    return Check(name, Verdict.OK, seen)


def warn(name: str, seen: str) -> Check:
    """A check that found a weakness, or could not see."""
    return Check(name, Verdict.WARN, seen)


def fail(name: str, seen: str) -> Check:
    """A check that found a promise broken."""
    return Check(name, Verdict.FAIL, seen)


def overall(checks: Iterable[Check]) -> Verdict:
    """The worst of all; ok when there are none."""
    severity = list(Verdict)
    return max((check.verdict for check in checks), key=severity.index, default=Verdict.OK)
