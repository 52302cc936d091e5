"""Prior of the residual variances: an inverse χ² with or without a trend (Smyth 2004)."""

from dataclasses import dataclass

import numpy as np
from scipy import special

from pipeline.dea.arrays import Floats
from pipeline.dea.splines import natural_spline_basis, spline_df

FLOOR = 1e-5


@dataclass(frozen=True, slots=True)
class VariancePrior:
    """Location `s2_prior` and weight `df_prior`, each scalar or (gene,); `df_prior` may be ∞."""

    s2_prior: Floats
    df_prior: Floats

    def posterior(self, sigma2: Floats, df: float) -> Floats:
        """(gene,) variances drawn towards the prior."""
        with np.errstate(invalid="ignore"):
            mixed = (self.df_prior * self.s2_prior + df * sigma2) / (self.df_prior + df)
        result: Floats = np.where(np.isinf(self.df_prior), self.s2_prior + 0 * sigma2, mixed)
        return result

    def df_total(self, df: float, n_genes: int) -> Floats:
        """Degrees of freedom of the moderated t: no more than the study has altogether."""
        result: Floats = np.minimum(df + self.df_prior, df * n_genes)
        return result


def floored(sigma2: Floats) -> Floats:
    """`sigma2` (gene,) raised to a small share of its median, so that it has a logarithm."""
    middle = float(np.median(sigma2))
    return np.maximum(sigma2, FLOOR * (middle if middle > 0 else 1.0))


def fit_variance_prior(sigma2: Floats, df: float, covariate: Floats | None = None) -> VariancePrior:
    """Estimate the prior of `sigma2` (gene,) on `df` degrees of freedom.

    With a `covariate` (gene,), its location is a spline of it.
    """
    if sigma2.size < 2:
        return VariancePrior(sigma2.copy().reshape(()), np.array(0.0))
    x = floored(sigma2)
    e = np.log(x) - log_bias(df)
    trended = covariate is not None
    if covariate is not None:
        parameters = spline_df(x.size, np.unique(covariate).size)
        trended = parameters > 1
    if trended and covariate is not None:
        basis = natural_spline_basis(covariate, parameters)
        mean: Floats = basis @ (basis.T @ e)
        spread = float(np.sum((e - mean) ** 2)) / (x.size - parameters)
    else:
        mean = np.array(e.mean())
        spread = float(e.var(ddof=1))
    excess = spread - float(special.polygamma(1, df / 2))
    if excess > 0:
        df_prior = 2 * inverse_trigamma(excess)
        return VariancePrior(np.exp(mean + log_bias(df_prior)), np.array(df_prior))
    return VariancePrior(np.exp(mean) if trended else np.array(x.mean()), np.array(np.inf))


def log_bias(df: float) -> float:
    """Mean of the logarithm of a χ² variate over its degrees of freedom."""
    return float(special.digamma(df / 2) - np.log(df / 2))


def inverse_trigamma(y: float) -> float:
    """x with trigamma(x) = `y`, by Newton's method on 1/trigamma, which is nearly straight."""
    if y > 1e7:
        return float(1 / np.sqrt(y))
    if y < 1e-6:
        return 1 / y
    x = 0.5 + 1 / y
    for _ in range(50):
        tri = float(special.polygamma(1, x))
        step = tri * (1 - tri / y) / float(special.polygamma(2, x))
        x += step
        if -step / x < 1e-8:
            break
    return x
