"""Canaries: messages of our own that go the way of readings and alerts, to prove that it is open.

A canary is a reading of the device `DEVICE`, which no roster may have; it names its grid by number
and carries a mark that only its sender knows. Ingestion keeps the newest of each grid apart from
readings, with an id of the alert log; from there the feeds carry it, as a `Sighting`. It is no
reading, of nobody, and rings nobody's phone. Nouns and their text only: who sends them, and what it
means when one does not come back, is in `alerts.canary_watch` and `alerts.feeds.canaries`.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from domain.instant import format_rfc3339

DEVICE: Final = "doorstep-canary"
"""No device's id: one that is given this name by a roster is refused."""
TOPIC: Final = f"doorstep/v1/devices/{DEVICE}/readings"
MOST_IN_A_MESSAGE: Final = 500
"""Of at most 110 bytes each: within the 64 KiB of a message (contract section 3)."""


@dataclass(frozen=True, slots=True)
class Canary:
    """One, on its way in. `sent_at` is on the service's clock."""

    grid_no: int
    mark: str
    """1 to 32 characters of ASCII: how its sender knows it again."""
    sent_at: int


@dataclass(frozen=True, slots=True)
class Sighting:
    """The newest of a grid, as it is stored. Instants are on the service's clock."""

    event_id: int
    """Of the alert log's counter; no event has it."""
    grid_no: int
    grid: str
    mark: str
    sent_at: int
    stored_at: int

    @property
    def id(self) -> str:
        """The same at each feed."""
        return f"canary_{self.event_id}"

    def told(self) -> dict[str, str]:
        """What feeds carry. The mark is not for others: who knows it could pretend to be us."""
        return {
            "type": "canary",
            "grid": self.grid,
            "sent_at": format_rfc3339(self.sent_at),
            "stored_at": format_rfc3339(self.stored_at),
        }


def body(sighting: Sighting) -> bytes:
    """What is published of one."""
    return json.dumps(sighting.told(), ensure_ascii=False, separators=(",", ":")).encode()


def payload(canaries: Sequence[Canary]) -> bytes:
    """A message of readings as any device could send it: `boot` is the mark, `seq` the grid."""
    assert 0 < len(canaries) <= MOST_IN_A_MESSAGE
    readings = [
        {
            "measured_at": format_rfc3339(each.sent_at),
            "boot": each.mark,
            "seq": each.grid_no,
            "steps": 0,
        }
        for each in canaries
    ]
    return json.dumps(readings, separators=(",", ":")).encode()
