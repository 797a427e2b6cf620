"""Rows of a step: every column is there when it is asked for."""

from rules.touched import Touched


def test_nothing_is_going_on_with_fresh_rows_and_no_sparse_column_is_made() -> None:
    rows = Touched.fresh(3)
    assert rows.going("left_home").tolist() == [False] * 3
    assert rows.present() == ()
    assert rows["left_home"]["active"].tolist() == [0, 0, 0]
    assert rows.present() == ("left_home",)


def test_what_is_written_is_read_and_a_copy_stays() -> None:
    rows = Touched.fresh(2)
    rows["fever_core"]["first_at"][1] = 5
    rows["near_at"][0] = 3
    copy, runs = rows.copy(), rows.runs()
    rows["fever_core"]["first_at"][1] = 6
    rows["near_at"][0] = 4
    assert rows.going("fever_core").tolist() == [False, True]
    assert (copy["fever_core"]["first_at"][1], copy["near_at"][0]) == (5, 3)
    assert (runs["fever_core"]["first_at"][1], runs["near_at"][0]) == (5, 4)


def test_a_column_of_zeros_is_as_good_as_none() -> None:
    rows, same = Touched.fresh(2), Touched.fresh(2)
    same["silence"]["value"] = 0
    assert rows.tobytes() == same.tobytes()
    same["silence"]["began_at"] = 1
    assert rows.tobytes() != same.tobytes()
