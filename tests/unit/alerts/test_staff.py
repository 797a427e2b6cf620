"""Whose grids are whose."""

from alerts.staff import Role, Staff

STAFF = Staff(1, "sup-1", "Name", Role.SUPERVISOR, {"grid-1": 11, "grid-2": 12})


def test_all_their_grids_or_the_one_asked_for() -> None:
    assert STAFF.grid_nos() == [11, 12]
    assert STAFF.grid_nos("grid-2") == [12]


def test_a_grid_that_is_not_theirs_is_none() -> None:
    assert STAFF.grid_nos("grid-3") == []
