"""A step whose connection breaks: wherever that happens, it is done once, and nothing ends."""

import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from typing_extensions import override

from ingest.work import Result
from store.errors import StoreUnreachable
from store.ledger import PostgresLedger
from tests.integration.store.bench import Bench, patiently
from tests.services.postgres import Postgres
from tests.services.proxy import Proxy


class _CommitProxy(Proxy):
    """Pulls the cable when a COMMIT comes by: before the server sees it, or after."""

    def __init__(self, target: int, *, seen: bool) -> None:
        super().__init__(target)
        self._seen = seen
        self.armed = False

    @override
    def passes(self, data: bytes) -> bytes:
        # With the end of the statement: a temporary table says ON COMMIT as well.
        if not (self.armed and b"COMMIT\x00" in data):
            return data
        self.armed = False
        if not self._seen:
            self.cut()
            return b""
        self.lose_replies()
        return data


@pytest.mark.parametrize("seen", [True, False])
def test_a_commit_whose_answer_was_lost_is_done_once(
    database_server: Postgres, database: str, *, seen: bool
) -> None:
    bench = Bench(database)
    bench.ledger.close()
    with _CommitProxy(database_server.port, seen=seen) as proxy:
        ids = itertools.count()
        url = database.replace(f":{database_server.port}/", f":{proxy.port}/")
        ledger = PostgresLedger(url, lambda: f"a-{next(ids)}")
        # The first step makes partitions, with a COMMIT of their own.
        patiently(partial(ledger.commit, bench.work(bench.rows(1, [1]))))
        work = bench.work(bench.rows(0, [1, 2, 3]))
        proxy.armed = True
        with pytest.raises(StoreUnreachable):
            _cut_when_stuck(proxy, partial(ledger.commit, work))
        proxy.flow()
        result = patiently(partial(ledger.commit, work))
        assert (result.stored, result.duplicates) == (3, 0)
        ledger.close()
    assert (bench.count("reading"), bench.count("journal")) == (4, 2)


def _cut_when_stuck(proxy: Proxy, commit: Callable[[], Result]) -> Result:
    """A COMMIT that waits for an answer that is lost ends when the connection does."""
    timer = threading.Timer(0.5, proxy.cut)
    timer.start()
    try:
        return commit()
    finally:
        timer.cancel()


class _UnsettledProxy(_CommitProxy):
    """Loses the answer of a COMMIT, and later the question what became of it."""

    def __init__(self, target: int) -> None:
        super().__init__(target, seen=True)
        self.asked = False

    @override
    def passes(self, data: bytes) -> bytes:
        if not self.asked and b"FROM journal" in data:
            self.asked = True
            self.cut()
            return b""
        return super().passes(data)


def test_a_lost_answer_is_asked_for_until_it_comes(
    database_server: Postgres, database: str
) -> None:
    """Otherwise the step is done again, finds nothing new, and the rules never hear of it."""
    bench = Bench(database)
    bench.ledger.close()
    with _UnsettledProxy(database_server.port) as proxy:
        url = database.replace(f":{database_server.port}/", f":{proxy.port}/")
        ledger = PostgresLedger(url, lambda: "an-alert")
        # The first step makes partitions, with a COMMIT of their own.
        patiently(partial(ledger.commit, bench.work(bench.rows(1, [1]))))
        work = bench.work(bench.rows(0, [1, 2, 3]))
        proxy.armed = True
        with pytest.raises(StoreUnreachable):
            _cut_when_stuck(proxy, partial(ledger.commit, work))
        proxy.flow()
        result = patiently(partial(ledger.commit, work))
        assert proxy.asked
        assert (result.stored, result.duplicates) == (3, 0)
        ledger.close()
    assert (bench.count("reading"), bench.count("journal")) == (4, 2)


class _EndingProxy(Proxy):
    """When these words come by, the server is told to end the session, as at its own end."""

    def __init__(self, server: Postgres, words: bytes) -> None:
        super().__init__(server.port)
        self._server = server
        self._words = words
        self.armed = False

    @override
    def passes(self, data: bytes) -> bytes:
        if self.armed and self._words in data:
            self.armed = False
            self._server.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE application_name = 'doorstep-ingest'"
            )
        return data


@pytest.mark.parametrize("words", [b"UPDATE shard", b"INSERT INTO boot", b"INSERT INTO journal"])
def test_a_session_that_the_server_ends_is_trouble_that_passes(
    database_server: Postgres, database: str, words: bytes
) -> None:
    bench = Bench(database)
    bench.ledger.close()
    with _EndingProxy(database_server, words) as proxy:
        url = database.replace(f":{database_server.port}/", f":{proxy.port}/")
        ledger = PostgresLedger(url, lambda: "an-alert")
        patiently(ledger.connect)
        rows = bench.rows(0, [1, 2, 3])
        rows["boot_key"] = [7, 7, 8]
        work = replace(bench.work(rows), boots={7: "a1", 8: "a2"})
        proxy.armed = True
        with pytest.raises(StoreUnreachable):
            ledger.commit(work)
        commit: Callable[[], Result] = partial(ledger.commit, work)
        assert patiently(commit).stored == 3
        ledger.close()
