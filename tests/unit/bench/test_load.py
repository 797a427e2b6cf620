import json
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import pytest

from bench.load import FEVERISH_EVERY, Message, Stream, messages, warm_up
from domain.instant import parse_rfc3339

NOW = parse_rfc3339("2026-02-03T04:05:06Z")
PLAIN = Stream(4_000, wearers=200)


def instants(sent: list[Message]) -> dict[int, list[int]]:
    """Of each wearer, in the order they are sent."""
    found: dict[int, list[int]] = defaultdict(list)
    for message in sent:
        content = json.loads(message.payload)
        readings = content if isinstance(content, list) else [content]
        found[message.wearer] += [parse_rfc3339(each["measured_at"]) for each in readings]
    return found


def test_a_stream_is_the_same_whenever_it_is_made() -> None:
    stream = Stream(1_000, wearers=50, duplicates=0.1, late=0.1)
    assert list(messages(stream, NOW)) == list(messages(stream, NOW))


def test_every_wearer_is_heard_once_before_the_clock_starts() -> None:
    assert [message.wearer for message in warm_up(PLAIN, NOW)] == list(range(200))
    assert not list(warm_up(replace(PLAIN, warm=False), NOW))


@pytest.mark.parametrize("per_message", [1, 20])
def test_readings_of_a_wearer_rise_in_time_and_none_comes_twice(per_message: int) -> None:
    stream = replace(PLAIN, messages=1_000, per_message=per_message)
    sent = instants([*warm_up(stream, NOW), *messages(stream, NOW)])
    assert sum(map(len, sent.values())) == stream.readings + stream.wearers * per_message
    assert all(before < after for own in sent.values() for before, after in pairwise(own))


def test_no_reading_is_too_old_or_from_the_future() -> None:
    for own in instants(list(messages(replace(PLAIN, per_message=20), NOW))).values():
        assert own[0] > NOW - 3 * 86_400_000_000
        assert own[-1] < NOW


def test_a_stream_may_begin_after_another_one() -> None:
    first = instants(list(messages(PLAIN, NOW)))
    second = instants(list(messages(replace(PLAIN, first_turn=1_000), NOW)))
    assert all(second[wearer][0] > own[-1] for wearer, own in first.items())


def test_late_messages_come_after_the_next_one_of_their_wearer_and_none_is_lost() -> None:
    stream = replace(PLAIN, late=0.05)
    plain, late = (list(messages(each, NOW)) for each in (PLAIN, stream))
    assert sorted(late, key=lambda each: each.payload) == sorted(
        plain, key=lambda each: each.payload
    )
    steps = [step for own in instants(late).values() for step in pairwise(own)]
    behind = sum(after < before for before, after in steps)
    assert 0.03 < behind / stream.messages < 0.07


def test_duplicates_come_after_the_first_copy() -> None:
    sent = list(messages(replace(PLAIN, duplicates=0.05), NOW))
    again = len(sent) - PLAIN.messages
    assert 0.03 < again / PLAIN.messages < 0.07
    assert set(sent) == set(messages(PLAIN, NOW))


def test_some_wearers_have_a_fever() -> None:
    for message in messages(PLAIN, NOW):
        feverish = json.loads(message.payload)["temperature_c"] >= 37.3
        assert feverish == (message.wearer % FEVERISH_EVERY == 1)


def test_only_numbered_readings_have_a_seq() -> None:
    for stream in (PLAIN, replace(PLAIN, seq=True)):
        reading = json.loads(next(messages(stream, NOW)).payload)
        assert ("seq" in reading, "boot" in reading) == (stream.seq, stream.seq)
