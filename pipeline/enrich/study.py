"""Enrichment of the contrasts of one study: arrays by contrast, direction and term."""

from dataclasses import dataclass

import numpy as np

from pipeline.dea.adjust import neg_log10_adjusted
from pipeline.dea.arrays import Bools, Floats, Ints
from pipeline.enrich.background import Background, make_backgrounds
from pipeline.enrich.fwer import family_wise
from pipeline.enrich.minima import random_minima
from pipeline.enrich.overlap import count_and_test
from pipeline.enrich.rank_sum import random_extremes, rank_sums
from pipeline.enrich.ranking import order_scores
from pipeline.enrich.settings import EnrichSettings
from pipeline.enrich.term_axis import TermAxis, close_upwards
from storage.enrichment_schema import (
    BOTH,
    CONTRAST_NUMBERS,
    CONTRAST_TERM_STATISTICS,
    DIRECTION,
    DIRECTIONS,
    DOMAIN,
    DOWN,
    TERM,
    TERM_STATISTICS,
    TESTABLE,
    UP,
)
from storage.layout import FILL
from storage.schema import CONTRAST, Variable

_CODES = {reason: code for code, reason in TESTABLE.items()}
_LOG_10 = np.log(10.0)
# Up to this share of genes with the t of another, the shuffles of a ranking without ties serve.
_FEW_TIES = 1e-3


@dataclass(frozen=True, slots=True)
class StudyEnrichment:
    """Results on the whole term axis, by the names of the store's schema.

    A term without a gene in the background, and everything where there are no candidates, has
    overlap −1, NaN and label −1; a label is −1 also where there are too few candidates.

    Parameters
    ----------
    statistics
        (contrast, direction, term) arrays of `TERM_STATISTICS`, (contrast, term) of
        `CONTRAST_TERM_STATISTICS`.
    numbers
        (contrast, direction, domain) `n_candidates` and `testable`, a code of `TESTABLE`;
        (contrast, domain) `n_background`.
    """

    statistics: dict[str, np.ndarray]
    numbers: dict[str, np.ndarray]


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
    axis: TermAxis,
    t: Floats,
    is_candidate: Bools,
    is_arbitrary: Bools,
    settings: EnrichSettings,
) -> StudyEnrichment:
    """Test every term in every contrast and direction of one study.

    The background of a contrast are its tested genes; contrasts with the same ones share the random
    sets, which come from a stream of the background's content and the seed, so the result is the same to
    the last bit however contrasts are put together.

    Parameters
    ----------
    t
        (contrast, gene) moderated t on the gene axis of `axis`; NaN: not tested.
    is_candidate
        (contrast, direction, gene), as `choose_candidates`; what is outside the background is none.
    is_arbitrary
        (contrast,) whether up and down mean nothing.
    """
    result = _nothing(axis, t.shape[0])
    is_tested = ~np.isnan(t)
    _, first, group = np.unique(
        np.packbits(is_tested, axis=1), axis=0, return_index=True, return_inverse=True
    )
    for g, example in enumerate(first):
        rows = np.flatnonzero(group.ravel() == g)
        if not is_tested[example].any():
            continue
        order = np.concatenate([t[rows], np.abs(t[rows])])
        for d, background in enumerate(
            make_backgrounds(axis.sets, is_tested[example], len(axis.domains))
        ):
            result.numbers["n_background"][rows, d] = background.n_genes
            result.statistics["term_size"][np.ix_(rows, background.terms)] = background.size
            if background.n_genes > 0:
                _test_candidates(result, d, background, rows, is_candidate[rows], settings)
                _test_ranks(result, background, rows, order, is_arbitrary[rows], settings)
    _say_why(result, is_tested, is_arbitrary, settings)
    for name in ("label", "label_raw", "label_rank"):
        result.statistics[f"{name}_closed"] = close_upwards(result.statistics[name], axis.above)
    return result


def _nothing(axis: TermAxis, n_contrasts: int) -> StudyEnrichment:
    """The result where nothing is testable."""
    sizes = {
        CONTRAST: n_contrasts,
        DIRECTION: len(DIRECTIONS),
        TERM: len(axis.ids),
        DOMAIN: len(axis.domains),
    }

    def fill(variable: Variable) -> np.ndarray:
        return np.full([sizes[dim] for dim in variable.dims], FILL[variable.dtype], variable.dtype)

    result = StudyEnrichment(
        {v.name: fill(v) for v in (*TERM_STATISTICS, *CONTRAST_TERM_STATISTICS)},
        {v.name: fill(v) for v in CONTRAST_NUMBERS},
    )
    for array in (result.statistics["term_size"], *result.numbers.values()):
        array[:] = 0
    return result


def _test_candidates(
    result: StudyEnrichment,
    domain: int,
    background: Background,
    rows: Ints,
    is_candidate: Bools,
    settings: EnrichSettings,
) -> None:
    """Hypergeometric tests of the contrasts `rows` of the result."""
    statistics = result.statistics
    tests = count_and_test(background, is_candidate.reshape(-1, is_candidate.shape[-1]))
    sizes: Ints = tests.n_candidates
    result.numbers["n_candidates"][rows, :, domain] = sizes.reshape(rows.size, -1)
    minima = random_minima(
        background,
        np.unique(sizes[sizes > 0]).tolist(),
        n_sets=settings.random_sets,
        seed=background.seed(settings.seed),
        under=False,
    )
    for i in np.flatnonzero(sizes):
        at = (rows[i // len(DIRECTIONS)], i % len(DIRECTIONS), background.terms)
        neg_log10_p = tests.log_over[i] / -_LOG_10
        fwer = family_wise(tests.log_over[i], minima[int(sizes[i])].log_over)
        statistics["overlap"][at] = tests.overlap[i]
        statistics["neg_log10_p"][at] = neg_log10_p
        statistics["neg_log10_adj_p"][at] = neg_log10_adjusted(neg_log10_p)
        statistics["fwer"][at] = fwer
        if sizes[i] >= settings.min_candidates:
            statistics["label"][at] = fwer < settings.alpha
            statistics["label_raw"][at] = 10**-neg_log10_p < settings.alpha


def _test_ranks(
    result: StudyEnrichment,
    background: Background,
    rows: Ints,
    scores: Floats,
    is_arbitrary: Bools,
    settings: EnrichSettings,
) -> None:
    """Rank sums of t and |t|, both (contrast, gene), one below the other in `scores`."""
    statistics = result.statistics
    order = order_scores(scores)
    tests = rank_sums(background, order)
    seed = background.seed(settings.seed, "ranks")
    shared = random_extremes(background, n_sets=settings.random_sets, seed=seed)
    # Of the tested genes: NaN are never tied, however many there are on the axis.
    tied = (~order.is_new[:, 1:]).sum(axis=1) > _FEW_TIES * (~order.is_missing).sum()
    for i, (row, arbitrary) in enumerate(zip(rows, is_arbitrary, strict=True)):
        signed, size = i, rows.size + i
        for direction, ranking, log_p in (
            (UP, signed, tests.log_high),
            (DOWN, signed, tests.log_low),
            (BOTH, size, tests.log_high),
        ):
            if arbitrary and direction != BOTH:
                continue
            null = shared
            if tied[ranking]:
                own = order_scores(scores[ranking : ranking + 1])
                null = random_extremes(background, own, n_sets=settings.random_sets, seed=seed)
            minima = null.log_low if direction == DOWN else null.log_high
            at = (row, direction, background.terms)
            fwer = family_wise(log_p[ranking], minima)
            statistics["rank_neg_log10_p"][at] = log_p[ranking] / -_LOG_10
            statistics["rank_fwer"][at] = fwer
            statistics["label_rank"][at] = fwer < settings.alpha


def _say_why(
    result: StudyEnrichment, is_tested: Bools, is_arbitrary: Bools, settings: EnrichSettings
) -> None:
    """Codes of `TESTABLE`, the most general reason last."""
    n_candidates, codes = result.numbers["n_candidates"], result.numbers["testable"]
    no_background = np.broadcast_to(result.numbers["n_background"][:, None] == 0, codes.shape)
    has_no_direction = np.zeros(codes.shape, np.bool_)
    has_no_direction[is_arbitrary, :BOTH] = True
    codes[n_candidates < settings.min_candidates] = _CODES["too_few_candidates"]
    codes[n_candidates == 0] = _CODES["no_candidates"]
    codes[has_no_direction] = _CODES["arbitrary_direction"]
    codes[no_background] = _CODES["no_background"]
    codes[~is_tested.any(axis=1)] = _CODES["no_replication"]
