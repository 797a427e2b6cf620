"""Quantiles of the beta distribution against forms that are known without it."""

from math import comb, isclose, pi, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.beta import cdf, quantile

PROBABILITIES = [0.001, 0.05, 0.25, 0.5, 0.75, 0.95, 0.999]
SIZES = st.floats(0.5, 2_000)


@pytest.mark.parametrize("p", PROBABILITIES)
def test_where_there_is_a_closed_form(p: float) -> None:
    assert isclose(quantile(p, 1, 1), p, rel_tol=1e-9)
    assert isclose(quantile(p, 0.5, 0.5), sin(pi * p / 2) ** 2, rel_tol=1e-9)  # the arcsine law
    assert isclose(quantile(p, 3, 1), p ** (1 / 3), rel_tol=1e-9)
    assert isclose(quantile(p, 1, 7), 1 - (1 - p) ** (1 / 7), rel_tol=1e-9)


@pytest.mark.parametrize(
    ("a", "b"), [(1, 1), (2, 5), (5, 2), (30, 4), (4, 30), (200, 300), (900, 3)]
)
@pytest.mark.parametrize("x", [0.01, 0.2, 0.5, 0.87, 0.99])
def test_whole_sizes_are_a_binomial_tail(x: float, a: int, b: int) -> None:
    n = a + b - 1
    tail = sum(comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a, n + 1))
    assert isclose(cdf(x, a, b), tail, rel_tol=1e-9, abs_tol=1e-12)


@pytest.mark.parametrize(
    ("false", "true", "low", "high"),
    # 95 % Jeffreys intervals as Brown, Cai and DasGupta print them (2001, table 5: n = 7).
    [(1, 6, 0.016, 0.501), (3, 4, 0.139, 0.766), (0, 7, 0.000, 0.292)],
)
def test_published_intervals(false: int, true: int, low: float, high: float) -> None:
    a, b = false + 0.5, true + 0.5
    below = 0.0 if false == 0 else quantile(0.025, a, b)
    assert isclose(below, low, abs_tol=0.001)
    assert isclose(quantile(0.975, a, b), high, abs_tol=0.001)


@given(st.floats(0.001, 0.999), SIZES, SIZES)
def test_a_quantile_is_where_the_probability_is(p: float, a: float, b: float) -> None:
    assert isclose(cdf(quantile(p, a, b), a, b), p, rel_tol=1e-6)


@given(st.floats(0, 1), SIZES, SIZES)
def test_the_mirror_image(x: float, a: float, b: float) -> None:
    assert isclose(cdf(x, a, b), 1 - cdf(1 - x, b, a), rel_tol=1e-9, abs_tol=1e-9)


def test_beyond_the_ends() -> None:
    assert (cdf(-0.1, 2, 3), cdf(0, 2, 3), cdf(1, 2, 3), cdf(1.1, 2, 3)) == (0, 0, 1, 1)
