"""What late data change: began, ended, revised, withdrawn, or nothing a person must hear of."""

from dataclasses import replace

import pytest

from domain.instant import DAY_US
from rules.engine import revise
from rules.finding import Change, Finding, Rule, Severity, SiteClass
from tests.unit.rules.making import Book, key, minutes

FEVER = Finding(
    key=key(Rule.FEVER, SiteClass.CORE),
    onset_at=minutes(0),
    ended_at=None,
    severity=Severity.URGENT,
    last_at=minutes(60),
    value=3800,
    peak=3850,
    limit=3730,
    origin="rulebook",
    site="axillary",
)
LATE = minutes(5)


def changes(stored: list[Finding], replayed: list[Finding], late_from: int = LATE) -> list[Change]:
    """What is told; it always turns the one into the other."""
    found = revise(stored, replayed, late_from)
    assert all(each.late for each in found)
    book = Book()
    book.standing = {(each.key, each.onset_at): each for each in stored}
    book.write(found)
    assert sorted(book.standing.values(), key=repr) == sorted(replayed, key=repr)
    return [each.change for each in found]


def test_equal_findings_change_nothing() -> None:
    assert changes([FEVER], [FEVER]) == []


@pytest.mark.parametrize(
    ("after", "told"),
    [
        pytest.param({"onset_at": minutes(-5)}, Change.REVISED, id="an earlier onset"),
        pytest.param({"severity": Severity.CRITICAL}, Change.REVISED, id="worse than thought"),
        pytest.param({"ended_at": minutes(70)}, Change.ENDED, id="it is over"),
        pytest.param({"last_at": minutes(61), "value": 3810}, Change.SEEN, id="newer support"),
    ],
)
def test_one_finding_changed(after: dict[str, int], told: Change) -> None:
    assert changes([FEVER], [replace(FEVER, **after)]) == [told]  # type: ignore[arg-type]


def test_an_end_that_moves_or_was_none_is_a_revision() -> None:
    ended = replace(FEVER, ended_at=minutes(70))
    assert changes([ended], [replace(ended, ended_at=minutes(80))]) == [Change.REVISED]
    assert changes([ended], [FEVER]) == [Change.REVISED]


def test_what_the_data_do_not_support_is_withdrawn() -> None:
    assert changes([FEVER], []) == [Change.WITHDRAWN]


def test_what_is_new_begins_and_may_be_over() -> None:
    assert changes([], [FEVER]) == [Change.BEGAN]
    assert changes([], [replace(FEVER, ended_at=minutes(70))]) == [Change.BEGAN, Change.ENDED]


def test_one_that_fell_apart_keeps_its_first_half() -> None:
    first = replace(FEVER, ended_at=minutes(20), last_at=minutes(15))
    second = replace(FEVER, onset_at=minutes(50))
    assert changes([FEVER], [first, second]) == [Change.BEGAN, Change.ENDED]


def test_two_that_grew_together_become_the_first() -> None:
    first = replace(FEVER, ended_at=minutes(20), last_at=minutes(15))
    second = replace(FEVER, onset_at=minutes(50))
    assert changes([first, second], [FEVER]) == [Change.WITHDRAWN, Change.REVISED]


def test_only_findings_of_one_key_are_the_same() -> None:
    skin = replace(FEVER, key=key(Rule.FEVER, SiteClass.SKIN))
    assert changes([FEVER], [skin]) == [Change.WITHDRAWN, Change.BEGAN]


def test_what_does_not_overlap_is_another_finding() -> None:
    early = replace(FEVER, ended_at=minutes(20), last_at=minutes(15))
    later = replace(FEVER, onset_at=minutes(50))
    assert changes([early], [later]) == [Change.WITHDRAWN, Change.BEGAN]


def test_what_touches_is_the_same_finding() -> None:
    early = replace(FEVER, ended_at=minutes(20), last_at=minutes(15))
    later = replace(FEVER, onset_at=minutes(20), ended_at=minutes(70))
    assert changes([early], [later]) == [Change.REVISED]
    assert changes([later], [early]) == [Change.REVISED]


def test_what_was_settled_long_before_stays_as_it_is() -> None:
    """A threshold changed since must not rewrite what was found under the old one."""
    settled = replace(FEVER, ended_at=minutes(70))
    assert revise([settled], [], settled.ended_at + 2 * DAY_US + 1) == []  # type: ignore[operator]
    assert revise([], [settled], settled.ended_at + 2 * DAY_US + 1) == []  # type: ignore[operator]
    assert revise([settled], [], settled.ended_at + 2 * DAY_US)  # type: ignore[operator]
    assert revise([FEVER], [], FEVER.onset_at + 9 * DAY_US)[0].change is Change.WITHDRAWN
