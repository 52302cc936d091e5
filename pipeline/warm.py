"""Have the kernels of analyses and enrichments compiled, or read from numba's cache, before a study comes.

`python -m pipeline.warm` fills the cache, as when an image is built.
"""

import numpy as np

from pipeline.dea.design import Contrast, make_design
from pipeline.dea.settings import DeaSettings
from pipeline.dea.study import analyse_study
from pipeline.dea.tail_table import WORTHWHILE
from pipeline.enrich.gene_sets import GeneSets
from pipeline.enrich.settings import EnrichSettings
from pipeline.enrich.study import choose_candidates, enrich_study
from pipeline.enrich.term_axis import TermAxis

_GENES = 2 * WORTHWHILE
_SUBJECTS = ("a", "a", "b", "b", "c", "c", "d", "d")


def warm_analysis() -> None:
    """Analyse a tiny study in all the ways that have kernels of their own."""
    rng = np.random.default_rng(0)
    counts = rng.negative_binomial(5, 0.05, (8, _GENES)).astype(np.float64)
    # Without them, arrays lie otherwise in memory, which to numba is another type.
    counts[:, ::10] = 0
    groups = ["x", "y"] * 4
    plain = make_design(groups)
    # Subjects that are not in every group are correlated samples, not columns.
    correlated = make_design(["x", "x", "x", "y", "y", "y", "x", "y"], block=_SUBJECTS)
    for design, settings in (
        (plain, DeaSettings()),
        (plain, DeaSettings(sample_weights=True)),
        (correlated, DeaSettings()),
    ):
        analyse_study(counts, design, [Contrast(test="y", reference="x")], settings)


def warm_enrichment() -> None:
    """Test two terms, one below the other, in a tiny contrast with and one without tied genes."""
    rng = np.random.default_rng(0)
    n_genes = 64
    in_few = np.arange(n_genes) % 4 == 0
    terms = [[0, 1] if few else [0] for few in in_few]
    start = np.concatenate([[0], np.cumsum([len(of) for of in terms])])
    axis = TermAxis(
        ids=("a", "b"),
        names=("all", "some"),
        domains=("domain",),
        sets=GeneSets(start, _read_only(np.concatenate(terms), np.int32), np.zeros(2, np.int8)),
        child=np.array([1], np.int32),
        parent=np.array([0], np.int32),
    )
    t = rng.normal(size=(2, n_genes))
    t[1] = t[1].round()
    settings = EnrichSettings(random_sets=10)
    arbitrary = np.zeros(2, np.bool_)
    chosen = choose_candidates(t, np.abs(t) * 2, arbitrary, settings)
    enrich_study(axis, t, chosen, arbitrary, settings)


def _read_only(values: np.ndarray, dtype: type[np.generic]) -> np.ndarray:
    """As arrays of a file come: to numba that is a type of its own."""
    array = values.astype(dtype)
    array.setflags(write=False)
    return array


if __name__ == "__main__":
    warm_analysis()
    warm_enrichment()
