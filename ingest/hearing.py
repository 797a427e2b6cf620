"""Which wearers the messages of a batch are of, and which of them are bad: `rules.heard`.

A message of a device that nobody wears, or that nobody knows, is nobody's. Of a message with
readings the wearer is that of its readings; of one of which nothing was accepted it is whoever
wears the device when it comes. A message that was kept and is judged anew has not come once more.
"""

import numpy as np
import numpy.typing as npt

from domain.batch import Rows
from ingest.directory import ASK_THE_ROSTER, Directory
from ingest.gathering import OpenBatch
from rules.heard import Heard
from rules.slots import NO_SLOT


def heard_in(
    batch: OpenBatch, rows: Rows, origins: npt.NDArray[np.int32], directory: Directory
) -> Heard:
    """The messages of a batch whose every message is decoded; `rows` and `origins` are its own.

    The answer goes with these rows.
    """
    count = len(batch.messages)
    slot = np.full(count, NO_SLOT, dtype=np.int64)
    at = np.zeros(count, dtype=np.int64)
    slot[origins] = rows["slot"]
    at[origins] = rows["received_at"]
    bad = np.zeros(count, dtype=np.bool_)
    if batch.spoilt:
        bad[batch.spoilt] = True
        senders = np.concatenate(batch.senders)
        for n in batch.spoilt:
            if slot[n] == NO_SLOT and senders[n]:
                at[n] = batch.messages[n].received_at
                slot[n] = _worn_by(int(senders[n]), int(at[n]), directory)
    came = slot != NO_SLOT
    came &= ~np.array([message.resubmitted for message in batch.messages], dtype=np.bool_)
    known = np.flatnonzero(came)
    place = np.where(came, np.cumsum(came) - 1, -1)
    return Heard(slot[known], bad[known], at[known], place[origins])


def _worn_by(device_no: int, at: int, directory: Directory) -> int:
    if directory.slot[device_no] != ASK_THE_ROSTER:
        worn = directory.from_at[device_no] <= at < directory.until_at[device_no]
        return int(directory.slot[device_no]) if worn else NO_SLOT
    assignment = directory.roster.assigned(device_no, at)
    if assignment is None:
        return NO_SLOT
    return directory.slots.get((assignment.episode_no, device_no), NO_SLOT)
