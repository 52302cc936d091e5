"""Publishing the split of a generation: one more small store beside its contrasts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import zarr
from zarr.abc.store import Store

from storage.files import Files
from storage.generation import (
    BUILDING,
    publish_beside,
    read_manifest,
)
from storage.inventory import make_manifest
from storage.labels import coordinates
from storage.layout import write_labels
from storage.lease import Lease
from storage.schema import CONTRAST, GENE, SCHEMA_VERSION, STUDY, Variable
from storage.split_schema import SPLIT_CONTRASTS, SPLIT_GENES
from storage.zarr_store import stage_store


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitContent:
    """What a split store holds: labels, an array for each variable of the schema, and attributes."""

    generation: str
    contrasts: Sequence[str]
    studies: Sequence[str]
    genes: Sequence[str]
    arrays: Mapping[str, np.ndarray]
    attributes: Mapping[str, Any]
    inputs: str


def split_store(key: str) -> str:
    """Name of the store of the split with this key."""
    return f"split-{key}.zarr"


def publish_split(disk: Files, store: str, content: SplitContent, lease: Lease) -> str:
    """Write a split store under a temporary name and put it beside its contrasts; returns its key on disk.

    Raises
    ------
    LockedError
        The lease was lost: nothing was published.
    """
    building = f"{BUILDING}{content.generation}-{store.removesuffix('.zarr')}"
    disk.delete(building)
    gene_list_sha256 = read_manifest(disk, content.generation).gene_list_sha256
    staged = stage_store(
        disk,
        f"{building}/{store}",
        lambda staging: _write(staging, content, gene_list_sha256),
    )
    manifest = make_manifest(
        store,
        staged,
        (),
        {},
        gene_list_sha256=gene_list_sha256,
        inputs=content.inputs,
        parts={},
    )
    return publish_beside(disk, building, content.generation, manifest, lease)


def _write(staging: Store, content: SplitContent, gene_list_sha256: str) -> None:
    zarr.create_group(staging)
    for name, long_name, dim, values in (
        (CONTRAST, "STUDY:test_vs_reference, as in contrasts.zarr", CONTRAST, content.contrasts),
        (GENE, "Ensembl gene id without version", GENE, content.genes),
        (STUDY, "study of the contrast", CONTRAST, content.studies),
    ):
        write_labels(staging, name, Variable(name, (dim,), "string", "1", long_name), values)
    for variable in (*SPLIT_CONTRASTS, *SPLIT_GENES):
        write_labels(staging, variable.name, variable, content.arrays[variable.name])
    told = {
        k: v if isinstance(v, str | int | float) else json.dumps(v, sort_keys=True)
        for k, v in content.attributes.items()
    }
    zarr.open_group(staging, mode="r+").attrs.update(
        {
            "title": "dexome split of a compendium",
            "schema_version": SCHEMA_VERSION,
            "gene_list_sha256": gene_list_sha256,
            "generation": content.generation,
            **told,
            "published_at": datetime.now(UTC).isoformat(timespec="microseconds"),
            **coordinates((Variable(STUDY, (CONTRAST,), "string", "1", ""),)),
        }
    )
