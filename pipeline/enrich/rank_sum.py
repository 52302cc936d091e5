"""Wilcoxon's rank sum of every term: are its genes high or low in a ranking?"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from pipeline.dea.arrays import Floats, Ints
from pipeline.enrich.arrays import Int32s, Words
from pipeline.enrich.background import Background
from pipeline.enrich.random_sets import below, make_states, next_word
from pipeline.enrich.ranking import Order, make_ranks

# Rankings that are summed together, and genes up to which a centred rank fits into 16 bits.
LANES = 32
_SMALL = 32_767


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
    centred = ranks.doubled - (background.n_genes + 1)
    for first in range(0, n_rankings, LANES):
        part = slice(first, first + LANES)
        z = _sum_lanes(background, centred[part])
        spread = _spread(background.n_genes, background.size, ranks.ties[part])
        _log_p(z, spread, tests.log_low[part], tests.log_high[part])
    return tests


def random_extremes(
    background: Background, order: Order | None = None, *, n_sets: int, seed: int
) -> RankTests:
    """Smallest log p over all terms of `n_sets` shuffles of one ranking, each tail ascending.

    Without ties a shuffle upside down is as likely as itself, with low and high exchanged: each is
    taken both ways, and the two tails have one distribution.

    Parameters
    ----------
    order
        Of one ranking, as for `rank_sums`. Without it the ranking has no ties: then the result depends on
        the background alone, and all rankings of it share it.
    """
    n_genes = background.n_genes
    if order is None:
        doubled, ties = 2 * np.arange(1, n_genes + 1), np.zeros(1)
        n_shuffles = -(-n_sets // 2)
    else:
        ranks = make_ranks(order, background.genes)
        doubled, ties = ranks.doubled[0], ranks.ties
        n_shuffles = n_sets
    centred = _narrow(doubled - (n_genes + 1))
    spread = _spread(n_genes, background.size, ties)[:, 0]
    states = make_states(seed, n_shuffles)
    low, high = np.empty(n_shuffles), np.empty(n_shuffles)
    for first in range(0, n_shuffles, LANES):
        part = slice(first, first + LANES)
        z = _sum_lanes(background, _shuffle(centred, states[part]))
        _extreme_log_p(z, spread, low[part], high[part])
    if order is None:
        low = high = np.concatenate([low, high])[:n_sets]
    return RankTests(np.sort(low), np.sort(high))


def rank_p(n_genes: int, doubled: Int32s, ties: float) -> tuple[float, float]:
    """log p of low and high ranks of one group of genes, whose `doubled` ranks are given."""
    z = np.array([[int(doubled.sum()) - doubled.size * (n_genes + 1)]], np.int64)
    spread = _spread(n_genes, np.array([doubled.size], np.int32), np.array([ties]))
    low, high = np.empty((1, 1)), np.empty((1, 1))
    _log_p(z, spread, low, high)
    return float(low[0, 0]), float(high[0, 0])


def _narrow(centred: Ints) -> Any:
    """Twice the distance of ranks from their mean, in 16 bits where they fit: half the time."""
    return centred.astype(np.int16 if centred.shape[-1] <= _SMALL else np.int32)


def _sum_lanes(background: Background, centred: Any) -> Ints:
    """(term, lane) twice the distance of rank sums from their mean, of rankings (lane, gene)."""
    lanes = np.zeros((background.n_genes, LANES), _narrow(centred[:1]).dtype)
    lanes[:, : centred.shape[0]] = centred.T
    # A sum of 32,767 such numbers, some of either sign, stays below 2^31.
    wide = np.int32 if background.n_genes <= _SMALL else np.int64
    sums = np.empty((background.terms.size, LANES), wide)
    _sum_members(lanes, background.start, background.members, sums)
    found: Ints = sums[:, : centred.shape[0]]
    return found


def _spread(n_genes: int, size: Int32s, ties: Floats) -> Floats:
    """(term, lane) standard deviation of the rank sum of `size` genes."""
    per_pair = (n_genes + 1 - ties / max(n_genes * (n_genes - 1.0), 1.0)) / 12
    pairs = size.astype(np.int64) * (n_genes - size.astype(np.int64))
    spread: Floats = np.sqrt(pairs[:, None] * np.maximum(per_pair, 0.0))
    return spread


@njit(cache=True)  # type: ignore[untyped-decorator]
def _sum_members(lanes: Any, start: Ints, members: Int32s, out: Any) -> None:
    """Sum the rows of each term's members; the lanes of a row fill whole vector registers."""
    for t in range(start.size - 1):
        i, end = start[t], start[t + 1]
        for lane in range(LANES):
            out[t, lane] = 0
        while i + 4 <= end:
            # Unsigned: no test for negative places.
            a, b = np.uint64(members[i]), np.uint64(members[i + 1])
            c, d = np.uint64(members[i + 2]), np.uint64(members[i + 3])
            for lane in range(LANES):
                ab = np.int32(lanes[a, lane]) + np.int32(lanes[b, lane])
                cd = np.int32(lanes[c, lane]) + np.int32(lanes[d, lane])
                out[t, lane] += ab + cd
            i += 4
        while i < end:
            a = np.uint64(members[i])
            for lane in range(LANES):
                out[t, lane] += np.int32(lanes[a, lane])
            i += 1


@njit(cache=True)  # type: ignore[untyped-decorator]
def _shuffle(ranks: Any, states: Words) -> Any:
    """One shuffle for each state (Fisher and Yates)."""
    n = ranks.size
    out = np.empty((states.size, n), ranks.dtype)
    for r in range(states.size):
        row = out[r]
        row[:] = ranks
        state = states[r]
        for i in range(n - 1):
            state, drawn = next_word(state)
            j = np.uint64(i + below(drawn, n - i))
            k = np.uint64(i)
            row[k], row[j] = row[j], row[k]
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
def _log_p(z: Ints, spread: Floats, log_low: Floats, log_high: Floats) -> None:
    """Tails into (lane, term) arrays; a term with all genes has p = 1."""
    for t in range(z.shape[0]):
        for lane in range(z.shape[1]):
            if spread[t, lane] > 0:
                log_low[lane, t] = _log_normal((0.5 * z[t, lane] + 0.5) / spread[t, lane])
                log_high[lane, t] = _log_normal((0.5 - 0.5 * z[t, lane]) / spread[t, lane])
            else:
                log_low[lane, t] = log_high[lane, t] = 0.0


@njit(cache=True)  # type: ignore[untyped-decorator]
def _extreme_log_p(z: Ints, spread: Floats, low: Floats, high: Floats) -> None:
    """The smallest p of each lane; p falls with the standardised distance, so one is evaluated."""
    n_lanes = z.shape[1]
    a = np.full(n_lanes, np.inf)
    b = np.full(n_lanes, np.inf)
    for t in range(z.shape[0]):
        if spread[t] > 0:
            half = 0.5 / spread[t]
            for lane in range(n_lanes):
                a[lane] = min(a[lane], (z[t, lane] + 1) * half)
                b[lane] = min(b[lane], (1 - z[t, lane]) * half)
    for lane in range(n_lanes):
        low[lane] = _log_normal(a[lane]) if a[lane] < np.inf else 0.0
        high[lane] = _log_normal(b[lane]) if b[lane] < np.inf else 0.0
