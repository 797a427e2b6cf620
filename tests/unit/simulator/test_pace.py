from dataclasses import dataclass

from simulator.pace import CatchUp


@dataclass
class Hands:
    """A clock that somebody turns."""

    at: int

    def now(self) -> int:
        return self.at


def test_it_starts_in_the_past_and_meets_now() -> None:
    hands = Hands(1_000_000)
    clock = CatchUp(hands, began_at=1_000_000, from_at=100_000, speed=10.0)
    assert clock.now() == 100_000
    hands.at = 1_050_000
    assert clock.now() == 600_000
    assert clock.meets_at == 1_100_000
    hands.at = 1_099_999
    assert clock.now() < hands.at
    hands.at = 1_100_000
    assert clock.now() == 1_100_000


def test_it_never_passes_the_clock_it_follows() -> None:
    hands = Hands(1_000_000)
    clock = CatchUp(hands, began_at=1_000_000, from_at=100_000, speed=10.0)
    hands.at = 9_000_000
    assert clock.now() == 9_000_000
