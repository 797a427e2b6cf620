import pytest

from bench.table import Bar, Line, Row, number, percentile, rows, text


@pytest.mark.parametrize(
    ("share", "value"), [(50.0, 50.5), (99.0, 99.0), (99.9, 100.0), (1.0, 1.0)]
)
def test_percentiles_are_values_that_were_measured_and_the_middle_is_the_median(
    share: float, value: float
) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], share) == value


def test_one_value_is_every_percentile() -> None:
    assert {percentile([7.0], share) for share in (50.0, 99.0, 99.9)} == {7.0}


def test_a_row_is_the_median_of_its_rounds_held_against_the_median_of_the_baseline() -> None:
    line = Line("ours", "ours", "x/s", "null", "null", Bar("ratio", ">=", 0.5))
    [row] = rows([line], {"ours": [30.0, 10.0, 20.0], "null": [40.0, 50.0, 30.0]})
    assert (row.figure, row.baseline, row.ratio, row.verdict) == (20.0, 40.0, 0.5, "met")


def test_a_percentile_is_held_against_the_same_percentile() -> None:
    line = Line("p99", "ours", "ms", "broker", "broker", percentile=99.0)
    hundred = [float(n) for n in range(1, 101)]
    [row] = rows([line], {"ours": hundred, "broker": [n / 10 for n in hundred]})
    assert (row.figure, row.baseline) == (99.0, 9.9)


def test_what_was_not_measured_has_no_row() -> None:
    lone, pair = Line("a", "a", "s", "b", "b"), Line("a/b", "a", "s", "b", "b", compares=True)
    assert [row.name for row in rows([lone, pair], {"a": [1.0]})] == ["a"]
    assert not rows([lone, pair], {"b": [1.0]})


@pytest.mark.parametrize(
    ("bar", "figure", "baseline", "verdict"),
    [
        (Bar("figure", "<=", 12), 12.0, None, "met"),
        (Bar("figure", "<=", 12), 12.1, None, "NOT MET"),
        (Bar("figure", "<", 500), 500.0, None, "NOT MET"),
        (Bar("figure", ">=", 150), 149.0, 1.0, "NOT MET"),
        (Bar("ratio", ">=", 20), 100.0, 5.0, "met"),
        (Bar("ratio", ">=", 20), 99.0, 5.0, "NOT MET"),
        (Bar("ratio", ">=", 20), 99.0, None, ""),
        (None, 99.0, 5.0, ""),
    ],
)
def test_a_bar_is_met_or_not(
    bar: Bar | None, figure: float, baseline: float | None, verdict: str
) -> None:
    assert Row("row", figure, "s", "", baseline, bar).verdict == verdict


def test_the_table_lines_up() -> None:
    table = [
        Row("short", 1234567.0, "readings/s"),
        Row("a longer name", 5.25, "us", "null", 10.5, Bar("ratio", "<=", 0.5)),
    ]
    assert text(table).splitlines() == [
        "row               figure  unit        against  baseline  ratio  bar",
        "short          1,234,567  readings/s",
        "a longer name       5.25  us          null         10.5  0.50x  <= 0.50x  met",
    ]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(150_000.0, "150,000"), (99.96, "100.0"), (12.0, "12"), (0.067, "0.07"), (1234.5, "1,234")],
)
def test_numbers_have_the_digits_that_count(value: float, shown: str) -> None:
    assert number(value) == shown
