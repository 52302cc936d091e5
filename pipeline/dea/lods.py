"""Log odds that a gene is differentially expressed (Smyth 2004)."""

import numpy as np
from scipy import special

from pipeline.dea.arrays import Floats
from pipeline.dea.tails import two_sided_p

PROPORTION = 0.01
STDEV_LIMITS = (0.1, 4.0)


def log_odds(
    t: Floats,
    stdev_unscaled: Floats,
    df_total: Floats,
    df_prior: Floats,
    *,
    s2_prior_median: float,
) -> Floats:
    """(gene,) log odds of one contrast.

    `t` and `stdev_unscaled` are (gene,), degrees of freedom scalar or (gene,).
    """
    limits = [v**2 / s2_prior_median for v in STDEV_LIMITS]
    variance = prior_variance(t, stdev_unscaled, df_total, limits)
    if not np.isfinite(variance):
        variance = 1 / s2_prior_median
    u2 = stdev_unscaled**2
    r = (u2 + variance) / u2
    t2 = t**2
    kernel = (1 + df_total) / 2 * np.log((t2 + df_total) / (t2 / r + df_total))
    if np.any(df_prior > 1e6):
        kernel = np.where(df_prior > 1e6, t2 * (1 - 1 / r) / 2, kernel)
    result: Floats = np.log(PROPORTION / (1 - PROPORTION)) - np.log(r) / 2 + kernel
    return result


def prior_variance(
    t: Floats, stdev_unscaled: Floats, df_total: Floats, limits: list[float]
) -> float:
    """Variance of true effects, in units of σ², from the most extreme t of a contrast."""
    n = t.size
    k = int(np.ceil(PROPORTION / 2 * n))
    if k < 1:
        return np.nan
    size, df = _on_one_scale(np.abs(t), df_total)
    top = np.argpartition(size, n - k)[n - k :]
    top = top[np.argsort(-size[top], kind="stable")]
    size, u2 = size[top], stdev_unscaled[top] ** 2
    share = max(k / n, PROPORTION)
    p0 = two_sided_p(size, df)
    target = ((np.arange(1, k + 1) - 0.5) / n - (1 - share) * p0) / share
    variance = np.zeros(k)
    more = target > p0
    if more.any():
        quantile = -special.stdtrit(df, target[more] / 2)
        variance[more] = u2[more] * ((size[more] / quantile) ** 2 - 1)
    return float(np.clip(variance, limits[0], limits[1]).mean())


def _on_one_scale(size: Floats, df_total: Floats) -> tuple[Floats, float]:
    """|t| (gene,) with the tail probability it has, on the greatest degrees of freedom of all."""
    greatest = float(np.max(df_total))
    if df_total.ndim == 0 or greatest == float(np.min(df_total)):
        return size, greatest
    fewer = np.flatnonzero(df_total < greatest)
    p = two_sided_p(size[fewer], df_total[fewer])
    size = size.copy()
    # Out of reach of a double the order alone counts, and t is already far out.
    size[fewer] = np.where(p > 0, -special.stdtrit(greatest, p / 2), size[fewer])
    return size, greatest
