"""Two variance components from squares: a gamma regression with identity link."""

import numpy as np
from numba import njit

from pipeline.dea.arrays import Floats

TOLERANCE = 1e-6
# As many as limma allows; a few genes converge slowly and stop short.
MAX_ROUNDS = 20
# A fitted mean far below the largest does not decide alone.
VARIANCE_RANGE = 1e-3
MAX_DAMPING = 1e15


@njit(cache=True)  # type: ignore[untyped-decorator]
def fit_components(squares: Floats, slopes: Floats, counts: Floats) -> Floats:
    """(gene, 2) coefficients a, b of the mean a + b·slope of `squares`.

    Damped Fisher scoring (Levenberg-Marquardt) from least squares. `squares` (gene, component) are
    means of so many squares as `counts` (component) says; `slopes` is (gene, component).
    """
    n_genes, m = squares.shape
    result = np.empty((n_genes, 2))
    for g in range(n_genes):
        y, x = squares[g], slopes[g]
        a, b, mu = _start(y, x, counts)
        deviance = _deviance(y, mu, counts)
        damping = 0.0
        tries = 0
        for round_ in range(MAX_ROUNDS + 1):
            limit = np.max(mu) ** 2 * VARIANCE_RANGE
            i00 = i01 = i11 = s0 = s1 = 0.0
            for j in range(m):
                w = counts[j] / max(mu[j] * mu[j], limit)
                i00 += w
                i01 += w * x[j]
                i11 += w * x[j] * x[j]
                s0 += w * (y[j] - mu[j])
                s1 += w * (y[j] - mu[j]) * x[j]
            if round_ == 0:
                damping = (i00 + i11) / 4
            elif tries == 1:
                damping /= 10
            tries = 0
            stuck = False
            while True:
                tries += 1
                d00, d11 = i00 + damping, i11 + damping
                det = d00 * d11 - i01 * i01
                step0 = (d11 * s0 - i01 * s1) / det
                step1 = (d00 * s1 - i01 * s0) / det
                trial = (a + step0) + (b + step1) * x
                if np.min(trial) > 0:
                    trial_deviance = _deviance(y, trial, counts)
                    if trial_deviance <= deviance:
                        break
                if damping > MAX_DAMPING * max(i00, i11):
                    stuck = True
                    break
                damping *= 2
            if stuck:
                break
            a += step0
            b += step1
            mu = trial
            deviance = trial_deviance
            if s0 * step0 + s1 * step1 < TOLERANCE:
                break
        result[g, 0] = a
        result[g, 1] = b
    return result


@njit(cache=True)  # type: ignore[untyped-decorator]
def _start(y: Floats, x: Floats, counts: Floats) -> tuple[float, float, Floats]:
    """Least squares, where its fit is positive; else the mean."""
    n, sx, sy = np.sum(counts), np.sum(counts * x), np.sum(counts * y)
    sxx, sxy = np.sum(counts * x * x), np.sum(counts * x * y)
    det = n * sxx - sx * sx
    if det > 1e-14 * n * sxx:
        b = (n * sxy - sx * sy) / det
        a = (sy - b * sx) / n
        mu = a + b * x
        if np.min(mu) > 0:
            return a, b, mu
    a = sy / n
    return a, 0.0, np.full(y.size, a)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _deviance(y: Floats, mu: Floats, counts: Floats) -> float:
    """Gamma deviance less what does not depend on the fit."""
    total = 0.0
    for j in range(y.size):
        total += counts[j] * (np.log(mu[j]) + y[j] / mu[j])
    return 2 * total
