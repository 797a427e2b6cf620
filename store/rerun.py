"""From the pages of a snapshot to the state of now: what the journal has had since, judged again.

Theory of operation. A page has the state of its wearers after one step of the journal. Steps after
it are run once more, in their order, with the readings they stored and the clocks they had; of a
step, only those wearers are taken over whose page is older. Readings that came late are passed over
here as they were then: the step that judged such a wearer anew has left a page of its own, and if
there was none yet, the late work is still to do.

The same with sequence numbers, by device. Of messages, which `device_fault` counts, the journal
keeps no list: what a device sent at one instant counts as one, and one that was rejected before as
it is now, and so was kept then, is not counted again. What of that finding stands is read from the
findings themselves.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import numpy.typing as npt
import psycopg

from domain.batch import Rows, in_order
from domain.instant import from_datetime
from ingest.sequences import Sequences
from ingest.work import Kind
from rules.engine import Evaluation, apply, evaluate, tick
from rules.heard import Heard
from rules.rulebook import Rulebook
from rules.slots import NO_SLOT
from rules.snapshots import unpack
from rules.state import State, fresh
from rules.wearers import Wearers
from rules.wearing import Wearing
from store import rejections, snapshots
from store.readings import fetch_with_batches

STEPS: Final = 200
"""Of the journal, at a time."""
NO_PAGE: Final = -1
NEVER: Final = 2**62
"""No step is as late."""

_STEPS: Final = (
    "SELECT batch, kind, now_at, receive_clock_us FROM journal WHERE shard = %s AND batch > %s"
    " ORDER BY batch LIMIT %s"
)

Batches = npt.NDArray[np.int64]


@dataclass(slots=True, eq=False)
class Restored:
    """What the pages say, and, after `run_on`, what has come of it."""

    state: State
    of_wearer: Batches
    """By slot: the step its page is the state after, or `NO_PAGE`."""
    sequences: Sequences
    of_device: Batches
    """The same by device number; devices beyond the end have none."""

    def have_pages(self, device_no: npt.NDArray[np.integer]) -> npt.NDArray[np.bool_]:
        """Whose numbers were written down. Shape (n,)."""
        return _older(self.of_device, device_no, NEVER)


def restored(connection: psycopg.Connection, shard: int, wearers: Wearers) -> Restored:
    """What was written down of these wearers, older pages first."""
    devices = int(wearers.device_no.max(initial=0)) + 1
    found = Restored(
        state=fresh(len(wearers)),
        of_wearer=np.full(len(wearers), NO_PAGE, dtype=np.int64),
        sequences=Sequences(),
        of_device=np.full(devices, NO_PAGE, dtype=np.int64),
    )
    for page in snapshots.stored(connection, shard):
        kept = unpack(page.rules)
        if kept is None:
            continue
        slots = wearers.slots.at(kept.keys)
        known = np.flatnonzero(slots != NO_SLOT)
        found.state.put(slots[known], kept.rows.taken(known))
        found.of_wearer[slots[known]] = page.batch
        if page.sequences is not None:
            numbers = found.sequences.restore(page.sequences)
            found.of_device[numbers[numbers < devices]] = page.batch
    return found


def run_on(
    cursor: psycopg.Cursor, shard: int, found: Restored, wearers: Wearers, rulebook: Rulebook
) -> None:
    """Runs what the journal has after the pages, in place. Wearers without a page stay as are."""
    paged = np.concatenate([found.of_wearer, found.of_device])
    paged = paged[paged != NO_PAGE]
    if not len(paged):
        return
    # A wearer judged anew has a newer page than the numbers of their device.
    since = int(paged.min())
    while steps := cursor.execute(_STEPS, [shard, since, STEPS]).fetchall():
        until = int(steps[-1][0])
        _run(cursor, found, (since, until), steps, wearers, rulebook)
        since = until


def _run(
    cursor: psycopg.Cursor,
    found: Restored,
    span: tuple[int, int],
    steps: list[tuple[int, str, datetime, int]],
    wearers: Wearers,
    rulebook: Rulebook,
) -> None:
    rows, batches = fetch_with_batches(cursor, *span)
    rows["slot"] = wearers.slots.find(rows["episode_no"], rows["device_no"])
    order = np.argsort(batches, kind="stable")
    rows, batches = rows[order], batches[order]
    rejected = rejections.numbers_of(cursor, *span)
    kept = rejections.messages_of(cursor, *span)
    wearing = Wearing.of(wearers) if kept else None
    for batch, kind, now_at, receive_clock_us in steps:
        now = from_datetime(now_at)
        first, last = np.searchsorted(batches, [batch, batch + 1])
        part = rows[first:last]
        evaluation = None
        if kind == Kind.TICK:
            evaluation = tick(found.state, wearers, rulebook, now, receive_clock_us)
        elif len(part) or batch in kept:
            mine = in_order(part[_older(found.of_wearer, part["slot"], batch)])
            heard = heard_in(mine, kept.get(batch, []), wearing)
            evaluation = evaluate(
                *(found.state, mine, wearers, rulebook, now, receive_clock_us), heard
            )
        if evaluation is not None:
            _take_over(found, evaluation, batch)
        _count(found, part, rejected.get(batch, []), batch, now)


def heard_in(rows: Rows, bad: list[tuple[int, int]], wearing: Wearing | None) -> Heard:
    """The messages of a step, as far as it can be told: what came at one instant is one.

    `bad` are (device_no, received_at) of those of which something was kept as rejected; `wearing`
    says whose they are, and may be None where there are none.
    """
    came = np.stack((rows["received_at"], rows["slot"].astype(np.int64)), axis=1)
    spoilt = np.empty((0, 2), dtype=np.int64)
    if bad:
        assert wearing is not None
        whose = ((at, wearing.slot(device_no, at)) for device_no, at in bad)
        known = [(at, slot) for at, slot in whose if slot != NO_SLOT]
        spoilt = np.array(known, dtype=np.int64).reshape(-1, 2)
    messages, places = np.unique(np.concatenate([came, spoilt]), axis=0, return_inverse=True)
    is_bad = np.zeros(len(messages), dtype=np.bool_)
    is_bad[places[len(rows) :]] = True
    return Heard(messages[:, 1], is_bad, messages[:, 0], places[: len(rows)])


def _older(of: Batches, places: npt.NDArray[np.integer], batch: int) -> npt.NDArray[np.bool_]:
    """Of which of these there is a page that was written before a step."""
    inside = (places >= 0) & (places < len(of))
    page = of[np.where(inside, places, 0)]
    older: npt.NDArray[np.bool_] = inside & (page != NO_PAGE) & (page < batch)
    return older


def _take_over(found: Restored, evaluation: Evaluation, batch: int) -> None:
    which = np.flatnonzero(_older(found.of_wearer, evaluation.slots, batch))
    rows = evaluation.rows.taken(which)
    found.state = apply(found.state, Evaluation(evaluation.slots[which], rows, (), ()))


def _count(
    found: Restored, rows: Rows, rejected: list[tuple[int, int, int]], batch: int, now: int
) -> None:
    """Sequence numbers of a step, stored and rejected together."""
    numbers = np.array(rejected, dtype=np.int64).reshape(-1, 3)
    device_no = np.concatenate([rows["device_no"].astype(np.int64), numbers[:, 0]])
    which = _older(found.of_device, device_no, batch)
    boot_key = np.concatenate([rows["boot_key"], numbers[:, 1]])[which]
    seq = np.concatenate([rows["seq"], numbers[:, 2]])[which]
    found.sequences.recall(device_no[which], boot_key, seq, now)
