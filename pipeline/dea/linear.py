"""Least squares for all genes at once, with one weight for each observation."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pipeline.dea.arrays import Floats
from pipeline.dea.settings import Deviations

# Elements of a (sample, gene) block: what a weighted fit needs of it stays in the cache.
BLOCK_ELEMENTS = 1 << 16


@dataclass(frozen=True, slots=True)
class Fit:
    """Contrasts of a fitted model.

    `logfc` and `stdev_unscaled` are (contrast, gene); the standard error is `stdev_unscaled` times
    the residual standard deviation. `sigma2` (gene,) is NaN without residual degrees of freedom.
    """

    logfc: Floats
    stdev_unscaled: Floats
    sigma2: Floats


@dataclass(frozen=True)
class LinearModel:
    """The model of all genes.

    `matrix` (sample, coef) has full rank; `contrasts` are (contrast, coef); `whitener`
    (sample, sample), if any, is T with T V Tᵀ = 1 for the covariance V that all genes share.
    """

    matrix: Floats
    contrasts: Floats
    whitener: Floats | None = None

    @property
    def df_residual(self) -> int:
        """Samples less coefficients."""
        n_samples, n_coefs = self.matrix.shape
        return int(n_samples - n_coefs)

    def whitened_by(self, whitener: Floats | None) -> "LinearModel":
        """The same model for samples of another covariance."""
        return LinearModel(self.matrix, self.contrasts, whitener)

    def whiten(self, values: Floats) -> Floats:
        """`values` (sample, …) as if of independent samples of one variance."""
        return values if self.whitener is None else self.whitener @ values

    @cached_property
    def _qr(self) -> tuple[Floats, Floats]:
        q, r = np.linalg.qr(self.whiten(self.matrix))
        return q, r

    @cached_property
    def _to_coef(self) -> Floats:
        """(coef, sample) what coefficients are made with."""
        q, r = self._qr
        to_coef: Floats = np.asarray(np.linalg.solve(r, q.T), dtype=np.float64)
        return to_coef if self.whitener is None else to_coef @ self.whitener

    @cached_property
    def has_disjoint_columns(self) -> bool:
        """Whether each sample has one column, as with groups alone: then coefficients are means."""
        return bool((np.count_nonzero(self.matrix, axis=1) <= 1).all())

    @cached_property
    def covariance(self) -> Floats:
        """(coef, coef) inverse of XᵀV⁻¹X."""
        r_inverse = np.linalg.inv(self._qr[1])
        return np.asarray(r_inverse @ r_inverse.T, dtype=np.float64)

    def ordinary_coef_and_variance(self, z: Floats) -> tuple[Floats, Floats]:
        """(coef, gene) coefficients and (gene,) residual variances of `z` (sample, gene).

        Genes have no weights of their own.
        """
        coef = np.empty((self.matrix.shape[1], z.shape[1]))
        sigma2 = np.empty(z.shape[1])
        for genes in gene_blocks(*z.shape):
            coef[:, genes] = self._to_coef @ z[:, genes]
            sigma2[genes] = self._variance(self.whiten(z[:, genes] - self.matrix @ coef[:, genes]))
        return coef, sigma2

    def ordinary_fit(self, z: Floats) -> Fit:
        """Fit `z` (sample, gene) without weights of genes."""
        coef, sigma2 = self.ordinary_coef_and_variance(z)
        scale = np.sqrt(np.einsum("ka,ab,kb->k", self.contrasts, self.covariance, self.contrasts))
        return Fit(
            logfc=self.contrasts @ coef,
            stdev_unscaled=np.broadcast_to(scale[:, None], (scale.size, z.shape[1])),
            sigma2=sigma2,
        )

    def weighted_fit(self, z: Floats, weights: Floats, deviations: Deviations) -> Fit:
        """Fit `z` with `weights`, both (sample, gene), beside the covariance of the samples."""
        if self.whitener is None and self.has_disjoint_columns:
            information = (self.matrix**2).T @ weights
            coef = (self.matrix.T @ (weights * z)) / information
            variance = self.contrasts**2 @ (1.0 / information)
        elif self.whitener is None:
            coef, variance = self._fit_crossed(z, weights, deviations)
        else:
            return self._fit_correlated(z, np.sqrt(weights), deviations)
        residual = z - self.matrix @ coef
        residual *= residual
        residual *= weights
        sigma2 = residual.sum(axis=0) / (self.df_residual or np.nan)
        return Fit(self.contrasts @ coef, np.sqrt(variance), sigma2)

    def _fit_crossed(
        self, z: Floats, weights: Floats, deviations: Deviations
    ) -> tuple[Floats, Floats]:
        """Coefficients, and variances of the contrasts in units of σ²."""
        q, r = self._qr
        p = q.shape[1]
        lower = np.tril_indices(p)
        information = np.zeros((p, p, z.shape[1]))
        information[lower] = (q[:, lower[0]] * q[:, lower[1]]).T @ weights
        return solve_crossed(
            cholesky(information),
            q.T @ (weights * z),
            r,
            self.contrasts,
            self.covariance,
            deviations,
        )

    def _fit_correlated(self, z: Floats, root: Floats, deviations: Deviations) -> Fit:
        """Fit where the covariance of a gene is W^-½ V W^-½, with `root` (sample, gene) its W^½."""
        r = self._qr[1]
        basis = self.matrix @ np.linalg.inv(r)
        p = basis.shape[1]
        columns = [self.whiten(column[:, None] * root) for column in basis.T]
        y = self.whiten(z * root)
        information = np.zeros((p, p, z.shape[1]))
        for a in range(p):
            for b in range(a + 1):
                information[a, b] = np.sum(columns[a] * columns[b], axis=0)
        score = np.array([np.sum(column * y, axis=0) for column in columns])
        coef, variance = solve_crossed(
            cholesky(information), score, r, self.contrasts, self.covariance, deviations
        )
        residual = self.whiten((z - self.matrix @ coef) * root)
        return Fit(self.contrasts @ coef, np.sqrt(variance), self._variance(residual))

    def _variance(self, residual: Floats) -> Floats:
        if self.df_residual == 0:
            return np.full(residual.shape[1], np.nan)
        result: Floats = np.sum(residual**2, axis=0) / self.df_residual
        return result


def solve_crossed(
    factor: Floats,
    score: Floats,
    r: Floats,
    contrasts: Floats,
    covariance: Floats,
    deviations: Deviations,
) -> tuple[Floats, Floats]:
    """Coefficients (coef, gene) and variances of contrasts (contrast, gene).

    `factor` (coef, coef, gene) and `score` (coef, gene) are the Cholesky factor of the information
    and the right side, in the basis in which the design is orthonormal; `r` leads from there to the
    design's own columns. `covariance` is what `parity` takes the correlation of coefficients from.
    """
    r_inverse = np.asarray(np.linalg.inv(r), dtype=np.float64)
    coef = r_inverse @ solve_transposed(factor, solve_lower(factor, score))
    if deviations == "exact":
        return coef, variance_of(factor, contrasts @ r_inverse)
    # limma's approximation: the gene's own deviations, but everyone's correlation.
    unscaled = np.sqrt(variance_of(factor, r_inverse))
    deviation = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(deviation, deviation)
    variance = np.empty((contrasts.shape[0], score.shape[1]))
    for k, contrast in enumerate(contrasts):
        used = np.flatnonzero(contrast)
        part = unscaled[used] * contrast[used, None]
        variance[k] = np.sum(part * (correlation[np.ix_(used, used)] @ part), axis=0)
    return coef, variance


def cholesky(matrix: Floats) -> Floats:
    """Lower factors of positive `matrix` (coef, coef, gene), of which the lower part is read."""
    p = matrix.shape[0]
    factor = np.zeros_like(matrix)
    for j in range(p):
        row = factor[j, :j]
        factor[j, j] = np.sqrt(matrix[j, j] - np.sum(row * row, axis=0))
        for i in range(j + 1, p):
            factor[i, j] = (matrix[i, j] - np.sum(factor[i, :j] * row, axis=0)) / factor[j, j]
    return factor


def solve_lower(factor: Floats, right: Floats) -> Floats:
    """(coef, gene) solutions of L x = right, for each gene its own L."""
    x = np.empty((right.shape[0], factor.shape[-1]))
    for i in range(x.shape[0]):
        x[i] = (right[i] - np.sum(factor[i, :i] * x[:i], axis=0)) / factor[i, i]
    return x


def solve_transposed(factor: Floats, right: Floats) -> Floats:
    """(coef, gene) solutions of Lᵀ x = right."""
    x = np.empty_like(right)
    for i in range(x.shape[0] - 1, -1, -1):
        x[i] = (right[i] - np.sum(factor[i + 1 :, i] * x[i + 1 :], axis=0)) / factor[i, i]
    return x


def variance_of(factor: Floats, rows: Floats) -> Floats:
    """(row, gene) rᵀ (L Lᵀ)⁻¹ r for each of `rows` (row, coef)."""
    variance = np.empty((rows.shape[0], factor.shape[2]))
    for k, row in enumerate(rows):
        variance[k] = np.sum(solve_lower(factor, row[:, None]) ** 2, axis=0)
    return variance


def gene_blocks(n_samples: int, n_genes: int) -> list[slice]:
    """Slices of the gene axis, small enough for the cache."""
    size = max(256, BLOCK_ELEMENTS // max(n_samples, 1))
    return [slice(start, min(start + size, n_genes)) for start in range(0, n_genes, size)]
