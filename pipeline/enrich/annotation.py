"""Annotations: which gene has which term, as a file says it and as the ontology knows it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from pipeline.enrich.arrays import Int32s
from pipeline.enrich.ontology import Ontology

DUPLICATE = "duplicate"
MOVED = "moved to its live id (kept)"
OBSOLETE = "obsolete term"
UNKNOWN = "unknown term"


@dataclass(frozen=True, kw_only=True, slots=True)
class EvidenceRules:
    """Which rows of a GAF or gene2go file count.

    `include`, where not empty, names the only evidence codes taken; `exclude` those left out (ND says
    that nothing is known). NOT rows say that a gene does *not* have a term. `exclude_qualifiers` leaves
    out relations, for example `colocalizes_with`; `taxon`, where not empty, is the only NCBI taxon taken.
    """

    include: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset({"ND"})
    drop_not: bool = True
    exclude_qualifiers: frozenset[str] = frozenset()
    taxon: str = ""

    def __post_init__(self) -> None:
        if both := self.include & self.exclude:
            raise ValueError(f"evidence {', '.join(sorted(both))} is both included and excluded")

    def refuse(self, evidence: str, qualifiers: Sequence[str], taxon: str) -> str:
        """Why a row is left out, or an empty string."""
        if self.taxon and taxon != self.taxon:
            return f"taxon {taxon or 'missing'}"
        if self.drop_not and "NOT" in qualifiers:
            return "NOT"
        if evidence in self.exclude or (self.include and evidence not in self.include):
            return f"evidence {evidence or 'missing'}"
        unwanted = self.exclude_qualifiers.intersection(qualifiers)
        return f"qualifier {min(unwanted)}" if unwanted else ""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of an annotation file: the names that it has for its gene, by kind, and the term."""

    names: Mapping[str, str]
    term: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as read, those `dropped` counted by reason, and names of gene sets that bring their own.

    `header` is what the file says of itself: its format, its date. `taxa` counts the rows of each NCBI
    taxon, in the formats that tell it.
    """

    rows: Sequence[Row]
    dropped: Mapping[str, int] = field(default_factory=dict)
    set_names: Mapping[str, str] = field(default_factory=dict)
    header: Mapping[str, str] = field(default_factory=dict)
    taxa: Mapping[str, int] = field(default_factory=dict)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of gene names that there are, the usual one first."""
        return tuple(dict.fromkeys(kind for row in self.rows for kind in row.names))


@dataclass(frozen=True, slots=True)
class Annotation:
    """Direct annotations: `gene` and `term` (pair,), sorted, numbers in `genes` and in the ontology."""

    genes: tuple[str, ...]
    gene: Int32s
    term: Int32s
    dropped: Mapping[str, int]


def choose_kind(rows: Rows, wanted: Iterable[str], *, ignore_case: bool = False) -> str:
    """The kind of gene name that knows most of `wanted`; the usual one if none does."""
    fold = str.lower if ignore_case else str
    known = {fold(name) for name in wanted}
    hits = {
        kind: len({fold(row.names[kind]) for row in rows.rows if kind in row.names} & known)
        for kind in rows.kinds
    }
    return max(hits, key=lambda kind: hits[kind]) if hits else ""


def make_annotation(
    rows: Rows, ontology: Ontology, *, kind: str | None = None, ignore_case: bool = False
) -> Annotation:
    """Join rows to the terms of an ontology; nothing is left out without being counted.

    Parameters
    ----------
    kind
        Kind of gene name to take; the usual one by default.
    ignore_case
        Gene names are compared in lower case.
    """
    kind = next(iter(rows.kinds), "") if kind is None else kind
    dropped = Counter(rows.dropped)
    pairs: set[tuple[str, int]] = set()
    for row in rows.rows:
        gene = row.names.get(kind, "")
        if not gene:
            dropped[f"no {kind}"] += 1
            continue
        term = ontology.place.get(row.term)
        if term is None and row.term in ontology.moved:
            term = ontology.place[ontology.moved[row.term]]
            dropped[MOVED] += 1
        if term is None:
            dropped[OBSOLETE if row.term in ontology.obsolete else UNKNOWN] += 1
            continue
        pair = (gene.lower() if ignore_case else gene, term)
        if pair in pairs:
            dropped[DUPLICATE] += 1
        pairs.add(pair)
    genes = tuple(sorted({gene for gene, _ in pairs}))
    place = {gene: i for i, gene in enumerate(genes)}
    numbers = sorted((place[gene], term) for gene, term in pairs)
    table = np.array(numbers, np.int32).reshape(-1, 2)
    return Annotation(genes, table[:, 0].copy(), table[:, 1].copy(), dict(dropped))
