"""Refinement: of nested significant terms, which are so by genes of their own?"""

from collections.abc import Callable

import numpy as np

from pipeline.dea.arrays import Bools, Floats, Ints
from pipeline.enrich.arrays import Int32s
from pipeline.enrich.background import Background
from pipeline.enrich.hypergeometric import log_factorials, log_tails
from pipeline.enrich.rank_sum import rank_p
from pipeline.enrich.ranking import make_ranks, order_scores

# p of a term from the genes, as numbers in the background, that are left to it.
Retest = Callable[[Ints], float]


def refine(
    background: Background,
    above: tuple[Ints, Int32s],
    p_value: Floats,
    threshold: float,
    retest: Retest,
) -> Floats:
    """Test significant terms from the bottom up, without the genes of significant terms below.

    Each round tests the terms below which no significant one is left, with the genes that they still
    have; those that stay significant take their genes from all terms above them.

    Parameters
    ----------
    above
        As `gene_sets.ancestors`.
    p_value
        (term,) of the background's terms.
    threshold
        Terms with p below it are significant.

    Returns
    -------
    (term,) refined p; NaN where a term is not significant, 1 where no gene is left to it.
    """
    start, ancestors = above
    place = {int(background.terms[t]): int(t) for t in np.flatnonzero(p_value < threshold)}
    parents = {
        t: [place[a] for a in ancestors[start[g] : start[g + 1]].tolist() if a in place and a != g]
        for g, t in place.items()
    }
    n_below = dict.fromkeys(parents, 0)
    for higher in parents.values():
        for t in higher:
            n_below[t] += 1
    own = {t: np.zeros(background.n_genes, np.bool_) for t in parents}
    for t, genes in own.items():
        genes[background.members[background.start[t] : background.start[t + 1]]] = True
    refined = np.full(p_value.size, np.nan)
    while n_below:
        leaves = [t for t, n in n_below.items() if n == 0]
        for t in leaves:
            left = np.flatnonzero(own[t])
            refined[t] = retest(left) if left.size else 1.0
            for parent in parents[t]:
                n_below[parent] -= 1
                if refined[t] < threshold:
                    own[parent] &= ~own[t]
            del n_below[t]
    return refined


def retest_overlap(background: Background, is_candidate: Bools) -> Retest:
    """Hypergeometric test of genes among the candidates (gene,) of the sets' axis."""
    chosen = is_candidate[background.genes]
    n_genes, n_candidates = background.n_genes, int(chosen.sum())
    factorials = log_factorials(n_genes)

    def retest(genes: Ints) -> float:
        x = int(chosen[genes].sum())
        tails = log_tails(factorials.high, factorials.low, n_genes, n_candidates, genes.size, x)
        return float(np.exp(tails[1]))

    return retest


def retest_ranks(background: Background, scores: Floats) -> Retest:
    """Rank sum test that genes are high among the scores (gene,) of the sets' axis."""
    ranks = make_ranks(order_scores(scores[None]), background.genes)

    def retest(genes: Ints) -> float:
        log_high = rank_p(background.n_genes, ranks.doubled[0, genes], float(ranks.ties[0]))[1]
        return float(np.exp(log_high))

    return retest
