"""The term axis: the terms that have a gene of the gene axis, which genes, and which terms lie above."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
from numba import njit

from pipeline.dea.arrays import Ints
from pipeline.enrich.annotation import Annotation
from pipeline.enrich.arrays import Int8s, Int32s
from pipeline.enrich.gene_sets import GeneSets, climb, propagate
from pipeline.enrich.ontology import Ontology, Relations


@dataclass(frozen=True, kw_only=True)
class TermAxis:
    """Terms, sorted by id, on a gene axis.

    Parameters
    ----------
    ids, names
        (term,) ids and names.
    domains
        (domain,) names; `sets.domain_of` (term,) points into it.
    sets
        Genes of the gene axis by terms, after propagation.
    child, parent
        (edge,) the edges that genes were carried along.
    sources
        Where it comes from: releases, hashes, settings, and dropped rows by reason.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    domains: tuple[str, ...]
    sets: GeneSets
    child: Int32s
    parent: Int32s
    sources: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def sha256(self) -> str:
        """Hash of everything that a test depends on."""
        digest = sha256("\n".join([*self.ids, "", *self.domains]).encode())
        for array in (
            self.sets.start,
            self.sets.terms,
            self.sets.domain_of,
            self.child,
            self.parent,
        ):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    @cached_property
    def above(self) -> tuple[Ints, Int32s]:
        """Start (term + 1,) of each term's ancestors, itself among them, and their numbers, ascending."""
        return climb(self.child, self.parent, len(self.ids))

    @property
    def n_genes_of_term(self) -> Int32s:
        """(term,) genes of the gene axis in a term or below it."""
        return np.bincount(self.sets.terms, minlength=len(self.ids)).astype(np.int32)


def make_term_axis(
    annotation: Annotation,
    ontology: Ontology,
    relations: Relations,
    genes: Sequence[str],
    sources: Mapping[str, Any],
) -> TermAxis:
    """Propagate an annotation whose gene names are ids of the gene axis `genes`; keep terms with genes."""
    known = {gene: i for i, gene in enumerate(annotation.genes)}
    place = np.array([known.get(gene, -1) for gene in genes], np.int64)
    sets = propagate(annotation, ontology, relations).take(place)
    # A term above one that has a gene has that gene too, so no edge between those kept is lost.
    kept = np.flatnonzero(np.bincount(sets.terms, minlength=sets.n_terms))
    number = np.full(sets.n_terms, -1, np.int32)
    number[kept] = np.arange(kept.size)
    child, parent = ontology.edges(relations)
    inside = (number[child] >= 0) & (number[parent] >= 0)
    return TermAxis(
        ids=tuple(ontology.ids[i] for i in kept),
        names=tuple(ontology.names[i] for i in kept),
        domains=ontology.domains,
        sets=GeneSets(sets.start, number[sets.terms], sets.domain_of[kept]),
        child=number[child[inside]],
        parent=number[parent[inside]],
        sources=sources,
    )


def close_upwards(labels: Int8s, above: tuple[Ints, Int32s]) -> Int8s:
    """Labels (…, term) where a 1 holds for all terms above it too, unless they are −1."""
    closed = labels.copy()
    rows = closed.reshape(-1, labels.shape[-1])
    _close(labels.reshape(rows.shape), rows, *above)
    return closed


@njit(cache=True)  # type: ignore[untyped-decorator]
def _close(labels: Int8s, closed: Int8s, above_start: Ints, above: Int32s) -> None:
    for row in range(labels.shape[0]):
        for term in range(labels.shape[1]):
            if labels[row, term] == 1:
                for k in range(above_start[term], above_start[term + 1]):
                    if closed[row, above[k]] == 0:
                        closed[row, above[k]] = 1
