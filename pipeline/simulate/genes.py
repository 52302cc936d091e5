"""The simulated gene list: ids, symbols, biotypes, Entrez ids, and how abundant each tends to be."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from pipeline.simulate.fitted import BIOTYPES

Floats = npt.NDArray[np.float64]
Strings = npt.NDArray[np.str_]

# Valid Ensembl ids, far above any that Ensembl has given out.
FIRST_ENSEMBL = 90_000_000_001
FIRST_ENTREZ = 990_000_001
ENTREZ_SHARE = {"protein_coding": 0.97, "lncRNA": 0.35}
OTHER_ENTREZ_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class SimulatedGenes:
    """The gene axis.

    All (gene,): `ids`, `versions`, `symbols`, `biotypes`, `entrez` (empty: none), and `scores`, standard
    normal: what of a gene's abundance all tissues share.
    """

    ids: Strings
    versions: Strings
    symbols: Strings
    biotypes: Strings
    entrez: Strings
    scores: Floats


def make_genes(rng: np.random.Generator, n_genes: int) -> SimulatedGenes:
    """Draw the genes. Symbols and Entrez ids are in another order than the Ensembl ids."""
    names = [name for name, _, _ in BIOTYPES]
    shares = np.array([share for _, share, _ in BIOTYPES])
    kind = rng.choice(len(names), size=n_genes, p=shares / shares.sum())
    biotypes = np.array(names)[kind]

    shifted = rng.standard_normal(n_genes) + np.array([shift for _, _, shift in BIOTYPES])[kind]
    ranks = np.empty(n_genes)
    ranks[np.argsort(shifted, kind="stable")] = np.arange(n_genes)
    scores = ndtri((ranks + 0.5) / n_genes)

    has_entrez = (
        rng.random(n_genes)
        < np.array([ENTREZ_SHARE.get(name, OTHER_ENTREZ_SHARE) for name in names])[kind]
    )
    entrez = np.char.mod("%d", FIRST_ENTREZ + rng.permutation(n_genes))
    return SimulatedGenes(
        ids=np.char.mod("ENSMUSG%011d", FIRST_ENSEMBL + np.arange(n_genes)),
        versions=np.char.mod("%d", rng.integers(1, 16, n_genes)),
        symbols=np.char.mod("Sim%d", 1 + rng.permutation(n_genes)),
        biotypes=biotypes,
        entrez=np.where(has_entrez, entrez, ""),
        scores=scores,
    )
