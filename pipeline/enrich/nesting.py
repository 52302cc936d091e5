"""Which terms lie within others, so that counts of the inner ones are made once."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from pipeline.dea.arrays import Ints
from pipeline.enrich.arrays import Int32s
from pipeline.enrich.background import Background

# Genes that are tried first, and what a search among a gene's terms costs, in steps through a list.
_PROBES, _SEARCH = 2, 32


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
    n_of_gene = np.diff(gene_start)
    for t in range(n_terms):
        mine = members[start[t] : start[t + 1]]
        # A superset is among the terms of every gene: look where there are fewest.
        fewest = mine[0]
        for gene in mine:
            if n_of_gene[gene] < n_of_gene[fewest]:
                fewest = gene
            inside[gene] = t
        for other in gene_terms[gene_start[fewest] : gene_start[fewest + 1]]:
            if other <= t:
                continue
            # Most others fail at once; to be sure, go through the shorter way.
            theirs = members[start[other] : start[other + 1]]
            through_other = theirs.size < _SEARCH * mine.size
            stop = min(_PROBES, mine.size) if through_other else mine.size
            i = 0
            while i < stop and _has(
                gene_terms[gene_start[mine[i]] : gene_start[mine[i] + 1]], other
            ):
                i += 1
            if i == stop and (
                not through_other or _count_inside(theirs, inside, np.int32(t)) == mine.size
            ):
                base[other] = t
                break
    return base


@njit(cache=True)  # type: ignore[untyped-decorator]
def _has(terms: Int32s, term: int) -> bool:
    """Whether terms, which ascend, have one; without branches, which would be guessed wrong."""
    low, n = np.uint64(0), np.uint64(terms.size)
    while n > 1:
        half = n >> np.uint64(1)
        low = low + half if terms[low + half] <= term else low
        n -= half
    return bool(terms[low] == term)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _count_inside(genes: Int32s, inside: Int32s, t: np.int32) -> int:
    n = np.int32(0)
    for gene in genes:
        n += np.int32(inside[np.uint32(gene)] == t)
    return int(n)


@njit(cache=True)  # type: ignore[untyped-decorator]
def _subtract(base: Int32s, start: Ints, members: Int32s) -> tuple[Ints, Int32s]:
    """The members of each term that are not its base's."""
    rest_start = np.zeros(start.size, np.int64)
    rest = np.empty(members.size, np.int32)
    in_base = np.full(members.max() + 1, -1, np.int32)
    n = 0
    for t in range(base.size):
        if base[t] >= 0:
            for gene in members[start[base[t]] : start[base[t] + 1]]:
                in_base[gene] = t
        for gene in members[start[t] : start[t + 1]]:
            rest[n] = gene
            n += in_base[gene] != t
        rest_start[t + 1] = n
    return rest_start, rest[:n].copy()
