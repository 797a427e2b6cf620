"""Whether a loop that does not beat is blocked, or the whole process did not run."""

from doorstep.watchdog import Watch

GAP_S = 5.0


def looks(*seen: tuple[float, int]) -> Watch:
    """The watch after looks at (now, beats), the first of them its beginning."""
    (begun_at, beats), *later = seen
    watch = Watch(begun_at, beats, begun_at)
    for now, counted in later:
        watch = watch.look(now, counted, GAP_S)
    return watch


def test_a_loop_that_beats_is_not_blocked() -> None:
    assert not looks(*((float(second), second) for second in range(100))).blocked(2)


def test_a_loop_that_stands_still_is_blocked_after_the_limit() -> None:
    still = [(float(second), 7) for second in range(60)]
    assert not looks(*still).blocked(60)
    assert looks(*still, (60.0, 7)).blocked(60)


def test_one_beat_is_enough_to_count_anew() -> None:
    still = [(float(second), 7) for second in range(60)]
    again = [(float(second), 8) for second in range(60, 119)]
    assert not looks(*still, *again).blocked(60)


def test_time_in_which_the_watchdog_itself_did_not_run_does_not_count() -> None:
    """SIGSTOP, a suspended machine: on waking it may look before the loop has had its turn."""
    before = [(float(second), 7) for second in range(50)]
    assert not looks(*before, (1_000.0, 7), (1_001.0, 7), (1_059.0, 8)).blocked(60)
    after = [(1_000.0 + second, 7) for second in range(61)]
    assert not looks(*before, *after[:-1]).blocked(60)
    assert looks(*before, *after).blocked(60)
