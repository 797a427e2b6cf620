"""What a step carries along: the rules bound to the state it began with."""

from domain.batch import NO_POSITION, Rows, rows_of
from domain.instant import DAY_US, MINUTE_US, parse_rfc3339
from domain.people import Assignment, Device, Episode, Roster
from domain.reading import Site
from ingest.judging import Judgement
from ingest.work import History
from rules.engine import apply
from rules.finding import Change
from rules.rulebook import DEFAULT
from rules.state import fresh
from rules.wearers import Wearers
from tests.unit.rules.making import by_event_time

NOW = parse_rfc3339("2026-02-03T04:05:06Z")
EPISODE = Episode(1, "e-1", NOW - DAY_US, NOW + DAY_US, None, None)
ROSTER = Roster(
    version=1,
    devices={"w-1": Device(1, "w-1", "band-a", Site.AXILLARY, 60, spot=False)},
    episodes={1: EPISODE},
    assignments={1: (Assignment(1, 1, NOW - DAY_US, None),)},
)
WEARERS = Wearers.of(ROSTER, DEFAULT)


def _rows(minutes: range, temperature_cc: int = 3840) -> Rows:
    head = (0, 1, 1)
    tail = (NOW, 0, 0, -1, temperature_cc, 2, -1, -1, -1, NO_POSITION, NO_POSITION, -1, 0)
    return rows_of([(*head, NOW + m * MINUTE_US, *tail, -1, -1, -1, -1) for m in minutes])


def test_judging_changes_nothing_until_it_is_taken_over() -> None:
    state = fresh(1)
    judgement = Judgement(state, WEARERS, DEFAULT, NOW, 0)
    evaluation = judgement.judge(_rows(range(15)))
    assert [change.change for change in evaluation.changes][:1] == [Change.BEGAN]
    assert state.tobytes() == fresh(1).tobytes()


def test_a_history_gives_the_state_its_readings_would_have_given() -> None:
    rows = _rows(range(15))
    straight = apply(fresh(1), Judgement(fresh(1), WEARERS, DEFAULT, NOW, 5).judge(rows))
    late_first = Judgement(fresh(1), WEARERS, DEFAULT, NOW, 5).judge(rows[10:])
    state = apply(fresh(1), late_first)
    history = History(1, 1, rows, (), int(rows["measured_at"][0]))
    evaluation = Judgement(state, WEARERS, DEFAULT, NOW, 5).rejudge([history])
    assert [change.late for change in evaluation.changes] == [True]
    assert by_event_time(apply(state, evaluation)) == by_event_time(straight)


def test_who_has_left_the_roster_is_passed_over() -> None:
    gone = History(9, 9, _rows(range(3)), (), NOW)
    evaluation = Judgement(fresh(1), WEARERS, DEFAULT, NOW, 0).rejudge([gone])
    assert (len(evaluation.slots), list(evaluation.changes)) == (0, [])
    assert len(evaluation.rows) == 0


def test_many_histories_at_once_are_judged_as_each_by_itself() -> None:
    devices = {f"w-{n}": Device(n, f"w-{n}", "a", Site.AXILLARY, 60, spot=False) for n in (1, 2, 3)}
    assigned = {n: (Assignment(n, 1, NOW - DAY_US, None),) for n in (1, 2, 3)}
    wearers = Wearers.of(Roster(1, devices, {1: EPISODE}, assigned), DEFAULT)
    judgement = Judgement(fresh(3), wearers, DEFAULT, NOW, 5)
    histories = []
    for n, minutes in ((3, range(40)), (1, range(5)), (2, range(10, 30))):
        rows = _rows(minutes)
        rows["device_no"] = n
        histories.append(History(1, n, rows, (), int(rows["measured_at"][0])))
    together = judgement.rejudge(histories)
    apart = [
        judgement.rejudge([history]) for history in sorted(histories, key=lambda h: h.device_no)
    ]
    assert together.slots.tolist() == [int(each.slots[0]) for each in apart]
    for nth, each in enumerate(apart):
        assert together.rows.dense[nth] == each.rows.dense[0]
        assert together.rows["fever_core"][nth] == each.rows["fever_core"][0]
    assert list(together.changes) == [change for each in apart for change in each.changes]
    assert len(together.changes) == 2
