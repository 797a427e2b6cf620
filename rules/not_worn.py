"""`not_worn`: the band says that nobody wears it, for a quarter of an hour; and what that mutes.

Theory of operation. A reading says that the band is off when `worn` is false or the pulse is 0
(no contact), and that it is on when `worn` is true or there is a pulse. Other readings say neither
and are passed over.

What a band measures while it is off is not the person's. So vitals (`fever`, `pulse`, `oxygen`,
`watch` and baselines) do not hear a reading that says it is off; nor, while a finding of this rule
stands, one that does not say it is on. A reading that says it is on is always heard: a fever is
not missed because somebody put the band on again a minute ago.
"""

import numpy as np
import numpy.typing as npt

from rules.finding import Severity
from rules.hold import Events
from rules.marks import Batch, Kind, Marks
from rules.run import Step
from rules.touched import Touched

Flags = npt.NDArray[np.bool_]


def marks(batch: Batch) -> list[Marks]:
    """What each reading says of the band. `batch.muted` is not known yet."""
    figures = batch.rulebook.not_worn
    off, on = _off(batch), _on(batch)
    which = batch.worth("not_worn", off | on, off)
    column = batch.marks(which)
    column["kind"] = np.where(off[which], Kind.QUALIFIES, Kind.CLEARS)
    column["severity"] = Severity.ROUTINE
    batch.hold(column, figures.hold_s, figures.readings, figures.clear_s)
    return [Marks("not_worn", column)]


def muted(batch: Batch, before: Touched, events: Events) -> Flags:
    """Which rows vitals do not hear. `before` and `events` are of this rule's run."""
    off = _off(batch)
    active = _active(batch, before, events)
    return off if active is None else off | (active & ~_on(batch))


def _off(batch: Batch) -> Flags:
    off: Flags = (batch.rows["worn"] == 0) | (batch.rows["pulse_bpm"] == 0)
    return off


def _on(batch: Batch) -> Flags:
    """Where `_off` is not so as well."""
    rows = batch.rows
    on: Flags = (rows["worn"] != 0) & (rows["pulse_bpm"] != 0)
    on &= (rows["worn"] == 1) | (rows["pulse_bpm"] > 0)
    return on


def _active(batch: Batch, before: Touched, events: Events) -> Flags | None:
    """In which rows a finding stands; None if in none."""
    going = before.going("not_worn")
    if not len(batch.rows) or not (going.any() or len(events.row)):
        return None
    # At the rows of the events themselves it makes no difference: those say whether it is on.
    change = np.zeros(len(batch.rows), dtype=np.int64)
    change[events.row[events.step == Step.BEGAN]] = 1
    change[events.row[events.step == Step.ENDED]] = -1
    so_far = np.cumsum(change)
    first = np.flatnonzero(np.append(True, batch.group[1:] != batch.group[:-1]))
    lengths = np.diff(np.append(first, len(so_far)))
    at_first = np.repeat(so_far[first] - change[first], lengths)
    stood = (before["not_worn"]["active"] != 0)[batch.group]
    active: Flags = stood + so_far - at_first > 0
    return active
