"""Findings of the resting pulse at night: what they say, when, and that luck has no part in it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instant import DAY_US, HOUR_US, MINUTE_US, parse_rfc3339
from rules.columns import NIGHTS
from rules.finding import Change, Finding, Rule, Severity
from rules.rulebook import DEFAULT, Watch
from tests.unit.rules.making import Service, Worn, key, reading
from tests.unit.rules.nightsignal import published

MIDNIGHT = parse_rfc3339("2026-02-02T16:00:00Z")
"""In Shanghai, where 3 February begins."""
WORN = Worn(starts_at=MIDNIGHT - DAY_US, ends_at=MIDNIGHT + 90 * DAY_US)
CALM = (60, 60, 60)


def at(day: int, hour: float) -> int:
    return MIDNIGHT + day * DAY_US + round(hour * HOUR_US)


def slept(nights: Sequence[int], slot: int = 0) -> list[dict[str, Any]]:
    """One resting pulse at three of each night that is not 0, and another at noon."""
    found = []
    for day, pulse in enumerate(nights):
        if pulse:
            found.append(reading(at(day, 3), slot, pulse_bpm=pulse, steps=0))
            found.append(reading(at(day, 12), slot, pulse_bpm=90, steps=0))
    return found


def watched(service: Service, slot: int = 0) -> list[Finding]:
    return [each for each in service.book.of(slot) if each.key.rule is Rule.WATCH]


def after(*nights: int, worn: Worn = WORN) -> list[Finding]:
    service = Service(worn)
    service.receive(slept(nights))
    return watched(service)


def nights_of(finding: Finding) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(finding.detail)["nights"]
    return found


def test_a_finding_has_all_its_particulars() -> None:
    (finding,) = after(60, 60, *CALM, 64, 66, 63)
    assert finding == Finding(
        key=key(Rule.WATCH),
        onset_at=at(6, 7),
        ended_at=None,
        severity=Severity.ROUTINE,
        last_at=at(7, 7),
        value=63,
        peak=66,
        limit=63,
        origin="own baseline",
        site="",
        detail=finding.detail,
    )
    assert nights_of(finding) == [
        {"night": "2026-02-09", "level": "red", "resting_pulse_bpm": 66, "baseline_bpm": 60},
        {"night": "2026-02-10", "level": "yellow", "resting_pulse_bpm": 63, "baseline_bpm": 60},
    ]


def test_one_warm_night_is_nothing_and_two_are() -> None:
    assert not after(*CALM, 70)
    assert not after(*CALM, 62, 62)
    assert [len(nights_of(each)) for each in after(*CALM, 63, 63)] == [1]


@pytest.mark.parametrize(("nights", "ends"), [((60,), 5), ((0, 0, 60), 5)])
def test_a_green_or_a_missing_night_ends_it(nights: tuple[int, ...], ends: int) -> None:
    (finding,) = after(*CALM, 66, 66, *nights)
    assert (finding.onset_at, finding.last_at, finding.ended_at) == (
        at(4, 7),
        at(4, 7),
        at(ends, 7),
    )


def test_the_mean_is_cut_to_a_whole_number_and_so_are_pulses_with_steps() -> None:
    service = Service(WORN)
    service.receive(slept(CALM))
    for day in (3, 4):
        pulses = [(1, 63, 0), (2, 62, -1), (3, 63, 0), (4, 90, 12)]
        service.receive([reading(at(day, h), pulse_bpm=p, steps=s) for h, p, s in pulses])
    service.receive([reading(at(4, 7), battery_pct=50)])
    assert not watched(service)
    assert service.state["nights"][0, -2:].tolist() == [62, 62]


@pytest.mark.parametrize("hour", [0.0, 6.999])
def test_the_night_is_from_midnight_to_seven(hour: float) -> None:
    service = Service(WORN)
    service.receive([reading(at(0, hour), pulse_bpm=61), reading(at(0, 7), pulse_bpm=99)])
    service.receive([reading(at(0, 23.99), pulse_bpm=99)])
    assert service.state["nights"][0, -1] == 61
    assert service.state["tonight_n"][0] == 0


def test_the_night_is_that_of_the_community() -> None:
    service = Service(replace(WORN, timezone="Europe/Berlin"))
    service.receive([reading(at(0, 7), pulse_bpm=61), reading(at(0, 14), battery_pct=50)])
    assert service.state["nights"][0, -1] == 61


@pytest.mark.parametrize("off", [{"worn": 0}, {"pulse_bpm": 0}])
def test_what_is_measured_off_the_body_does_not_count(off: dict[str, int]) -> None:
    service = Service(WORN)
    service.receive([reading(at(0, 3), **({"pulse_bpm": 61} | off)), reading(at(0, 9), steps=0)])
    assert not service.state["nights"].any()


def test_the_clock_judges_a_night_after_which_nothing_comes() -> None:
    service = Service(WORN)
    service.receive(slept([*CALM, 66]))
    service.receive([reading(at(4, 5), pulse_bpm=66)])
    service.tick(at(4, 7.5) - 1)
    assert not watched(service)
    service.tick(at(4, 7.5))
    assert [each.onset_at for each in watched(service)] == [at(4, 7)]
    done = service.receive([reading(at(4, 6.5), pulse_bpm=50)])
    assert [at_ for _, at_ in done.late] == [at(4, 6.5)]
    service.settle(at(4, 8))
    assert not watched(service)


def test_the_clock_finds_a_missing_night() -> None:
    service = Service(WORN)
    service.receive(slept([*CALM, 66, 66]))
    service.tick(at(5, 7.5))
    assert [each.ended_at for each in watched(service)] == [at(5, 7)]
    assert not service.tick(at(6, 7.5)).changes


def test_a_night_filled_in_tells_of_what_was_between() -> None:
    service = Service(WORN)
    service.receive(slept([*CALM, 66, 0]))
    assert not watched(service)
    service.receive([reading(at(5, hour), pulse_bpm=66) for hour in (3, 9)])
    (finding,) = watched(service)
    assert finding.onset_at == at(4, 7)
    assert [each.get("imputed", False) for each in nights_of(finding)] == [True, False]


def test_a_finding_that_had_ended_goes_on_over_a_night_filled_in() -> None:
    service = Service(WORN)
    service.receive(slept([60, 60, *CALM, 66, 66]))
    service.tick(at(7, 8))
    assert watched(service)[0].ended_at == at(7, 7)
    service.receive([reading(at(8, hour), pulse_bpm=66) for hour in (3, 9)])
    (finding,) = watched(service)
    assert (finding.onset_at, finding.ended_at, finding.last_at) == (at(6, 7), None, at(8, 7))
    assert service.book.told[-1].change is Change.REVISED


def test_taking_the_device_off_ends_it_and_forgets_the_last_two_nights() -> None:
    worn = replace(WORN, spells=((at(0, 0), at(5, 6)), (at(5, 12), None)))
    service = Service(worn)
    service.receive(slept([*CALM, 66, 66]))
    service.receive([reading(at(5, 5), pulse_bpm=66)])
    service.tick(at(5, 10))
    (finding,) = watched(service)
    assert finding.ended_at == at(5, 6)
    service.receive([reading(at(6, hour), pulse_bpm=66) for hour in (3, 9)])
    assert watched(service) == [finding]
    assert service.state["nights"][0, -6:].tolist() == [60, 60, 0, 0, 0, 66]


def test_a_night_as_slow_or_as_fast_as_can_be() -> None:
    service = Service(WORN)
    service.receive([reading(at(0, 3), pulse_bpm=300), reading(at(0, 9), steps=0)])
    assert service.state["nights"][0, -1] == 255


def test_a_row_longer_than_what_is_known_goes_on_from_the_oldest_night_known() -> None:
    rising = [60 + 4 * day for day in range(NIGHTS + 9)]
    (finding,) = after(*rising)
    assert len(nights_of(finding)) == NIGHTS
    assert (finding.onset_at, finding.ended_at) == (at(9, 7), None)
    (finding,) = after(*rising, 60)
    assert (finding.onset_at, finding.ended_at) == (at(10, 7), at(NIGHTS + 9, 7))


PULSES = (0, 0, 58, 60, 60, 63, 64, 66, 68)


@given(st.lists(st.sampled_from(PULSES), min_size=1, max_size=31))
def test_what_is_found_is_what_was_published(nights: list[int]) -> None:
    said: dict[str, str] = {}
    for finding in after(*nights):
        said |= {each["night"]: each["level"] for each in nights_of(finding)}
    words = ("green", "yellow", "red")
    present = [day for day, pulse in enumerate(nights) if pulse]
    expected = {
        f"2026-{'02' if day < 26 else '03'}-{day + 3 - 28 * (day >= 26):02d}": words[level]
        for day, level in enumerate(published(nights[: present[-1] + 1] if present else []))
        if level
    }
    assert said == expected


SPELLS = (
    ((MIDNIGHT - DAY_US, None),),
    ((MIDNIGHT - DAY_US, at(6, 9)), (at(6, 12), None)),
    ((MIDNIGHT - DAY_US, at(5, 3.5)), (at(7, 2), None)),
    ((MIDNIGHT - DAY_US, at(5, 7)),),
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Worn], list[dict[str, Any]]]:
    """Two wearers, nights missing, devices away."""
    worn = [replace(WORN, spells=draw(st.sampled_from(SPELLS))) for _ in range(2)]
    readings = []
    for slot, each in enumerate(worn):
        nights = draw(st.lists(st.sampled_from(PULSES), max_size=12))
        for slept_ in slept([60, 60, *nights], slot):
            at_ = slept_["measured_at"] + draw(st.sampled_from((0, MINUTE_US, -4 * HOUR_US)))
            if any(a <= at_ < (b or at_ + 1) for a, b in each.spells):
                readings.append(slept_ | {"measured_at": at_})
    return worn, readings


@given(histories(), st.data(), st.sampled_from((0, 12 * HOUR_US, 3 * DAY_US)))
def test_any_delivery_gives_the_same_findings_and_the_same_nights(
    history: tuple[list[Worn], list[dict[str, Any]]], data: st.DataObject, later_us: int
) -> None:
    worn, readings = history
    now = max([each["measured_at"] for each in readings], default=MIDNIGHT) + later_us
    luck, calm = Service(*worn), Service(*worn)
    calm.receive(readings)
    pending = data.draw(st.permutations(readings) | st.just(readings))
    while pending:
        size = data.draw(st.integers(1, len(pending)))
        batch, pending = pending[:size], pending[size:]
        luck.receive(batch)
        if data.draw(st.booleans()):
            luck.tick(max(each["measured_at"] for each in batch) + later_us)
        if data.draw(st.booleans()):
            luck.settle(max(each["measured_at"] for each in batch))
    for service in (luck, calm):
        service.tick(now)
        service.settle(now)
    for slot in (0, 1):
        assert luck.book.of(slot) == calm.book.of(slot)
        assert luck.book.of(slot) == calm.replay(slot, now)[1]
    for name in ("nights", "night_at", "tonight_at", "tonight_n", "tonight_sum", "watch"):
        assert luck.state[name].tobytes() == calm.state[name].tobytes()


def test_figures_come_from_the_rulebook() -> None:
    figures = Watch(yellow_bpm=6, red_bpm=9, night_from_h=2, night_until_h=5, grace_s=0)
    service = Service(WORN, rulebook=replace(DEFAULT, watch=figures))
    service.receive(slept([60, 60, *CALM, 65, 65, 66]))
    service.receive([reading(at(8, hour), pulse_bpm=p) for hour, p in ((1, 99), (4, 66), (5, 99))])
    (finding,) = watched(service)
    assert (finding.onset_at, finding.value, finding.limit) == (at(8, 5), 66, 66)
    service.tick(at(9, 5))
    assert watched(service)[0].ended_at == at(9, 5)
