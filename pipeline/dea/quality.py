"""Quality weights of samples: those that follow the model badly weigh less (Ritchie 2006)."""

import numpy as np
from numba import njit

from pipeline.dea.arrays import Floats

# Genes with equal variances in all samples, added for stability.
PRIOR_GENES = 10.0
MAX_ROUNDS = 50
TOLERANCE = 1e-5
SMALLEST_VARIANCE = 1e-15


def shared_quality_weights(z: Floats, matrix: Floats) -> Floats:
    """(sample,) weights, product 1, by REML over all genes of `z` (sample, gene) together.

    `matrix` (sample, coef) has full rank. The rounds of Fisher scoring stop where limma's do.
    """
    n_samples = z.shape[0]
    coding = _sum_to_zero(n_samples)
    log_variance = np.zeros(n_samples - 1)
    df = n_samples - matrix.shape[1]
    for _ in range(MAX_ROUNDS):
        weights = np.exp(-coding @ log_variance)
        root = np.sqrt(weights)
        basis = np.linalg.qr(matrix * root[:, None])[0]
        complement = np.eye(n_samples) - basis @ basis.T
        square = (complement @ (z * root[:, None])) ** 2
        sigma2 = square.sum(axis=0) / df
        used = sigma2 > SMALLEST_VARIANCE
        n_genes = int(used.sum())
        leverage = 1 - np.diag(complement)
        excess = square[:, used] @ (1 / sigma2[used]) - n_genes * (1 - leverage)
        score = coding.T @ (excess + PRIOR_GENES * (weights - 1))
        information = n_genes * _information(complement**2, coding)
        information += PRIOR_GENES * coding.T @ coding
        step = np.linalg.solve(information, score)
        log_variance += step
        if score @ step / (n_genes + PRIOR_GENES) / (n_samples - 1) < TOLERANCE:
            break
    result: Floats = np.exp(-coding @ log_variance)
    return result


def genewise_quality_weights(z: Floats, weights: Floats, matrix: Floats) -> Floats:
    """(sample,) weights, product 1, updated gene after gene in the order of the axis.

    Parameters
    ----------
    z, weights
        (sample, gene) values and their own weights.
    matrix
        (sample, coef), of full rank.
    """
    basis = np.linalg.qr(matrix)[0]
    log_variance = _update_by_gene(
        np.ascontiguousarray(z.T),
        np.ascontiguousarray(weights.T),
        np.ascontiguousarray(basis),
        PRIOR_GENES,
    )
    result: Floats = np.exp(-log_variance)
    return result


def _sum_to_zero(n: int) -> Floats:
    """(n, n − 1) coding of n values whose sum is zero."""
    return np.vstack([np.eye(n - 1), -np.ones(n - 1)])


def _information(square: Floats, coding: Floats) -> Floats:
    """Fisher information of the log variances of one gene, its own variance being unknown too."""
    with_constant = np.column_stack([np.ones(coding.shape[0]), coding])
    full = with_constant.T @ square @ with_constant
    result: Floats = full[1:, 1:] - np.outer(full[1:, 0], full[0, 1:]) / full[0, 0]
    return result


# The update of one gene starts from that of the gene before: there is no vector form.
@njit(cache=True)  # type: ignore[untyped-decorator]
def _update_by_gene(z: Floats, prior: Floats, basis: Floats, prior_genes: float) -> Floats:
    """(sample,) log variances of `z` (gene, sample); information as in Ritchie 2006: diagonal."""
    n_genes, n = z.shape
    p = basis.shape[1]
    log_variance = np.zeros(n)
    # prior_genes · ZᵀZ of the sum-to-zero coding Z.
    information = np.full((n - 1, n - 1), prior_genes)
    for j in range(n - 1):
        information[j, j] += prior_genes
    normal = np.empty((p, p))
    deviance = np.empty(n)
    free = np.empty(n)
    score = np.empty(n - 1)
    for g in range(n_genes):
        w = prior[g] * np.exp(-log_variance)
        right = np.zeros(p)
        normal[:] = 0.0
        for i in range(n):
            for a in range(p):
                wq = w[i] * basis[i, a]
                right[a] += wq * z[g, i]
                for b in range(a + 1):
                    normal[a, b] += wq * basis[i, b]
        _factor(normal)
        coef = _solve(normal, right)
        sigma2 = 0.0
        for i in range(n):
            residual = z[g, i]
            for a in range(p):
                residual -= basis[i, a] * coef[a]
            deviance[i] = w[i] * residual * residual
            sigma2 += deviance[i]
            half = _solve_lower(normal, basis[i])
            free[i] = 1.0 - w[i] * np.sum(half * half)
        sigma2 /= n - p
        if sigma2 <= SMALLEST_VARIANCE:
            continue
        total = free.sum()
        last = free[n - 1]
        excess_last = deviance[n - 1] / sigma2 - last
        for j in range(n - 1):
            score[j] = deviance[j] / sigma2 - free[j] - excess_last
            across = (free[j] - last) / total
            for k in range(j + 1):
                information[j, k] += last - across * (free[k] - last)
            information[j, j] += free[j]
        factor = information.copy()
        _factor(factor)
        step = _solve(factor, score)
        for j in range(n - 1):
            log_variance[j] += step[j]
            log_variance[n - 1] -= step[j]
    return log_variance


@njit(cache=True)  # type: ignore[untyped-decorator]
def _factor(a: Floats) -> None:
    """Put the Cholesky factor of `a` into its lower part."""
    for j in range(a.shape[0]):
        for k in range(j):
            a[j, j] -= a[j, k] * a[j, k]
        a[j, j] = np.sqrt(a[j, j])
        for i in range(j + 1, a.shape[0]):
            value = a[i, j]
            for k in range(j):
                value -= a[i, k] * a[j, k]
            a[i, j] = value / a[j, j]


@njit(cache=True)  # type: ignore[untyped-decorator]
def _solve_lower(factor: Floats, right: Floats) -> Floats:
    x = right.copy()
    for i in range(x.size):
        for k in range(i):
            x[i] -= factor[i, k] * x[k]
        x[i] /= factor[i, i]
    return x


@njit(cache=True)  # type: ignore[untyped-decorator]
def _solve(factor: Floats, right: Floats) -> Floats:
    x = _solve_lower(factor, right)
    for i in range(x.size - 1, -1, -1):
        for k in range(i + 1, x.size):
            x[i] -= factor[k, i] * x[k]
        x[i] /= factor[i, i]
    return x  # type: ignore[no-any-return]
