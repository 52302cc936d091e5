"""voom: a weight for each observation from the study's mean-variance curve (Law 2014)."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pipeline.dea.arrays import Floats
from pipeline.dea.linear import LinearModel
from pipeline.dea.logcpm import voom_log_cpm
from pipeline.dea.lowess import Curve, fit_lowess

DELTA_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class Voom:
    """Log CPM with the curve from which its weights come.

    `z` is (sample, gene); `fitted_coef` (coef, gene) of the first fit; `log2_size` (sample,) of the
    effective libraries plus one, in millions. `curve` is None without residual degrees of freedom.
    """

    z: Floats
    ave_expr: Floats
    fitted_coef: Floats
    log2_size: Floats
    curve: Curve | None
    trend_x: Floats
    trend_y: Floats

    def weights(self, matrix: Floats, genes: slice) -> Floats:
        """(sample, gene of the slice) weights: the inverse variance at each fitted count."""
        if self.curve is None:
            return np.ones_like(self.z[:, genes])
        count = matrix @ self.fitted_coef[:, genes]
        count += self.log2_size[:, None]
        weights = self.curve(count)
        weights *= weights
        weights *= weights
        return np.divide(1.0, weights, out=weights)


def span_of(span: float | Literal["adaptive"], n_genes: int) -> float:
    """Share of the genes in each window of the curve; `adaptive` shrinks it for many genes."""
    if span == "adaptive":
        return float(min(1.0, 0.3 + 0.7 * np.cbrt(50 / n_genes)))
    return span


def fit_voom(
    counts: Floats,
    effective_sizes: Floats,
    model: LinearModel,
    *,
    span: float,
) -> Voom:
    """Fit the mean-variance curve of `counts` (sample, gene), with the model's own covariance."""
    z = voom_log_cpm(counts, effective_sizes)
    log2_size = np.log2(effective_sizes + 1.0) - np.log2(1e6)
    coef, sigma2 = model.ordinary_coef_and_variance(z)
    ave_expr = z.mean(axis=0)
    x = ave_expr + log2_size.mean()
    y = np.sqrt(np.sqrt(sigma2))
    curve = None
    if model.df_residual > 0:
        present = counts.any(axis=0)
        x, y = x[present], y[present]
        curve = fit_lowess(x, y, span=span, delta=DELTA_SHARE * float(np.ptp(x)))
    return Voom(z, ave_expr, coef, log2_size, curve, x, y)
