"""Promise 2: any order, split or delay of the same readings gives what the oracle says."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.instant import HOUR_US, MINUTE_US, SECOND_US
from domain.people import LeaveWindow, Threshold
from domain.reading import Site
from rules.finding import Finding, Rule
from tests.unit.rules import oracle
from tests.unit.rules.making import T0, Service, Worn, minutes, reading, rows_of

KINDS = (
    Worn(),
    Worn(site=Site.WRIST, interval_s=600),
    Worn(site=Site.FOREHEAD, interval_s=3600, spot=True),
    Worn(site=Site.FINGER, interval_s=500, spot=True, home=None),
    Worn(
        site=Site.ORAL,
        interval_s=500,
        fever={
            Site.ORAL: Threshold(3700, "dr-03", minutes(60)),
            Site.WRIST: Threshold(3800, "dr-04"),
        },
        leave=(LeaveWindow(minutes(5), minutes(40), "swab test"), LeaveWindow(T0, T0 + 1, "")),
    ),
)
STEPS_US = (
    0,
    1,
    SECOND_US,
    30 * SECOND_US,
    60 * SECOND_US,
    120 * SECOND_US,
    5 * MINUTE_US,
    10 * MINUTE_US,
    20 * MINUTE_US,
    20 * MINUTE_US + 1,
    25 * MINUTE_US + 1,
    30 * MINUTE_US,
    12 * HOUR_US,
    12 * HOUR_US + 1,
)
HOT_C = (37.3, 37.5, 37.8, 38.3, 39.1)
COOL_C = (36.5, 37.0, 37.01, 37.29)
# With every accuracy these are clearly on one side of 50 m and of 70 m: the oracle measures
# distances on a sphere.
NORTH_M = (0, 30, 60, 104, 125, 300, 3000)
ACCURACY_M = (-0.1, 0, 5, 40, 200, 500.1)

quantities = st.fixed_dictionaries(
    {},
    optional={
        "temperature_c": st.sampled_from(HOT_C) | st.sampled_from(COOL_C),
        "site": st.sampled_from((0, 0, 0, Site.UNKNOWN, Site.AXILLARY, Site.ORAL, Site.WRIST)),
        "north_m": st.sampled_from(NORTH_M),
        "accuracy_m": st.sampled_from(ACCURACY_M),
        "near_home": st.sampled_from((0, 0, 0, 0, 1)),
    },
)
phases = st.tuples(st.integers(1, 5), st.sampled_from(STEPS_US), quantities)
readings_of_one = st.lists(phases, max_size=10).map(
    lambda drawn: [(step_us, same) for times, step_us, same in drawn for _ in range(times)]
)


def history(slot: int, steps: Sequence[tuple[int, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Distinct readings: what is equal in time and content is one reading."""
    at, found = T0, {}
    for step_us, given_ in steps:
        at += step_us
        each = reading(at, slot, **given_)
        found[tuple(each.values())] = each
    return list(found.values())


def as_the_oracle_says(found: Sequence[Finding], said: Sequence[Finding]) -> bool:
    """Equal, but for distances, which a sphere gives to half a percent."""
    return len(found) == len(said) and all(
        replace(ours, value=0, peak=0, ended_at=None, detail="")
        == replace(its, value=0, peak=0, ended_at=None)
        and ours.ended_at == its.ended_at
        and ours.value == pytest.approx(its.value, rel=0.005 * (ours.key.rule is Rule.LEFT_HOME))
        and ours.peak == pytest.approx(its.peak, rel=0.005 * (ours.key.rule is Rule.LEFT_HOME))
        for ours, its in zip(found, said, strict=True)
    )


def twins(each: dict[str, Any], copies: int) -> list[dict[str, Any]]:
    """The same reading of every copy of its wearer."""
    first = each["slot"] * copies
    return [
        each | {"slot": n, "device_no": n + 1, "episode_no": n + 1}
        for n in range(first, first + copies)
    ]


def in_content_order(each: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = rows_of([]).dtype.names or ()
    return [dict(zip(names, row.item(), strict=True)) for row in rows_of(each)]


@pytest.mark.parametrize("copies", [1, 60])
@given(data=st.data())
def test_any_delivery_gives_what_the_oracle_says(copies: int, data: st.DataObject) -> None:
    """`copies` of each wearer: sixty are enough for the vector path, one is not."""
    worn = [data.draw(st.sampled_from(KINDS)) for _ in range(2 if copies == 1 else 1)]
    histories = [data.draw(readings_of_one) for _ in worn]
    service = Service(*(each for each in worn for _ in range(copies)))
    pending = [each for kind, steps in enumerate(histories) for each in history(kind, steps)]
    pending = data.draw(st.permutations(pending) | st.just(pending))
    while pending:
        size = data.draw(st.integers(1, len(pending)))
        batch, pending = pending[:size], pending[size:]
        service.receive([twin for each in batch for twin in twins(each, copies)])
        if data.draw(st.booleans()):
            service.settle()
        service.tick(minutes(data.draw(st.integers(0, 60))))
    service.settle()
    for slot in range(len(worn) * copies):
        kind = slot // copies
        said = oracle.findings(
            worn[kind], in_content_order(history(kind, histories[kind])), slot + 1
        )
        assert as_the_oracle_says(service.book.of(slot), said)
