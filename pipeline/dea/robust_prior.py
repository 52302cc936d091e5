"""Prior of the variances when some genes are hypervariable (Phipson 2016)."""

from functools import cache

import numpy as np
from scipy import optimize, special, stats

from pipeline.dea.arrays import Floats
from pipeline.dea.lowess import fit_lowess
from pipeline.dea.variance_prior import VariancePrior, fit_variance_prior

LOWER_TAIL = 0.05
UPPER_TAIL = 0.1
FLOOR = 1e-12
TREND_SPAN = 0.4
TREND_DELTA_SHARE = 0.01
N_NODES = 128


def fit_robust_variance_prior(
    sigma2: Floats, df: float, covariate: Floats | None = None
) -> VariancePrior:
    """Estimate the prior of `sigma2` (gene,) from Winsorized moments; `df_prior` is (gene,).

    Genes whose variance lies beyond the prior get fewer prior degrees of freedom.

    Parameters
    ----------
    df
        Degrees of freedom of each variance.
    covariate
        (gene,) what the location of the prior follows, by a lowess curve.
    """
    n = sigma2.size
    plain = fit_variance_prior(sigma2, df, covariate)
    if n * max(LOWER_TAIL, UPPER_TAIL) < 1:
        return VariancePrior(plain.s2_prior, np.broadcast_to(plain.df_prior, n).copy())
    middle = float(np.median(sigma2))
    z = np.log(np.maximum(sigma2, FLOOR * (middle if middle > 0 else 1.0)))
    trend: Floats = np.zeros(n)
    if covariate is not None:
        delta = TREND_DELTA_SHARE * float(np.ptp(covariate))
        trend = fit_lowess(covariate, z, span=TREND_SPAN, delta=delta)(covariate)
        z = z - trend
    winsorized = np.clip(z, *np.quantile(z, [LOWER_TAIL, 1 - UPPER_TAIL]))
    df_prior = _solve_df_prior(float(winsorized.var(ddof=1)), df, at_least=float(plain.df_prior))
    location = float(winsorized.mean()) - _moments(df, df_prior)[0]
    s2_prior = np.exp(location + trend)
    return VariancePrior(
        np.exp(np.array(location)) if covariate is None else s2_prior,
        _shrink_outliers(sigma2 / s2_prior, df, df_prior),
    )


def _solve_df_prior(variance: float, df: float, *, at_least: float) -> float:
    """Degrees of freedom that give the Winsorized variance, but no fewer than `at_least`."""
    if np.isinf(at_least) or variance >= _moments(df, at_least)[1]:
        return at_least
    if variance <= _moments(df, np.inf)[1]:
        return np.inf

    def excess(share: float) -> float:
        return _moments(df, share / (1 - share))[1] - variance

    # The share d/(1 + d) has bounds; the variance falls with it.
    low, high = at_least / (1 + at_least), 1 - 1e-12
    if excess(high) >= 0:
        return np.inf
    share = float(optimize.brentq(excess, low, high, xtol=1e-16, rtol=1e-14))
    return share / (1 - share)


@cache
def _nodes() -> tuple[Floats, Floats]:
    x, weight = special.roots_legendre(N_NODES)
    return np.asarray(x), np.asarray(weight)


def _moments(df: float, df_prior: float) -> tuple[float, float]:
    """Mean and variance of the Winsorized logarithm of an F variate."""
    law = stats.chi2(df, scale=1 / df) if np.isinf(df_prior) else stats.f(df, df_prior)
    low, high = np.log(law.ppf([LOWER_TAIL, 1 - UPPER_TAIL]))
    x, weight = _nodes()
    z = (low + high) / 2 + (high - low) / 2 * x
    mass = weight * (high - low) / 2 * np.exp(z + law.logpdf(np.exp(z)))
    z = np.concatenate([z, [low, high]])
    mass = np.concatenate([mass, [LOWER_TAIL, UPPER_TAIL]])
    mean = float(mass @ z)
    return mean, float(mass @ (z - mean) ** 2)


def _shrink_outliers(f: Floats, df: float, df_prior: float) -> Floats:
    """(gene,) prior degrees of freedom, fewer the less `f` = σ²/s₀² can come from the prior."""
    n = f.size
    infinite = np.isinf(df_prior)
    log_tail = stats.chi2.logsf(f * df, df) if infinite else stats.f.logsf(f, df, df_prior)
    tail = np.exp(log_tail)
    order = np.argsort(log_tail, kind="stable")
    rank = stats.rankdata(log_tail)[order]
    # Ratio of the tail that the prior gives to the tail that was seen.
    regular = np.minimum(tail[order] * n / (rank - 0.5), 1.0)
    shrunk = np.empty(n)
    if infinite:
        pooled = np.where(regular < 1, regular * n * df, np.inf)
        shrunk[order] = np.maximum.accumulate(pooled)
        return shrunk
    if regular.min() == 1:
        return np.full(n, df_prior)
    outlying = _df_of_outliers(float(f.max()), float(log_tail.min()), df, df_prior)
    mixed = regular * df_prior + (1 - regular) * outlying
    # The most extreme genes share their mean, and no gene has fewer than a more extreme one.
    running = np.cumsum(mixed) / np.arange(1, n + 1)
    lowest = int(np.argmin(running))
    mixed[: lowest + 1] = running[lowest]
    shrunk[order] = np.maximum.accumulate(mixed)
    return shrunk


def _df_of_outliers(largest: float, log_tail: float, df: float, df_prior: float) -> float:
    """Degrees of freedom at which the largest F is an ordinary one: near its median, by two steps."""
    if np.isneginf(log_tail):
        return 0.0
    first = np.log(0.5) / log_tail * df_prior
    again = float(stats.f.logsf(largest, df, first))
    return float(np.log(0.5) / again * first)
