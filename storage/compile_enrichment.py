"""Compiling the enrichment of a published generation: from parts to one more store beside its contrasts."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import zarr
from zarr.abc.store import Store

from storage.concurrent import map_concurrently
from storage.enrichment_parts import EnrichmentPart, read_enrichment_header
from storage.enrichment_schema import (
    CONTRAST_NUMBERS,
    CONTRAST_TERM_STATISTICS,
    DIRECTION,
    DIRECTIONS,
    DOMAIN,
    TERM,
    TERM_COLUMNS,
    TERM_STATISTICS,
    TESTABLE,
)
from storage.errors import StoreError
from storage.files import Files
from storage.generation import (
    BUILDING,
    is_published,
    list_enrichments,
    list_generations,
    read_manifest,
)
from storage.hashing import hash_json
from storage.labels import coordinates
from storage.layout import Layout, create_matrix, write_labels
from storage.lease import Lease
from storage.publish_sharded import publish_sharded
from storage.schema import CONTRAST, SCHEMA_VERSION, STUDY, Variable
from storage.shards import Row, ShardReceipt, ShardTask, make_shard_tasks

# One shard is one chunk high: a worker holds a row of it of every variable.
LAYOUT = Layout(chunk_rows=128, chunk_columns=1024, shard_rows=128)


@dataclass(frozen=True, kw_only=True, slots=True)
class TermLabels:
    """The term axis as the store has it: labels (term,), names of the domains, and its hash."""

    ids: Sequence[str]
    names: Sequence[str]
    domain_of_term: Sequence[str]
    n_genes: Sequence[int]
    domains: Sequence[str]
    axis_sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class EnrichmentBuild:
    """An enrichment store about to be written: labels, and the tasks that write its shards."""

    generation: str
    store: str
    inputs: str
    building: str
    gene_list_sha256: str
    contrasts: list[tuple[str, str]]
    numbers: dict[str, np.ndarray]
    terms: TermLabels
    attributes: dict[str, Any]
    array_attributes: dict[str, dict[str, Any]]
    parts: dict[str, dict[str, str]]
    layout: Layout
    tasks: list[ShardTask]


def enrichment_store(key: str) -> str:
    """Name of the store of the enrichment with this key."""
    return f"enrichment-{key}.zarr"


def plan_enrichment(
    disk: Files,
    generation: str,
    store: str,
    contrasts: Sequence[tuple[str, str]],
    parts: Mapping[str, str],
    terms: TermLabels,
    attributes: Mapping[str, Any],
    array_attributes: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    layout: Layout = LAYOUT,
    rebuild: bool = False,
) -> EnrichmentBuild | None:
    """What the enrichment store of a generation is made of; None where it already is just that.

    Parameters
    ----------
    contrasts
        Id and study of each contrast, in the generation's order.
    parts
        Key of each study's enrichment; the rows of a study without one say "not testable".
    attributes, array_attributes
        What the store says of itself, and each of its arrays beside the schema's words.
    """
    found = map_concurrently(lambda item: read_enrichment_header(disk, *item), parts.items())
    headers = dict(zip(parts, found, strict=True))
    content = {
        "schema": SCHEMA_VERSION,
        "layout": asdict(layout),
        "terms": [terms.axis_sha256, list(terms.names)],
        # A file's name may change; its hash is there too.
        "attributes": {k: v for k, v in attributes.items() if k not in ("annotation", "ontology")},
        "contrasts": contrasts,
        "parts": {study: digest for study, (_, digest) in headers.items()},
    }
    inputs = hash_json(content)
    if not rebuild and is_published(disk, generation, store, inputs):
        return None
    rows = [_row(study, contrast, parts, headers) for contrast, study in contrasts]
    building = f"{BUILDING}{generation}-{store.removesuffix('.zarr')}"
    linkable = _linkable(disk, store)
    tasks: list[ShardTask] = []
    for variables, inner in _matrices(len(terms.ids)):
        tasks += make_shard_tasks(
            "go", building, store, "", variables, rows, inner, terms.axis_sha256, layout, linkable
        )
    manifest = read_manifest(disk, generation)
    return EnrichmentBuild(
        generation=generation,
        store=store,
        inputs=inputs,
        building=building,
        gene_list_sha256=manifest.gene_list_sha256,
        contrasts=list(contrasts),
        numbers=_numbers(rows, headers, len(terms.domains)),
        terms=terms,
        attributes={
            "title": "dexome enrichment of terms",
            "schema_version": SCHEMA_VERSION,
            "gene_list_sha256": manifest.gene_list_sha256,
            "generation": generation,
            **attributes,
        },
        array_attributes={k: dict(v) for k, v in (array_attributes or {}).items()},
        parts={s: {"key": parts[s], "sha256": digest} for s, (_, digest) in headers.items()},
        layout=layout,
        tasks=tasks,
    )


def publish_enrichment(
    disk: Files, build: EnrichmentBuild, receipts: Iterable[ShardReceipt], lease: Lease
) -> str:
    """Write labels, metadata and manifest, and put the store beside its contrasts; returns its key on disk.

    Raises
    ------
    StoreError
        A shard of the build has no receipt.
    LockedError
        The lease was lost: nothing was published.
    """
    return publish_sharded(
        disk,
        build,
        receipts,
        lease,
        cure="dexome enrich",
        write=lambda store: _write_all(store, build),
    )


def _row(
    study: str,
    contrast: str,
    parts: Mapping[str, str],
    headers: Mapping[str, tuple[EnrichmentPart, str]],
) -> Row:
    if study not in headers:
        return Row(study)
    part, digest = headers[study]
    return Row(study, parts[study], digest, part.contrasts.index(contrast))


def _numbers(
    rows: Sequence[Row], headers: Mapping[str, tuple[EnrichmentPart, str]], n_domains: int
) -> dict[str, np.ndarray]:
    """Arrays of `CONTRAST_NUMBERS`, in the order of the rows."""
    missing = {"n_candidates": -1, "n_background": -1, "testable": max(TESTABLE)}
    sizes = {DIRECTION: len(DIRECTIONS), DOMAIN: n_domains}
    found: dict[str, np.ndarray] = {}
    for variable in CONTRAST_NUMBERS:
        shape = (len(rows), *(sizes[dim] for dim in variable.dims[1:]))
        values = np.full(shape, missing[variable.name], variable.dtype)
        for i, row in enumerate(rows):
            if row.part is not None:
                values[i] = headers[row.study][0].numbers[variable.name][row.index]
        found[variable.name] = values
    return found


def _linkable(disk: Files, store: str) -> dict[str, tuple[str, str]]:
    """Shards of the same store of any generation, by signature, newest generation last."""
    found: dict[str, tuple[str, str]] = {}
    for generation in list_generations(disk):
        if store in list_enrichments(disk, generation):
            try:
                found |= read_manifest(disk, generation, store=store).linkable(generation)
            except StoreError:
                continue
    return found


def _matrices(n_terms: int) -> list[tuple[tuple[Variable, ...], tuple[int, ...]]]:
    """The store's large arrays, and the shape of one row of them."""
    return [
        (TERM_STATISTICS, (len(DIRECTIONS), n_terms)),
        (CONTRAST_TERM_STATISTICS, (n_terms,)),
    ]


def _write_all(store: Store, build: EnrichmentBuild) -> None:
    zarr.create_group(store)
    for variables, inner in _matrices(len(build.terms.ids)):
        for variable in variables:
            shape = (len(build.contrasts), *inner)
            create_matrix(store, variable.name, variable, shape, build.layout)
    terms = build.terms
    for name, long_name, values in (
        (
            CONTRAST,
            "STUDY:test_vs_reference, as in contrasts.zarr",
            [c for c, _ in build.contrasts],
        ),
        (DIRECTION, "direction of change of the candidates", list(DIRECTIONS)),
        (TERM, "term id", list(terms.ids)),
        (DOMAIN, "namespace of terms", list(terms.domains)),
    ):
        write_labels(store, name, Variable(name, (name,), "string", "1", long_name), values)
    of_contrast = Variable(STUDY, (CONTRAST,), "string", "1", "study of the contrast")
    write_labels(store, STUDY, of_contrast, [study for _, study in build.contrasts])
    known = {"name": terms.names, "domain_of_term": terms.domain_of_term, "n_genes": terms.n_genes}
    for variable in TERM_COLUMNS:
        write_labels(store, variable.name, variable, known[variable.name])
    for variable in CONTRAST_NUMBERS:
        write_labels(store, variable.name, variable, build.numbers[variable.name])
    group = zarr.open_group(store, mode="r+")
    group["testable"].attrs.update(
        {"flag_values": list(TESTABLE), "flag_meanings": " ".join(TESTABLE.values())}
    )
    for name, attributes in build.array_attributes.items():
        group[name].attrs.update(attributes)
    published_at = datetime.now(UTC).isoformat(timespec="seconds")
    # What was read from a file comes in another order than what was just made, and dictionaries within too.
    told = {
        k: v if isinstance(v, str | int) else json.dumps(v, sort_keys=True)
        for k, v in sorted(build.attributes.items())
    }
    group.attrs.update(
        {**told, "published_at": published_at, **coordinates((of_contrast, *TERM_COLUMNS))}
    )
