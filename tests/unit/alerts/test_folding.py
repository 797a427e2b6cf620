from dataclasses import replace

from alerts.folding import Folded, fold
from rules.finding import Change, Finding, FindingChange, Severity
from store.findings import _moving
from tests.unit.alerts.cases import at, finding


def change(
    kind: Change, after: Finding, before: Finding | None = None, *, late: bool = False
) -> FindingChange:
    return FindingChange(kind, after, before, late)


def test_what_a_step_says_of_one_finding_becomes_one_row() -> None:
    began = finding(0)
    worse = replace(began, severity=Severity.CRITICAL)
    over = replace(worse, ended_at=at(40))
    (row,) = fold(
        [
            change(Change.BEGAN, began),
            change(Change.WORSENED, worse, began),
            change(Change.ENDED, over, worse),
        ]
    )
    assert row == Folded(over, None, told=True)


def test_the_same_change_twice_is_one() -> None:
    began = finding(0)
    assert fold([change(Change.BEGAN, began)] * 2) == fold([change(Change.BEGAN, began)])


def test_findings_of_different_devices_and_onsets_stay_apart() -> None:
    rows = fold(
        [
            change(Change.ENDED, finding(0, 20), finding(0)),
            change(Change.BEGAN, finding(30)),
            change(Change.BEGAN, finding(30, device_no=2)),
        ]
    )
    assert [row.stored_onset_at for row in rows] == [at(0), None, None]


def test_to_be_seen_again_is_nothing_to_tell() -> None:
    (row,) = fold([change(Change.SEEN, finding(0, last_at=at(30)), finding(0))])
    assert not row.told
    assert row.stored_onset_at == at(0)


def test_a_moved_onset_is_found_under_the_old_one() -> None:
    before, after = finding(10), finding(5)
    (row,) = fold(
        [
            change(Change.REVISED, after, before, late=True),
            change(Change.SEEN, replace(after, last_at=at(50)), after),
        ]
    )
    assert (row.stored_onset_at, row.finding.onset_at) == (at(10), at(5))
    assert row.finding.last_at == at(50)
    assert row.revised
    assert row.told


def test_what_began_and_was_withdrawn_at_once_never_was() -> None:
    began = finding(0)
    assert fold([change(Change.BEGAN, began), change(Change.WITHDRAWN, began, began)]) == []


def test_one_may_begin_where_another_was_withdrawn() -> None:
    old = finding(0)
    rows = fold([change(Change.WITHDRAWN, old, old, late=True), change(Change.BEGAN, old)])
    assert [row.withdrawn for row in rows] == [True, False]
    assert [row.stored_onset_at for row in rows] == [at(0), None]


def test_onsets_move_out_of_each_others_way() -> None:
    def moved(before: float, after: float) -> Folded:
        return Folded(finding(after), at(before))

    order = [
        (row.stored_onset_at, row.finding.onset_at)
        for row in _moving(
            [moved(10, 20), moved(20, 30), moved(40, 35), moved(50, 40), moved(60, 60)]
        )
    ]
    assert order == [(at(40), at(35)), (at(50), at(40)), (at(20), at(30)), (at(10), at(20))]
