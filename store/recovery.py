"""What a starting ingestion process needs to know of the past: the roster, and the rules' state.

The state is rebuilt by judging the stored readings of the episodes on the roster once more, in
event time, a day of readings at a time; by promise 2 that gives the state the process had.
Silence, which goes by the receive clock, is taken from the journal instead.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final

import numpy as np
import psycopg

from domain.batch import READING, Rows, in_order
from domain.instant import DAY_US, from_datetime, to_datetime
from domain.people import Roster
from ingest.sequences import Sequences
from ingest.work import Beginning
from rules.engine import apply, evaluate
from rules.rulebook import Rulebook
from rules.silent import restore
from rules.state import State, fresh
from rules.wearers import Wearers
from store import late_work, noticed, rejections, roster
from store.errors import translated
from store.readings import fetch

Pair = tuple[int, int]
"""(episode_no, device_no)."""

_SPAN: Final = "SELECT min(measured_at), max(measured_at) FROM reading"
_HEARD: Final = (
    "SELECT r.episode_no, r.device_no, r.received_at, j.receive_clock_us"
    " FROM (SELECT episode_no, device_no, max(received_at) AS received_at, max(batch) AS batch"
    "  FROM reading WHERE episode_no = ANY(%s) GROUP BY episode_no, device_no) r"
    " JOIN journal j ON j.shard = 0 AND j.batch = r.batch"
)
_CLOCK_AT: Final = (
    "SELECT receive_clock_us FROM journal WHERE shard = 0 AND now_at <= %s"
    " ORDER BY batch DESC LIMIT 1"
)


def recall(connection: psycopg.Connection, rulebook: Rulebook, now: int) -> Beginning:
    """Where the last process left off. Reads only."""
    with translated(), connection.cursor() as cursor:
        people = roster.load(connection, now)
        wearers = Wearers.of(people, rulebook)
        clock = cursor.execute("SELECT receive_clock_us FROM shard WHERE shard = 0").fetchone()
        assert clock is not None
        sequences = _Numbers(cursor, now)
        state = _judged_again(cursor, wearers, rulebook, now, sequences)
        _recall_silence(cursor, state, people, wearers)
        return Beginning(
            rulebook=rulebook,
            roster=people,
            wearers=wearers,
            state=state,
            receive_clock_us=int(clock[0]),
            late_left=late_work.left(cursor),
            sequences=sequences.recalled(cursor),
        )


def _judged_again(
    cursor: psycopg.Cursor,
    wearers: Wearers,
    rulebook: Rulebook,
    now: int,
    numbers: "_Numbers",
) -> State:
    """The state after all stored readings of the wearers, a day at a time."""
    state = fresh(len(wearers.slots))
    oldest, newest = cursor.execute(_SPAN).fetchone() or (None, None)
    if oldest is None or newest is None:
        return state
    episodes = sorted({episode_no for episode_no, _ in wearers.slots})
    for day in range(from_datetime(oldest) // DAY_US, from_datetime(newest) // DAY_US + 1):
        rows = fetch(
            cursor,
            "WHERE measured_at >= {} AND measured_at < {} AND episode_no = ANY({})",
            [to_datetime(day * DAY_US), to_datetime((day + 1) * DAY_US), episodes],
        )
        rows = _with_slots(rows, wearers.slots)
        numbers.saw(rows)
        if len(rows):
            state = apply(state, evaluate(state, rows, wearers, rulebook, now, 0))
    return state


class _Numbers:
    """Which sequence numbers are committed, from what is stored and what was rejected.

    A gap that was not noticed before is one that begins before the episodes we look at: it is
    nothing that anybody could mend now, and so as old as what no signal shows any more.
    """

    def __init__(self, cursor: psycopg.Cursor, now: int) -> None:
        self._sequences = Sequences()
        found = groupby(rejections.numbers(cursor), key=itemgetter(0, 1))
        self._rejected = {pair: [seq for _, _, seq in of_pair] for pair, of_pair in found}
        """By (device_no, boot_key), ascending: what no piece has had yet."""
        self._unnoticed_at = now - 31 * DAY_US

    def saw(self, rows: Rows) -> None:
        """A day's rows; with the rejected numbers they have counted past, lest those be holes."""
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


def _with_slots(rows: Rows, slots: Mapping[Pair, int]) -> Rows:
    """The rows of known wearers, in order. Looks each wearer up once, not each row."""
    pairs, which = np.unique(rows[["episode_no", "device_no"]], return_inverse=True)
    slot_of = [slots.get((int(pair["episode_no"]), int(pair["device_no"])), -1) for pair in pairs]
    rows["slot"] = np.array(slot_of, dtype=np.int32)[which] if slot_of else -1
    return in_order(rows[rows["slot"] >= 0])


def _recall_silence(cursor: psycopg.Cursor, state: State, people: Roster, wearers: Wearers) -> None:
    """Fills in when each wearer was last heard, on both clocks, and who was silent already."""
    heard = dict(_heard(cursor, sorted(people.episodes)))
    standing = {
        (finding.key.episode_no, finding.key.device_no): finding
        for finding in late_work.standing_silences(cursor)
    }
    for pair, slot in wearers.slots.items():
        heard_at, clock = heard.get(pair) or _unheard(cursor, int(wearers.from_at[slot]))
        restore(state, slot, heard_at, clock, standing.get(pair))


def _heard(cursor: psycopg.Cursor, episodes: list[int]) -> Iterator[tuple[Pair, tuple[int, int]]]:
    """When each wearer was last heard: (received_at, the receive clock then)."""
    for episode_no, device_no, received_at, clock in cursor.execute(_HEARD, [episodes]):
        yield (episode_no, device_no), (from_datetime(received_at), clock)


def _unheard(cursor: psycopg.Cursor, from_at: int) -> tuple[int, int]:
    """Silence of somebody never heard counts from the assignment, by our clock of then."""
    row = cursor.execute(_CLOCK_AT, [to_datetime(from_at)]).fetchone()
    return (0, 0) if row is None else (from_at, int(row[0]))
