"""Writing a training copy: one task a chunk of rows, verified, resumable, then published at once."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import zarr
from zarr.abc.store import Store

from storage.errors import InputError, StoreError
from storage.files import Files
from storage.generation import clear_builds
from storage.layout import attributes_of, write_labels
from storage.lease import Lease
from storage.open import contrasts_of, open_contrasts
from storage.schema import CONTRAST, GENE, SCHEMA_VERSION, STATISTICS, Variable
from storage.training_copy import (
    CHUNK_ROWS,
    FOLDER,
    MAX_ABS,
    CopyManifest,
    copy_manifest_path,
    copy_path,
)
from storage.zarr_store import stage_store

_SOURCES = {variable.name: variable for variable in STATISTICS}


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyPlan:
    """A copy about to be written.

    `rows` and `columns` are places in the generation, ascending; `contrasts` and `genes` their ids.
    """

    key: str
    generation: str
    gene_list_sha256: str
    observed: str
    arrays: tuple[str, ...]
    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    all_genes: bool
    contrasts: tuple[str, ...]
    genes: tuple[str, ...]

    @property
    def building(self) -> str:
        """The folder in which it is built."""
        return f"{FOLDER}/.building-{self.key}"

    @property
    def n_chunks(self) -> int:
        """Chunks of rows: the tasks."""
        return -(-len(self.rows) // CHUNK_ROWS)


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyChunk:
    """One task: chunk `number` of every array. `columns` is None for all genes."""

    building: str
    generation: str
    observed: str
    arrays: tuple[str, ...]
    number: int
    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64] | None


@dataclass(frozen=True, slots=True)
class CopyReceipt:
    """Chunk files that are in their place: SHA-256 and size by name; `known`: an earlier run wrote them."""

    files: dict[str, tuple[str, int]]
    known: bool


def begin_copy(disk: Files, plan: CopyPlan) -> list[CopyChunk]:
    """The tasks that write a copy. What a killed run left complete stays."""
    clear_builds(disk, FOLDER, plan.building)
    return [
        CopyChunk(
            building=plan.building,
            generation=plan.generation,
            observed=plan.observed,
            arrays=plan.arrays,
            number=number,
            rows=plan.rows[number * CHUNK_ROWS : (number + 1) * CHUNK_ROWS],
            columns=None if plan.all_genes else plan.columns,
        )
        for number in range(plan.n_chunks)
    ]


def write_copy_chunk(disk: Files, chunk: CopyChunk) -> CopyReceipt:
    """Write one chunk file of every array, and verify what is on the disk.

    A chunk whose receipt an earlier run left, and whose files are what it says, is kept. Holds the rows of
    one chunk.

    Raises
    ------
    InputError
        A value is beyond float16.
    StoreError
        The compendium is damaged, or a file reads back otherwise than it was written.
    """
    receipt = f"{chunk.building}/receipts/{chunk.number}.json"
    if (done := _earlier(disk, chunk, receipt)) is not None:
        return CopyReceipt(done, known=True)
    files = {}
    for name, data in _read_chunk(disk, chunk):
        file = f"{name}/c/{chunk.number}/0"
        key = f"{chunk.building}/copy.zarr/{file}"
        disk.stage(key, data)
        sha256 = hashlib.sha256(data).hexdigest()
        if disk.sha256(key) != sha256:
            raise StoreError(
                f"{disk.address(key)} reads back otherwise than it was written; check the disk and run the "
                "command again"
            )
        files[file] = (sha256, len(data))
    disk.stage(receipt, json.dumps(files, sort_keys=True).encode())
    return CopyReceipt(files, known=False)


def publish_copy(disk: Files, plan: CopyPlan, receipts: Iterable[CopyReceipt], lease: Lease) -> str:
    """Write labels, metadata and manifest, and put the copy in its place; returns its key on disk.

    Raises
    ------
    StoreError
        A chunk has no receipt.
    LockedError
        The lease was lost: nothing was published.
    """
    files = {file: known for receipt in receipts for file, known in receipt.files.items()}
    wanted = {f"{name}/c/{i}/0" for name in plan.arrays for i in range(plan.n_chunks)}
    if missing := sorted(wanted - files.keys()):
        raise StoreError(f"{missing[0]} of the copy was not written; run `dexome prepare` again")
    building = f"{plan.building}/copy.zarr"
    files |= stage_store(disk, building, lambda store: _write_labels(store, plan))
    manifest = CopyManifest(
        key=plan.key,
        generation=plan.generation,
        gene_list_sha256=plan.gene_list_sha256,
        observed=plan.observed,
        arrays=plan.arrays,
        chunk_rows=CHUNK_ROWS,
        contrasts=plan.contrasts,
        genes=plan.genes,
        files=files,
    )
    final = copy_path(plan.key)
    lease.check()
    disk.delete(final)
    disk.put(copy_manifest_path(plan.key), manifest.encode())
    lease.check()
    disk.publish(building, final)
    disk.delete(plan.building)
    return final


def to_float16(
    values: npt.NDArray[np.float32],
    contrasts: Sequence[str] | np.ndarray,
    genes: Sequence[str] | np.ndarray,
    name: str,
) -> npt.NDArray[np.float16]:
    """Values (contrast, gene) as float16, every NaN the same one.

    Raises
    ------
    InputError
        A value is beyond what float16 holds; the message names its contrast and gene.
    """
    beyond = np.abs(values) > MAX_ABS
    if beyond.any():
        row, column = np.argwhere(beyond)[0]
        raise InputError(
            f"{name} of {genes[column]} in {contrasts[row]} is {values[row, column]:g}, beyond the "
            f"±{MAX_ABS:,.0f} of float16: no log2 fold change; look at the study's counts, or leave the "
            "study out of the source"
        )
    half = values.astype("<f2")
    half[np.isnan(values)] = np.float16(np.nan)
    return half


def _read_chunk(disk: Files, chunk: CopyChunk) -> Iterator[tuple[str, bytes]]:
    """Bytes of the chunk's files, array by array."""
    source = contrasts_of(open_contrasts(disk, chunk.generation))
    columns = slice(None) if chunk.columns is None else chunk.columns
    # Zarr reads a slice many times faster than the same rows one by one.
    first, stop = int(chunk.rows[0]), int(chunk.rows[-1]) + 1
    within = chunk.rows - first

    def read(name: str) -> npt.NDArray[np.float32]:
        values: npt.NDArray[np.float32] = source[name][first:stop].values
        return (values if len(values) == len(within) else values[within])[:, columns]

    for name in chunk.arrays:
        values = read(name)
        if name == "logfc" and chunk.observed == "tested":
            values = np.where(np.isnan(read("t")), np.float32(np.nan), values)
        padded = np.full((CHUNK_ROWS, values.shape[1]), np.nan, "<f2")
        contrasts, genes = source[CONTRAST].values[chunk.rows], source[GENE].values[columns]
        padded[: len(values)] = to_float16(values, contrasts, genes, name)
        yield name, padded.tobytes()


def _create_array(store: Store, name: str, plan: CopyPlan) -> None:
    """Create an array, without values."""
    shape = (len(plan.rows), len(plan.columns))
    source = _SOURCES[name]
    nan = "not tested" if plan.observed == "tested" or name == "se" else "not measured"
    long_name = f"{source.long_name.split(';')[0]}; NaN: {nan}"
    zarr.create_array(
        store,
        name=name,
        shape=shape,
        dtype="<f2",
        chunks=(CHUNK_ROWS, shape[1]),
        compressors=None,
        fill_value=float("nan"),
        dimension_names=source.dims,
        attributes=attributes_of(Variable(name, source.dims, "float16", source.unit, long_name)),
        overwrite=True,
    )


def _earlier(disk: Files, chunk: CopyChunk, receipt: str) -> dict[str, tuple[str, int]] | None:
    """Files that an earlier run wrote, if they are still what its receipt says."""
    try:
        told = json.loads(disk.read(receipt) or b"null")
        files = {str(file): (str(sha256), int(size)) for file, (sha256, size) in told.items()}
    except (ValueError, TypeError, AttributeError):
        return None
    sound = all(
        disk.sha256(f"{chunk.building}/copy.zarr/{file}") == sha256
        for file, (sha256, _) in files.items()
    )
    return files if sound and len(files) == len(chunk.arrays) else None


def _write_labels(store: Store, plan: CopyPlan) -> None:
    zarr.create_group(store)
    for array in plan.arrays:
        _create_array(store, array, plan)
    for name, long_name, values in (
        (CONTRAST, "STUDY:test_vs_reference, as in contrasts.zarr", plan.contrasts),
        (GENE, "Ensembl gene id without version", plan.genes),
    ):
        write_labels(store, name, Variable(name, (name,), "string", "1", long_name), values)
    zarr.open_group(store, mode="r+").attrs.update(
        {
            "title": "dexome training copy: raw float16 rows",
            "schema_version": SCHEMA_VERSION,
            "generation": plan.generation,
            "gene_list_sha256": plan.gene_list_sha256,
            "observed": plan.observed,
        }
    )
