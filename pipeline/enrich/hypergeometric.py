"""The hypergeometric distribution's tails, exact to some 1e-13, on the logarithmic scale."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import njit

from pipeline.dea.arrays import Floats

# Multiples of this add and subtract without rounding as long as they stay below 2^23.
_GRAIN = 2.0**-29
# A series has converged where its next term no longer changes the sum.
_NEGLIGIBLE = 1e-17


@dataclass(frozen=True, slots=True)
class LogFactorials:
    """log n! for n = 0, 1, … as `high` + `low`.

    `high` are multiples of a power of two, so that sums of them are exact: in a log probability the
    factorials, each some 1e5, cancel down to some 10, and plain doubles would lose 1e-10 of p.
    """

    high: Floats
    low: Floats


@lru_cache(maxsize=4)
def log_factorials(n: int) -> LogFactorials:
    """Logarithms of 0! to n!."""
    high, low = _sum_logs(n)
    return LogFactorials(high, low)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _sum_logs(n: int) -> tuple[Floats, Floats]:
    high = np.zeros(n + 1)
    low = np.zeros(n + 1)
    total = rest = 0.0
    for i in range(1, n + 1):
        # Knuth's exact sum of two numbers.
        term = np.log(float(i))
        new = total + term
        carried = new - total
        rest += (total - (new - carried)) + (term - carried)
        total = new
        high[i] = np.round(total / _GRAIN) * _GRAIN
        low[i] = (total - high[i]) + rest
    return high, low


@njit(cache=True)  # type: ignore[untyped-decorator]
def _log_choose(high: Floats, low: Floats, n: int, k: int) -> tuple[float, float]:
    return high[n] - high[k] - high[n - k], low[n] - low[k] - low[n - k]


@njit(cache=True)  # type: ignore[untyped-decorator]
def log_tails(high: Floats, low: Floats, N: int, M: int, K: int, x: int) -> tuple[float, float]:
    """log P(X ≤ x) and log P(X ≥ x) where X of M genes drawn from N are among K.

    Parameters
    ----------
    high, low
        `LogFactorials` up to N at least.
    x
        A number that can occur: max(0, M + K − N) ≤ x ≤ min(M, K).
    """
    least = max(0, M + K - N)
    most = min(M, K)
    a_high, a_low = _log_choose(high, low, K, x)
    b_high, b_low = _log_choose(high, low, N - K, M - x)
    c_high, c_low = _log_choose(high, low, N, M)
    log_pmf = (a_high + b_high - c_high) + (a_low + b_low - c_low)
    # Sum the tail that leads away from the mean; the other is its complement.
    beyond = 0.0
    term = 1.0
    if x * float(N) > M * float(K):
        for i in range(x, most):
            term *= (K - i) * float(M - i) / ((i + 1.0) * (N - K - M + i + 1.0))
            beyond += term
            if term < _NEGLIGIBLE * beyond:
                break
        log_over = log_pmf + np.log1p(beyond)
        log_under = np.log1p(-min(np.exp(log_pmf) * beyond, 1.0))
    else:
        for i in range(x, least, -1):
            term *= i * (N - K - M + float(i)) / ((K - i + 1.0) * (M - i + 1.0))
            beyond += term
            if term < _NEGLIGIBLE * beyond:
                break
        log_under = log_pmf + np.log1p(beyond)
        log_over = np.log1p(-min(np.exp(log_pmf) * beyond, 1.0))
    if x == least:
        log_over = 0.0
    if x == most:
        log_under = 0.0
    return min(log_under, 0.0), min(log_over, 0.0)
