"""Principal components of the observed entries only, out of core: EM as alternating least squares."""

import logging
from dataclasses import dataclass

import numpy as np

from model.baselines.matrix import Floats, Matrix, block_bytes, gene_blocks
from model.baselines.pca import Operator, Pca, PcaSettings, fit_pca, inverse_roots, without_rounding

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ObservedPcaSettings:
    """When the iteration ends, and how codes are found.

    The fit ends when the share of the observed squares that it explains grows by less than `tolerance` in
    an iteration, or after `iterations`. A code is the least-squares solution on the row's observed
    entries, with the components' variances as its prior, after `solver_steps` steps of conjugate gradients.
    """

    tolerance: float = 1e-5
    iterations: int = 100
    solver_steps: int = 50
    budget_gib: float = 1.0


@dataclass(frozen=True, slots=True)
class ObservedPca:
    """A linear code fitted to, and read from, observed entries.

    `components` (rank, genes) are orthonormal, `variance` (rank,) is that of their codes over the training
    rows; both are 0 for directions that the rows do not have. `noise` is the variance of an entry around its
    reconstruction; `explained` is the share of the observed squares, by iteration.
    """

    mean: Floats
    components: Floats
    variance: Floats
    noise: float
    explained: tuple[float, ...]
    settings: ObservedPcaSettings

    @property
    def rank(self) -> int:
        """Numbers that stand for a row."""
        return len(self.components)

    def encode(self, x: Floats) -> Floats:
        """(rows, rank): the most probable codes given the observed entries of (rows, genes) values."""
        observed = ~np.isnan(x)
        centred = np.where(observed, x - self.mean, 0)
        prior = self.noise / np.maximum(self.variance, 1e-12)

        def apply(z: Floats) -> Floats:
            return np.where(observed, z @ self.components, 0) @ self.components.T + z * prior

        return _solve(apply, centred @ self.components.T, 1 + prior, self.settings.solver_steps)

    def decode(self, z: Floats) -> Floats:
        """(rows, genes): values from codes."""
        return z @ self.components + self.mean

    def reconstruct(self, x: Floats) -> Floats:
        """Values to codes and back."""
        return self.decode(self.encode(x))


@dataclass(slots=True)
class ObservedFit:
    """A fit that can go on: codes (rows, rank), loadings (rank, genes), and what each iteration explained."""

    matrix: Matrix
    codes: Floats
    loadings: Floats
    explained: list[float]


def fit_observed_pca(
    matrix: Matrix,
    rank: int,
    settings: ObservedPcaSettings | None = None,
    start: Pca | None = None,
) -> ObservedPca:
    """A rank-`rank` model of the observed entries, without centring.

    Each iteration fills the missing entries with the model, then solves for the genes' loadings with the
    rows' codes fixed, and for the codes with the loadings fixed (Hastie et al. 2015, softImpute-ALS,
    without its penalty). One pass over the matrix each; the squared error never grows.

    Parameters
    ----------
    start
        Components to begin with; else those with 0 for what is missing.
    """
    settings = settings or ObservedPcaSettings()
    if start is None:
        start = fit_pca(matrix, rank, PcaSettings(budget_gib=settings.budget_gib))
    return go_on(begin_observed(matrix, start.truncated(rank), settings), settings)


def begin_observed(matrix: Matrix, start: Pca, settings: ObservedPcaSettings) -> ObservedFit:
    """A fit at `start`, before its first iteration."""
    loadings = np.array(start.projection.components, np.float32)
    codes: Floats = np.zeros((matrix.shape[0], len(loadings)))
    for genes, block in gene_blocks(matrix, settings.budget_gib):
        codes += np.nan_to_num(block) @ loadings[:, genes].T
    return ObservedFit(matrix, codes, loadings, [])


def go_on(fit: ObservedFit, settings: ObservedPcaSettings) -> ObservedPca:
    """Iterate a fit until these settings end it; to stricter ones it goes on as if it had these at once."""
    explained = fit.explained
    while not _is_near(explained, settings.tolerance):
        if len(explained) >= settings.iterations:
            log.info(
                "PCA on observed entries ended after %d iterations, still gaining %.1e of the variance",
                settings.iterations,
                explained[-1] - explained[-2] if len(explained) > 1 else np.nan,
            )
            break
        fit.codes, share = _iterate(fit.matrix, fit.codes, fit.loadings, settings)
        explained.append(share)
    return _finish(fit.matrix, fit.codes, fit.loadings, explained, settings)


def _is_near(explained: list[float], tolerance: float) -> bool:
    return len(explained) > 1 and explained[-1] - explained[-2] < tolerance


def observed_pca_bytes(n_rows: int, n_genes: int, rank: int, settings: ObservedPcaSettings) -> int:
    """Bytes that `fit_observed_pca` takes at most, with the components that it begins with.

    An iteration has 5.3 blocks in float64 at a time: values, model, residuals, their masked copies, and what
    is left of the block before. At its end it is the loadings that are there in copies.
    """
    block = block_bytes(n_rows, n_genes, settings.budget_gib)
    loadings, codes = 8 * rank * n_genes, 8 * rank * n_rows
    iteration = int(5.3 * block) + loadings + 3 * rank * block // n_rows + 5 * codes
    return max(iteration, 3 * loadings + block + 3 * codes)


def _iterate(
    matrix: Matrix, codes: Floats, loadings: Floats, settings: ObservedPcaSettings
) -> tuple[Floats, float]:
    """Update `loadings` in place; return the new codes, and the share explained before the codes' update."""
    basis, triangle = np.linalg.qr(codes)
    gain = np.zeros_like(codes)
    products = np.zeros((codes.shape[1], codes.shape[1]))
    error = square = 0.0
    for genes, block in gene_blocks(matrix, settings.budget_gib):
        observed = ~np.isnan(block)
        x = np.where(observed, block, 0).astype(np.float64)
        old = triangle @ loadings[:, genes]
        new = old + basis.T @ np.where(observed, x - basis @ old, 0)
        rest = np.where(observed, x - basis @ new, 0)
        loadings[:, genes] = new
        gain += rest @ new.T
        products += new @ new.T
        error += float(np.vdot(rest, rest))
        square += float(np.vdot(x, x))
    update = np.linalg.lstsq(products, gain.T, rcond=None)[0].T
    return basis + update, 1 - error / square if square else 0.0


def _finish(
    matrix: Matrix,
    codes: Floats,
    loadings: Floats,
    explained: list[float],
    settings: ObservedPcaSettings,
) -> ObservedPca:
    """Orthonormal components in order of their variance, and the noise around them."""
    basis, triangle = np.linalg.qr(codes)
    values, turn = np.linalg.eigh(
        triangle @ (loadings @ loadings.T.astype(np.float64)) @ triangle.T
    )
    values, turn = without_rounding(values[::-1], matrix.shape), turn[:, ::-1]
    components = ((turn * inverse_roots(values)).T @ triangle @ loadings).astype(np.float32)
    codes = basis @ turn * np.sqrt(values)
    error, count = 0.0, 0
    for genes, block in gene_blocks(matrix, settings.budget_gib):
        rest = block - codes @ components[:, genes]
        error += float(np.nansum(rest**2))
        count += int((~np.isnan(block)).sum())
    noise = error / max(count, 1)
    mean = np.zeros(components.shape[1], np.float32)
    return ObservedPca(
        mean, components, values / matrix.shape[0], noise, tuple(explained), settings
    )


def _solve(apply: Operator, right: Floats, diagonal: Floats, steps: int) -> Floats:
    """Conjugate gradients for every row at once, preconditioned by `diagonal`."""
    z = np.zeros_like(right)
    residual = right - apply(z)
    direction = residual / diagonal
    energy = np.sum(residual * direction, axis=1, keepdims=True)
    for _ in range(steps):
        if not np.any(energy > 1e-12 * np.sum(right * right / diagonal, axis=1, keepdims=True)):
            break
        image = apply(direction)
        curvature = np.sum(direction * image, axis=1, keepdims=True)
        length = np.divide(energy, curvature, out=np.zeros_like(energy), where=curvature > 0)
        z = z + length * direction
        residual = residual - length * image
        better = residual / diagonal
        new = np.sum(residual * better, axis=1, keepdims=True)
        ratio = np.divide(new, energy, out=np.zeros_like(new), where=energy > 0)
        direction = better + ratio * direction
        energy = new
    return z
