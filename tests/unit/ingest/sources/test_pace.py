from ingest.sources.pace import BUSY_READS, BUSY_S, REST_S, Pace


def test_a_calm_stream_never_rests() -> None:
    pace = Pace()
    assert not any(pace.read(n * BUSY_S) for n in range(100))


def test_a_busy_stream_rests_and_goes_on_resting_while_it_is_busy() -> None:
    pace = Pace()
    reads = [pace.read(n * BUSY_S / 10) for n in range(BUSY_READS + 1)]
    assert reads == [False] * BUSY_READS + [True]
    last = BUSY_READS * BUSY_S / 10
    assert all(pace.read(last + n * 1.1 * REST_S) for n in range(1, 50))


def test_one_pause_makes_it_calm_again() -> None:
    pace = Pace()
    for n in range(20):
        pace.read(n * BUSY_S / 10)
    assert not any(pace.read(1 + n * BUSY_S / 10) for n in range(BUSY_READS))
