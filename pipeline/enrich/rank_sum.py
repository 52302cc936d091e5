"""Wilcoxon's rank sum of every term: are its genes high or low in a ranking?"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from pipeline.dea.arrays import Floats, Ints
from pipeline.enrich.arrays import Int32s, Words
from pipeline.enrich.background import Background
from pipeline.enrich.random_sets import below, make_states, next_word
from pipeline.enrich.ranking import Order, make_ranks

# Rankings that are summed together.
LANES = 8


@dataclass(frozen=True, slots=True)
class RankTests:
    """(ranking, term) logarithms of the p that a term's ranks are as low, or as high, as they are."""

    log_low: Floats
    log_high: Floats


def rank_sums(background: Background, order: Order) -> RankTests:
    """Normal approximation with continuity and tie corrections, for every term.

    Parameters
    ----------
    order
        Of rankings on the gene axis of the sets; genes of the background must have a score.
    """
    ranks = make_ranks(order, background.genes)
    n_rankings, n_terms = ranks.ties.size, background.terms.size
    tests = RankTests(np.empty((n_rankings, n_terms)), np.empty((n_rankings, n_terms)))
    for first in range(0, n_rankings, LANES):
        part = slice(first, first + LANES)
        z, scale = _deviations(background, ranks.doubled[part], ranks.ties[part])
        _log_p(z, scale, tests.log_low[part], tests.log_high[part])
    return tests


def random_extremes(background: Background, order: Order, *, n_sets: int, seed: int) -> RankTests:
    """Smallest log p over all terms of `n_sets` shuffles of one ranking, each tail ascending.

    Without ties it depends on the background alone, so that all rankings of one share it.

    Parameters
    ----------
    order
        Of one ranking, as for `rank_sums`.
    """
    ranks = make_ranks(order, background.genes)
    states = make_states(seed, n_sets)
    low, high = np.empty(n_sets), np.empty(n_sets)
    for first in range(0, n_sets, LANES):
        shuffled = _shuffle(ranks.doubled[0], states[first : first + LANES])
        part = slice(first, first + LANES)
        z, scale = _deviations(background, shuffled, np.repeat(ranks.ties, shuffled.shape[0]))
        _extreme_log_p(z, scale, low[part], high[part])
    return RankTests(np.sort(low), np.sort(high))


def rank_p(n_genes: int, doubled: Int32s, ties: float) -> tuple[float, float]:
    """log p of low and high ranks of one group of genes, whose `doubled` ranks are given."""
    z = np.array([[int(doubled.sum()) - doubled.size * (n_genes + 1)]], np.int64)
    scale = _scale(n_genes, np.array([doubled.size]), np.array([ties]))
    low, high = np.empty((1, 1)), np.empty((1, 1))
    _log_p(z, scale, low, high)
    return float(low[0, 0]), float(high[0, 0])


def _deviations(background: Background, doubled: Int32s, ties: Floats) -> tuple[Ints, Floats]:
    """Twice the rank sums' distance from their mean (term, lane), and their standard deviations."""
    lanes = np.zeros((background.n_genes, LANES), np.int32)
    lanes[:, : doubled.shape[0]] = doubled.T
    sums = _sum_members(lanes, background.start, background.members)
    size = background.size.astype(np.int64)
    z = sums[:, : doubled.shape[0]] - (size * (background.n_genes + 1))[:, None]
    return z, _scale(background.n_genes, size, ties)


def _scale(n_genes: int, size: Ints, ties: Floats) -> Floats:
    """(term, lane) standard deviation of the rank sum of `size` genes."""
    per_pair = (n_genes + 1 - ties / max(n_genes * (n_genes - 1.0), 1.0)) / 12
    scale: Floats = np.sqrt((size * (n_genes - size))[:, None] * np.maximum(per_pair, 0.0))
    return scale


@njit(cache=True)  # type: ignore[untyped-decorator]
def _sum_members(lanes: Int32s, start: Ints, members: Int32s) -> Ints:
    sums = np.zeros((start.size - 1, LANES), np.int64)
    for t in range(start.size - 1):
        s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0
        for i in range(start[t], start[t + 1]):
            gene = members[i]
            s0 += lanes[gene, 0]
            s1 += lanes[gene, 1]
            s2 += lanes[gene, 2]
            s3 += lanes[gene, 3]
            s4 += lanes[gene, 4]
            s5 += lanes[gene, 5]
            s6 += lanes[gene, 6]
            s7 += lanes[gene, 7]
        out = sums[t]
        out[0], out[1], out[2], out[3], out[4], out[5], out[6], out[7] = (
            s0,
            s1,
            s2,
            s3,
            s4,
            s5,
            s6,
            s7,
        )
    return sums


@njit(cache=True)  # type: ignore[untyped-decorator]
def _shuffle(doubled: Int32s, states: Words) -> Int32s:
    """One shuffle for each state (Fisher and Yates)."""
    n = doubled.size
    out = np.empty((states.size, n), np.int32)
    for r in range(states.size):
        row = out[r]
        row[:] = doubled
        state = states[r]
        for i in range(n - 1):
            state, drawn = next_word(state)
            j = i + below(drawn, n - i)
            row[i], row[j] = row[j], row[i]
    return out


@njit(cache=True)  # type: ignore[untyped-decorator]
def _log_normal(a: float) -> float:
    """log Φ(a), to the last digits in both tails."""
    if a > 0:
        return math.log1p(-0.5 * math.erfc(a * math.sqrt(0.5)))
    if a > -36:
        return math.log(0.5 * math.erfc(-a * math.sqrt(0.5)))
    b = 1.0 / (a * a)
    series = 1.0 - b * (1.0 - b * (3.0 - b * (15.0 - b * 105.0)))
    return -0.5 * a * a - math.log(-a) - 0.5 * math.log(2 * math.pi) + math.log(series)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _log_p(z: Ints, scale: Floats, log_low: Floats, log_high: Floats) -> None:
    """Tails into (lane, term) arrays; a term with all genes has p = 1."""
    for t in range(z.shape[0]):
        for lane in range(z.shape[1]):
            if scale[t, lane] > 0:
                log_low[lane, t] = _log_normal((0.5 * z[t, lane] + 0.5) / scale[t, lane])
                log_high[lane, t] = _log_normal((0.5 - 0.5 * z[t, lane]) / scale[t, lane])
            else:
                log_low[lane, t] = log_high[lane, t] = 0.0


@njit(cache=True)  # type: ignore[untyped-decorator]
def _extreme_log_p(z: Ints, scale: Floats, low: Floats, high: Floats) -> None:
    """The smallest p of each lane; p falls with the standardised distance, so one is evaluated."""
    for lane in range(z.shape[1]):
        a = b = np.inf
        for t in range(z.shape[0]):
            if scale[t, lane] > 0:
                a = min(a, (0.5 * z[t, lane] + 0.5) / scale[t, lane])
                b = min(b, (0.5 - 0.5 * z[t, lane]) / scale[t, lane])
        low[lane] = _log_normal(a) if a < np.inf else 0.0
        high[lane] = _log_normal(b) if b < np.inf else 0.0
