"""Publishing latent codes of a generation: one more small store beside its contrasts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import zarr
from zarr.abc.store import Store

from storage.files import Files
from storage.generation import BUILDING, publish_beside, read_manifest
from storage.inventory import make_manifest
from storage.labels import coordinates
from storage.layout import write_labels
from storage.lease import Lease
from storage.schema import CONTRAST, SCHEMA_VERSION, STUDY, Variable
from storage.zarr_store import stage_store

LATENT = "latent"
CODES = Variable("code", (CONTRAST, LATENT), "float32", "1", "latent code of the contrast")


@dataclass(frozen=True, kw_only=True, slots=True)
class LatentContent:
    """What a store of latent codes holds.

    `codes` is (contrast, latent); `model_generation` is what the model was trained on, `checkpoint` which of
    its checkpoints coded; `inputs` is a hash of all that the codes are made of.
    """

    model: str
    checkpoint: str
    generation: str
    model_generation: str
    contrasts: Sequence[str]
    studies: Sequence[str]
    codes: np.ndarray
    inputs: str


def latent_store(model: str) -> str:
    """Name of the store of a model's codes."""
    return f"latent-{model}.zarr"


def publish_latent(disk: Files, content: LatentContent, lease: Lease) -> str:
    """Write the store under a temporary name and put it beside its contrasts; returns its key on disk.

    Raises
    ------
    LockedError
        The lease was lost: nothing was published.
    """
    store = latent_store(content.model)
    building = f"{BUILDING}{content.generation}-{store.removesuffix('.zarr')}"
    gene_list_sha256 = read_manifest(disk, content.generation).gene_list_sha256
    disk.delete(building)
    told: dict[str, str | int] = {
        "schema_version": SCHEMA_VERSION,
        "gene_list_sha256": gene_list_sha256,
        "generation": content.generation,
        "model": content.model,
        "model_generation": content.model_generation,
        "checkpoint": content.checkpoint,
    }
    staged = stage_store(
        disk, f"{building}/{store}", lambda staging: _write(staging, content, told)
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


def _write(staging: Store, content: LatentContent, told: dict[str, str | int]) -> None:
    zarr.create_group(staging)
    for name, long_name, values in (
        (CONTRAST, "STUDY:test_vs_reference, as in contrasts.zarr", content.contrasts),
        (STUDY, "study of the contrast", content.studies),
    ):
        write_labels(staging, name, Variable(name, (CONTRAST,), "string", "1", long_name), values)
    write_labels(staging, CODES.name, CODES, content.codes.astype(np.float32))
    zarr.open_group(staging, mode="r+").attrs.update(
        {
            "title": "dexome latent codes of a compendium",
            **told,
            "published_at": datetime.now(UTC).isoformat(timespec="microseconds"),
            **coordinates((Variable(STUDY, (CONTRAST,), "string", "1", ""),)),
        }
    )
