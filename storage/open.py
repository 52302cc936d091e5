"""Opening a compendium: one generation, resolved once, in which damage is an error and never a number."""

from collections.abc import Hashable
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from xarray.backends import BackendArray
from xarray.core import indexing
from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype

from storage.bucket import open_files
from storage.errors import InputError, StoreError
from storage.files import Files
from storage.generation import (
    FOLDER,
    Manifest,
    list_enrichments,
    list_halves,
    list_latents,
    list_splits,
    read_current,
    read_manifest,
)
from storage.schema import (
    CONTRAST,
    CONTRASTS_STORE,
    GENE,
    SAMPLES_GROUP,
    SCHEMA_VERSION,
    STUDIES_GROUP,
)
from storage.zarr_store import FileStore

_CURE = "run `dexome doctor` to see what is damaged and how to mend it"


class CheckedStore(FileStore):
    """A read-only store in which an absent chunk is an error: every chunk of ours was written."""

    async def get(
        self,
        key: str,
        prototype: BufferPrototype,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        found = await super().get(key, prototype, byte_range)
        if "c" in key.split("/")[:-1]:
            if found is None:
                raise StoreError(f"{self.disk.address(self.key(key))} is missing; {_CURE}")
            if not len(found):
                # Zarr takes a shard of no bytes for one without chunks.
                raise StoreError(
                    f"{self.disk.address(self.key(key))} is damaged (it is empty); {_CURE}"
                )
        return found


class CheckedArray(BackendArray):
    """A Zarr array for xarray whose undecodable chunks raise `StoreError` with the file's name."""

    def __init__(self, array: zarr.Array[Any], address: str) -> None:
        self._zarr = array
        self._address = address
        self.shape = array.shape
        self.dtype = array.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )

    def _read(self, key: tuple[Any, ...]) -> Any:
        try:
            return self._zarr.oindex[key]
        # What a codec raises for bytes that it cannot decode; zarr has no class of its own for them.
        except (ValueError, RuntimeError, OverflowError, MemoryError) as error:
            file = self._damaged_file(key) or f"{self._address}/{self._zarr.path}"
            raise StoreError(f"{file} is damaged ({error}); {_CURE}") from error

    def _damaged_file(self, key: tuple[Any, ...]) -> str | None:
        """The first of the files under a selection that cannot be decoded."""
        height = (self._zarr.shards or self._zarr.chunks)[0]
        rows = np.atleast_1d(np.arange(self.shape[0])[key[0]])
        for number in np.unique(rows // height):
            try:
                self._zarr.oindex[(slice(number * height, (number + 1) * height), *key[1:])]
            except (ValueError, RuntimeError, OverflowError, MemoryError):
                name = "/".join(["c", str(number), *("0" for _ in self.shape[1:])])
                return f"{self._address}/{self._zarr.path}/{name}"
        return None


def open_compendium(
    workspace: str | Path | Files, generation: str | None = None, *, beside: str = "*"
) -> xr.DataTree:
    """Open the compendium of a workspace: its newest generation, or the one named.

    A workspace is a folder, or the address of a bucket (`s3://bucket/prefix`, with credentials and, if
    need be, AWS_ENDPOINT_URL and AWS_REGION in the environment).

    The tree has the node `contrasts` with the children `studies` and `samples`, and a node for each
    enrichment, split, set of latent codes and halves, called as its store; arrays are read when they are
    indexed, without Dask. It stays on its generation whatever is published later.

    Parameters
    ----------
    beside
        Which stores beside the contrasts are opened, by a pattern of their names, such as `enrichment-*`;
        with "" none is, and damage to one of them is no hindrance.

    Raises
    ------
    InputError
        The workspace has no compendium, or no such generation.
    StoreError
        Metadata or labels are damaged; reading damaged data raises it later.
    """
    disk = open_files(workspace) if isinstance(workspace, str | Path) else workspace
    sha256 = None
    if generation is None:
        current = read_current(disk)
        if current is None:
            raise InputError(
                f"{disk.address()} has no compendium yet; run `dexome run` in it first"
            )
        generation, sha256 = current.generation, current.manifest_sha256
    folder = f"{FOLDER}/{generation}/{CONTRASTS_STORE}"
    address = disk.address(folder)
    if not disk.is_complete(folder):
        if sha256 is not None:
            raise StoreError(f"{disk.address(f'{folder}/zarr.json')} is missing; {_CURE}")
        raise InputError(
            f"{disk.address(f'{FOLDER}/{generation}')} is not there; `dexome status` lists the "
            "generations there are"
        )
    manifest = read_manifest(disk, generation, sha256)
    if manifest.schema_version != SCHEMA_VERSION:
        raise StoreError(
            f"{address} has schema version {manifest.schema_version}, this dexome reads {SCHEMA_VERSION}; "
            "run `dexome compile` to publish it again from its parts"
        )
    _check_root(disk, generation, CONTRASTS_STORE, manifest)
    tree = open_contrasts(disk, generation)
    listed = (list_enrichments, list_splits, list_latents, list_halves)
    for store in chain.from_iterable(of_kind(disk, generation) for of_kind in listed):
        if not fnmatchcase(store.removesuffix(".zarr"), beside):
            continue
        if read_manifest(disk, generation, store=store).schema_version == SCHEMA_VERSION:
            opened = open_store(disk, generation, store)
            tree[f"/{store.removesuffix('.zarr')}"] = xr.DataTree(opened)
    tree.attrs |= {"generation": generation, "address": address}
    return tree


def open_contrasts(disk: Files, generation: str) -> xr.DataTree:
    """Open the contrasts of a generation as a DataTree with the nodes contrasts, studies and samples."""
    store = CheckedStore(disk, f"{FOLDER}/{generation}/{CONTRASTS_STORE}")
    group = zarr.open_group(store, mode="r", use_consolidated=True)
    nodes = {
        "/contrasts": _open_group(group, str(store)),
        f"/contrasts/{STUDIES_GROUP}": _open_group(_subgroup(group, STUDIES_GROUP), str(store)),
        f"/contrasts/{SAMPLES_GROUP}": _open_group(_subgroup(group, SAMPLES_GROUP), str(store)),
    }
    return xr.DataTree.from_dict(nodes)


def open_store(disk: Files, generation: str, store: str) -> xr.Dataset:
    """Open one store that lies beside the contrasts of a generation: an enrichment, or a split.

    Raises
    ------
    StoreError
        Its manifest or its metadata are damaged.
    """
    manifest = read_manifest(disk, generation, store=store)
    _check_root(disk, generation, store, manifest)
    files = CheckedStore(disk, f"{FOLDER}/{generation}/{store}")
    return _open_group(zarr.open_group(files, mode="r", use_consolidated=True), str(files))


def has_enrichment(tree: xr.DataTree) -> bool:
    """Whether an open compendium has terms."""
    return any(name.startswith("enrichment-") for name in tree.children)


def enrichment_of(tree: xr.DataTree, name: str | None = None) -> xr.Dataset:
    """An enrichment of an open compendium: the one named (`enrichment-KEY`), else the newest.

    Raises
    ------
    InputError
        There is none, or none of that name.
    """
    found = {n: node for n, node in tree.children.items() if n.startswith("enrichment-")}
    if not found:
        raise InputError(
            "the compendium has no enrichment; give [enrich] an annotation in dexome.toml and run "
            "`dexome enrich`"
        )
    if name is None:
        name = max(found, key=lambda n: (str(found[n].attrs.get("published_at", "")), n))
    if name not in found:
        raise InputError(f"the compendium has no {name}; there is {', '.join(sorted(found))}")
    return found[name].to_dataset()


def contrasts_of(tree: xr.DataTree) -> xr.Dataset:
    """The contrasts of an open compendium: statistics (contrast, gene) and their labels."""
    return tree.children["contrasts"].to_dataset()


def studies_of(tree: xr.DataTree) -> xr.Dataset:
    """The studies of an open compendium, analysed or not."""
    return tree.children["contrasts"].children[STUDIES_GROUP].to_dataset().drop_vars(CONTRAST)


def samples_of(tree: xr.DataTree) -> xr.Dataset:
    """The samples of an open compendium, used or not."""
    return (
        tree.children["contrasts"].children[SAMPLES_GROUP].to_dataset().drop_vars([CONTRAST, GENE])
    )


def _check_root(disk: Files, generation: str, store: str, manifest: Manifest) -> None:
    """Verify a store's root metadata: they hold those of all its arrays."""
    metadata = f"{store}/zarr.json"
    key = f"{FOLDER}/{generation}/{metadata}"
    if disk.sha256(key) != manifest.files[metadata]["sha256"]:
        raise StoreError(f"{disk.address(key)} is damaged (its checksum does not match); {_CURE}")


def _subgroup(group: zarr.Group, name: str) -> zarr.Group:
    found = group[name]
    assert isinstance(found, zarr.Group)
    return found


def _open_group(group: zarr.Group, address: str) -> xr.Dataset:
    attributes = dict(group.attrs)
    labels = str(attributes.pop("coordinates", "")).split()
    variables: dict[Hashable, xr.Variable] = {}
    for name, array in group.arrays():
        dims = tuple(str(dim) for dim in array.metadata.dimension_names or ())  # type: ignore[union-attr]
        lazy = indexing.LazilyIndexedArray(CheckedArray(array, address))
        # Labels are read once, when they are first asked for; matrices anew each time, and in parts.
        held: Any = lazy
        if len(dims) == 1:
            held = indexing.MemoryCachedArray(lazy)  # type: ignore[no-untyped-call]
        variables[name] = xr.Variable(dims, held, dict(array.attrs))
        if dims == (name,):
            labels.append(name)
    coordinates = {name: variables.pop(name) for name in labels}
    return xr.Dataset(variables, coords=coordinates, attrs=attributes)
