"""Tail probabilities of Student's t, also where they are too small for a double."""

import numpy as np
from scipy import special

from pipeline.dea.arrays import Floats

LOG_2 = float(np.log(2.0))
LOG_10 = float(np.log(10.0))
# Below this the plain probability is not trusted (it is zero at 1e-308).
SMALLEST = 1e-250
MAX_TERMS = 200


def two_sided_p(t: Floats, df: Floats | float) -> Floats:
    """P(|T| > |t|), elementwise; 0 where it is below the smallest double. NaN stays NaN."""
    p = special.stdtr(df, -np.abs(t))
    result: Floats = np.minimum(2 * p, 1.0)
    return result


def log_two_sided_p(t: Floats, df: Floats | float, p: Floats | None = None) -> Floats:
    """Natural logarithm of P(|T| > |t|), elementwise and at any distance.

    `p`, if at hand, is `two_sided_p(t, df)`.
    """
    if p is None:
        p = two_sided_p(t, df)
    far = p < SMALLEST
    log_p: Floats = np.log(np.where(far, 1.0, p))
    if far.any():
        log_p[far] = _log_far(np.abs(t[far]), np.broadcast_to(df, t.shape)[far])
    return log_p


def neg_log10_two_sided_p(t: Floats, df: Floats | float, p: Floats | None = None) -> Floats:
    """−log10 of P(|T| > |t|); NaN stays NaN."""
    return np.maximum(log_two_sided_p(t, df, p) / -LOG_10, 0.0)


def _log_far(t: Floats, df: Floats) -> Floats:
    """The logarithm by the incomplete beta function, as a series in df/t² (DLMF 8.17.7, 15.8.1).

    Its terms alternate and shrink at once where the tail is far, also where `df` is huge.
    """
    result = np.empty_like(t)
    normal = np.isinf(df)
    result[normal] = special.log_ndtr(-t[normal]) + LOG_2
    t, df = t[~normal], df[~normal]
    a, ratio = df / 2, t * (t / df)
    total, term = np.ones_like(t), np.ones_like(t)
    for n in range(MAX_TERMS):
        term *= -(n + 0.5) / (a + 1 + n) / ratio
        total += term
        if np.all(np.abs(term) < 1e-17):
            break
    result[~normal] = (
        0.5 * (np.log1p(ratio) - np.log(ratio))
        - a * np.log1p(ratio)
        + log_gamma_ratio(a)
        - special.gammaln(0.5)
        - np.log(a)
        + np.log(total)
    )
    return result


def log_gamma_ratio(a: Floats) -> Floats:
    """log(Γ(a + ½)/Γ(a)); the difference of logarithms loses everything where `a` is large."""
    inverse = 1 / np.maximum(a, 1.0)
    series = -inverse / 8 + inverse**3 / 192 - inverse**5 / 640 + 17 * inverse**7 / 14336
    large = 0.5 * np.log(a) + series
    result: Floats = np.where(a > 50, large, special.gammaln(a + 0.5) - special.gammaln(a))
    return result
