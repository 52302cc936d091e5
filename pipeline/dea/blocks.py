"""Correlated samples: the correlation within blocks that all genes agree on (Smyth 2005)."""

import numpy as np

from pipeline.dea.arrays import Floats, Ints
from pipeline.dea.gamma_fit import fit_components
from pipeline.dea.linear import cholesky, gene_blocks, solve_lower, solve_transposed

TRIM = 0.15
MARGIN = 0.01
# REML needs more residual degrees of freedom than its two variances.
MIN_DF_RESIDUAL = 3
SMALLEST_EIGENVALUE = 1e-10


def consensus_correlation(
    z: Floats, matrix: Floats, block: Ints, weights: Floats | None = None
) -> float:
    """Correlation within blocks, as the trimmed mean of all genes' on the atanh scale.

    Parameters
    ----------
    z, weights
        (sample, gene) values and their weights.
    matrix
        (sample, coef), of full rank.
    block
        (sample,) block of each sample.
    """
    greatest = int(np.bincount(block).max())
    low, high = 1 / (1 - greatest) + MARGIN, 1 - MARGIN
    correlation = np.empty(z.shape[1])
    for genes in gene_blocks(z.shape[0], z.shape[1]):
        w = np.ones_like(z[:, genes]) if weights is None else weights[:, genes]
        correlation[genes] = _genewise_correlation(z[:, genes], matrix, block, w)
    ordered = np.sort(np.arctanh(np.clip(correlation, low, high)))
    cut = int(TRIM * ordered.size)
    return float(np.tanh(ordered[cut : ordered.size - cut].mean()))


def _genewise_correlation(z: Floats, matrix: Floats, block: Ints, weights: Floats) -> Floats:
    """(gene,) REML estimates, free to be negative.

    What is left of the blocks after the design, ZᵀPZ, has few eigenvalues λ; along each
    eigenvector the squared residual has mean σ² + λ σ²_block, and all others have mean σ².
    """
    n, p = matrix.shape
    membership = np.eye(int(block.max()) + 1)[:, block]
    root = np.sqrt(weights)
    y = z * root
    lower = np.tril_indices(p)
    normal = np.zeros((p, p, z.shape[1]))
    normal[lower] = (matrix[:, lower[0]] * matrix[:, lower[1]]).T @ weights
    factor = cholesky(normal)
    coef = solve_transposed(factor, solve_lower(factor, matrix.T @ (weights * z)))
    residual = y - root * (matrix @ coef)
    shared = np.empty((p, membership.shape[0], z.shape[1]))
    for k, members in enumerate(membership):
        shared[:, k] = solve_lower(factor, (matrix * members[:, None]).T @ root)
    left = np.einsum("akg,alg->gkl", shared, shared, optimize=True)
    left = np.diag(membership.sum(axis=1)) - left
    values, vectors = np.linalg.eigh(left)
    along = np.einsum("gkl,kg->gl", vectors, membership @ residual)
    present = values > SMALLEST_EIGENVALUE
    rank = int(present.sum(axis=1).max())
    values, along, present = values[:, -rank:], along[:, -rank:], present[:, -rank:]
    squares = np.where(present, along**2 / np.where(present, values, 1.0), 0.0)
    rest = np.sum(residual**2, axis=0) - squares.sum(axis=1)
    n_rest = n - p - rank
    counts = np.ones(rank + (n_rest > 0))
    if n_rest > 0:
        counts[-1] = n_rest
        squares = np.column_stack([squares, np.maximum(rest, 0.0) / n_rest])
        values = np.column_stack([values, np.zeros(values.shape[0])])
    values = np.maximum(values, 0.0)
    components = fit_components(squares, values, counts)
    result: Floats = components[:, 1] / components.sum(axis=1)
    return result


def correlation_whitener(block: Ints, correlation: float) -> Floats:
    """(sample, sample) T with T V Tᵀ = 1, where V is 1 on its diagonal, `correlation` in blocks."""
    same = block[:, None] == block
    covariance = np.where(same, correlation, 0.0)
    np.fill_diagonal(covariance, 1.0)
    return np.asarray(np.linalg.inv(np.linalg.cholesky(covariance)), dtype=np.float64)
