"""Gene sets after propagation: a gene has its terms and all that lie above them."""

from dataclasses import dataclass

import numpy as np
from numba import njit

from pipeline.dea.arrays import Ints
from pipeline.enrich.annotation import Annotation
from pipeline.enrich.arrays import Int8s, Int32s
from pipeline.enrich.ontology import Ontology, Relations


@dataclass(frozen=True, slots=True)
class GeneSets:
    """A sparse table of genes by terms.

    `terms[start[g] : start[g + 1]]` are the terms of gene `g`, ascending. `domain_of` is (term,).
    """

    start: Ints
    terms: Int32s
    domain_of: Int8s

    @property
    def n_genes(self) -> int:
        """Length of the gene axis."""
        return self.start.size - 1

    @property
    def n_terms(self) -> int:
        """Length of the term axis."""
        return self.domain_of.size

    def take(self, genes: Ints) -> "GeneSets":
        """The sets on another gene axis: `genes` (gene,) are numbers in this one, −1 has no term."""
        known = genes >= 0
        length = np.where(known, np.diff(self.start)[genes], 0)
        start = np.concatenate([[0], np.cumsum(length)])
        offset = np.where(known, self.start[:-1][genes], 0)
        source = np.repeat(offset - start[:-1], length) + np.arange(start[-1])
        return GeneSets(start, self.terms[source], self.domain_of)


def propagate(
    annotation: Annotation, ontology: Ontology, relations: Relations = Relations.all
) -> GeneSets:
    """Give every gene the terms above its own, along the edges of `relations`."""
    child, parent = ontology.edges(relations)
    n_terms = len(ontology.ids)
    above_start, above = climb(child, parent, n_terms)
    start, terms = _group(annotation.gene, annotation.term, len(annotation.genes))
    n = np.asarray(_join(start, terms, above_start, above, np.empty(0, np.int32)))
    joined = np.zeros(n.size + 1, np.int64)
    np.cumsum(n, out=joined[1:])
    all_terms = np.empty(joined[-1], np.int32)
    _join(start, terms, above_start, above, all_terms)
    return GeneSets(joined, all_terms, ontology.domain_of)


def ancestors(ontology: Ontology, relations: Relations = Relations.all) -> tuple[Ints, Int32s]:
    """Start (term + 1,) of each term's ancestors, itself among them, and their numbers, ascending."""
    return climb(*ontology.edges(relations), len(ontology.ids))


def climb(child: Int32s, parent: Int32s, n_terms: int) -> tuple[Ints, Int32s]:
    """The same from edges (edge,) between `n_terms` terms."""
    return _ancestors(*_group(child, parent, n_terms))


def _group(key: Int32s, value: Int32s, n: int) -> tuple[Ints, Int32s]:
    """Values of each key, as starts and values."""
    order = np.lexsort((value, key))
    return np.searchsorted(key[order], np.arange(n + 1)), value[order]


def _ancestors(start: Ints, parents: Int32s) -> tuple[Ints, Int32s]:
    n = start.size - 1
    itself = np.arange(n, dtype=np.int32)
    counts = np.asarray(_climb(start, parents, itself, np.empty(0, np.int32)))
    above_start = np.zeros(n + 1, np.int64)
    np.cumsum(counts, out=above_start[1:])
    above = np.empty(above_start[-1], np.int32)
    _climb(start, parents, itself, above)
    return above_start, above


@njit(cache=True)  # type: ignore[untyped-decorator]
def _climb(start: Ints, parents: Int32s, itself: Int32s, out: Int32s) -> Ints:
    """How many terms lie above each of `itself`; into `out`, if it has room, which."""
    seen = np.full(start.size - 1, -1, np.int64)
    stack = np.empty(start.size - 1, np.int64)
    counts = np.empty(itself.size, np.int64)
    at = 0
    for i in range(itself.size):
        first = at
        n_stack = 1
        stack[0] = itself[i]
        seen[itself[i]] = i
        n = 0
        while n_stack > 0:
            n_stack -= 1
            term = stack[n_stack]
            if out.size > 0:
                out[at] = term
                at += 1
            n += 1
            for k in range(start[term], start[term + 1]):
                if seen[parents[k]] != i:
                    seen[parents[k]] = i
                    stack[n_stack] = parents[k]
                    n_stack += 1
        counts[i] = n
        if out.size > 0:
            out[first:at].sort()
    return counts


@njit(cache=True)  # type: ignore[untyped-decorator]
def _join(start: Ints, terms: Int32s, above_start: Ints, above: Int32s, out: Int32s) -> Ints:
    """How many terms each gene has with those above its own; into `out`, if it has room, which."""
    seen = np.full(above_start.size - 1, -1, np.int64)
    counts = np.empty(start.size - 1, np.int64)
    at = 0
    for gene in range(start.size - 1):
        first = at
        n = 0
        for i in range(start[gene], start[gene + 1]):
            for k in range(above_start[terms[i]], above_start[terms[i] + 1]):
                term = above[k]
                if seen[term] != gene:
                    seen[term] = gene
                    n += 1
                    if out.size > 0:
                        out[at] = term
                        at += 1
        counts[gene] = n
        if out.size > 0:
            out[first:at].sort()
    return counts
