"""P values of many t statistics on the same degrees of freedom, from a table of the tail."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numba import njit
from numpy.polynomial import chebyshev

from pipeline.dea.arrays import Floats
from pipeline.dea.tails import LOG_10, log_two_sided_p, neg_log10_two_sided_p, two_sided_p

# With fewer t than this the table costs more than it saves.
WORTHWHILE = 4000
CELLS_PER_UNIT = 2
FARTHEST = 40.0
DEGREE = 13


@dataclass(frozen=True, slots=True)
class TailTable:
    """log P(|T| > |t|) as polynomials of s = √(df·log(1 + t²/df)).

    In s every tail is near to the normal one: log P + s²/2 is smooth and small, so a polynomial of
    `DEGREE` in each half unit is exact to 1e-13. `coefficients` is (cell, power).
    """

    df: float
    coefficients: Floats

    def log_p(self, t: Floats) -> Floats:
        """(gene,) natural logarithms; NaN stays NaN."""
        log_p = np.asarray(_look_up(t, self.df, self.coefficients), dtype=np.float64)
        far = np.flatnonzero(log_p == np.inf)
        if far.size:
            log_p[far] = log_two_sided_p(t[far], self.df)
        return log_p


def make_tail_table(df: float) -> TailTable:
    """Tabulate the tail of t on `df` degrees of freedom, which may be infinite."""
    farthest = min(FARTHEST, np.sqrt(600 * df))
    n_cells = max(int(farthest * CELLS_PER_UNIT), 1)
    nodes, to_powers = _interpolation()
    s = (np.arange(n_cells)[:, None] + (nodes + 1) / 2) / CELLS_PER_UNIT
    t = s if np.isinf(df) else np.sqrt(df * np.expm1(s**2 / df))
    smooth = log_two_sided_p(t, df) + s**2 / 2
    return TailTable(df, np.ascontiguousarray(smooth @ to_powers.T))


def p_values(t: Floats, df: Floats, table: TailTable | None) -> tuple[Floats, Floats]:
    """P(|T| > |t|) and its −log10, both (gene,), of `t` (gene,); `df` is scalar or (gene,)."""
    if table is None:
        p = two_sided_p(t, df)
        return p, neg_log10_two_sided_p(t, df, p)
    log_p = np.minimum(table.log_p(t), 0.0)
    return np.exp(log_p), log_p / -LOG_10


@cache
def _interpolation() -> tuple[Floats, Floats]:
    """Chebyshev's nodes in [−1, 1], and (power, node) from values there to powers."""
    nodes = np.cos(np.pi * (np.arange(DEGREE + 1) + 0.5) / (DEGREE + 1))
    powers = np.zeros((DEGREE + 1, DEGREE + 1))
    for k in range(DEGREE + 1):
        power = chebyshev.cheb2poly(np.eye(DEGREE + 1)[k])
        powers[: power.size, k] = power
    return nodes, powers @ np.linalg.inv(chebyshev.chebvander(nodes, DEGREE))


# SciPy's incomplete beta takes six times as long.
@njit(cache=True)  # type: ignore[untyped-decorator]
def _look_up(t: Floats, df: float, coefficients: Floats) -> Floats:
    """log P, or ∞ where `t` is beyond the table."""
    n_cells, n_powers = coefficients.shape
    result = np.empty(t.size)
    finite = np.isfinite(df)
    for i in range(t.size):
        square = t[i] * t[i]
        if finite:
            square = df * np.log1p(square / df)
        at = np.sqrt(square) * CELLS_PER_UNIT
        if not at < n_cells:
            result[i] = np.nan if np.isnan(at) else np.inf
            continue
        cell = int(at)
        x = 2.0 * (at - cell) - 1.0
        value = coefficients[cell, n_powers - 1]
        for k in range(n_powers - 2, -1, -1):
            value = value * x + coefficients[cell, k]
        result[i] = value - square / 2
    return result
