"""Opening a compendium: one generation, resolved once, in which damage is an error and never a number."""

from collections.abc import Hashable
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
from zarr.storage import LocalStore

from storage.disk import Disk
from storage.errors import InputError, StoreError
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

_CURE = "run `dexome doctor` to see what is damaged and how to mend it"


class CheckedStore(LocalStore):
    """A read-only local store in which an absent chunk is an error: every chunk of ours was written."""

    def __init__(self, root: Path, *, read_only: bool = True) -> None:
        super().__init__(root, read_only=read_only)

    async def get(
        self,
        key: str,
        prototype: BufferPrototype | None = None,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        found = await super().get(key, prototype, byte_range)
        if "c" in key.split("/")[:-1]:
            if found is None:
                raise StoreError(f"{self.root / key} is missing; {_CURE}")
            if not len(found):
                # Zarr takes a shard of no bytes for one without chunks.
                raise StoreError(f"{self.root / key} is damaged (it is empty); {_CURE}")
        return found


class CheckedArray(BackendArray):
    """A Zarr array for xarray whose undecodable chunks raise `StoreError` with the file's name."""

    def __init__(self, array: zarr.Array[Any], root: Path) -> None:
        self._zarr = array
        self._root = root
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
            file = self._damaged_file(key) or self._root / self._zarr.path
            raise StoreError(f"{file} is damaged ({error}); {_CURE}") from error

    def _damaged_file(self, key: tuple[Any, ...]) -> Path | None:
        """The first of the files under a selection that cannot be decoded."""
        height = (self._zarr.shards or self._zarr.chunks)[0]
        rows = np.atleast_1d(np.arange(self.shape[0])[key[0]])
        for number in np.unique(rows // height):
            try:
                self._zarr.oindex[(slice(number * height, (number + 1) * height), *key[1:])]
            except (ValueError, RuntimeError, OverflowError, MemoryError):
                name = "/".join(["c", str(number), *("0" for _ in self.shape[1:])])
                return self._root / self._zarr.path / name
        return None


def open_compendium(workspace: str | Path, generation: str | None = None) -> xr.DataTree:
    """Open the compendium of a workspace: its newest generation, or the one named.

    The tree has the node `contrasts` with the children `studies` and `samples`, and a node for each
    enrichment, split, set of latent codes and halves, called as its store; arrays are read when they are
    indexed, without Dask. It stays on its generation whatever is published later.

    Raises
    ------
    InputError
        The workspace has no compendium, or no such generation.
    StoreError
        Metadata or labels are damaged; reading damaged data raises it later.
    """
    disk = Disk(Path(workspace))
    sha256 = None
    if generation is None:
        current = read_current(disk)
        if current is None:
            raise InputError(f"{workspace} has no compendium yet; run `dexome run` in it first")
        generation, sha256 = current.generation, current.manifest_sha256
    root = disk.path(f"{FOLDER}/{generation}/{CONTRASTS_STORE}")
    if not root.is_dir():
        raise InputError(
            f"{root.parent} is not there; `dexome status` lists the generations there are"
        )
    manifest = read_manifest(disk, generation, sha256)
    if manifest.schema_version != SCHEMA_VERSION:
        raise StoreError(
            f"{root} has schema version {manifest.schema_version}, this dexome reads {SCHEMA_VERSION}; "
            "run `dexome compile` to publish it again from its parts"
        )
    _checked_root(disk, generation, CONTRASTS_STORE, manifest)
    tree = open_contrasts(root)
    beside = (
        f(disk, generation) for f in (list_enrichments, list_splits, list_latents, list_halves)
    )
    for store in chain.from_iterable(beside):
        if read_manifest(disk, generation, store=store).schema_version == SCHEMA_VERSION:
            opened = open_store(disk, generation, store)
            tree[f"/{store.removesuffix('.zarr')}"] = xr.DataTree(opened)
    tree.attrs |= {"generation": generation, "address": str(root)}
    return tree


def open_contrasts(root: Path) -> xr.DataTree:
    """Open one contrasts store as a DataTree with the nodes contrasts, studies and samples."""
    group = zarr.open_group(CheckedStore(root), mode="r", use_consolidated=True)
    nodes = {
        "/contrasts": _open_group(group, root),
        f"/contrasts/{STUDIES_GROUP}": _open_group(_subgroup(group, STUDIES_GROUP), root),
        f"/contrasts/{SAMPLES_GROUP}": _open_group(_subgroup(group, SAMPLES_GROUP), root),
    }
    return xr.DataTree.from_dict(nodes)


def open_store(disk: Disk, generation: str, store: str) -> xr.Dataset:
    """Open one store that lies beside the contrasts of a generation: an enrichment, or a split.

    Raises
    ------
    StoreError
        Its manifest or its metadata are damaged.
    """
    manifest = read_manifest(disk, generation, store=store)
    root = _checked_root(disk, generation, store, manifest)
    group = zarr.open_group(CheckedStore(root), mode="r", use_consolidated=True)
    return _open_group(group, root)


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


def _checked_root(disk: Disk, generation: str, store: str, manifest: Manifest) -> Path:
    """Where a store lies, its root metadata verified: they hold those of all its arrays."""
    root = disk.path(f"{FOLDER}/{generation}/{store}")
    metadata = f"{store}/zarr.json"
    if disk.sha256(f"{FOLDER}/{generation}/{metadata}") != manifest.files[metadata]["sha256"]:
        raise StoreError(f"{root / 'zarr.json'} is damaged (its checksum does not match); {_CURE}")
    return root


def _subgroup(group: zarr.Group, name: str) -> zarr.Group:
    found = group[name]
    assert isinstance(found, zarr.Group)
    return found


def _open_group(group: zarr.Group, root: Path) -> xr.Dataset:
    attributes = dict(group.attrs)
    labels = str(attributes.pop("coordinates", "")).split()
    variables: dict[Hashable, xr.Variable] = {}
    for name, array in group.arrays():
        dims = tuple(str(dim) for dim in array.metadata.dimension_names or ())  # type: ignore[union-attr]
        lazy = indexing.LazilyIndexedArray(CheckedArray(array, root))
        # Labels are read once, when they are first asked for; matrices anew each time, and in parts.
        held: Any = lazy
        if len(dims) == 1:
            held = indexing.MemoryCachedArray(lazy)  # type: ignore[no-untyped-call]
        variables[name] = xr.Variable(dims, held, dict(array.attrs))
        if dims == (name,):
            labels.append(name)
    coordinates = {name: variables.pop(name) for name in labels}
    return xr.Dataset(variables, coords=coordinates, attrs=attributes)
