"""Principal components of a matrix that need not fit: exact from its rows' products, or randomised."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.linalg import eigh, qr

from model.baselines.matrix import Floats, Matrix, block_bytes, gene_blocks
from model.baselines.projection import Projection

log = logging.getLogger(__name__)

Operator = Callable[[Floats], Floats]


@dataclass(frozen=True, kw_only=True, slots=True)
class PcaSettings:
    """How principal components are found.

    Parameters
    ----------
    centre
        Subtract each gene's mean over the rows. Without it −x is coded as minus the code of x.
    exact_rows
        Up to so many rows the (row, row) products are kept and solved exactly.
    tolerance
        Beyond: every eigenvalue is within this share of the largest from an exact one, which is the more of a
        small one itself. Where so many passes do not reach it, a warning says so.
    passes
        Passes over the matrix after which the randomised search ends, whatever it reached.
    """

    centre: bool = False
    exact_rows: int = 20_000
    tolerance: float = 1e-3
    passes: int = 20
    oversample: int = 20
    budget_gib: float = 1.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Pca:
    """Principal components.

    `variance` (rank,) is each component's sum of squares over the rows − 1 (centred) or the rows, `total`
    that of the matrix; where the rows have fewer directions than `rank`, the others have variance 0 and
    components of zeros. `error` bounds how far an eigenvalue is from an exact one, as a share of the largest.
    """

    projection: Projection
    variance: Floats
    total: float
    n_rows: int
    method: Literal["exact", "randomised"]
    error: float

    def told(self) -> str:
        """How it was found, and how near it is to an exact one."""
        if self.method == "exact":
            return "exact"
        return f"randomised, each eigenvalue within {self.error:.1e} of the largest of an exact one"

    def truncated(self, rank: int) -> "Pca":
        """The first components only."""
        whole = self.projection
        kept = Projection(whole.mean, whole.components[:rank], whole.factors[:rank])
        return replace(self, projection=kept, variance=self.variance[:rank])

    def shrunken(self) -> Projection:
        """Components with their codes shrunk by (λ − σ²) / λ (Tipping and Bishop 1999).

        σ² is the mean of the eigenvalues that are left out, so many as the rows allow: the variance that
        noise alone gives a direction in a matrix of so few rows.
        """
        left_out = min(self.n_rows, self.projection.components.shape[1]) - self.projection.rank
        rest = max(self.total - float(self.variance.sum()), 0)
        noise = rest / left_out if left_out > 0 else 0.0
        signal = np.maximum(self.variance - noise, 0)
        factors = np.divide(
            signal, self.variance, out=np.zeros_like(signal), where=self.variance > 0
        )
        return replace(self.projection, factors=factors.astype(np.float32))


def fit_pca(matrix: Matrix, rank: int, settings: PcaSettings | None = None) -> Pca:
    """The first `rank` principal components; entries that are not observed count as 0.

    Raises
    ------
    ValueError
        A rank below 1, or above rows − 1 or genes.
    """
    settings = settings or PcaSettings()
    n_rows, n_genes = matrix.shape
    most = min(n_rows - 1, n_genes)
    if not 1 <= rank <= most:
        raise ValueError(f"{n_rows} rows × {n_genes} genes have 1 to {most} components, got {rank}")
    exact = n_rows <= settings.exact_rows
    values, vectors, total, error = (_exact if exact else _randomised)(matrix, rank, settings)
    if error > settings.tolerance:
        log.warning(
            "randomised PCA of rank %d ended after %d passes with eigenvalues within %.1e of the largest, "
            "not %.1e: its R2 may be a little low",
            *(rank, settings.passes, error, settings.tolerance),
        )
    values = without_rounding(values, matrix.shape)
    mean, components = _components(matrix, values, vectors, settings)
    freedom = n_rows - 1 if settings.centre else n_rows
    return Pca(
        Projection(mean, components, np.ones(rank, np.float32)),
        values / freedom,
        total / freedom,
        n_rows,
        "exact" if exact else "randomised",
        error,
    )


def without_rounding(values: Floats, shape: tuple[int, int]) -> Floats:
    """Eigenvalues of the products of a matrix of this shape, largest first; rounding alone is 0."""
    floor = np.finfo(np.float64).eps * max(shape) * max(float(values[0]), 0.0)
    found: Floats = np.where(values > floor, values, 0.0)
    return found


def inverse_roots(values: Floats) -> Floats:
    """1 / √ of each value, and 0 of 0: a direction without variance is a component of zeros."""
    found: Floats = np.zeros_like(values)
    np.divide(1.0, np.sqrt(values), out=found, where=values > 0)
    return found


def pca_bytes(n_rows: int, n_genes: int, rank: int, settings: PcaSettings) -> int:
    """Bytes that `fit_pca` takes at most: products of the rows and their copies, blocks, and the result.

    While a block is read and filled the one before is still there: 4.2 blocks in float64 in all.
    """
    block = block_bytes(n_rows, n_genes, settings.budget_gib)
    result = 4 * rank * n_genes + 16 * rank * n_rows
    if n_rows <= settings.exact_rows:
        products = 8 * n_rows**2
        return max(2 * products + 2 * block, products + int(4.2 * block)) + result
    # Basis, its image and its products, residuals, and what QR copies.
    return int(4.2 * block) + 8 * 8 * n_rows * (rank + settings.oversample) + result


def _filled(block: Floats, *, centre: bool) -> tuple[Floats, Floats]:
    """A block of all rows in float64 with 0 for what is missing, and its genes' means (0 uncentred)."""
    x = np.nan_to_num(block.astype(np.float64), nan=0.0)
    mean = x.mean(0) if centre else np.zeros(x.shape[1])
    return x - mean if centre else x, mean


def _exact(matrix: Matrix, rank: int, settings: PcaSettings) -> tuple[Floats, Floats, float, float]:
    """Eigenvalues and vectors of the rows' products, their trace, and the error bound."""
    n_rows = matrix.shape[0]
    products: Floats = np.zeros((n_rows, n_rows))
    for _, block in gene_blocks(matrix, settings.budget_gib):
        x, _ = _filled(block, centre=settings.centre)
        products += x @ x.T
    values, vectors = eigh(products, subset_by_index=[n_rows - rank, n_rows - 1])
    return values[::-1], vectors[:, ::-1], float(np.trace(products)), 0.0


def _components(
    matrix: Matrix, values: Floats, vectors: Floats, settings: PcaSettings
) -> tuple[Floats, Floats]:
    """Mean and components (rank, genes) from the rows' eigenvectors: Λ^-½ Uᵀ X."""
    n_genes = matrix.shape[1]
    mean = np.empty(n_genes, np.float32)
    components = np.empty((len(values), n_genes), np.float32)
    to_components = (vectors * inverse_roots(values)).T
    for genes, block in gene_blocks(matrix, settings.budget_gib):
        x, mean[genes] = _filled(block, centre=settings.centre)
        components[:, genes] = to_components @ x
    return mean, components


def _randomised(
    matrix: Matrix, rank: int, settings: PcaSettings
) -> tuple[Floats, Floats, float, float]:
    """Eigenvalues and vectors of the rows' products by block iteration, their trace, and the error bound.

    The residual ‖K u − λ u‖ of a unit vector bounds the distance of λ from an eigenvalue of K.
    """
    n_rows = matrix.shape[0]
    width = min(rank + settings.oversample, n_rows)
    rng = np.random.default_rng(settings.seed)
    basis = qr(rng.standard_normal((n_rows, width)), mode="economic")[0]
    for _ in range(settings.passes):
        image = np.zeros_like(basis)
        total = 0.0
        for _, block in gene_blocks(matrix, settings.budget_gib):
            x, _ = _filled(block, centre=settings.centre)
            image += x @ (x.T @ basis)
            total += float(np.vdot(x, x))
        small = basis.T @ image
        values, turn = eigh((small + small.T) / 2)
        values, turn = values[::-1][:rank], turn[:, ::-1][:, :rank]
        vectors = basis @ turn
        residual = np.linalg.norm(image @ turn - vectors * values, axis=0)
        error = float(residual.max() / values[0]) if values[0] > 0 else 0.0
        if error <= settings.tolerance:
            break
        basis = qr(image, mode="economic")[0]
    return values, vectors, total, error
