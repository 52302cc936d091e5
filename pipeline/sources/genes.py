"""Row ids of a count table, of whatever kind, onto the gene axis.

Each row is decided by itself, by the first of these that finds a gene: the id as it stands; an Ensembl id
in it, without version; the exact symbol; an Entrez id (digits, or NCBI's `LOC` and digits); an MGI id; the
symbol whatever its case; and, for ids that join several names (`ENSMUSG…|Gnai3`, `MSTRG.7|Gnai3`), its parts.
A row whose names stand for several genes is ambiguous, and its counts are not given to any of them.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from pipeline.sources.refusal import Refusal
from pipeline.sources.table import CountTable
from storage.genes import GeneList

LOST: Final = -1
AMBIGUOUS: Final = -2

# Kinds of id, as a study's record has them.
ID, VERSIONED, JOINED = "id", "id_version", "joined"
SYMBOL, ENTREZ, MGI, SYMBOL_ANY_CASE = "symbol", "entrez", "mgi", "symbol_any_case"
KINDS = (ID, VERSIONED, JOINED, SYMBOL, ENTREZ, MGI, SYMBOL_ANY_CASE)

_ENSEMBL = re.compile(r"(?:^|[|:;,\s_-])(ENS[A-Z]*G\d{11})(?:\.\d+)?(?=$|[|:;,\s_-])")
_VERSION = re.compile(r"\.\d+$")
_ENTREZ = re.compile(r"(?:LOC)?(\d+)(?:\.0)?")
_JOINT = re.compile(r"[|;,/\s]+")
_CODING = "protein_coding"


@dataclass(frozen=True, kw_only=True, slots=True)
class MappingSettings:
    """How much of a study may fall off the gene axis.

    `max_lost_share` is a share of its counts, lost and ambiguous ones: real mouse tables lose 0 to 5 %,
    and more than that where ribosomal RNA goes by a name of its own, but another organism loses all.
    `max_lost_rows_any_case` is a share of the rows of a table whose symbols mostly fit only when case is
    ignored: then it is either the axis' own symbols in capitals, of which few are lost, or those of another
    organism, of which most genes with an orthologue fit, with most of the counts, but many rows do not.
    """

    max_lost_share: float = 0.2
    max_lost_rows_any_case: float = 0.1

    def __post_init__(self) -> None:
        for name in ("max_lost_share", "max_lost_rows_any_case"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be from 0 to 1, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class MappingRecord:
    """What became of a study's rows and counts.

    `id_kind` is the kind that mapped most rows; `kinds` the rows mapped by each. `counts_*` are shares of
    all counts, which add up to 1 (all 0 in a study without counts). `lost_examples` are the lost or
    ambiguous ids with most counts.
    """

    id_kind: str
    kinds: dict[str, int]
    rows_mapped: int
    rows_ambiguous: int
    rows_lost: int
    counts_mapped: float
    counts_ambiguous: float
    counts_lost: float
    lost_examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MappedCounts:
    """Counts on the gene axis, (sample, gene), and how they came there."""

    samples: list[str]
    counts: npt.NDArray[np.float64]
    record: MappingRecord

    @property
    def empty_samples(self) -> list[str]:
        """Samples without a single count on the axis."""
        return [s for s, total in zip(self.samples, self.counts.sum(1), strict=True) if not total]


def ensembl_prefix(ids: Iterable[str]) -> str:
    """What most Ensembl ids of genes begin with, such as `ENSMUSG`; empty where there are none."""
    prefixes = Counter(found[1] for gene in ids if (found := re.match(r"(ENS[A-Z]*G)\d", gene)))
    return prefixes.most_common(1)[0][0] if prefixes else ""


@dataclass(frozen=True, slots=True)
class GeneIndex:
    """Names to positions on the gene axis; `AMBIGUOUS` where a name stands for several genes."""

    n_genes: int
    ids: Mapping[str, int]
    symbols: Mapping[str, int]
    symbols_any_case: Mapping[str, int]
    entrez: Mapping[str, int]
    mgi: Mapping[str, int]
    prefix: str

    @classmethod
    def from_list(cls, genes: GeneList) -> "GeneIndex":
        """Index a gene list.

        A symbol of several genes is taken for the only one of them that NCBI knows (has an Entrez id),
        else for the only protein-coding one: the others are readthroughs, pseudogenes and models that
        bear the name of the gene they resemble. An Entrez id of several genes is taken for the only one
        that has no other Entrez id, else for the only protein-coding one. What is left is ambiguous.
        """
        ids = {gene: i for i, gene in enumerate(genes.ids)}
        coding = {i for i, biotype in enumerate(genes.biotypes) if biotype == _CODING}
        of_entrez, entrez_of = _by_id(genes.entrez, ids)
        of_mgi, mgi_of = _by_id(((gene, mgi.removeprefix("MGI:")) for gene, mgi in genes.mgi), ids)
        of_symbol: dict[str, list[int]] = defaultdict(list)
        of_any_case: dict[str, list[int]] = defaultdict(list)
        for i, symbol in enumerate(genes.symbols):
            if symbol:
                of_symbol[symbol].append(i)
                of_any_case[symbol.casefold()].append(i)
        return cls(
            n_genes=len(genes),
            ids=ids,
            symbols=_decide(of_symbol, (set(entrez_of), coding)),
            symbols_any_case=_decide(of_any_case, (set(entrez_of), coding)),
            entrez=_decide(of_entrez, (_with_one(entrez_of), coding)),
            mgi=_decide(of_mgi, (_with_one(mgi_of), coding)),
            prefix=ensembl_prefix(genes.ids),
        )

    def locate(self, name: str) -> tuple[int, str]:
        """Position of one row's gene (or `LOST`, `AMBIGUOUS`), and the kind of id that told it."""
        at = self.ids.get(name)
        if at is not None:
            return at, ID
        if "ENS" in name:
            stem, _, version = name.partition(".")
            at = self.ids.get(stem) if version.isdigit() else None
            if at is not None:
                return at, VERSIONED
            found = _ENSEMBL.search(name)
            at = self.ids.get(found[1]) if found else None
            if at is not None:
                return at, JOINED
        at = self.symbols.get(name)
        if at is not None:
            return at, SYMBOL
        digits = _ENTREZ.fullmatch(name) if name[-1:].isdigit() else None
        if digits:
            return self.entrez.get(digits[1], LOST), ENTREZ
        if name.startswith("MGI:"):
            return self.mgi.get(name.removeprefix("MGI:MGI:").removeprefix("MGI:"), LOST), MGI
        at = self.symbols_any_case.get(name.casefold())
        if at is not None:
            return at, SYMBOL_ANY_CASE
        at = self.ids.get(_VERSION.sub("", name)) if "." in name else None
        if at is not None:
            return at, VERSIONED
        if _JOINT.search(name):
            genes = {self.locate(part)[0] for part in _JOINT.split(name)} - {LOST}
            if genes:
                return genes.pop() if len(genes) == 1 else AMBIGUOUS, JOINED
        return LOST, ""


def map_counts(
    table: CountTable, index: GeneIndex, settings: MappingSettings | None = None
) -> MappedCounts:
    """Put a count table on the gene axis; rows of one gene are summed.

    Raises
    ------
    Refusal
        `ids_lost`: no row is on the axis, or more than `max_lost_share` of the counts is not.
    """
    located = [index.locate(name) for name in table.ids]
    at = np.array([position for position, _ in located], dtype=np.int64)
    kept = at >= 0
    counts = np.zeros((len(table.samples), index.n_genes))
    for row, out in zip(table.counts, counts, strict=True):
        out[:] = np.bincount(at[kept], weights=row[kept], minlength=index.n_genes)
    record = _make_record(table, at, [kind for _, kind in located])
    _check_lost(record, table.ids, index, settings or MappingSettings())
    return MappedCounts(table.samples, counts, record)


def _by_id(
    pairs: Iterable[tuple[str, str]], ids: Mapping[str, int]
) -> tuple[dict[str, list[int]], dict[int, set[str]]]:
    """Genes of each other id, and other ids of each gene."""
    genes_of: dict[str, list[int]] = defaultdict(list)
    others_of: dict[int, set[str]] = defaultdict(set)
    for gene, other in pairs:
        if ids[gene] not in genes_of[other]:
            genes_of[other].append(ids[gene])
            others_of[ids[gene]].add(other)
    return genes_of, others_of


def _with_one(others_of: Mapping[int, set[str]]) -> set[int]:
    """Genes with a single other id."""
    return {gene for gene, others in others_of.items() if len(others) == 1}


def _decide(candidates: Mapping[str, list[int]], better: Iterable[set[int]]) -> dict[str, int]:
    """The one gene of each name: the only candidate, or the only one in the first set that has just one."""
    decided = {}
    for name, genes in candidates.items():
        decided[name] = genes[0] if len(genes) == 1 else AMBIGUOUS
        if len(genes) > 1:
            for group in better:
                inside = [gene for gene in genes if gene in group]
                if len(inside) == 1:
                    decided[name] = inside[0]
                    break
    return decided


def _make_record(table: CountTable, at: npt.NDArray[np.int64], kinds: list[str]) -> MappingRecord:
    by_row = table.counts.sum(axis=0)
    total = float(by_row.sum())

    def share(rows: npt.NDArray[np.bool_]) -> float:
        return float(by_row[rows].sum()) / total if total else 0.0

    n = Counter(kind for kind, position in zip(kinds, at, strict=True) if position >= 0)
    off = sorted(np.flatnonzero(at < 0), key=lambda i: (-by_row[i], table.ids[i]))
    return MappingRecord(
        id_kind=max(KINDS, key=lambda kind: n[kind]) if n else _kind_of_lost(table.ids),
        kinds={kind: n[kind] for kind in KINDS if n[kind]},
        rows_mapped=int((at >= 0).sum()),
        rows_ambiguous=int((at == AMBIGUOUS).sum()),
        rows_lost=int((at == LOST).sum()),
        counts_mapped=share(at >= 0),
        counts_ambiguous=share(at == AMBIGUOUS),
        counts_lost=share(at == LOST),
        lost_examples=tuple(table.ids[i] for i in off[:5]),
    )


def _kind_of_lost(ids: list[str]) -> str:
    """What most ids look like where none is on the axis."""
    n = Counter(
        "ensembl" if _ENSEMBL.search(name) else ENTREZ if _ENTREZ.fullmatch(name) else "unknown"
        for name in ids
    )
    return n.most_common(1)[0][0]


def _check_lost(
    record: MappingRecord, ids: list[str], index: GeneIndex, settings: MappingSettings
) -> None:
    n_lost = record.rows_lost + record.rows_ambiguous
    share = record.counts_lost + record.counts_ambiguous
    other_case = record.kinds.get(SYMBOL_ANY_CASE, 0) > record.rows_mapped / 2
    if record.rows_mapped and share <= settings.max_lost_share:
        if not other_case or n_lost <= settings.max_lost_rows_any_case * len(ids):
            return
        hint = (
            "and most symbols fit only when case is ignored: are the samples of another organism? If "
            "not, raise max_lost_rows_any_case"
        )
    else:
        found = Counter(f[1] for name in ids if (f := re.search(r"(ENS[A-Z]*G)\d{11}", name)))
        other = found.most_common(1)[0][0] if found else index.prefix
        hint = (
            f"are the samples of another organism ({other}… on an axis of {index.prefix}…)?"
            if other != index.prefix
            else "give ids of the gene list's organism and release, or raise max_lost_share"
        )
    raise Refusal(
        "ids_lost",
        f"{share:.1%} of the counts, in {n_lost} of {len(ids)} rows, stand under ids that are not on the "
        f"gene axis (kind {record.id_kind}; such as {', '.join(map(repr, record.lost_examples))}); {hint}",
    )
