import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.delivery import Answer, Failed, Gone, Later, Sent
from alerts.digest import (
    MOST_INITIALS,
    MOST_LINES,
    Quiet,
    Round,
    State,
    Wish,
    due,
    text,
)
from alerts.duty import Span, Weekly
from alerts.notification import LONGEST_NAME, Language
from domain.instant import DAY_US, HOUR_US, MINUTE_US, SECOND_US, parse_rfc3339
from rules.finding import Severity

CONSOLE = "https://doorstep.example.org"
NINE = parse_rfc3339("2026-02-03T09:00:00+08:00")
WISH = Wish((9 * 60,), "Asia/Shanghai")
TWICE = Wish((8 * 60 + 30, 20 * 60), "Asia/Shanghai")
WECOM_BYTES = 2_048


def quiet(person: str = "p-1", **given: Any) -> Quiet:
    return replace(Quiet(person, "W*", "grid-1", "5", Severity.ROUTINE, new=True), **given)


def told(*found: Quiet, language: Language = Language.EN) -> list[str]:
    said = text(found, WISH, NINE, language, CONSOLE)
    assert said is not None
    assert said.severity is Severity.ROUTINE
    return [said.title, *said.body.split("\n")]


class TestDue:
    @pytest.mark.parametrize(
        ("last", "now", "at"),
        [
            (NINE - DAY_US, NINE - 1, None),
            (NINE - DAY_US, NINE, NINE),
            (NINE - DAY_US, NINE + 5 * HOUR_US, NINE),
            (NINE, NINE + 1, None),
            (NINE, NINE + DAY_US - 1, None),
            # Ten days nobody ran: one message, not ten.
            (NINE - 10 * DAY_US, NINE + HOUR_US, NINE),
            # Somebody new to it, since between two rounds.
            (NINE + HOUR_US, NINE + 2 * HOUR_US, None),
        ],
    )
    def test_once_a_round(self, last: int, now: int, at: int | None) -> None:
        assert due(WISH, last, now) == at

    def test_the_clocks_are_the_communitys(self) -> None:
        urumqi = replace(WISH, zone="Asia/Urumqi")
        assert due(urumqi, NINE - DAY_US, NINE) == NINE + 2 * HOUR_US - DAY_US
        assert due(urumqi, NINE, NINE + 2 * HOUR_US) == NINE + 2 * HOUR_US

    def test_several_times_a_day_are_several_rounds(self) -> None:
        morning, evening = NINE - 30 * MINUTE_US, NINE + 11 * HOUR_US
        assert due(TWICE, morning - 1, morning) == morning
        assert due(TWICE, morning, evening - 1) is None
        assert due(TWICE, morning, evening) == evening
        assert due(TWICE, evening, morning + DAY_US) == morning + DAY_US

    def test_nobody_is_told_off_duty_but_when_their_shift_begins(self) -> None:
        # A Tuesday.
        night = replace(WISH, shifts=(Weekly((1,), 20 * 60, 8 * 60),))
        begins = NINE + 11 * HOUR_US
        assert due(night, NINE - DAY_US, NINE) is None
        assert due(night, NINE - DAY_US, begins - 1) is None
        assert due(night, NINE - DAY_US, begins) == NINE
        away = replace(WISH, shifts=(Span(NINE - DAY_US, NINE - 1),))
        assert due(away, NINE - DAY_US, NINE) is None

    def test_who_has_no_times_is_never_told(self) -> None:
        assert due(Wish((), "Asia/Shanghai"), 0, NINE) is None

    @pytest.mark.parametrize(
        ("zone", "day", "minute"),
        [
            # Clocks go from 2:00 to 3:00, and from 3:00 back to 2:00.
            ("Europe/Berlin", "2026-03-29T00:00:00+01:00", 150),
            ("Europe/Berlin", "2026-10-25T00:00:00+02:00", 150),
            # A midnight that is passed over.
            ("America/Santiago", "2026-09-06T04:00:00Z", 0),
        ],
    )
    def test_a_day_on_which_clocks_change_has_each_round_once(
        self, zone: str, day: str, minute: int
    ) -> None:
        wish, begins = Wish((minute,), zone), parse_rfc3339(day)
        last, rounds = begins - DAY_US, list[int]()
        for now in range(begins - DAY_US, begins + 3 * DAY_US, 10 * MINUTE_US):
            at = due(wish, last, now)
            if at is not None:
                last = at
                rounds.append(now)
        assert len(rounds) == 4
        gaps = [after - before for before, after in itertools.pairwise(rounds)]
        assert all(22 * HOUR_US < gap < 26 * HOUR_US for gap in gaps)

    @given(
        minutes=st.lists(st.integers(0, 1_439), min_size=1, max_size=6, unique=True),
        looks=st.lists(st.integers(1, 3 * DAY_US), max_size=40),
    )
    def test_rounds_go_forward_and_each_is_told_once(
        self, minutes: list[int], looks: list[int]
    ) -> None:
        wish, now, last = Wish((*minutes,), "Asia/Shanghai"), NINE, NINE
        rounds = list[int]()
        for gap in looks:
            now += gap
            at = due(wish, last, now)
            if at is None:
                assert now - last <= DAY_US
                continue
            assert last < at <= now
            assert now - at < DAY_US
            rounds.append(at)
            last = at
            assert due(wish, last, now) is None
        assert len(set(rounds)) == len(rounds)


class TestText:
    def test_numbers_by_grid_and_building_with_initials(self) -> None:
        found = [
            quiet("p-1"),
            quiet("p-2", initials="A.L.", new=False),
            quiet("p-1", new=False),
            quiet("p-3", initials="Z*", grid="grid-2", building=""),
        ]
        assert told(*found) == [
            "Doorstep: round of 02-03 09:00, 4 quiet alerts, 2 new",
            "grid-1, building 5: 3 (W*, A.L.)",
            "grid-2: 1 (Z*)",
            CONSOLE,
        ]
        assert told(*found, language=Language.ZH) == [
            "Doorstep：02-03 09:00 巡查，4条一般告警，2条新增",
            "grid-1，5号楼：3条（W*、A.L.）",
            "grid-2：1条（Z*）",
            CONSOLE,
        ]

    def test_one_is_no_plural(self) -> None:
        assert told(quiet())[0] == "Doorstep: round of 02-03 09:00, 1 quiet alert, 1 new"

    def test_nothing_new_is_no_message(self) -> None:
        assert text([], WISH, NINE, Language.EN, CONSOLE) is None
        assert text([quiet(new=False)] * 3, WISH, NINE, Language.EN, CONSOLE) is None

    def test_what_is_worse_but_old_is_said_to_be(self) -> None:
        found = [quiet(severity=Severity.CRITICAL), quiet("p-2")]
        assert told(*found)[1] == "grid-1, building 5: 2 (W*, W*), 1 urgent by old readings"
        assert "1条按较早读数为紧急" in told(*found, language=Language.ZH)[1]

    def test_many_are_counted_those_with_news_first(self) -> None:
        old = [quiet(building=f"{n:02}", new=False) for n in range(MOST_LINES + 2)]
        lines = told(*old, quiet(building="99"))
        assert lines[1].startswith("grid-1, building 99")
        assert lines[-2] == "and 3 more in 3 other buildings"
        assert len(lines) == MOST_LINES + 3
        assert told(*old, quiet(), language=Language.ZH)[-2] == "另有3栋楼3条"

    def test_many_people_in_one_building_are_not_all_named(self) -> None:
        crowd = [quiet(f"p-{n}") for n in range(MOST_INITIALS + 1)]
        assert told(*crowd)[1].endswith(": 6 (W*, W*, W*, W*, W*, ...)")
        assert told(*crowd, language=Language.ZH)[1].endswith("（W*、W*、W*、W*、W*等）")

    def test_without_a_console_there_is_no_link(self) -> None:
        said = text([quiet()], WISH, NINE, Language.EN, "")
        assert said is not None
        assert said.body == "grid-1, building 5: 1 (W*)"

    @pytest.mark.parametrize("language", [*Language])
    def test_it_is_within_what_the_strictest_robot_takes(self, language: Language) -> None:
        found = [
            quiet(f"p-{n}", initials="王.李.张.", grid="网" * 300, building=f"{n % 20}栋" * 300)
            for n in range(400)
        ]
        said = text(found, WISH, NINE, language, f"https://{'d' * 100}.example.org")
        assert said is not None
        assert len(f"{said.title}\n{said.body}".encode()) <= WECOM_BYTES
        assert "网" * LONGEST_NAME not in said.body


class TestRound:
    ROUND = Round("dr-1", NINE, NINE)

    @pytest.mark.parametrize(
        ("answer", "after"),
        [
            (Later(2.0), {"next_try_at": NINE + 2 * SECOND_US}),
            (
                Sent("1 of 1 contacts"),
                {
                    "state": State.TOLD,
                    "attempts": 1,
                    "first_tried_at": NINE,
                    "status": "1 of 1 contacts",
                },
            ),
            (
                Failed("0 of 1 contacts"),
                {
                    "attempts": 1,
                    "first_tried_at": NINE,
                    "next_try_at": NINE + 5 * SECOND_US,
                    "status": "0 of 1 contacts",
                },
            ),
            (
                Failed("too often", 600.0),
                {
                    "attempts": 1,
                    "first_tried_at": NINE,
                    "next_try_at": NINE + 10 * MINUTE_US,
                    "status": "too often",
                },
            ),
            (
                Gone("gone"),
                {"state": State.MISSED, "attempts": 1, "first_tried_at": NINE, "status": "gone"},
            ),
        ],
    )
    def test_what_an_answer_makes_of_it(self, answer: Answer, after: dict[str, Any]) -> None:
        assert self.ROUND.after(answer, NINE, 0.5) == replace(self.ROUND, **after)

    def test_pauses_grow_and_the_first_try_is_remembered(self) -> None:
        here, now = self.ROUND, NINE
        pauses = []
        for _ in range(4):
            now = here.next_try_at
            here = here.after(Failed("no"), now, 0.5)
            pauses.append((here.next_try_at - now) // SECOND_US)
        assert pauses == [5, 30, 120, 300]
        assert (here.first_tried_at, here.attempts) == (NINE, 4)

    def test_without_news_it_is_over(self) -> None:
        assert self.ROUND.nothing().state is State.NOTHING
