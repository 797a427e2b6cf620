"""The simulated community of `doorstep up --demo`: its roster, its sign-in, its publisher.

The simulator is closed-form in (seed, start): a later start of the demo goes on with the same
people where it was, as long as it names the same start. After sixty simulated days everything
planned has happened, and a new story begins with the same people.
"""

from dataclasses import dataclass
from typing import Any, Final

from domain.instant import DAY_US, SECOND_US, format_rfc3339, parse_rfc3339
from doorstep.embedded.errors import CannotStart

SCENARIO: Final = "community"
WEARERS: Final = 60
SEED: Final = 7
FACTOR: Final = 60.0
"""A minute a second."""
LASTS_US: Final = 59 * DAY_US
"""A day less than what the simulator plans."""
STARTS_IN_S: Final = 8.0
"""Real seconds between making the roster and the first event: time to import it and connect."""
STAFF: Final = ("dr-01", "dr-02", "sup-01")
"""Who can sign in: the doctors of the two grids, and their supervisor, who sees both."""


@dataclass(frozen=True, slots=True)
class Story:
    """One run of the scenario, from an instant on the shared clock."""

    start_at: int
    begins: bool
    """Whether it starts with this run, so that its roster is new."""

    def words(self) -> list[str]:
        """The arguments that name it."""
        people = ["--wearers", str(WEARERS), "--seed", str(SEED)]
        return ["simulate", SCENARIO, *people, "--start", format_rfc3339(self.start_at)]


def story(state: dict[str, Any], now: int, factor: float) -> Story:
    """The story to go on with at `now`, or a new one, on a clock that fast."""
    kept = state.get("demo_start_at")
    if kept is not None:
        try:
            start_at = parse_rfc3339(kept)
        except (TypeError, ValueError) as error:
            raise CannotStart(f"state.json is damaged: demo_start_at: {error}") from error
        if start_at <= now < start_at + LASTS_US:
            return Story(start_at, begins=False)
    # Whole seconds, so that it reads the same wherever it is written.
    soon = now + round(STARTS_IN_S * factor * SECOND_US)
    return Story(soon // SECOND_US * SECOND_US, begins=True)


def greeting(http: str, password: str, factor: float, *, begins: bool) -> list[str]:
    """What to tell whoever started the demo."""
    pace = f"{factor:g} times as fast as real time" if factor != 1.0 else "in real time"
    news = (
        f"{WEARERS} simulated wearers in 2 grids, {pace}; in its first minutes somebody gets a"
        " fever, somebody walks out and comes back, and a band goes dead"
        if begins
        else f"{WEARERS} simulated wearers in 2 grids go on where they were, {pace}"
    )
    if begins and factor >= FACTOR:
        news = news.replace("in its first minutes", "within a minute")
    names = f"{STAFF[0]} or {STAFF[1]} (doctors) or {STAFF[2]}"
    return [
        f"console: {http}/",
        f"sign in as {names} (supervisor), password {password}",
        news,
    ]
