"""Ranks of genes by a score, with ties, for many rankings of one set of genes."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from pipeline.dea.arrays import Bools, Floats, Ints
from pipeline.enrich.arrays import Int32s, Words

_BITS = 11
_PASSES = 6


@dataclass(frozen=True, slots=True)
class Order:
    """Genes of each ranking from the lowest score: made once, ranked in each domain.

    `genes` and `is_new` are (ranking, gene): whether a gene's score is another than the one before it.
    `is_missing` is (gene,): whether any of its scores is NaN.
    """

    genes: Int32s
    is_new: Bools
    is_missing: Bools


@dataclass(frozen=True, slots=True)
class Ranks:
    """(ranking, gene) mid-ranks, doubled so that they are integers, and Σ(t³ − t) of ties (ranking,)."""

    doubled: Int32s
    ties: Floats


def order_scores(scores: Floats) -> Order:
    """Put the genes of each row of `scores` (ranking, gene) in order; NaN anywhere."""
    # Of these bits as unsigned integers the order is that of the numbers: negative ones upside down.
    scores = np.ascontiguousarray(scores, np.float64)
    bits = scores.view(np.uint64)
    negative = bits >> np.uint64(63) != 0
    genes, is_new = _radix_sort(np.where(negative, ~bits, bits | np.uint64(1 << 63)), scores)
    return Order(genes, is_new, np.asarray(np.isnan(scores).any(axis=0)))


def make_ranks(order: Order, genes: Ints) -> Ranks:
    """Rank only `genes`, ascending numbers on the gene axis, among themselves, the lowest first.

    Raises
    ------
    ValueError
        A score of theirs is NaN.
    """
    if order.is_missing[genes].any():
        raise ValueError("a score is NaN; leave its gene out of the background")
    place = np.full(order.is_missing.size, -1, np.int32)
    place[genes] = np.arange(genes.size)
    doubled, ties = _mid_ranks(order.genes, order.is_new, place, genes.size)
    return Ranks(doubled, ties)


# NumPy's argsort takes three times as long, and would be most of the time of the test.
@njit(cache=True)  # type: ignore[untyped-decorator]
def _radix_sort(keys: Words, scores: Floats) -> tuple[Int32s, Bools]:
    n_rows, n = keys.shape
    result = np.empty((n_rows, n), np.int32)
    is_new = np.ones((n_rows, n), np.bool_)
    counts = np.empty(1 << _BITS, np.int64)
    mask = np.uint64((1 << _BITS) - 1)
    a, b = np.empty(n, np.int32), np.empty(n, np.int32)
    for row in range(n_rows):
        for i in range(n):
            a[i] = i
        for step in range(_PASSES):
            shift = np.uint64(step * _BITS)
            counts[:] = 0
            for i in range(n):
                counts[(keys[row, i] >> shift) & mask] += 1
            total = 0
            for d in range(counts.size):
                total, counts[d] = total + counts[d], total
            for i in range(n):
                digit = (keys[row, a[i]] >> shift) & mask
                b[counts[digit]] = a[i]
                counts[digit] += 1
            a, b = b, a
        result[row] = a
        for i in range(1, n):
            is_new[row, i] = scores[row, a[i]] != scores[row, a[i - 1]]
    return result, is_new


@njit(cache=True)  # type: ignore[untyped-decorator]
def _mid_ranks(order: Int32s, is_new: Bools, place: Int32s, n: int) -> tuple[Int32s, Floats]:
    doubled = np.empty((order.shape[0], n), np.int32)
    ties = np.zeros(order.shape[0])
    tied = np.empty(n, np.int32)
    for row in range(order.shape[0]):
        first = n_tied = 0
        changed = False
        for i in range(order.shape[1]):
            changed |= is_new[row, i]
            local = place[order[row, i]]
            if local < 0:
                continue
            if changed and n_tied > 0:
                ties[row] += _close(doubled[row], tied, n_tied, first)
                first += n_tied
                n_tied = 0
            changed = False
            tied[n_tied] = local
            n_tied += 1
        ties[row] += _close(doubled[row], tied, n_tied, first)
    return doubled, ties


@njit(cache=True)  # type: ignore[untyped-decorator]
def _close(doubled: Int32s, tied: Int32s, n_tied: int, first: int) -> float:
    """Give genes of one score, after `first` lower ones, their rank; return t³ − t."""
    for i in range(n_tied):
        doubled[tied[i]] = 2 * first + n_tied + 1
    t = float(n_tied)
    return t * t * t - t
