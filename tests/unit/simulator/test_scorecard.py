"""What counts as found, as false, and as late."""

from typing import Any

import pytest

from domain.instant import DAY_US, HOUR_US, MINUTE_US, SECOND_US, format_rfc3339
from simulator.scorecard import (
    ALL,
    CORE,
    RULES,
    SKIN,
    Card,
    Limits,
    Line,
    Raised,
    TruthError,
    missed,
    quantile,
    read,
    score,
)
from tests.unit.simulator.worlds import START_AT

UNTIL = START_AT + DAY_US


def text(minutes: float) -> str:
    return format_rfc3339(START_AT + int(minutes * MINUTE_US))


def truth(*incidents: tuple[str, float, float | None], site: str = "axillary") -> dict[str, Any]:
    """One wearer and what was so, in minutes; and one who is well."""
    spells = [
        {"kind": kind, "from": text(begins), "to": None if ends is None else text(ends)}
        for kind, begins, ends in incidents
    ]
    return {
        "truth": 1,
        "complete": True,
        "from": text(0),
        "until": format_rfc3339(UNTIL),
        "wearers": [
            {"episode": "e-001", "site": site, "incidents": spells},
            {"episode": "e-002", "site": site, "incidents": []},
        ],
    }


def alert(
    rule: str,
    onset: float,
    ended: float | None = None,
    seen: float | None = None,
    episode: str = "e-001",
) -> Raised:
    return Raised(
        episode,
        rule,
        START_AT + int(onset * MINUTE_US),
        None if ended is None else START_AT + int(ended * MINUTE_US),
        START_AT + int((onset + 10 if seen is None else seen) * MINUTE_US),
    )


def line(
    document: dict[str, Any],
    *alerts: Raised,
    rule: str = "fever",
    sites: str | None = None,
    from_at: int = START_AT,
) -> Line:
    card = score(read(document), alerts, from_at, UNTIL, [rule])
    wanted = sites or (CORE if rule == "fever" else ALL)
    (found,) = [each for each in card.lines if each.sites == wanted]
    return found


def test_found_with_its_delay() -> None:
    said = line(truth(("fever", 60, 600)), alert("fever", 62, 590, seen=73))
    assert (said.spells, said.found, said.alerts, said.false) == (1, 1, 1, 0)
    assert said.delays_us == (13 * MINUTE_US,)
    assert said.sensitivity == 1.0


def test_missed() -> None:
    said = line(truth(("fever", 60, 600)))
    assert (said.spells, said.found, said.sensitivity) == (1, 0, 0.0)
    assert said.delays_us == ()


@pytest.mark.parametrize(
    ("begins", "ends", "counts"),
    [
        (60, 90, True),
        (60, 89, False),
        (-10, 600, False),
        (1_410, None, True),
        (1_411, None, False),
        (1_411, 2_000, False),
    ],
)
def test_only_what_began_in_time_and_lasted_is_to_be_found(
    begins: float, ends: float | None, *, counts: bool
) -> None:
    assert line(truth(("fever", begins, ends))).spells == counts


def test_what_began_before_is_not_to_be_found_and_explains_all_the_same() -> None:
    since = START_AT + 2 * HOUR_US
    early, late = alert("fever", 62), alert("fever", 130)
    said = line(truth(("fever", 60, 600)), early, late, from_at=since)
    assert (said.spells, said.alerts, said.false) == (0, 1, 0)


def test_an_alert_that_was_over_before_did_not_find_it() -> None:
    said = line(truth(("fever", 60, 600)), alert("fever", 10, 50))
    assert (said.found, said.false) == (0, 0), "near enough not to be false"


def test_an_alert_that_stood_from_before_finds_it_without_a_delay() -> None:
    said = line(truth(("out", 300, 330)), alert("left_home", 60), rule="left_home")
    assert (said.found, said.false, said.delays_us) == (1, 1, ())


@pytest.mark.parametrize(
    ("rule", "kind", "onset", "false"),
    [
        ("fever", "fever", 300 - 120, False),
        ("fever", "fever", 300 - 121, True),
        ("fever", "fever", 600 + 120, False),
        ("fever", "fever", 600 + 121, True),
        ("pulse", "fever", 400, False),
        ("oxygen", "out", 400, True),
        ("left_home", "out", 300 - 15, False),
        ("left_home", "out", 300 - 16, True),
        ("left_home", "fever", 400, True),
        ("silent", "late", 400, False),
        ("battery_low", "silent", 400, False),
        ("not_worn", "silent", 400, True),
        ("device_fault", "silent", 400, True),
        ("watch", "fever", 600 + 600, False),
    ],
)
def test_false_is_what_nothing_explains(rule: str, kind: str, onset: float, *, false: bool) -> None:
    assert line(truth((kind, 300, 600)), alert(rule, onset), rule=rule).false == false


def test_what_never_ends_explains_for_good() -> None:
    assert line(truth(("silent", 300, None)), alert("silent", 1_400), rule="silent").false == 0


def test_a_low_battery_finds_the_silence_it_explains() -> None:
    document = truth(("battery_low", 60, None), ("silent", 200, None))
    alerts = [alert("battery_low", 60)]
    silent = line(document, *alerts, rule="silent")
    assert (silent.spells, silent.found, silent.alerts) == (1, 1, 0)
    assert line(document, *alerts, rule="battery_low").found == 1


def test_somebody_elses_alert_finds_nothing_and_is_false() -> None:
    said = line(truth(("fever", 60, 600)), alert("fever", 62, episode="e-002"))
    assert (said.found, said.alerts, said.false) == (0, 1, 1)
    assert line(truth(), alert("fever", 62, episode="e-900")).alerts == 0


def test_fever_on_the_skin_has_a_line_of_its_own_without_a_threshold() -> None:
    document = truth(("fever", 60, 600), site="wrist")
    assert line(document).spells == 0
    assert line(document, sites=SKIN).spells == 1
    assert missed(score(read(document), [], START_AT, UNTIL, ["fever"]), Limits()) == []


def test_wearer_days_are_of_all_the_healthy_too() -> None:
    card = score(read(truth()), [alert("fever", 60)], START_AT, UNTIL, [*RULES])
    assert card.wearer_days == 2.0
    assert card.false_per_day == 0.5
    assert [each.rule for each in card.lines] == ["fever", *RULES]


def card(*, spells: int, found: int, delay_s: int, false: int) -> Card:
    delays = tuple([delay_s * SECOND_US] * found)
    return Card(START_AT, UNTIL, 10.0, (Line("silent", ALL, spells, found, delays, 5, false),))


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"spells": 10, "found": 9, "delay_s": 1_800, "false": 2}, []),
        ({"spells": 0, "found": 0, "delay_s": 0, "false": 0}, []),
        ({"spells": 10, "found": 8, "delay_s": 60, "false": 0}, ["found 8 of 10"]),
        ({"spells": 10, "found": 10, "delay_s": 1_801, "false": 0}, ["after 1801 s"]),
        ({"spells": 10, "found": 10, "delay_s": 60, "false": 3}, ["0.300 false alarms"]),
        ({"spells": 9, "found": 1, "delay_s": 9_999, "false": 9}, ["found", "one in ten", "0.900"]),
    ],
)
def test_what_is_not_good_enough(facts: dict[str, int], words: list[str]) -> None:
    said = missed(card(**facts), Limits())
    assert len(said) == len(words)
    for sentence, word in zip(said, words, strict=True):
        assert word in sentence


@pytest.mark.parametrize(
    ("values", "share", "value"),
    [
        ([], 0.5, None),
        ([7], 0.9, 7),
        ([1, 2], 0.5, 1),
        ([1, 2, 3], 0.5, 2),
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.9, 9),
        ([1, 2], 0.0, 1),
    ],
)
def test_a_quantile_is_a_value_that_there_is(
    values: list[int], share: float, value: int | None
) -> None:
    assert quantile(values, share) == value


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"truth": 2},
        truth() | {"from": "yesterday"},
        truth() | {"wearers": [{"episode": "e"}]},
        truth() | {"wearers": 3},
        truth() | {"wearers": [None]},
    ],
)
def test_what_is_no_truth(document: Any) -> None:
    with pytest.raises(TruthError):
        read(document)
