"""Generations: where they lie, which one is current, and what each of their stores is made of."""

import hashlib
import json
import re
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

from storage.concurrent import at_once, map_concurrently
from storage.disk import RETIRED
from storage.errors import LockedError, StoreError
from storage.files import Files
from storage.hashing import hash_json
from storage.lease import Lease
from storage.schema import CONTRASTS_STORE

FOLDER = "compendium"
CURRENT_KEY = f"{FOLDER}/CURRENT"
_BUILDING = ".building-"
BUILDING = f"{FOLDER}/{_BUILDING}"
_NAME = re.compile(r"gen-(\d{6})-([0-9a-f]{12})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Current:
    """What `compendium/CURRENT` says: the newest generation and the hash of its first manifest."""

    generation: str
    inputs: str
    manifest_sha256: str
    published_at: str
    write_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What one store of a generation is made of.

    `files` maps every file of the store, relative to the generation, to its SHA-256 and size.
    `shards` maps a shard's path to the signature of what went in and the studies that it holds.
    """

    store: str
    schema_version: int
    gene_list_sha256: str
    inputs: str
    parts: dict[str, dict[str, str]] = field(default_factory=dict)
    shards: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    def linkable(self, generation: str) -> dict[str, tuple[str, str]]:
        """The store's shards by signature: path in the workspace, and SHA-256."""
        return {
            shard["signature"]: (f"{FOLDER}/{generation}/{file}", self.files[file]["sha256"])
            for file, shard in self.shards.items()
        }

    def encode(self) -> bytes:
        """JSON, the same for the same content."""
        return json.dumps(asdict(self), sort_keys=True, indent=0).encode()


def manifest_key(generation: str, store: str = CONTRASTS_STORE) -> str:
    """Where the manifest of a store lies: beside it."""
    return f"{FOLDER}/{generation}/{store.removesuffix('.zarr')}.manifest.json"


def remake(store: str) -> str:
    """The command that makes a store anew."""
    if store == CONTRASTS_STORE:
        return "dexome compile --rebuild"
    if store.startswith("latent-"):
        return f"dexome embed {store.removeprefix('latent-').removesuffix('.zarr')}"
    if store.startswith("halves-"):
        _, part, key = store.split("-", 2)
        return f"dexome halves --rebuild --part {part} --split split-{key}"
    return f"dexome {'prepare' if store.startswith('split-') else 'enrich'} --rebuild"


def read_current(disk: Files) -> Current | None:
    """The published generation; None where nothing was published yet."""
    return _parse_current(disk, disk.read(CURRENT_KEY))


def _parse_current(disk: Files, data: bytes | None) -> Current | None:
    if data is None:
        return None
    try:
        fields = json.loads(data)
        told = fields.pop("sha256")
        if told == hash_json(fields):
            return Current(**fields)
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    raise StoreError(
        f"{disk.address(CURRENT_KEY)} is damaged; delete it and run `dexome compile` to publish again"
    )


def write_current(
    disk: Files, generation: str, inputs: str, manifest: bytes, before: bytes | None, lease: Lease
) -> Current:
    """Make a generation the newest one.

    Parameters
    ----------
    before
        What `CURRENT` held before the lease is looked at here: whoever takes that over later, and
        publishes, is seen by the swap.

    Raises
    ------
    LockedError
        The lease was lost, or another run has published: nothing is changed.
    """
    lease.check()
    current = Current(
        generation=generation,
        inputs=inputs,
        manifest_sha256=hashlib.sha256(manifest).hexdigest(),
        published_at=datetime.now(UTC).isoformat(timespec="seconds"),
        write_id=uuid.uuid4().hex,
    )
    fields = asdict(current)
    data = json.dumps({**fields, "sha256": hash_json(fields)}, sort_keys=True).encode()
    written = (
        disk.create(CURRENT_KEY, data)
        if before is None
        else disk.swap(CURRENT_KEY, data, expected=before)
    )
    if not written:
        raise LockedError(
            f"another run published in {disk.address(FOLDER)} meanwhile; run the command again"
        )
    return current


def read_manifest(
    disk: Files, generation: str, sha256: str | None = None, store: str = CONTRASTS_STORE
) -> Manifest:
    """The manifest of a store of a generation, verified where its hash is known."""
    key = manifest_key(generation, store)
    data = disk.read(key)
    cure = f"run `{remake(store)}` to publish it again"
    if data is None:
        raise StoreError(f"{disk.address(key)} is missing; {cure}")
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise StoreError(f"{disk.address(key)} is damaged (its checksum does not match); {cure}")
    try:
        return Manifest(**json.loads(data))
    except (ValueError, TypeError) as error:
        raise StoreError(f"{disk.address(key)} is damaged (it cannot be read); {cure}") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What there is where generations are: folders, published generations (oldest first), the current one.

    It holds for as long as the lease does under which it was seen.
    """

    folders: list[str]
    generations: list[str]
    current: Current | None
    current_bytes: bytes | None


def read_standing(disk: Files) -> Standing:
    """What there is now."""
    folders, current = at_once(lambda: disk.folders(FOLDER), lambda: disk.read(CURRENT_KEY))
    return Standing(
        folders=folders,
        generations=_generations(disk, folders),
        current=_parse_current(disk, current),
        current_bytes=current,
    )


def list_generations(disk: Files) -> list[str]:
    """Names of the published generations, oldest first."""
    return _generations(disk, disk.folders(FOLDER))


def _generations(disk: Files, folders: list[str]) -> list[str]:
    names = [name for name in folders if _NAME.fullmatch(name)]
    there = map_concurrently(
        lambda name: disk.is_complete(f"{FOLDER}/{name}/{CONTRASTS_STORE}"), names
    )
    return [name for name, complete in zip(names, there, strict=True) if complete]


def list_remains(disk: Files) -> list[str]:
    """Keys of folders that are no generations any more, or not yet: what a killed run left."""
    folders = disk.folders(FOLDER)
    there = _generations(disk, folders)
    return [
        *(
            f"{FOLDER}/{name}"
            for name in folders
            if name.startswith(RETIRED) or (_NAME.fullmatch(name) and name not in there)
        ),
        *(
            f"{FOLDER}/{generation}/{store}"
            for generation in there
            for store in disk.folders(f"{FOLDER}/{generation}")
            if store.startswith(RETIRED)
        ),
    ]


def clear_builds(
    disk: Files, folder: str, keep: str | None, names: list[str] | None = None
) -> None:
    """Clear away what killed runs left half built in a folder, but for the build `keep`.

    `names` are the folders there, where they are known.
    """
    for name in disk.folders(folder) if names is None else names:
        key = f"{folder}/{name}"
        if name.startswith(_BUILDING) and key != keep:
            disk.delete(key)


def publish_beside(
    disk: Files, building: str, generation: str, manifest: Manifest, lease: Lease
) -> str:
    """Put a store that was built in `building` beside the contrasts of a generation; its key on disk.

    Raises
    ------
    LockedError
        The lease was lost: nothing was published.
    """
    final = f"{FOLDER}/{generation}/{manifest.store}"
    built = f"{building}/{manifest.store}"
    disk.settle(built)
    lease.check()
    # One made otherwise (a rebuild) goes first, for a folder can't take the place of another: out of sight as
    # a whole, and not before this one is ready. A manifest without a store is seen by nobody.
    hidden = disk.hide(final)
    disk.put(manifest_key(generation, manifest.store), manifest.encode())
    lease.check()
    disk.publish(built, final, settled=True)
    for key in (*hidden, building):
        disk.delete(key)
    return final


def is_published(disk: Files, generation: str, store: str, inputs: str) -> bool:
    """Whether a generation has a store of this name already, made of just these inputs."""
    if not disk.is_complete(f"{FOLDER}/{generation}/{store}"):
        return False
    try:
        return read_manifest(disk, generation, store=store).inputs == inputs
    except StoreError:
        return False


def list_enrichments(disk: Files, generation: str) -> list[str]:
    """Names of the enrichment stores of a generation."""
    return _list_stores(disk, generation, "enrichment-*.zarr")


def list_splits(disk: Files, generation: str) -> list[str]:
    """Names of the split stores of a generation."""
    return _list_stores(disk, generation, "split-*.zarr")


def list_halves(disk: Files, generation: str) -> list[str]:
    """Names of the stores of halves of a generation."""
    return _list_stores(disk, generation, "halves-*.zarr")


def next_generation(generations: Iterable[str], inputs: str) -> str:
    """Name of the next generation, after these, for these inputs."""
    last = max((int(name.split("-")[1]) for name in generations), default=0)
    return f"gen-{last + 1:06d}-{inputs[:12]}"


def list_latents(disk: Files, generation: str) -> list[str]:
    """Names of the stores of latent codes of a generation."""
    return _list_stores(disk, generation, "latent-*.zarr")


def _list_stores(disk: Files, generation: str, pattern: str) -> list[str]:
    folder = f"{FOLDER}/{generation}"
    return [
        name
        for name in disk.folders(folder)
        if fnmatchcase(name, pattern)
        and disk.is_complete(f"{folder}/{name}")
        and disk.size(manifest_key(generation, name)) is not None
    ]
