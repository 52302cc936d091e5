"""Compiling the halves of a part of a split: from parts to one more store beside the contrasts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import zarr
from zarr.abc.store import Store

from storage.concurrent import map_concurrently
from storage.files import Files
from storage.generation import BUILDING, is_published, read_manifest
from storage.halves_parts import HalvesPart, read_halves_header
from storage.halves_schema import (
    FAILED,
    HALF,
    HALVES,
    HALVES_LABELS,
    HALVES_STATISTICS,
    KIND,
    KINDS,
)
from storage.hashing import hash_json
from storage.labels import coordinates
from storage.layout import Layout, create_matrix, write_labels
from storage.lease import Lease
from storage.publish_sharded import publish_sharded
from storage.schema import CONTRAST, GENE, SCHEMA_VERSION, STUDY, Variable
from storage.shards import Row, ShardReceipt, ShardTask, make_shard_tasks

# One shard is one chunk high: a worker holds a row of it of every variable, both kinds and halves.
LAYOUT = Layout(chunk_rows=128, chunk_columns=1024, shard_rows=128)


@dataclass(frozen=True, kw_only=True, slots=True)
class HalvesBuild:
    """A halves store about to be written: labels, and the tasks that write its shards."""

    generation: str
    store: str
    inputs: str
    building: str
    gene_list_sha256: str
    contrasts: list[tuple[str, str]]
    genes: list[str]
    labels: dict[str, np.ndarray]
    attributes: dict[str, Any]
    parts: dict[str, dict[str, str]]
    layout: Layout
    tasks: list[ShardTask]

    @property
    def inner(self) -> tuple[int, ...]:
        """Shape of one row of the large arrays."""
        return len(KINDS), len(HALVES), len(self.genes)


def halves_store(split: str, part: str) -> str:
    """Name of the store of the halves of one part of a split store."""
    return f"halves-{part}-{split.removeprefix('split-')}"


def plan_halves(
    disk: Files,
    generation: str,
    store: str,
    contrasts: Sequence[tuple[str, str]],
    genes: Sequence[str],
    parts: Mapping[str, str],
    failed: Mapping[str, str],
    attributes: Mapping[str, Any],
    *,
    layout: Layout = LAYOUT,
    rebuild: bool = False,
) -> HalvesBuild | None:
    """What a halves store is made of; None where it already is just that.

    Parameters
    ----------
    contrasts
        Id and study of each contrast of the part, in the generation's order.
    parts, failed
        Key of each study's halves; the message of each study that has none.
    """
    found = map_concurrently(lambda item: read_halves_header(disk, *item), parts.items())
    headers = dict(zip(parts, found, strict=True))
    content = {
        "schema": SCHEMA_VERSION,
        "layout": asdict(layout),
        "attributes": attributes,
        "contrasts": contrasts,
        "parts": {study: digest for study, (_, digest) in headers.items()},
        "failed": failed,
    }
    inputs = hash_json(content)
    if not rebuild and is_published(disk, generation, store, inputs):
        return None
    rows = [
        Row(study, parts[study], headers[study][1], headers[study][0].contrasts.index(contrast))
        if study in parts
        else Row(study)
        for contrast, study in contrasts
    ]
    building = f"{BUILDING}{generation}-{store.removesuffix('.zarr')}"
    gene_list_sha256 = read_manifest(disk, generation).gene_list_sha256
    inner = (len(KINDS), len(HALVES), len(genes))
    return HalvesBuild(
        generation=generation,
        store=store,
        inputs=inputs,
        building=building,
        gene_list_sha256=gene_list_sha256,
        contrasts=list(contrasts),
        genes=list(genes),
        labels=_labels(rows, headers, failed),
        attributes={
            "title": "dexome halves of held-out contrasts",
            "schema_version": SCHEMA_VERSION,
            "gene_list_sha256": gene_list_sha256,
            "generation": generation,
            **attributes,
        },
        parts={s: {"key": parts[s], "sha256": digest} for s, (_, digest) in headers.items()},
        layout=layout,
        tasks=make_shard_tasks(
            "halves",
            building,
            store,
            "",
            HALVES_STATISTICS,
            rows,
            inner,
            gene_list_sha256,
            layout,
            {},
        ),
    )


def publish_halves(
    disk: Files, build: HalvesBuild, receipts: Iterable[ShardReceipt], lease: Lease
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
        cure="dexome halves",
        write=lambda store: _write_all(store, build),
    )


def _labels(
    rows: Sequence[Row],
    headers: Mapping[str, tuple[HalvesPart, str]],
    failed: Mapping[str, str],
) -> dict[str, np.ndarray]:
    """(contrast, kind) arrays of `HALVES_LABELS`."""
    found: dict[str, np.ndarray] = {}
    for variable in HALVES_LABELS:
        values = np.full((len(rows), len(KINDS)), "", dtype=object)
        for i, row in enumerate(rows):
            told = {"status": FAILED, "reason": FAILED, "message": failed.get(row.study, "")}
            values[i] = (
                told[variable.name]
                if row.part is None
                else headers[row.study][0].labels[variable.name][row.index]
            )
        found[variable.name] = values
    return found


def _write_all(store: Store, build: HalvesBuild) -> None:
    zarr.create_group(store)
    for variable in HALVES_STATISTICS:
        shape = (len(build.contrasts), *build.inner)
        create_matrix(store, variable.name, variable, shape, build.layout)
    of_contrast = Variable(STUDY, (CONTRAST,), "string", "1", "study of the contrast")
    ids, studies = [c for c, _ in build.contrasts], [s for _, s in build.contrasts]
    for name, long_name, values in (
        (CONTRAST, "STUDY:test_vs_reference, as in contrasts.zarr", ids),
        (KIND, "what tells the halves apart: other samples, or other reads", list(KINDS)),
        (HALF, "half", list(HALVES)),
        (GENE, "Ensembl gene id without version", build.genes),
    ):
        write_labels(store, name, Variable(name, (name,), "string", "1", long_name), values)
    write_labels(store, STUDY, of_contrast, studies)
    for variable in HALVES_LABELS:
        write_labels(store, variable.name, variable, build.labels[variable.name])
    published_at = datetime.now(UTC).isoformat(timespec="seconds")
    zarr.open_group(store, mode="r+").attrs.update(
        {**build.attributes, "published_at": published_at, **coordinates((of_contrast,))}
    )
