"""How many candidates each term has, and how likely that many or that few are."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from pipeline.dea.arrays import Bools, Floats, Ints
from pipeline.enrich.arrays import Int32s
from pipeline.enrich.background import Background
from pipeline.enrich.hypergeometric import log_factorials, log_tails


@dataclass(frozen=True, slots=True)
class Overlaps:
    """Candidate sets against the terms of one background.

    Parameters
    ----------
    n_candidates
        (set,) M: candidates that are annotated in this domain.
    overlap
        (set, term) x: candidates in each term.
    log_under, log_over
        (set, term) natural logarithms of P(X ≤ x) and P(X ≥ x); 0 where M is 0.
    """

    n_candidates: Ints
    overlap: Int32s
    log_under: Floats
    log_over: Floats


def count_and_test(background: Background, is_candidate: Bools) -> Overlaps:
    """Exact hypergeometric tests of every term.

    Parameters
    ----------
    is_candidate
        (set, gene) on the gene axis of the sets that the background was made from; what is outside
        the background does not count.
    """
    chosen = np.ascontiguousarray(is_candidate[:, background.genes])
    factorials = log_factorials(_round_up(background.n_genes))
    overlap, log_under, log_over = _test(
        chosen,
        background.gene_start,
        background.gene_terms,
        background.size,
        factorials.high,
        factorials.low,
    )
    return Overlaps(chosen.sum(axis=1), overlap, log_under, log_over)


def _round_up(n: int) -> int:
    """Backgrounds of similar sizes share one table of factorials."""
    return -(-n // 8192) * 8192


@njit(cache=True)  # type: ignore[untyped-decorator]
def _test(
    chosen: Bools, gene_start: Ints, gene_terms: Int32s, size: Int32s, high: Floats, low: Floats
) -> tuple[Int32s, Floats, Floats]:
    n_sets, N = chosen.shape
    n_terms = size.size
    overlap = np.zeros((n_sets, n_terms), np.int32)
    log_under = np.zeros((n_sets, n_terms))
    log_over = np.zeros((n_sets, n_terms))
    # Terms of one size with one overlap have one p: remembered until the size changes.
    known_for = np.full(N + 1, -1, np.int64)
    known_under = np.empty(N + 1)
    known_over = np.empty(N + 1)
    for s in range(n_sets):
        counts = overlap[s]
        M = 0
        for gene in range(N):
            if chosen[s, gene]:
                M += 1
                for k in range(gene_start[gene], gene_start[gene + 1]):
                    counts[gene_terms[k]] += 1
        if M == 0:
            continue
        for t in range(n_terms):
            x = counts[t]
            tag = s * (N + 1) + size[t]
            if known_for[x] != tag:
                known_for[x] = tag
                known_under[x], known_over[x] = log_tails(high, low, N, M, size[t], x)
            log_under[s, t] = known_under[x]
            log_over[s, t] = known_over[x]
    return overlap, log_under, log_over
