"""Which terms lie within others, so that counts of the inner ones are made once."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from pipeline.dea.arrays import Ints
from pipeline.enrich.arrays import Int32s
from pipeline.enrich.background import Background

# Genes that are tried first, and what a search among a gene's terms costs, in steps through a list.
_PROBES, _SEARCH = 4, 16


@dataclass(frozen=True, slots=True)
class Nesting:
    """Each term as a smaller one, all of whose genes it has, and the rest of its genes.

    `base` (term,) is the smaller one's number, always below its own, or −1;
    `rest[rest_start[t] : rest_start[t + 1]]` are the genes that the base lacks.
    """

    base: Int32s
    rest_start: Ints
    rest: Int32s


def find_nesting(background: Background) -> Nesting:
    """Nest the terms of a background by their genes alone."""
    base = _find_bases(
        background.start, background.members, background.gene_start, background.gene_terms
    )
    return Nesting(base, *_subtract(base, background.start, background.members))


@njit(cache=True)  # type: ignore[untyped-decorator]
def _find_bases(start: Ints, members: Int32s, gene_start: Ints, gene_terms: Int32s) -> Int32s:
    """For each term the largest one whose smallest superset it is."""
    n_terms = start.size - 1
    base = np.full(n_terms, -1, np.int32)
    inside = np.full(gene_start.size - 1, -1, np.int32)
    for t in range(n_terms):
        # A superset is among the terms of every gene: look where there are fewest.
        fewest = members[start[t]]
        for i in range(start[t], start[t + 1]):
            g = members[i]
            if gene_start[g + 1] - gene_start[g] < gene_start[fewest + 1] - gene_start[fewest]:
                fewest = g
            inside[g] = t
        size = start[t + 1] - start[t]
        for k in range(gene_start[fewest], gene_start[fewest + 1]):
            other = gene_terms[k]
            if other <= t:
                continue
            # Most others fail at once; to be sure, go through the shorter way.
            through_other = start[other + 1] - start[other] < _SEARCH * size
            stop = start[t] + min(_PROBES, size) if through_other else start[t + 1]
            i = start[t]
            while i < stop and _has(gene_start, gene_terms, members[i], other):
                i += 1
            if i < stop:
                continue
            shared = 0
            if through_other:
                for j in range(start[other], start[other + 1]):
                    shared += inside[members[j]] == t
            if shared == size or not through_other:
                base[other] = t
                break
    return base


@njit(cache=True)  # type: ignore[untyped-decorator]
def _has(gene_start: Ints, gene_terms: Int32s, gene: int, term: int) -> bool:
    """Whether a gene's terms, which ascend, have one."""
    low, high = gene_start[gene], gene_start[gene + 1]
    while low < high:
        middle = (low + high) // 2
        if gene_terms[middle] < term:
            low = middle + 1
        else:
            high = middle
    return bool(low < gene_start[gene + 1] and gene_terms[low] == term)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _subtract(base: Int32s, start: Ints, members: Int32s) -> tuple[Ints, Int32s]:
    """The members, which ascend, of each term that are not its base's."""
    rest_start = np.zeros(start.size, np.int64)
    rest = np.empty(members.size, np.int32)
    n = 0
    for t in range(base.size):
        b = base[t]
        j = start[b] if b >= 0 else 0
        stop = start[b + 1] if b >= 0 else 0
        for i in range(start[t], start[t + 1]):
            if j < stop and members[j] == members[i]:
                j += 1
            else:
                rest[n] = members[i]
                n += 1
        rest_start[t + 1] = n
    return rest_start, rest[:n].copy()
