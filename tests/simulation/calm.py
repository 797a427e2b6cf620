"""The findings of one calm pass that knew the final roster and rulebook from the start."""

import numpy as np

from domain.batch import Rows, in_order
from domain.people import Roster
from rules.engine import replay
from rules.finding import Finding
from rules.wearers import Wearers
from tests.simulation.world import World


def calm(world: World) -> set[Finding]:
    """What everything stored comes to, judged in order once."""
    roster, rulebook = world.ledger.roster, world.ledger.rulebook
    wearers = Wearers.of(roster, rulebook)
    rows = _of_their_wearers(world.ledger.rows(), roster, wearers)
    found: set[Finding] = set()
    for slot in range(len(wearers)):
        mine = rows[rows["slot"] == slot]
        _, findings = replay(mine, np.array([slot]), wearers, rulebook, world.ticked_at)
        found |= {*findings[0]}
    return found


def _of_their_wearers(rows: Rows, roster: Roster, wearers: Wearers) -> Rows:
    """The rows with whoever wore the device then; what nobody wore is left out."""
    worn = [
        roster.assigned(device_no, at)
        for device_no, at in zip(
            rows["device_no"].tolist(), rows["measured_at"].tolist(), strict=True
        )
    ]
    rows = rows[np.array([each is not None for each in worn], dtype=np.bool_)]
    rows["episode_no"] = [each.episode_no for each in worn if each is not None]
    rows["slot"] = wearers.slots.find(rows["episode_no"], rows["device_no"])
    return in_order(rows)
