"""The terms of a workspace: ontology and annotation on its gene axis, read once and kept as a file."""

import hashlib
import logging
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.config import EnrichConfig
from pipeline.enrich.annotation import EvidenceRules, Rows, make_annotation
from pipeline.enrich.annotation_files import parse_annotation
from pipeline.enrich.gene_axis import put_on_axis
from pipeline.enrich.gene_sets import GeneSets
from pipeline.enrich.lines import read_lines
from pipeline.enrich.obo import parse_obo
from pipeline.enrich.ontology import Ontology, make_flat_ontology
from pipeline.enrich.term_axis import TermAxis, make_term_axis
from pipeline.sources.genes import AMBIGUOUS, SYMBOL_ANY_CASE, GeneIndex
from pipeline.sources.species import OF_ENSEMBL
from storage.compile_enrichment import TermLabels
from storage.errors import InputError, StoreError
from storage.files import Files
from storage.genes import GeneList
from storage.hashing import hash_json
from storage.sealed import read_sealed, seal

log = logging.getLogger(__name__)

# Bump when the same files would give other terms.
TERMS_VERSION = 3
FOLDER = "terms"
_CURE = "delete it and run `dexome enrich` again"


def read_term_files(
    ontology: Path | None, annotation: Path, rules: EvidenceRules | None = None
) -> tuple[Rows, Ontology]:
    """An annotation's rows and its ontology, which only gene sets (GMT) can do without.

    Raises
    ------
    InputError
        A file can't be read or used, or the ontology is missing.
    """
    rows = parse_annotation(read_lines(annotation), annotation.name, rules)
    if ontology is not None:
        return rows, parse_obo(read_lines(ontology), ontology.name)
    if rows.set_names:
        return rows, make_flat_ontology(rows.set_names, "gene_sets")
    raise InputError(
        f"--ontology is missing (in a workspace: [enrich] ontology): {annotation.name} needs one, only "
        "GMT does not"
    )


def prepare_terms(disk: Files, genes: GeneList, config: EnrichConfig) -> tuple[str, TermAxis]:
    """The key and the term axis of a workspace; files that were read before are not read again.

    Raises
    ------
    InputError
        A file can't be used, or none of its genes is on the axis.
    """
    index = GeneIndex.from_list(genes)
    rules = config.evidence
    if not rules.taxon and index.prefix in OF_ENSEMBL:
        rules = replace(rules, taxon=OF_ENSEMBL[index.prefix].taxid)
    sources: dict[str, Any] = {
        "annotation": config.annotation.name,
        "annotation_sha256": _hash_file(config.annotation),
        "ontology": config.ontology.name if config.ontology else "",
        "ontology_sha256": _hash_file(config.ontology) if config.ontology else "",
        "relations": config.relations.value,
        "evidence": {
            k: sorted(v) if isinstance(v, frozenset) else v for k, v in asdict(rules).items()
        },
    }
    key = hash_json([TERMS_VERSION, sources, genes.sha256, genes.symbols, genes.entrez, genes.mgi])
    try:
        return key, read_terms(disk, key)
    except StoreError:
        pass
    rows, ontology = read_term_files(config.ontology, config.annotation, rules)
    placed = put_on_axis(rows, lambda name: _locate(index, genes, name))
    if not placed.rows:
        example = next(iter(rows.rows[0].names.values()))
        raise InputError(
            f"none of the genes of {config.annotation.name} is on the gene axis: {example!r} against "
            f"{genes.ids[0]!r} ({genes.symbols[0]}); is it of the same organism and kind of id?"
        )
    annotation = make_annotation(placed, ontology)
    if not annotation.genes:
        raise InputError(
            f"no term of {config.annotation.name} is in the ontology; do the two belong together?"
        )
    sources |= {
        "ontology_version": ontology.version,
        "annotation_header": dict(rows.header),
        "annotated_genes": len(annotation.genes),
        "dropped_rows": dict(annotation.dropped),
        "dropped_edges": dict(ontology.dropped),
    }
    axis = make_term_axis(annotation, ontology, config.relations, genes.ids, sources)
    _write_terms(disk, key, axis)
    for what in ("dropped_rows", "dropped_edges"):
        for reason, n in sorted(sources[what].items()):
            log.info("%s: %d %s: %s", config.annotation.name, n, what, reason)
    return key, axis


def read_terms(disk: Files, key: str) -> TermAxis:
    """The term axis with this key.

    Raises
    ------
    StoreError
        It is not there, or damaged.
    """
    header, columns, _ = read_sealed(disk, _file(key), _CURE)
    start = np.searchsorted(columns["gene"], np.arange(header["n_genes"] + 1))
    return TermAxis(
        ids=tuple(header["ids"]),
        names=tuple(header["names"]),
        domains=tuple(header["domains"]),
        sets=GeneSets(start, columns["term"], np.array(header["domain_of"], np.int8)),
        child=np.array(header["child"], np.int32),
        parent=np.array(header["parent"], np.int32),
        sources=header["sources"],
    )


@lru_cache(maxsize=1)
def load_terms(disk: Files, key: str) -> TermAxis:
    """The same, once in each worker."""
    return read_terms(disk, key)


def term_labels(axis: TermAxis) -> TermLabels:
    """The term axis as the store has it."""
    return TermLabels(
        ids=axis.ids,
        names=axis.names,
        domain_of_term=[axis.domains[d] for d in axis.sets.domain_of],
        n_genes=axis.n_genes_of_term.tolist(),
        domains=axis.domains,
        axis_sha256=axis.sha256,
    )


def _write_terms(disk: Files, key: str, axis: TermAxis) -> None:
    header = {
        "ids": axis.ids,
        "names": axis.names,
        "domains": axis.domains,
        "domain_of": axis.sets.domain_of.tolist(),
        "child": axis.child.tolist(),
        "parent": axis.parent.tolist(),
        "n_genes": axis.sets.n_genes,
        "sources": axis.sources,
    }
    gene = np.repeat(np.arange(axis.sets.n_genes, dtype=np.int32), np.diff(axis.sets.start))
    disk.put(_file(key), seal(header, {"gene": gene, "term": axis.sets.terms}))


def _file(key: str) -> str:
    return f"{FOLDER}/{key}.terms"


def _locate(index: GeneIndex, genes: GeneList, name: str) -> tuple[str | None, bool]:
    at, kind = index.locate(name)
    if at == AMBIGUOUS:
        return "", True
    return (genes.ids[at] if at >= 0 else None), kind != SYMBOL_ANY_CASE


def _hash_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(
            f"{path} can't be read: {error.strerror}; see [enrich] in dexome.toml"
        ) from error
