"""Enrichment of the contrasts of one study: arrays by contrast, direction and term."""

from dataclasses import dataclass

import numpy as np

from pipeline.dea.adjust import neg_log10_adjusted
from pipeline.dea.arrays import Bools, Floats, Ints
from pipeline.enrich.arrays import Int8s, Int32s
from pipeline.enrich.background import Background, make_backgrounds
from pipeline.enrich.fwer import family_wise
from pipeline.enrich.gene_sets import GeneSets
from pipeline.enrich.minima import random_minima
from pipeline.enrich.overlap import count_and_test
from pipeline.enrich.settings import BOTH, DIRECTIONS, DOWN, UP, EnrichSettings, LabelBy

NOT_TESTABLE = -1
_LOG_10 = np.log(10.0)


@dataclass(frozen=True, slots=True)
class StudyEnrichment:
    """Results on the whole term axis; the second axis is `DIRECTIONS`.

    A term without a gene in the background, and everything where there are no candidates, has
    overlap −1, NaN and label −1; a label is −1 also where there are too few candidates.

    Parameters
    ----------
    overlap
        (contrast, direction, term) candidates in the term.
    neg_log10_p, neg_log10_adj_p, fwer
        (contrast, direction, term) over-representation: −log10 p, the same adjusted by Benjamini and
        Hochberg in each domain, and the family-wise error rate in each domain.
    label
        (contrast, direction, term) 1 enriched, 0 not, −1 not testable.
    n_candidates
        (contrast, direction, domain) M.
    n_background
        (domain,) N.
    term_size
        (term,) K, the term's genes in the background.
    """

    overlap: Int32s
    neg_log10_p: Floats
    neg_log10_adj_p: Floats
    fwer: Floats
    label: Int8s
    n_candidates: Int32s
    n_background: Int32s
    term_size: Int32s


def choose_candidates(
    logfc: Floats, neg_log10_adj_p: Floats, is_arbitrary: Bools, settings: EnrichSettings
) -> Bools:
    """(contrast, direction, gene) candidates from a study's results, both (contrast, gene).

    Genes that were not tested are NaN and no candidates. Where the direction of a contrast
    `is_arbitrary` (contrast,), up and down mean nothing and have none.
    """
    change = np.nan_to_num(logfc)
    called = np.nan_to_num(neg_log10_adj_p) > -np.log10(settings.candidate_alpha)
    called &= np.abs(change) >= settings.min_logfc
    chosen = np.zeros((logfc.shape[0], len(DIRECTIONS), logfc.shape[1]), np.bool_)
    chosen[:, UP] = called & (change > 0) & ~is_arbitrary[:, None]
    chosen[:, DOWN] = called & (change < 0) & ~is_arbitrary[:, None]
    chosen[:, BOTH] = called
    return chosen


def enrich_study(
    sets: GeneSets,
    n_domains: int,
    is_background: Bools,
    is_candidate: Bools,
    settings: EnrichSettings,
) -> StudyEnrichment:
    """Test every term in every contrast and direction of one study.

    The random sets come from a stream of the background's content and the seed, so the result is
    the same to the last bit however contrasts are put together.

    Parameters
    ----------
    sets
        Gene sets on the gene axis.
    is_background
        (gene,) genes tested in the study.
    is_candidate
        (contrast, direction, gene), as `choose_candidates`; what is outside the background is none.
    """
    shape = (is_candidate.shape[0], is_candidate.shape[1], sets.n_terms)
    result = StudyEnrichment(
        overlap=np.full(shape, -1, np.int32),
        neg_log10_p=np.full(shape, np.nan),
        neg_log10_adj_p=np.full(shape, np.nan),
        fwer=np.full(shape, np.nan),
        label=np.full(shape, NOT_TESTABLE, np.int8),
        n_candidates=np.zeros((*shape[:2], n_domains), np.int32),
        n_background=np.zeros(n_domains, np.int32),
        term_size=np.zeros(sets.n_terms, np.int32),
    )
    for d, background in enumerate(make_backgrounds(sets, is_background, n_domains)):
        result.n_background[d] = background.n_genes
        result.term_size[background.terms] = background.size
        if background.n_genes > 0:
            _enrich_domain(result, d, background, is_candidate, settings)
    return result


def _enrich_domain(
    result: StudyEnrichment,
    domain: int,
    background: Background,
    is_candidate: Bools,
    settings: EnrichSettings,
) -> None:
    n_contrasts, n_directions, n_genes = is_candidate.shape
    tests = count_and_test(background, is_candidate.reshape(-1, n_genes))
    sizes: Ints = tests.n_candidates
    result.n_candidates[:, :, domain] = sizes.reshape(n_contrasts, n_directions)
    minima = random_minima(
        background,
        np.unique(sizes[sizes > 0]).tolist(),
        n_sets=settings.random_sets,
        seed=background.seed(settings.seed),
    )
    for row in np.flatnonzero(sizes):
        at = (*divmod(int(row), n_directions), background.terms)
        neg_log10_p = tests.log_over[row] / -_LOG_10
        fwer = family_wise(tests.log_over[row], minima[int(sizes[row])].log_over)
        result.overlap[at] = tests.overlap[row]
        result.neg_log10_p[at] = neg_log10_p
        result.neg_log10_adj_p[at] = neg_log10_adjusted(neg_log10_p)
        result.fwer[at] = fwer
        if sizes[row] >= settings.min_candidates:
            by_fwer = settings.label_by is LabelBy.fwer
            result.label[at] = (fwer if by_fwer else 10**-neg_log10_p) < settings.alpha
