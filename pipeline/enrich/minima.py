"""The smallest p values of random gene sets: what chance alone gives in a whole domain."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numba import njit

from pipeline.dea.arrays import Floats, Ints
from pipeline.enrich.arrays import Int32s, Words
from pipeline.enrich.background import Background
from pipeline.enrich.bit_counts import add_bits, at_least, value_of
from pipeline.enrich.hypergeometric import log_factorials, log_tails
from pipeline.enrich.nesting import find_nesting
from pipeline.enrich.random_sets import RandomSets

# Bounds on p, one of which tells whether a term can still matter to any of 64 sets.
_BOUNDS = np.log([np.e, 0.25, 0.06, 0.015, 0.004, 0.001, 0.00025])
# After how many terms the bound is looked at again, and how many p of each size are remembered.
_PACE, _SLOTS, _EXPECTED = 8, 128, 15.0


@dataclass(frozen=True, slots=True)
class Minima:
    """(random set,) logarithms of the smallest p of each tail, ascending."""

    log_under: Floats
    log_over: Floats


def random_minima(
    background: Background, sizes: Iterable[int], *, n_sets: int, seed: int
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
    """
    sets = RandomSets(background.n_genes, n_sets, seed)
    factorials = log_factorials(-(-background.n_genes // 8192) * 8192)
    levels, group = np.unique(background.size, return_inverse=True)
    nesting = find_nesting(background)
    n_planes = np.frexp(background.size)[1]
    plane = np.concatenate([[0], np.cumsum(n_planes, dtype=np.int64)])
    found = {}
    for size in sorted(set(sizes)):
        sets.grow(size)
        under, over = _minima(
            sets.bits,
            n_sets,
            size,
            nesting.base,
            nesting.rest_start,
            nesting.rest,
            plane,
            levels.astype(np.int32),
            group.astype(np.int32),
            factorials.high,
            factorials.low,
        )
        found[size] = Minima(np.sort(under), np.sort(over))
    return found


@njit(cache=True)  # type: ignore[untyped-decorator]
def _minima(
    bits: Words,
    n_sets: int,
    M: int,
    base: Int32s,
    rest_start: Ints,
    rest: Int32s,
    plane: Ints,
    sizes: Int32s,
    group: Int32s,
    high: Floats,
    low: Floats,
) -> tuple[Floats, Floats]:
    """Smallest log p of each set, both tails.

    `group` (term,) points into the distinct `sizes`, `plane` (term + 1,) into the planes of all sums.
    """
    N = bits.shape[1]
    critical = np.empty((_BOUNDS.size, 2, sizes.size), np.int64)
    for level in range(_BOUNDS.size):
        _find_critical(N, M, sizes, _BOUNDS[level], high, low, critical[level])
    known = np.full((sizes.size, _SLOTS), -1, np.int64)
    known_p = np.empty((sizes.size, _SLOTS, 2))
    smallest = np.zeros((2, bits.shape[0] * 64))
    sums = np.zeros(plane[-1], np.uint64)
    # Terms in which some fifteen are expected have small p soon and cheaply: from them down, then up.
    first = np.searchsorted(sizes[group], _EXPECTED * N / M) - 1
    first = min(max(first, 0), group.size - 1)
    for w in range(bits.shape[0]):
        mine = smallest[:, 64 * w : 64 * w + 64]
        n = min(64, n_sets - 64 * w)
        valid = np.uint64(0xFFFFFFFFFFFFFFFF) >> np.uint64(64 - n)
        for t in range(group.size):
            planes = sums[plane[t] : plane[t + 1]]
            planes[:] = 0
            if base[t] >= 0:
                below = sums[plane[base[t]] : plane[base[t] + 1]]
                planes[: below.size] = below
            add_bits(bits[w], rest, rest_start[t], rest_start[t + 1], planes)
        under = over = 0
        for i in range(group.size):
            t = first - i if i <= first else i
            g = group[t]
            most_under, least_over = critical[under, 0, g], critical[over, 1, g]
            if most_under < max(0, M + sizes[g] - N) and least_over > min(M, sizes[g]):
                continue
            planes = sums[plane[t] : plane[t + 1]]
            matters = ~at_least(planes, most_under + 1) | at_least(planes, least_over)
            matters &= valid
            r = 0
            while matters:
                if matters & np.uint64(1):
                    x = value_of(planes, r)
                    slot = x % _SLOTS
                    if known[g, slot] != x:
                        known[g, slot] = x
                        known_p[g, slot] = log_tails(high, low, N, M, sizes[g], x)
                    mine[0, r] = min(mine[0, r], known_p[g, slot, 0])
                    mine[1, r] = min(mine[1, r], known_p[g, slot, 1])
                matters >>= np.uint64(1)
                r += 1
            if i % _PACE == 0:
                under = _tighten(under, mine[0, :n].max())
                over = _tighten(over, mine[1, :n].max())
    return smallest[0, :n_sets], smallest[1, :n_sets]


@njit(cache=True)  # type: ignore[untyped-decorator]
def _tighten(level: int, worst: float) -> int:
    """The last bound that every set is already below."""
    while level + 1 < _BOUNDS.size and worst < _BOUNDS[level + 1]:
        level += 1
    return level


@njit(cache=True)  # type: ignore[untyped-decorator]
def _find_critical(
    N: int, M: int, sizes: Int32s, bound: float, high: Floats, low: Floats, out: Ints
) -> None:
    """For each size the most x with log P(X ≤ x) < bound, and the least with log P(X ≥ x) < bound.

    Both grow with the size, so each is sought from the one before.
    """
    most_under, least_over = -1, 0
    for g in range(sizes.size):
        K = sizes[g]
        least, most = max(0, M + K - N), min(M, K)
        most_under = max(most_under, least - 1)
        while most_under < most and log_tails(high, low, N, M, K, most_under + 1)[0] < bound:
            most_under += 1
        least_over = max(least_over, least)
        while least_over <= most and log_tails(high, low, N, M, K, least_over)[1] >= bound:
            least_over += 1
        out[0, g], out[1, g] = most_under, least_over
