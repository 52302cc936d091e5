"""The smallest p values of random gene sets: what chance alone gives in a whole domain."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numba import njit

from pipeline.dea.arrays import Floats, Ints
from pipeline.enrich.arrays import Words
from pipeline.enrich.background import Background
from pipeline.enrich.bit_counts import (
    LANES,
    SETS,
    at_least,
    count_bits,
    lay_out_sums,
    place_of,
    value_of,
)
from pipeline.enrich.hypergeometric import log_factorials, log_tails
from pipeline.enrich.nesting import find_nesting
from pipeline.enrich.random_sets import RandomSets

# Terms in which so many are expected have small p soon and cheaply.
_EXPECTED = 5.0


@dataclass(frozen=True, slots=True)
class Minima:
    """(random set,) logarithms of the smallest p of each tail, ascending; empty if not asked for."""

    log_under: Floats
    log_over: Floats


def random_minima(
    background: Background, sizes: Iterable[int], *, n_sets: int, seed: int, under: bool = True
) -> dict[int, Minima]:
    """Smallest p over all terms of random sets, for each size M.

    The distribution depends on the background and M alone, so all candidate sets of a background
    share it. The sets of one size are the first genes of those of a larger: the result for a size is
    the same, to the last bit, whatever else is asked for.

    Parameters
    ----------
    sizes
        Numbers of genes M, from 1 to N, in any order.
    seed
        As of `Background.seed`.
    under
        Whether to find those of under-representation too.
    """
    sets = RandomSets(background.n_genes, n_sets, seed)
    factorials = log_factorials(-(-background.n_genes // 8192) * 8192)
    level_size, level_start = np.unique(background.size, return_index=True)
    level_start = np.append(level_start, background.size.size)
    nesting = find_nesting(background)
    found = {}
    sums = np.empty(0, np.uint64)
    for size in sorted(set(sizes)):
        sets.grow(size)
        row = lay_out_sums(background.size, nesting.rest_start, size)
        if sums.size < row[-1] * LANES:
            sums = np.empty(row[-1] * LANES, np.uint64)
        log_under, log_over = np.zeros(n_sets), np.zeros(n_sets)
        for first in range(0, n_sets, SETS):
            bits = sets.bits(first)
            count_bits(bits, nesting.base, nesting.rest_start, nesting.rest, row, sums)
            _find_smallest(
                sums,
                row,
                background.n_genes,
                size,
                level_size.astype(np.int64),
                level_start,
                factorials.high,
                factorials.low,
                0.0 if under else -np.inf,
                log_under[first : first + SETS],
                log_over[first : first + SETS],
            )
        found[size] = Minima(np.sort(log_under if under else log_under[:0]), np.sort(log_over))
    return found


@njit(cache=True)  # type: ignore[untyped-decorator]
def _find_smallest(
    sums: Words,
    row: Ints,
    N: int,
    M: int,
    sizes: Ints,
    start: Ints,
    high: Floats,
    low: Floats,
    under_bound: float,
    log_under: Floats,
    log_over: Floats,
) -> None:
    """Lower log p of each set to the smallest; terms `start[i]` to `start[i + 1]` have `sizes[i]` genes.

    A term is looked at only for sets whose count passes the critical count of its size, the least
    that could still lower the largest of all sets' smallest p: the bounds, which fall quickly.
    """
    over_bound = 0.0
    worst_under = worst_over = 0
    known = np.full(M + 1, -1, np.int64)
    known_under, known_over = np.empty(M + 1), np.empty(M + 1)
    at_most, matters = np.empty(LANES, np.uint64), np.empty(LANES, np.uint64)
    first = max(int(np.searchsorted(sizes, _EXPECTED * N / M)) - 1, 0)
    below = above = 0
    for i in range(sizes.size):
        # From the first down, then up.
        level = first - i if i <= first else i
        K = sizes[level]
        mean = int(M * K / N)
        most_under = _most_under(high, low, N, M, K, under_bound, mean - below)
        least_over = _least_over(high, low, N, M, K, over_bound, mean + above)
        below, above = mean - most_under, least_over - mean
        if most_under < max(0, M + K - N) and least_over > min(M, K):
            continue
        for t in range(start[level], start[level + 1]):
            begin, stop = row[t], row[t + 1]
            # A term with the same genes as another was looked at there.
            if begin == stop:
                continue
            at_least(sums, begin, stop, most_under + 1, at_most)
            at_least(sums, begin, stop, least_over, matters)
            for w in range(LANES):
                matters[w] |= ~at_most[w]
            for w in range(LANES):
                word = matters[w]
                while word:
                    b = place_of(word)
                    word &= word - np.uint64(1)
                    r = 64 * w + b
                    if r >= log_over.size:
                        break
                    x = value_of(sums, begin, stop, w, b)
                    if known[x] != level:
                        known[x] = level
                        known_under[x], known_over[x] = log_tails(high, low, N, M, K, x)
                    log_under[r] = min(log_under[r], known_under[x])
                    log_over[r] = min(log_over[r], known_over[x])
            # The largest is another one only where it was lowered itself.
            if log_under[worst_under] < under_bound:
                worst_under = int(np.argmax(log_under))
                under_bound = log_under[worst_under]
            if log_over[worst_over] < over_bound:
                worst_over = int(np.argmax(log_over))
                over_bound = log_over[worst_over]


@njit(cache=True)  # type: ignore[untyped-decorator]
def _most_under(high: Floats, low: Floats, N: int, M: int, K: int, bound: float, guess: int) -> int:
    """The most x with log P(X ≤ x) < bound, or one less than can occur."""
    least, most = max(0, M + K - N), min(M, K)
    if bound == -np.inf:
        return least - 1
    x = min(max(guess, least - 1), most)
    while x < most and log_tails(high, low, N, M, K, x + 1)[0] < bound:
        x += 1
    while x >= least and log_tails(high, low, N, M, K, x)[0] >= bound:
        x -= 1
    return x


@njit(cache=True)  # type: ignore[untyped-decorator]
def _least_over(high: Floats, low: Floats, N: int, M: int, K: int, bound: float, guess: int) -> int:
    """The least x with log P(X ≥ x) < bound, or one more than can occur."""
    least, most = max(0, M + K - N), min(M, K)
    x = min(max(guess, least), most + 1)
    while x > least and log_tails(high, low, N, M, K, x - 1)[1] < bound:
        x -= 1
    while x <= most and log_tails(high, low, N, M, K, x)[1] >= bound:
        x += 1
    return x
