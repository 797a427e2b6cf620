"""Promise 2: any order, split or delay of the same readings gives what the oracle says."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from domain.instant import DAY_US, HOUR_US, MINUTE_US
from rules.finding import JOURNAL_RULES, Rule, SiteClass
from tests.unit.rules import oracle
from tests.unit.rules.alike import as_the_oracle_says, in_content_order, of_the_first
from tests.unit.rules.drawn import KINDS, LASTING, MIDNIGHT, Steps, course, days, history, hours
from tests.unit.rules.making import Service, Worn

MANY = 60
"""Enough for the vector path; one is not."""
LATER_US = (0, 1, 30 * MINUTE_US, 20 * HOUR_US, 2 * DAY_US)
"""How long after a batch's newest reading the clock strikes."""


def twins(each: dict[str, Any], copies: int) -> list[dict[str, Any]]:
    """The same reading of every copy of its wearer."""
    first = each["slot"] * copies
    return [
        each | {"slot": n, "device_no": n + 1, "episode_no": n + 1}
        for n in range(first, first + copies)
    ]


def delivered(
    service: Service, readings: Sequence[dict[str, Any]], copies: int, data: st.DataObject
) -> int:
    """In any order and any batches, late work and the clock at any time; when the clock struck."""
    pending, now = data.draw(st.permutations(readings) | st.just(readings)), MIDNIGHT
    while pending:
        size = data.draw(st.integers(1, len(pending)))
        batch, pending = pending[:size], pending[size:]
        service.receive([twin for each in batch for twin in twins(each, copies)], now)
        if data.draw(st.booleans()):
            service.settle(now)
        newest = max(each["measured_at"] for each in batch)
        now = max(now, newest + data.draw(st.sampled_from(LATER_US)))
        service.tick(now)
    service.settle(now)
    return now


def holds(
    worn: Sequence[Worn], histories: list[list[dict[str, Any]]], copies: int, data: st.DataObject
) -> None:
    """`copies` of each wearer have the same readings."""
    service = Service(*(each for each in worn for _ in range(copies)))
    now = delivered(service, [each for of in histories for each in of], copies, data)
    for kind, each in enumerate(worn):
        said = oracle.findings(each, in_content_order(histories[kind]), 1, now)
        for slot in range(kind * copies, (kind + 1) * copies):
            found = [of_the_first(finding) for finding in service.book.of(slot)]
            assert as_the_oracle_says(found, said), (found, said)


@given(data=st.data())
def test_any_delivery_of_some_hours_gives_what_the_oracle_says(data: st.DataObject) -> None:
    worn = [data.draw(st.sampled_from(KINDS)) for _ in range(2)]
    holds(worn, [history(each, n, data.draw(hours)) for n, each in enumerate(worn)], 1, data)


@given(data=st.data())
def test_any_delivery_of_some_days_gives_what_the_oracle_says(data: st.DataObject) -> None:
    holds([data.draw(st.sampled_from(LASTING))], [course(0, data.draw(days))], 1, data)


@settings(max_examples=settings().max_examples // 3)
@given(data=st.data())
def test_many_at_once_are_judged_as_one_by_one(data: st.DataObject) -> None:
    if data.draw(st.booleans()):
        worn = data.draw(st.sampled_from(KINDS))
        holds([worn], [history(worn, 0, data.draw(hours))], MANY, data)
    else:
        holds([data.draw(st.sampled_from(LASTING))], [course(0, data.draw(days))], MANY, data)


Seen = Counter[tuple[Rule, SiteClass, str]]


def count(seen: Seen, worn: Worn, readings: list[dict[str, Any]]) -> None:
    """What there is to be compared in one history."""
    readings = in_content_order(readings)
    for key, way in {
        (finding.key, way)
        for finding in oracle.findings(worn, readings)
        for way in ("lasts" if finding.ended_at is None else "ended", finding.origin)
    }:
        seen[key.rule, key.site_class, way] += 1
    off = oracle.muted(worn, readings)
    seen[Rule.NOT_WORN, SiteClass.NONE, "mutes"] += any(
        mute and each["pulse_bpm"] < 0 and each["worn"] < 0 and each["temperature_cc"] > 0
        for mute, each in zip(off, readings, strict=True)
    )


def test_of_every_rule_findings_are_drawn_that_begin_and_end() -> None:
    """The same strategies: otherwise the comparison above would hold of nothing."""
    seen: Seen = Counter()

    @settings(max_examples=500, derandomize=True, database=None, phases=(Phase.generate,))
    @given(st.sampled_from(KINDS), hours, st.sampled_from(LASTING), days)
    def draw(worn: Worn, steps: Steps, lasting: Worn, drawn: list[Any]) -> None:
        count(seen, worn, history(worn, 0, steps))
        count(seen, lasting, course(0, drawn))

    draw()
    keys = [(Rule.FEVER, SiteClass.CORE), (Rule.FEVER, SiteClass.SKIN)]
    keys += [(rule, SiteClass.NONE) for rule in Rule if rule not in (*JOURNAL_RULES, Rule.FEVER)]
    wanted = [(*each, way) for each in keys for way in ("ended", "lasts")]
    wanted += [
        (Rule.FEVER, SiteClass.SKIN, "own baseline"),
        (Rule.FEVER, SiteClass.CORE, "dr-03"),
        (Rule.NOT_WORN, SiteClass.NONE, "mutes"),
    ]
    rare = {each: seen[each] for each in wanted if seen[each] < 5}
    assert not rare, "fewer than one in a hundred"
