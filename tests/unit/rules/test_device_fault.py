"""A device half of whose messages cannot be used: counted as they come, however they are cut."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rules.device_fault import Heard, concerned, restore_standing
from rules.finding import Change, Finding, Rule, Severity
from rules.state import fresh
from tests.unit.rules.making import T0, Service, Worn, key, minutes, reading


def heard(*sent: tuple[int, bool], from_minute: int = 0) -> Heard:
    """(slot, whether it was good) of messages, one a minute."""
    return Heard(
        np.array([slot for slot, _ in sent], dtype=np.int64),
        np.array([good for _, good in sent], dtype=np.bool_),
        np.array([minutes(from_minute + n) for n in range(len(sent))], dtype=np.int64),
    )


BAD, GOOD = (0, False), (0, True)


def found(bad: int = 20, value: int = 100) -> Finding:
    return Finding(
        key=key(Rule.DEVICE_FAULT),
        onset_at=minutes(19),
        ended_at=None,
        severity=Severity.ROUTINE,
        last_at=minutes(19),
        value=value,
        peak=value,
        limit=50,
        origin="rulebook",
        site="",
        detail=json.dumps(
            {"bad": bad, "cause": "rejected messages", "of": 20},
            sort_keys=True,
            separators=(",", ":"),
        ),
    )


def test_a_fault_has_all_its_particulars() -> None:
    service = Service(Worn())
    service.receive([], messages=heard(*[BAD] * 12, *[GOOD] * 8))
    assert service.book.of(0) == [found(12, 60)]


def test_who_was_all_good_is_not_looked_at() -> None:
    service = Service(Worn())
    service.receive([], messages=heard(*[GOOD] * 26))
    assert not len(concerned(service.state, heard(GOOD, GOOD)))
    assert concerned(service.state, heard(GOOD, BAD, GOOD)).good.tolist() == [True, False, True]
    assert len(concerned(fresh(0), heard(GOOD))) == 1


def test_a_rejected_message_is_not_a_word_from_the_wearer() -> None:
    service = Service(Worn(), Worn())
    service.receive([reading(T0, 1, temperature_c=36.5)], messages=heard(BAD))
    assert service.state["heard_at"].tolist() == [0, T0]


def test_it_ends_when_the_device_is_taken_off_and_counting_begins_anew() -> None:
    service = Service(Worn(spells=((T0, minutes(30)),)))
    service.receive([], messages=heard(*[BAD] * 20))
    service.tick(minutes(31))
    (ended,) = service.book.of(0)
    assert ended.ended_at == minutes(30)
    assert service.state["messages"].tolist() == [0]


def test_late_work_leaves_it_as_it_is() -> None:
    service = Service(Worn())
    service.receive([reading(minutes(9), temperature_c=36.5)], messages=heard(*[BAD] * 20))
    service.receive([reading(minutes(1), temperature_c=36.5)])
    before = service.state["messages"].tolist(), service.state["device_fault"].tolist()
    service.book.standing.clear()
    service.settle()
    assert (
        service.state["messages"].tolist(),
        service.state["device_fault"].tolist(),
    ) == before


def test_what_the_ledger_says_is_what_stands() -> None:
    service = Service(Worn(), Worn())
    service.receive([], messages=heard(*[(1, False)] * 20))
    restore_standing(service.state, [(0, found())])
    assert service.state["device_fault"]["onset_at"].tolist() == [minutes(19), 0]
    assert service.state["messages"].tolist() == [0, 0]
    service.book.write([])
    service.book.standing = {(found().key, found().onset_at): found()}
    service.receive([], messages=heard(*[GOOD] * 20, from_minute=40))
    assert [each.ended_at for each in service.book.of(0)] == [minutes(59)]


def oracle(sent: list[bool]) -> list[tuple[Change, int]]:
    """(what, at which message), written as the contract has it."""
    told: list[tuple[Change, int]] = []
    standing = False
    for n in range(19, len(sent)):
        last = sent[n - 19 : n + 1]
        if not standing and last.count(False) >= 10:
            standing = True
            told.append((Change.BEGAN, n))
        elif standing and all(last):
            standing = False
            told.append((Change.ENDED, n))
    return told


runs = st.lists(st.tuples(st.booleans(), st.integers(1, 25)), max_size=10)


@given(
    first=runs,
    second=runs,
    seed=st.lists(st.booleans(), min_size=500, max_size=500),
    sizes=st.lists(st.integers(1, 60), min_size=1),
)
def test_any_cut_into_batches_finds_the_same(
    first: list[tuple[bool, int]],
    second: list[tuple[bool, int]],
    seed: list[bool],
    sizes: list[int],
) -> None:
    of = [[good for good, times in each for _ in range(times)] for each in (first, second)]
    left = [list(of[0]), list(of[1])]
    sent: list[tuple[int, bool]] = []
    for turn in seed:
        slot = int(turn) if left[turn] else int(not turn)
        if left[slot]:
            sent.append((slot, left[slot].pop(0)))
    messages, service, begin = heard(*sent), Service(Worn(), Worn()), 0
    while begin < len(sent):
        size = sizes[begin % len(sizes)]
        service.receive([], messages=messages.between(begin, begin + size))
        begin += size
    for slot in (0, 1):
        mine = [n for n, (whose, _) in enumerate(sent) if whose == slot]
        told = [
            (each.change, each.finding.ended_at or each.finding.onset_at)
            for each in service.book.told
            if each.finding.key.device_no == slot + 1
        ]
        assert told == [(what, minutes(mine[n])) for what, n in oracle(of[slot])]
