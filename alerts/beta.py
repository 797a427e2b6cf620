"""The beta distribution, as far as a rate out of few cases needs it: its quantiles.

Pure, and without scipy, which is a hundred megabytes for one function. The distribution function is
the regularised incomplete beta function by its continued fraction (DLMF 8.17.22, evaluated by
Lentz's method as in Numerical Recipes, 3rd edition, section 6.4); a quantile is found by halving.
"""

from math import exp, lgamma, log, log1p
from typing import Final

_TERMS: Final = 10_000
"""More than sqrt(max(a, b)) terms are never needed: enough for a hundred million cases."""
_CLOSE: Final = 1e-14
_TINY: Final = 1e-300
_HALVINGS: Final = 60
"""To 2^-60, less than a double can tell apart near 1."""


def cdf(x: float, a: float, b: float) -> float:
    """The probability that a Beta(a, b) variable is at most `x`; `a` and `b` above 0."""
    assert a > 0
    assert b > 0
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    # The fraction converges fast on the left of the mean; on its right the mirror image does.
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1.0 - front * _fraction(1 - x, b, a) / b


def quantile(p: float, a: float, b: float) -> float:
    """Where the distribution function of Beta(a, b) is `p`, 0 to 1."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if cdf(middle, a, b) < p:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _fraction(x: float, a: float, b: float) -> float:
    """1/(1+ d1/(1+ d2/(1+ ...))) of DLMF 8.17.22."""
    c, d = 1.0, 1.0 / _not_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _TERMS):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / _not_zero(1 + step * d)
            c = _not_zero(1 + step / c)
            value *= c * d
        if abs(c * d - 1) < _CLOSE:
            break
    return value


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
