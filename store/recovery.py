"""What a starting ingestion process needs to know of the past: the roster, and the rules' state.

The state is read from the pages that were written down, and the steps of the journal after them
are run once more (`store.rerun`). Of wearers without a page (new ones, or all of them after an
upgrade that changed the columns) it is rebuilt by judging their stored readings once more, in event
time, a day of readings at a time; by promise 2 that gives the state the process had. Their silence,
which goes by the receive clock, is taken from the journal instead.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final, LiteralString

import numpy as np
import numpy.typing as npt
import psycopg

from domain.batch import READING, Rows, in_order
from domain.instant import DAY_US, from_datetime, to_datetime
from ingest.sequences import Sequences
from ingest.work import Beginning
from rules import band_faults, silent
from rules.columns import BIT
from rules.engine import apply, evaluate
from rules.finding import Rule
from rules.rulebook import Rulebook
from rules.slots import NO_SLOT
from rules.state import State
from rules.wearers import Wearers
from store import late_work, noticed, rejections, roster
from store.errors import translated
from store.readings import fetch
from store.rerun import NO_PAGE, Restored, restored, run_on

SHARD: Final = 0
FEW: Final = 5_000
"""Devices that a query may name one by one."""
PAGE: Final = 10_000
"""So many rows are Python's own objects at a time."""

Instants = npt.NDArray[np.int64]

_SPAN: Final = "SELECT min(measured_at), max(measured_at) FROM reading"
_HEARD: Final = (
    "SELECT r.episode_no, r.device_no, (extract(epoch FROM r.received_at) * 1000000)::bigint,"
    " j.receive_clock_us"
    " FROM (SELECT episode_no, device_no, max(received_at) AS received_at, max(batch) AS batch"
    "  FROM reading WHERE episode_no IN (SELECT e.episode_no FROM episode e WHERE e.ends_at > %s)"
    "  AND (%s::int[] IS NULL OR device_no = ANY(%s::int[]))"
    "  GROUP BY episode_no, device_no) r"
    " JOIN journal j ON j.shard = 0 AND j.batch = r.batch"
)
_CLOCKS_SINCE: Final = (
    "SELECT (extract(epoch FROM now_at) * 1000000)::bigint, receive_clock_us FROM journal"
    " WHERE shard = 0 AND batch >= coalesce("
    "(SELECT max(batch) FROM journal WHERE shard = 0 AND now_at <= %s), 0) ORDER BY batch"
)

_ANY_BATCH: Final = "SELECT FROM journal WHERE kind = 'batch' LIMIT 1"


def recall(connection: psycopg.Connection, rulebook: Rulebook, now: int) -> Beginning:
    """Where the last process left off. Reads only."""
    with translated(), connection.cursor() as cursor:
        people = roster.load(connection, now)
        wearers = Wearers.of(people, rulebook)
        clock = cursor.execute("SELECT receive_clock_us FROM shard WHERE shard = 0").fetchone()
        assert clock is not None
        with connection.transaction():
            found = restored(connection, SHARD, wearers)
        run_on(cursor, SHARD, found, wearers, rulebook)
        sequences = _recall_unwritten(cursor, found, wearers, rulebook, now)
        silent.begin(found.state, wearers, now, int(clock[0]))
        return Beginning(
            rulebook=rulebook,
            roster=people,
            wearers=wearers,
            state=found.state,
            receive_clock_us=int(clock[0]),
            late_left=late_work.left(cursor, people.version),
            sequences=sequences.recalled(cursor),
            heard_before=cursor.execute(_ANY_BATCH).fetchone() is not None,
        )


def _recall_unwritten(
    cursor: psycopg.Cursor, found: Restored, wearers: Wearers, rulebook: Rulebook, now: int
) -> "_Numbers":
    """Fills in the wearers and devices of which no page was written: from all that is stored."""
    numbers = _Numbers(cursor, now, found)
    unwritten = found.of_wearer == NO_PAGE
    # Wearers that were judged anew may have a page already, and their devices none.
    unread = np.flatnonzero(unwritten | ~found.have_pages(wearers.device_no))
    if len(unread):
        _judge_again(cursor, numbers, unread, wearers, rulebook, now)
        _recall_silence(cursor, found.state, np.flatnonzero(unwritten), wearers, now)
    _recall_faults(cursor, found.state, wearers)
    return numbers


def _recall_faults(cursor: psycopg.Cursor, state: State, wearers: Wearers) -> None:
    """Fills in which bands are known to be faulty, and no other: the findings know."""
    standing = {
        slot: band_faults.standing_cells(finding)
        for finding in late_work.standing_of(cursor, Rule.DEVICE_FAULT)
        for slot in [wearers.slots.get((finding.key.episode_no, finding.key.device_no))]
        if slot is not None
    }
    going = np.flatnonzero(state["going"] & BIT["device_fault"])
    slots = np.union1d(going, np.array(list(standing), dtype=np.int64)).astype(np.int64)
    rows = state.gather(slots)
    column = rows["device_fault"]
    for nth, slot in enumerate(slots.tolist()):
        good = column[nth]["good"]
        column[nth] = standing.get(slot, (0,) * 7)
        column[nth]["good"] = good if slot in standing else 0
    state.put(slots, rows)


def _judge_again(
    cursor: psycopg.Cursor,
    numbers: "_Numbers",
    slots: Instants,
    wearers: Wearers,
    rulebook: Rulebook,
    now: int,
) -> None:
    """Reads all that is stored of these wearers, a day at a time: judges it, and counts it."""
    oldest, newest = cursor.execute(_SPAN).fetchone() or (None, None)
    if oldest is None or newest is None:
        return
    found = numbers.restored
    unwritten = found.of_wearer == NO_PAGE
    for day in range(from_datetime(oldest) // DAY_US, from_datetime(newest) // DAY_US + 1):
        rows = _of_day(cursor, day, wearers.device_no[slots], now)
        rows["slot"] = wearers.slots.find(rows["episode_no"], rows["device_no"])
        rows = in_order(rows[rows["slot"] != NO_SLOT])
        numbers.saw(rows)
        rows = rows[unwritten[rows["slot"]]]
        if len(rows):
            evaluation = evaluate(found.state, rows, wearers, rulebook, now, 0)
            found.state = apply(found.state, evaluation)


def _of_day(cursor: psycopg.Cursor, day: int, devices: npt.NDArray[np.int32], now: int) -> Rows:
    """What was measured that day: of these devices where they are few, else of all."""
    begin, end = to_datetime(day * DAY_US), to_datetime((day + 1) * DAY_US)
    if len(devices) <= FEW:
        return fetch(
            cursor,
            "WHERE measured_at >= {} AND measured_at < {} AND device_no = ANY({})",
            [begin, end, devices.tolist()],
        )
    return fetch(
        cursor,
        "WHERE measured_at >= {} AND measured_at < {} AND episode_no IN"
        " (SELECT e.episode_no FROM episode e WHERE e.ends_at > {})",
        [begin, end, to_datetime(now - roster.KEPT_AFTER_END_US)],
    )


class _Numbers:
    """Which sequence numbers are committed, from what is stored and what was rejected.

    A gap that was not noticed before is one that begins before the episodes we look at: it is
    nothing that anybody could mend now, and so as old as what no signal shows any more.
    """

    def __init__(self, cursor: psycopg.Cursor, now: int, restored: Restored) -> None:
        self.restored = restored
        self._sequences = restored.sequences
        found = groupby(rejections.numbers(cursor), key=itemgetter(0, 1))
        self._rejected = {
            pair: [seq for _, _, seq in of_pair]
            for pair, of_pair in found
            if not restored.have_pages(np.array(pair[:1])).any()
        }
        """By (device_no, boot_key), ascending: what no piece has had yet."""
        self._unnoticed_at = now - 31 * DAY_US

    def saw(self, rows: Rows) -> None:
        """A day's rows; with the rejected numbers they have counted past, lest those be holes.

        Devices whose numbers were written down with another wearer's page are left out.
        """
        rows = rows[~self.restored.have_pages(rows["device_no"])]
        self._recall(rows, [*self._counted_past(rows)] if self._rejected else [])

    def _counted_past(self, rows: Rows) -> Iterator[tuple[int, int, int]]:
        devices = np.unique([device_no for device_no, _ in self._rejected])
        mine = rows[np.isin(rows["device_no"], devices)]
        # Ascending, so that of each pair the highest number stays.
        mine = mine[np.argsort(mine["seq"], kind="stable")]
        pairs = mine[["device_no", "boot_key"]].tolist()
        highest = dict(zip(pairs, mine["seq"].tolist(), strict=True))
        for pair in [pair for pair in self._rejected if pair in highest]:
            numbers = self._rejected[pair]
            until = bisect_left(numbers, highest[pair])
            yield from ((*pair, seq) for seq in numbers[:until])
            del numbers[:until]

    def _recall(self, rows: Rows, rejected: Sequence[tuple[int, int, int]]) -> None:
        numbers = np.array(rejected, dtype=np.int64).reshape(-1, 3)
        self._sequences.recall(
            np.concatenate([rows["device_no"], numbers[:, 0].astype(np.int32)]),
            np.concatenate([rows["boot_key"], numbers[:, 1]]),
            np.concatenate([rows["seq"], numbers[:, 2]]),
            self._unnoticed_at,
        )

    def recalled(self, cursor: psycopg.Cursor) -> Sequences:
        """All of it, with the rest of what was rejected."""
        rest = [(*pair, seq) for pair, numbers in self._rejected.items() for seq in numbers]
        self._recall(np.empty(0, dtype=READING), rest)
        self._sequences.restore_noticed(noticed.known_gaps(cursor))
        return self._sequences


def _recall_silence(
    cursor: psycopg.Cursor, state: State, some: Instants, wearers: Wearers, now: int
) -> None:
    """Fills in when each of these was last heard, on both clocks, and who was silent already."""
    few = wearers.device_no[some].tolist() if len(some) <= FEW else None
    slots, heard_at, clock = _heard(cursor, few, wearers, now)
    unheard = np.zeros(len(wearers), dtype=np.bool_)
    unheard[some] = True
    mine = unheard[slots]
    slots, heard_at, clock = slots[mine], heard_at[mine], clock[mine]
    unheard[slots] = False
    never = np.flatnonzero(unheard)
    silent.restore(state, slots, heard_at, clock)
    silent.restore(state, never, *_unheard(cursor, wearers.from_at[never]))
    wanted = dict.fromkeys(some.tolist())
    for finding in late_work.standing_of(cursor, Rule.SILENT):
        slot = wearers.slots.get((finding.key.episode_no, finding.key.device_no))
        if slot is not None and slot in wanted:
            silent.restore_standing(state, slot, finding)


def _heard(
    cursor: psycopg.Cursor, devices: list[int] | None, wearers: Wearers, now: int
) -> tuple[npt.NDArray[np.int64], Instants, Instants]:
    """When wearers (of these devices, or all) were last heard.

    (slots, received_at, the receive clock then). Shapes (n,).
    """
    since = to_datetime(now - roster.KEPT_AFTER_END_US)
    wanted = [since, devices, devices]
    episode_no, device_no, received_at, clock = _columns(cursor, _HEARD, wanted, 4)
    slots = wearers.slots.find(episode_no, device_no)
    known = slots != NO_SLOT
    return slots[known].astype(np.int64), received_at[known], clock[known]


def _unheard(cursor: psycopg.Cursor, from_at: Instants) -> tuple[Instants, Instants]:
    """Silence of somebody never heard counts from the assignment, by our clock of then.

    That is the clock of the newest step begun by then; before the first step there is none, and
    counting begins anew: (0, 0).
    """
    if not len(from_at):
        return from_at, from_at
    begun_at, clocks = _columns(cursor, _CLOCKS_SINCE, [to_datetime(int(from_at.min()))], 2)
    # The time of day may have gone back between steps: a step counts up to the earliest after it.
    earliest = np.minimum.accumulate(begun_at[::-1])[::-1]
    step = np.searchsorted(earliest, from_at, side="right") - 1
    known = step >= 0
    clock = np.zeros(len(from_at), dtype=np.int64)
    clock[known] = clocks[step[known]]
    return np.where(known, from_at, 0), clock


def _columns(
    cursor: psycopg.Cursor, query: LiteralString, values: Sequence[object], width: int
) -> npt.NDArray[np.int64]:
    """The whole numbers a query of so many columns yields. Shape (width, n)."""
    pages = [np.empty((0, width), dtype=np.int64)]
    connection = cursor.connection
    with connection.transaction(), connection.cursor("recalled") as server:
        server.execute(query, values)
        while rows := server.fetchmany(PAGE):
            pages.append(np.array(rows, dtype=np.int64))
    return np.concatenate(pages).T
