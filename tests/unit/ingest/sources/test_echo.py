"""When an echo that stays away means that we are deaf, and when it means nothing."""

import logging

import pytest

from ingest.sources.echo import HANG_UPS_MAX, MISSED_MAX, Echo, topic
from ingest.sources.port import Envelope


def an_echo() -> Echo:
    it = Echo("ingest", 10, 77)
    assert it.begin()
    return it


def beat(it: Echo) -> bytes:
    payload = it.beat(reading=True)
    assert payload is not None
    return payload


def answered() -> Echo:
    """An echo that has come back once on this connection."""
    it = an_echo()
    it.hear(beat(it), 5.0)
    return it


def test_the_topic_is_one_whatever_the_client_id() -> None:
    assert topic("doorstep-ingest") == "doorstep/v1/ingest/doorstep-ingest/echo"
    assert topic("a/+#.\0é") == "doorstep/v1/ingest/a______/echo"


def test_off_it_does_not_begin() -> None:
    assert not Echo("ingest", 0, 77).begin()


def test_each_message_is_another() -> None:
    it = an_echo()
    assert len({beat(it) for _ in range(MISSED_MAX)}) == MISSED_MAX


def test_deaf_after_three_that_were_not_answered() -> None:
    it = answered()
    assert (it.heard_at, it.lost, it.deaf) == (5.0, False, False)
    for _ in range(MISSED_MAX):
        beat(it)
        assert not it.deaf
    it.beat(reading=True)
    assert it.lost
    assert it.deaf


def test_any_message_is_an_answer() -> None:
    it = answered()
    for _ in range(MISSED_MAX * 3):
        beat(it)
        it.progress()
    assert not it.lost


def test_while_we_do_not_read_silence_says_nothing() -> None:
    it = answered()
    for _ in range(MISSED_MAX * 3):
        assert it.beat(reading=False) is None
    for _ in range(MISSED_MAX):
        beat(it)
    assert not it.lost


def test_deaf_until_something_comes_on_whatever_connection() -> None:
    it = answered()
    for _ in range(MISSED_MAX + 1):
        it.beat(reading=True)
    it.end()
    assert it.begin()
    assert it.deaf
    # Not before an echo came on this one: otherwise it would be dropped again and again.
    for _ in range(MISSED_MAX * 3):
        beat(it)
        assert not it.lost
        assert it.deaf
    it.progress()
    assert not it.deaf


def test_one_that_never_came_back_is_given_up_and_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    it = Echo("ingest", 10, 77)
    for _ in range(2):
        assert it.begin()
        for _ in range(MISSED_MAX):
            beat(it)
        for _ in range(MISSED_MAX):
            assert it.beat(reading=True) is None
        assert not it.deaf
        assert it.heard_at is None
        it.end()
    assert len(caplog.records) == 1


def test_refused_it_is_neither_there_nor_deaf(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    it = answered()
    for _ in range(MISSED_MAX + 1):
        it.beat(reading=True)
    it.end()
    for _ in range(HANG_UPS_MAX + 1):
        assert it.begin()
        it.refuse()
        assert not it.deaf
        assert it.heard_at is None
        it.end()
    assert len(caplog.records) == 1


@pytest.mark.parametrize("beats", [0, 1])
def test_a_broker_that_hangs_up_on_it_is_not_asked_a_third_time(beats: int) -> None:
    it = Echo("ingest", 10, 77)
    for _ in range(HANG_UPS_MAX):
        assert it.begin()
        for _ in range(beats):
            beat(it)
        it.progress()
        it.end()
    assert not it.begin()


def test_connections_that_end_for_other_reasons_are_no_hang_ups() -> None:
    it = an_echo()
    for _ in range(HANG_UPS_MAX * 3):
        beat(it)
        it.progress()
        beat(it)
        it.end()
        assert it.begin()
    for _ in range(HANG_UPS_MAX * 3):
        it.end()
        it.end()
        assert it.begin()
        it.hear(beat(it), 1.0)
    for _ in range(HANG_UPS_MAX * 3):
        it.beat(reading=False)
        it.end()
        assert it.begin()


def test_only_our_own_is_an_echo() -> None:
    it = an_echo()
    here, there = it.topic, "doorstep/v1/devices/w-1/readings"
    ours = Envelope(None, here, beat(it), 1)
    stranger = Envelope(None, here, b"76 1", 1)
    others = [Envelope(None, there, b"x", 1), Envelope((1, 2), here, b"x", 1)]
    assert it.sift([stranger, *others], 3.0) == others
    assert it.heard_at is None
    assert it.sift([others[0], ours, others[1]], 3.0) == others
    assert it.heard_at == 3.0
