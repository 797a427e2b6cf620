"""Gaps, numbers, boot words and signals on real databases: what is there is what is committed."""

import itertools
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import psycopg
import pytest

from domain.instant import DAY_US, HOUR_US, MINUTE_US, SECOND_US, format_rfc3339
from ingest.events import Commit, Committed, Received, Ticked, Woke
from ingest.gathering import Limits
from ingest.missing import Range, Standing
from ingest.pipeline import Pipeline
from ingest.sequences import Sequences
from ingest.sources.port import Envelope
from ingest.wire import boot_key
from ingest.work import Beginning, SignalChange, Work
from rules.rulebook import DEFAULT
from store import noticed
from store.ledger import PostgresLedger
from store.recovery import recall
from store.roster_import import import_document
from tests.acceptance import publishing
from tests.integration.store.bench import NOW, Bench, patiently

WEARERS = 40
NUMBERS = 20
"""Of a boot at most: whatever is missing of so few, it is never more than 16 ranges."""
BOOTS = (None, "a", "b", "ü")


_IDS = itertools.count()


class Process:
    """A pipeline and a ledger, for as long as it lives."""

    def __init__(self, database_url: str) -> None:
        self.ledger = PostgresLedger(database_url, lambda: f"alert-{next(_IDS)}")
        self.beginning: Beginning = recall(patiently(self.ledger.connect), DEFAULT, NOW)
        self.sequences = self.beginning.sequences
        self._pipeline = Pipeline(Limits(), self.beginning)

    def work(self, messages: Sequence[tuple[str, bytes]], now: int = NOW) -> Work:
        """What these become, not yet given to the ledger."""
        envelopes = [Envelope(None, *message, NOW) for message in messages]
        self._pipeline.handle(Received(envelopes), now)
        effects = self._pipeline.handle(Woke(), now)
        [work] = [effect.work for effect in effects if isinstance(effect, Commit)]
        return work

    def stores(self, messages: Sequence[tuple[str, bytes]], now: int = NOW) -> None:
        """One step, committed."""
        result = self.ledger.commit(self.work(messages, now))
        self._pipeline.handle(Committed(result), now)

    def ticks(self) -> None:
        """A step without messages."""
        [effect] = self._pipeline.handle(Ticked(), NOW)
        assert isinstance(effect, Commit)
        self._pipeline.handle(Committed(self.ledger.commit(effect.work)), NOW)

    def standings(self) -> dict[tuple[int, int], Standing]:
        """Where each boot of each device stands."""
        keys = [0 if boot is None else boot_key(boot) for boot in BOOTS]
        devices = [device.no for device in self.beginning.roster.devices.values()]
        found = {(no, key): self.sequences.standing(no, key) for no in devices for key in keys}
        return {pair: standing for pair, standing in found.items() if standing is not None}

    def dies(self) -> None:
        self.ledger.close()


@pytest.fixture
def imported(tier_database: str) -> str:
    with psycopg.connect(tier_database) as connection:
        import_document(connection, publishing.roster(NOW, WEARERS), NOW)
    return tier_database


@pytest.fixture
def start(imported: str) -> Iterator[Callable[[], Process]]:
    """Makes processes, and ends those that a failing test leaves."""
    made: list[Process] = []

    def start() -> Process:
        made.append(Process(imported))
        return made[-1]

    yield start
    for process in made:
        process.dies()


def _message(device: int, boot: str | None, seq: int, **fields: object) -> tuple[str, bytes]:
    at = format_rfc3339(NOW - 60 * SECOND_US + seq)
    body = {"measured_at": at, "temperature_c": 36.5, "boot": boot, "seq": seq, **fields}
    return publishing.topic(f"w-{device:04d}"), json.dumps(body).encode()


def _gaps(database_url: str) -> dict[tuple[int, int], tuple[Range, ...]]:
    found: dict[tuple[int, int], tuple[Range, ...]] = {}
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        for device_no, key, *missing in sorted(noticed.known_gaps(cursor)):
            found[device_no, key] = (*found.get((device_no, key), ()), Range(*missing))
    return found


def _rows(database_url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute(query).fetchall()


def _history(rng: random.Random, device: int) -> list[tuple[str, bytes]]:
    """Boots under way at once; skipped, swapped, doubled; some rejected for this or that."""
    messages = []
    for boot in rng.sample(BOOTS, rng.randint(1, len(BOOTS))):
        first, last = rng.randint(0, 3), rng.randint(4, NUMBERS)
        for seq in range(first, last):
            age = rng.choice((MINUTE_US, HOUR_US, DAY_US, 3 * DAY_US, 6 * DAY_US))
            # No two alike: a reading that has come under another number is a duplicate.
            at = NOW - age + seq + 1_000 * BOOTS.index(boot)
            fields: dict[str, object] = {"measured_at": format_rfc3339(at)}
            fields |= rng.choice(
                (
                    *({},) * 6,
                    {"temperature_c": "hot"},
                    {"measured_at": format_rfc3339(NOW + HOUR_US)},
                    {"measured_at": format_rfc3339(NOW - 20 * DAY_US)},  # nobody wore it then
                    {"pulse_bpm": 999},
                )
            )
            copies = rng.choice((0, 1, 1, 1, 2))
            messages += [_message(device, boot, seq, **fields)] * copies
    if rng.random() < 0.5:
        rng.shuffle(messages)
    return messages


@pytest.mark.parametrize("seed", range(2))
def test_a_new_process_knows_what_the_old_one_knew(
    start: Callable[[], Process], imported: str, seed: int
) -> None:
    rng = random.Random(seed)
    histories = [_history(rng, device) for device in range(WEARERS)]
    process = start()
    for life in range(3):
        for step in range(3):
            messages = []
            for history in histories:
                count = rng.randint(0, len(history)) if (life, step) != (2, 2) else len(history)
                messages += history[:count]
                del history[:count]
            if messages:
                process.stores(messages, NOW + (life * 10 + step) * SECOND_US)
        before = process.standings()
        assert _gaps(imported) == {
            pair: standing.missing for pair, standing in before.items() if standing.missing
        }
        process.dies()
        process = start()
        assert process.standings() == before
    assert len(process.standings()) > WEARERS
    words = _rows(imported, "SELECT device_no, boot_key FROM boot")
    assert {*words} == {pair for pair in process.standings() if pair[1] != 0}


def test_old_readings_among_which_many_were_rejected_leave_no_holes(
    start: Callable[[], Process], imported: str
) -> None:
    """They come at once, are looked at day by day, and more than 16 holes would be joined."""
    process = start()
    messages = []
    for seq in range(1, 121):
        at = {"measured_at": format_rfc3339(NOW - 6 * DAY_US + seq * HOUR_US)}
        spoilt = {"temperature_c": "hot"} if seq % 3 == 0 else {}
        messages.append(_message(0, "a", seq, **at, **spoilt))
    process.stores(messages)
    before = process.standings()
    assert [*before.values()] == [Standing(120)]
    process.dies()
    process = start()
    assert process.standings() == before


def test_a_gap_is_there_exactly_when_the_readings_around_it_are(
    start: Callable[[], Process], imported: str
) -> None:
    process = start()
    work = process.work([_message(0, "a", seq) for seq in (1, 4)])

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        process.ledger.commit(replace(work, judge=broken))  # type: ignore[arg-type]
    assert _gaps(imported) == {}
    process.ledger.commit(work)
    [gap] = _gaps(imported).values()
    assert gap == (Range(2, 3, NOW),)


def test_a_new_process_knows_whether_there_was_one_that_heard(
    start: Callable[[], Process], imported: str
) -> None:
    process = start()
    assert not process.beginning.heard_before
    process.ticks()
    process.dies()
    process = start()
    assert not process.beginning.heard_before
    process.stores([_message(0, "a", 1)])
    process.dies()
    assert start().beginning.heard_before


def test_a_gap_shrinks_and_vanishes_and_keeps_its_age(
    start: Callable[[], Process], imported: str
) -> None:
    process = start()
    process.stores([_message(0, "a", seq) for seq in (1, 6)])
    process.stores([_message(0, "a", 3)], NOW + SECOND_US)
    assert [*_gaps(imported).values()] == [(Range(2, 2, NOW), Range(4, 5, NOW))]
    process.dies()
    process = start()
    # A rejected reading fills its gap like any other.
    process.stores([_message(0, "a", 2, temperature_c="hot")], NOW + 2 * SECOND_US)
    assert [*_gaps(imported).values()] == [(Range(4, 5, NOW),)]
    process.stores([_message(0, "a", seq) for seq in (4, 5)], NOW + 3 * SECOND_US)
    assert _gaps(imported) == {}


def test_words_are_kept_also_where_every_reading_was_rejected(
    start: Callable[[], Process], imported: str
) -> None:
    process = start()
    process.stores([_message(0, "odd", 1, temperature_c="hot"), _message(1, "odd", 1)])
    assert _rows(imported, "SELECT device_no, boot FROM boot ORDER BY 1") == [
        (1, "odd"),
        (2, "odd"),
    ]


def test_what_is_to_come_again_is_not_remembered_as_committed(
    start: Callable[[], Process], imported: str
) -> None:
    process = start()
    message = _message(0, "a", 1)
    [envelope] = [Envelope(None, *message, NOW)]
    pipeline = Pipeline(Limits(device_burst=1, device_per_s=1), process.beginning)
    pipeline.handle(Received([envelope, Envelope(None, *_message(0, "a", 2), NOW)]), NOW)
    [commit] = [e for e in pipeline.handle(Woke(), NOW) if isinstance(e, Commit)]
    process.ledger.commit(commit.work)
    process.dies()
    again = start()
    assert [*again.standings().values()] == [Standing(1)]
    again.dies()
    [kept] = _rows(
        imported,
        "SELECT reason, payload FROM rejection JOIN rejected_message m USING (content_sha256)",
    )
    assert kept == ("rate_limited", _message(0, "a", 2)[1])


@pytest.fixture
def bench(tier_database: str) -> Iterator[Bench]:
    bench = Bench(tier_database)
    yield bench
    bench.ledger.close()


def test_numbers_the_database_refused_count_after_a_restart(bench: Bench) -> None:
    rows = bench.rows(0, [1, 2, 3, 4])
    rows["temperature_cc"][[1, 2]] = 9_999
    rows["boot_key"] = boot_key("a")
    items = [{"measured_at": 1, "boot": "a", "seq": n, "steps": 1} for n in (1, 2, 3, 4)]
    work = bench.work(rows)
    message = work.messages[0]._replace(payload=json.dumps(items).encode())
    advance = Sequences().advance(rows["device_no"], rows["boot_key"], rows["seq"], NOW)
    words = {boot_key("a"): "a"}
    result = bench.ledger.commit(replace(work, advance=advance, boots=words, messages=(message,)))
    assert (result.stored, result.refused) == (2, 2)
    sequences = recall(bench.ledger.connect(), DEFAULT, NOW).sequences
    assert sequences.standing(int(rows["device_no"][0]), boot_key("a")) == Standing(4)
    assert _rows(bench.url, "SELECT item, seq FROM rejection ORDER BY item") == [(1, 2), (2, 3)]


def test_a_signal_is_kept_once_and_ended(bench: Bench) -> None:
    began, later, ended = NOW, NOW + SECOND_US, NOW + MINUTE_US
    changes = [
        [SignalChange("blind", NOW, NOW, "ends what never began")],
        [SignalChange("blind", began, None, "away")],
        [SignalChange("blind", later, None, "away, says the next process")],
        [SignalChange("rejections", began, None, "many")],
        [SignalChange("blind", ended, ended, "")],
        [SignalChange("session_lost", began, ended, "once"), *_again(later, ended)],
        [SignalChange("blind", ended + 1, None, "away again")],
    ]
    for signals in changes:
        work = replace(bench.work(np.empty(0, dtype=bench.rows(0, []).dtype)))
        bench.ledger.commit(replace(work, signals=tuple(signals)))
    with psycopg.connect(bench.url) as connection:
        query = (
            "SELECT kind, detail, (extract(epoch FROM began_at) * 1000000)::bigint,"
            " (extract(epoch FROM ended_at) * 1000000)::bigint FROM signal ORDER BY signal_no"
        )
        kept = connection.execute(query).fetchall()
    assert kept == [
        ("blind", "away", began, ended),
        ("rejections", "many", began, None),
        ("session_lost", "once", began, ended),
        ("session_lost", "twice", later, ended),
        ("blind", "away again", ended + 1, None),
    ]


def _again(at: int, until_at: int) -> list[SignalChange]:
    return [SignalChange("session_lost", at, until_at, "twice")]
