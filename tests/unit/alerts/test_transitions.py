"""What the table as a whole must and must not say."""

import itertools

from alerts.alert import Response
from alerts.transitions import NOT_CLOSED, TRANSITIONS, By, Guard, Kind

CLOSED = Response.CLOSED
EXCLUDING = {
    Kind.OUTCOME: {Guard.CLOSES, Guard.GO_AGAIN},
    Kind.UNDONE: {Guard.WAS_OPEN, Guard.WAS_ACKNOWLEDGED, Guard.WAS_VISITING},
}
"""Guards of which one holds at most."""


def test_every_word_of_the_log_has_a_row() -> None:
    assert {row.kind for row in TRANSITIONS} == {*Kind}


def test_only_an_undo_opens_what_was_closed() -> None:
    opening = [row for row in TRANSITIONS if CLOSED in row.responses and row.response in NOT_CLOSED]
    assert {row.kind for row in opening} == {Kind.UNDONE}


def test_only_people_close_what_is_not_routine() -> None:
    closing = [row for row in TRANSITIONS if row.response is CLOSED]
    assert {(row.by, row.guard) for row in closing} == {
        (By.PERSON, Guard.CLOSES),
        (By.SERVICE, Guard.ROUTINE),
    }


def test_no_two_rows_apply_at_once() -> None:
    for one, other in itertools.combinations(TRANSITIONS, 2):
        if one.kind is other.kind and {*one.conditions} & {*other.conditions}:
            apart = not ({*one.responses} & {*other.responses})
            assert apart or {one.guard, other.guard} <= EXCLUDING[one.kind]
