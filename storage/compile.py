"""Compiling a generation: from parts to whole shards, labels and a manifest, then published at once."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from zarr.abc.store import Store

from storage.concurrent import at_once, map_concurrently
from storage.errors import StoreError
from storage.files import Files
from storage.generation import (
    BUILDING,
    FOLDER,
    Current,
    Standing,
    clear_builds,
    manifest_key,
    next_generation,
    read_manifest,
    read_standing,
    write_current,
)
from storage.genes import GeneList
from storage.hashing import hash_json
from storage.labels import create_skeleton, write_all_labels
from storage.layout import Layout
from storage.lease import Lease
from storage.parts import Part, read_part_header
from storage.publish_sharded import complete_store
from storage.schema import (
    CONTRASTS_STORE,
    SCHEMA_VERSION,
    STATISTICS,
    STUDIES_GROUP,
    STUDY_STATISTICS,
)
from storage.shards import Row, ShardReceipt, ShardTask, make_shard_tasks


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyEntry:
    """One study of the plan: its part, or, without one, its values of `STUDY_COLUMNS` and its samples."""

    study: str
    part: str | None = None
    columns: dict[str, Any] = field(default_factory=dict)
    samples: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True, slots=True)
class Build:
    """A generation about to be written: its tables in row order, and the tasks that write its shards."""

    generation: str
    inputs: str
    building: str
    genes: GeneList
    contrasts: list[dict[str, Any]]
    studies: list[dict[str, Any]]
    samples: list[dict[str, Any]]
    attributes: dict[str, Any]
    parts: dict[str, dict[str, str]]
    layout: Layout
    tasks: list[ShardTask]
    standing: Standing

    @property
    def store(self) -> str:
        """Name of the store."""
        return CONTRASTS_STORE

    @property
    def gene_list_sha256(self) -> str:
        """Hash of its gene axis."""
        return self.genes.sha256


def plan_build(
    disk: Files,
    genes: GeneList,
    entries: Iterable[StudyEntry],
    attributes: dict[str, Any],
    *,
    layout: Layout | None = None,
    rebuild: bool = False,
) -> Build | None:
    """What the next generation is made of; None where the current one already is just that.

    Rows are sorted by study and contrast id. `attributes` are the store's own (resolved settings,
    versions) and count as input.
    """
    layout = layout or Layout()
    entries = sorted(entries, key=lambda entry: entry.study)
    analysed = [(e.study, e.part) for e in entries if e.part is not None]
    found, standing = at_once(
        lambda: map_concurrently(lambda item: read_part_header(disk, *item), analysed),
        lambda: read_standing(disk),
    )
    headers = {study: header for (study, _), header in zip(analysed, found, strict=True)}
    inputs = _hash_inputs(genes, entries, headers, attributes, layout)
    current = standing.current
    if current is not None and current.generation not in standing.generations:
        # It lost its contrasts: what is not there is made again.
        current = None
    if current is not None and current.inputs == inputs and not rebuild:
        return None
    generation = next_generation(standing.generations, inputs)
    contrasts, contrast_rows, study_rows = [], [], []
    for entry in entries:
        if entry.part is None:
            study_rows.append(Row(entry.study))
            continue
        part, digest = headers[entry.study]
        study_rows.append(Row(entry.study, entry.part, digest))
        for index in sorted(
            range(len(part.contrasts)), key=lambda i: str(part.contrasts[i]["contrast"])
        ):
            contrasts.append(part.contrasts[index])
            contrast_rows.append(Row(entry.study, entry.part, digest, index))
    building = f"{BUILDING}{generation}"
    linkable = _linkable(disk, current)
    tasks: list[ShardTask] = []
    for group, variables, rows in (
        ("", STATISTICS, contrast_rows),
        (STUDIES_GROUP, STUDY_STATISTICS, study_rows),
    ):
        tasks += make_shard_tasks(
            "dea",
            building,
            CONTRASTS_STORE,
            group,
            variables,
            rows,
            (len(genes),),
            genes.sha256,
            layout,
            linkable,
        )
    return Build(
        generation=generation,
        inputs=inputs,
        building=building,
        genes=genes,
        contrasts=contrasts,
        studies=[_study_row(entry, headers) for entry in entries],
        samples=[sample for entry in entries for sample in _samples_of(entry, headers)],
        attributes={
            "title": "dexome compendium of differential expression",
            "schema_version": SCHEMA_VERSION,
            "gene_list_sha256": genes.sha256,
            **attributes,
        },
        parts={s: {"key": part.key, "sha256": digest} for s, (part, digest) in headers.items()},
        layout=layout,
        tasks=tasks,
        standing=standing,
    )


def adopt_generation(disk: Files, build: Build, lease: Lease) -> Current | None:
    """Make current a complete generation of a build's inputs that a killed run left; None if none is."""
    standing, inputs = build.standing, build.inputs
    for name in reversed(standing.generations):
        if standing.current is not None and name <= standing.current.generation:
            return None
        manifest = disk.read(manifest_key(name))
        if manifest is not None and read_manifest(disk, name).inputs == inputs:
            clear_builds(disk, FOLDER, None, standing.folders)
            return write_current(disk, name, inputs, manifest, standing.current_bytes, lease)
    return None


def begin_build(disk: Files, build: Build) -> None:
    """Clear away other builds; what a killed run of this one left complete stays."""
    clear_builds(disk, FOLDER, build.building, build.standing.folders)


def publish_build(
    disk: Files, build: Build, receipts: Iterable[ShardReceipt], lease: Lease
) -> Current:
    """Write labels, metadata and manifest of a build whose shards all stand; make it the newest.

    Raises
    ------
    StoreError
        A shard of the build has no receipt.
    LockedError
        The lease was lost: nothing was published.
    """
    manifest = complete_store(
        disk,
        build,
        receipts,
        build.generation,
        cure="dexome compile",
        write=partial(_write_all, build),
    ).encode()
    key = manifest_key(build.building.removeprefix(f"{FOLDER}/"))
    at_once(lambda: disk.put(key, manifest), lease.check)
    final = f"{FOLDER}/{build.generation}"
    if build.generation in build.standing.folders:
        # One that lost its contrasts, or that a killed run began to publish in a bucket.
        disk.delete(final)
    disk.publish(build.building, final)
    before = build.standing.current_bytes
    return write_current(disk, build.generation, build.inputs, manifest, before, lease)


def _write_all(build: Build, store: Store) -> None:
    """All of a store but its shards."""
    shapes = {
        "": (len(build.contrasts), len(build.genes)),
        STUDIES_GROUP: (len(build.studies), len(build.genes)),
    }
    create_skeleton(store, shapes, build.attributes, build.layout)
    write_all_labels(store, build.genes, build.contrasts, build.studies, build.samples)


def _hash_inputs(
    genes: GeneList,
    entries: Sequence[StudyEntry],
    headers: dict[str, tuple[Part, str]],
    attributes: dict[str, Any],
    layout: Layout,
) -> str:
    content = {
        "schema": SCHEMA_VERSION,
        "genes": [genes.sha256, genes.symbols, genes.biotypes],
        "layout": asdict(layout),
        "attributes": attributes,
        "studies": [
            [e.study, headers[e.study][1]]
            if e.part is not None
            else [e.study, e.columns, e.samples]
            for e in entries
        ],
    }
    return hash_json(content)


def _study_row(entry: StudyEntry, headers: dict[str, tuple[Part, str]]) -> dict[str, Any]:
    columns = headers[entry.study][0].columns if entry.part is not None else entry.columns
    return {"study": entry.study, "part": entry.part or "", **columns}


def _samples_of(entry: StudyEntry, headers: dict[str, tuple[Part, str]]) -> list[dict[str, Any]]:
    samples = headers[entry.study][0].samples if entry.part is not None else entry.samples
    return [{"study": entry.study, **sample} for sample in samples]


def _linkable(disk: Files, current: Current | None) -> dict[str, tuple[str, str]]:
    """Shards of the current generation by signature: their path in the workspace and SHA-256."""
    if current is None:
        return {}
    try:
        manifest = read_manifest(disk, current.generation, current.manifest_sha256)
    except StoreError:
        return {}
    return manifest.linkable(current.generation)
