"""Gene programs: sets of genes that change together, sized, nested and overlapping like GO terms."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MEDIAN_ROOT_SIZE = 0.004  # of the genes that programs draw from
MAX_SIZE = 0.08
MIN_SIZE = 8
ROOT_SHARE = 0.25
MAX_DEPTH = 4
INHERITED = 0.85  # of a child's genes, those that are its parent's too


@dataclass(frozen=True, slots=True)
class Programs:
    """All programs of a universe.

    `parents` (program,): number of the program it is nested in, -1 for a root. `loadings` (program,
    gene), sparse: log2 fold change of a gene per unit of the program's activity. `popularity`
    (program,) sums to 1: how often experiments touch it.
    """

    parents: Ints
    loadings: sparse.csr_array
    popularity: Floats

    def __len__(self) -> int:
        return len(self.parents)


def make_programs(rng: np.random.Generator, n_programs: int, gene_weights: Floats) -> Programs:
    """Draw programs over the genes.

    Parameters
    ----------
    gene_weights
        (gene,) how likely each gene is to be drawn; 0: in no program.
    """
    n_genes = len(gene_weights)
    weights = gene_weights / gene_weights.sum()
    n_eligible = int(np.count_nonzero(weights))
    members: list[Ints] = []
    parents = np.full(n_programs, -1)
    depths = np.zeros(n_programs, dtype=np.int64)
    n_roots = max(1, round(n_programs * ROOT_SHARE))
    for program in range(n_programs):
        parent = -1 if program < n_roots else _draw_parent(rng, members, depths)
        if parent < 0:
            size = n_eligible * MEDIAN_ROOT_SIZE * np.exp(rng.normal(0, 1.1))
            chosen = _draw_genes(rng, weights, _clip(size, MAX_SIZE * n_eligible))
        else:
            pool = members[parent]
            n_chosen = _clip(len(pool) * rng.beta(2, 4), len(pool))
            inherited = rng.choice(pool, round(n_chosen * INHERITED), replace=False)
            added = _draw_genes(rng, weights, n_chosen - len(inherited))
            chosen = np.union1d(inherited, added)
            parents[program], depths[program] = parent, depths[parent] + 1
        members.append(np.sort(chosen))

    sizes = np.array([len(m) for m in members])
    loadings = np.concatenate([_draw_loadings(rng, size) for size in sizes])
    starts = np.concatenate([[0], np.cumsum(sizes)])
    matrix = sparse.csr_array(
        (loadings, np.concatenate(members), starts), shape=(n_programs, n_genes)
    )
    popularity = 1 / (4 + rng.permutation(n_programs))
    return Programs(parents, matrix, popularity / popularity.sum())


def _clip(size: float, largest: float) -> int:
    return int(np.clip(round(size), MIN_SIZE, max(MIN_SIZE, int(largest))))


def _draw_parent(rng: np.random.Generator, members: list[Ints], depths: Ints) -> int:
    """A program to nest in, the larger the likelier; -1 if none is large enough."""
    sizes = np.array([len(m) for m in members], dtype=np.float64)
    sizes[(sizes < 3 * MIN_SIZE) | (depths[: len(members)] >= MAX_DEPTH)] = 0
    if not sizes.any():
        return -1
    return int(rng.choice(len(members), p=sizes / sizes.sum()))


def _draw_genes(rng: np.random.Generator, weights: Floats, size: int) -> Ints:
    return rng.choice(len(weights), size, replace=False, p=weights)


def _draw_loadings(rng: np.random.Generator, size: int) -> Floats:
    """Signed loadings of one program: most of one sign, none near zero, rounded to be exact on disk."""
    size_of = np.exp(rng.normal(np.log(0.8), 0.45, size)).clip(0.2, 3.0)
    up_share = rng.beta(3, 3)
    sign = np.where(rng.random(size) < up_share, 1.0, -1.0)
    loadings: Floats = np.round(sign * size_of, 3)
    return loadings
