"""Linear codes of a given rank: the mean, a random subspace, and what they share with PCA."""

from dataclasses import dataclass

import numpy as np

from model.baselines.matrix import Floats


@dataclass(frozen=True, slots=True)
class Projection:
    """A linear code: the mean, orthonormal components, and a factor on each code.

    `mean` is (genes,), `components` (rank, genes), `factors` (rank,). Entries that are not observed count
    as the mean.
    """

    mean: Floats
    components: Floats
    factors: Floats

    @property
    def rank(self) -> int:
        """Numbers that stand for a row."""
        return len(self.components)

    def encode(self, x: Floats) -> Floats:
        """(rows, rank): codes of (rows, genes) values, NaN where not observed."""
        return np.nan_to_num(x - self.mean, nan=0.0) @ self.components.T * self.factors

    def decode(self, z: Floats) -> Floats:
        """(rows, genes): values from codes."""
        return z @ self.components + self.mean

    def reconstruct(self, x: Floats) -> Floats:
        """Values to codes and back."""
        return self.decode(self.encode(x))


def mean_only(mean: Floats) -> Projection:
    """The code of rank 0: each gene's mean, or 0 where that is asked for."""
    nothing = np.zeros((0, len(mean)), np.float32)
    return Projection(mean, nothing, np.zeros(0, np.float32))


def random_projection(mean: Floats, rank: int, seed: int) -> Projection:
    """A subspace drawn uniformly: it keeps rank / genes of any row's energy, on average."""
    n_genes = len(mean)
    if not 1 <= rank <= n_genes:
        raise ValueError(f"the rank must be from 1 to the {n_genes} genes, got {rank}")
    normal = np.random.default_rng(seed).standard_normal((n_genes, rank), np.float32)
    basis, _ = np.linalg.qr(normal)
    return Projection(mean, np.ascontiguousarray(basis.T), np.ones(rank, np.float32))
