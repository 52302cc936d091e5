"""The training copy: raw float16 rows, one file a chunk, read by offset, and what it is made of."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from storage.bucket import open_files
from storage.chunk_cache import localise
from storage.disk import Disk
from storage.errors import InputError, StoreError
from storage.files import Files
from storage.hash_once import sha256_once
from storage.hashing import hash_json

FOLDER = "training"
ARRAYS = ("logfc", "se")
CHUNK_ROWS = 128
# The largest finite float16; beyond it a value would be stored as infinite.
MAX_ABS = 65_504.0
_DTYPE = np.dtype("<f2")

Hash = Callable[[str], str | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class CopyManifest:
    """What a training copy is made of.

    `contrasts` and `genes` label its rows and columns. `observed` says where it is NaN: "tested" where a
    gene is not tested, "measured" only where it is not measured. `files` maps every file, relative to the
    copy, to its SHA-256 and size.
    """

    key: str
    generation: str
    gene_list_sha256: str
    observed: str
    arrays: tuple[str, ...]
    chunk_rows: int
    contrasts: tuple[str, ...]
    genes: tuple[str, ...]
    files: dict[str, tuple[str, int]]

    def encode(self) -> bytes:
        """JSON with a hash of itself."""
        fields = json.loads(json.dumps(asdict(self)))
        return json.dumps({**fields, "sha256": hash_json(fields)}, sort_keys=True).encode()


def copy_key(
    generation: str,
    gene_list_sha256: str,
    contrasts: Sequence[str],
    genes: Sequence[str],
    observed: str,
    arrays: Sequence[str],
) -> str:
    """Key of a copy: the same for the same numbers in the same places."""
    content = [generation, gene_list_sha256, list(contrasts), list(genes), observed]
    return hash_json([*content, list(arrays), CHUNK_ROWS])[:16]


def copy_path(key: str) -> str:
    """Where the copy with this key lies in the workspace."""
    return f"{FOLDER}/{key}.zarr"


def copy_manifest_path(key: str) -> str:
    """Where its manifest lies: beside it."""
    return f"{FOLDER}/{key}.manifest.json"


def list_copies(disk: Files) -> list[str]:
    """Keys of the training copies of a workspace that are whole."""
    return [
        name.removesuffix(".zarr")
        for name in disk.folders(FOLDER)
        if name.endswith(".zarr")
        and not name.startswith(".")
        and disk.is_complete(f"{FOLDER}/{name}")
    ]


def list_copy_manifests(disk: Files) -> list[str]:
    """Keys of the copies that have a manifest, whole or not."""
    end = ".manifest.json"
    return [
        key.removeprefix(f"{FOLDER}/").removesuffix(end)
        for key in disk.list(FOLDER)
        if key.endswith(end) and key.count("/") == 1
    ]


def read_copy_manifest(disk: Files, key: str) -> CopyManifest:
    """The manifest of a copy.

    Raises
    ------
    StoreError
        It is missing, or damaged.
    """
    path = disk.address(copy_manifest_path(key))
    data = disk.read(copy_manifest_path(key))
    if data is None:
        raise StoreError(f"{path} is missing; run `dexome prepare --rebuild`")
    try:
        fields = json.loads(data)
        told = fields.pop("sha256")
        if told == hash_json(fields):
            for name in ("arrays", "contrasts", "genes"):
                fields[name] = tuple(fields[name])
            fields["files"] = {name: (sha, size) for name, (sha, size) in fields["files"].items()}
            return CopyManifest(**fields)
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    raise StoreError(f"{path} is damaged; run `dexome prepare --rebuild`")


@dataclass(frozen=True, slots=True)
class TrainingCopy:
    """A training copy, opened: its labels, and where the raw rows of its arrays lie on this machine.

    The file `array_folder(name) / str(i) / "0"` holds rows `i * chunk_rows` and on, each `n_genes`
    float16 numbers, little endian, one row after the other; the last file is filled up with NaN.
    """

    path: Path
    manifest: CopyManifest

    @classmethod
    def open(
        cls,
        workspace: str | Path | Files,
        key: str,
        *,
        cache: Path | None = None,
    ) -> Self:
        """Open the copy with this key. From a bucket each of its files is brought into `cache`.

        The checksum of every file is compared, once in a process while the file stays as it is.

        Raises
        ------
        InputError
            There is no such copy.
        StoreError
            A file is missing or damaged; the message names it.
        """
        disk = open_files(workspace) if isinstance(workspace, str | Path) else workspace
        if isinstance(disk, Disk):
            manifest = check_copy(disk, key, partial(sha256_once, disk))
            return cls(disk.path(copy_path(key)), manifest)
        manifest = _find_manifest(disk, key)
        return cls(localise(disk, copy_path(key), manifest.files, cache), manifest)

    @property
    def n_rows(self) -> int:
        """Contrasts."""
        return len(self.manifest.contrasts)

    @property
    def n_genes(self) -> int:
        """Genes."""
        return len(self.manifest.genes)

    @property
    def genes(self) -> tuple[str, ...]:
        """Gene ids, in the order of the columns."""
        return self.manifest.genes

    @property
    def contrasts(self) -> tuple[str, ...]:
        """Contrast ids, in the order of the rows."""
        return self.manifest.contrasts

    @property
    def arrays(self) -> tuple[str, ...]:
        """Names of the arrays: "logfc", and "se" where it was asked for."""
        return self.manifest.arrays

    @property
    def chunk_rows(self) -> int:
        """Rows of a chunk file."""
        return self.manifest.chunk_rows

    @property
    def n_chunks(self) -> int:
        """Chunk files of an array."""
        return -(-self.n_rows // self.chunk_rows)

    @property
    def row_bytes(self) -> int:
        """Bytes of one row of one array."""
        return self.n_genes * _DTYPE.itemsize

    @property
    def n_bytes(self) -> int:
        """Bytes of the chunk files of one array."""
        return self.n_chunks * self.chunk_rows * self.row_bytes

    def array_folder(self, name: str) -> Path:
        """The folder of an array's chunk files.

        Raises
        ------
        InputError
            The copy has no such array.
        """
        if name not in self.arrays:
            raise InputError(
                f"{self.path} has no {name}, only {', '.join(self.arrays)}; set se = true in "
                "[prepare.copy] and run `dexome prepare`"
            )
        return self.path / name / "c"

    def chunk_file(self, name: str, number: int) -> Path:
        """The file of one chunk."""
        return self.array_folder(name) / str(number) / "0"

    def places(self, genes: Sequence[str]) -> npt.NDArray[np.int64]:
        """Columns of some genes."""
        place = {gene: i for i, gene in enumerate(self.genes)}
        return np.array([place[gene] for gene in genes], np.int64)


def check_copy(disk: Files, key: str, sha256: Hash | None = None) -> CopyManifest:
    """The manifest of a copy that is there and whole; `sha256` as `copy_problems` takes it.

    Raises
    ------
    InputError
        There is no such copy.
    StoreError
        A file is missing or damaged; the message names it.
    """
    manifest = _find_manifest(disk, key)
    for file, problem in copy_problems(disk, manifest, sha256):
        raise StoreError(f"{file} {problem}; run `dexome prepare --rebuild`")
    return manifest


def _find_manifest(disk: Files, key: str) -> CopyManifest:
    if not disk.is_complete(copy_path(key)):
        raise InputError(f"{disk.address(copy_path(key))} is not there; run `dexome prepare`")
    return read_copy_manifest(disk, key)


def copy_problems(
    disk: Files, manifest: CopyManifest, sha256: Hash | None = None
) -> list[tuple[str, str]]:
    """What is wrong with the files of a copy: nothing, or pairs of an address and a predicate.

    `sha256` gives the checksum of what lies under a key; by default all is read anew.
    """
    checksum = sha256 or disk.sha256
    found = []
    for file, (expected, size) in sorted(manifest.files.items()):
        key = f"{copy_path(manifest.key)}/{file}"
        there = disk.size(key)
        if there is None:
            found.append((disk.address(key), "is missing"))
        elif there != size:
            found.append((disk.address(key), f"has {there} bytes of {size}"))
        elif checksum(key) != expected:
            found.append((disk.address(key), "is damaged: its checksum does not match"))
    return found
