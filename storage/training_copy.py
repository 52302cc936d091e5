"""The training copy: raw float16 rows, one file a chunk, read by offset, and what it is made of."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from storage.disk import Disk
from storage.errors import InputError, StoreError
from storage.hashing import hash_json

FOLDER = "training"
ARRAYS = ("logfc", "se")
CHUNK_ROWS = 128
# The largest finite float16; beyond it a value would be stored as infinite.
MAX_ABS = 65_504.0
_DTYPE = np.dtype("<f2")


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


def list_copies(disk: Disk) -> list[str]:
    """Keys of the training copies of a workspace that are whole."""
    return sorted(
        path.stem for path in disk.path(FOLDER).glob("*.zarr") if not path.name.startswith(".")
    )


def read_copy_manifest(disk: Disk, key: str) -> CopyManifest:
    """The manifest of a copy.

    Raises
    ------
    StoreError
        It is missing, or damaged.
    """
    path = disk.path(copy_manifest_path(key))
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
    """A training copy, opened: its labels, and where the raw rows of its arrays lie.

    The file `array_folder(name) / str(i) / "0"` holds rows `i * chunk_rows` and on, each `n_genes`
    float16 numbers, little endian, one row after the other; the last file is filled up with NaN.
    """

    path: Path
    manifest: CopyManifest

    @classmethod
    def open(cls, workspace: str | Path, key: str, *, verify: bool = True) -> Self:
        """Open the copy with this key.

        `verify` reads every file and compares its checksum; without it only its size is looked at.

        Raises
        ------
        InputError
            There is no such copy.
        StoreError
            A file is missing or damaged; the message names it.
        """
        disk = Disk(Path(workspace))
        path = disk.path(copy_path(key))
        if not path.is_dir():
            raise InputError(f"{path} is not there; run `dexome prepare`")
        copy = cls(path, read_copy_manifest(disk, key))
        problems = copy.problems(checksums=verify)
        if problems:
            file, problem = problems[0]
            raise StoreError(f"{file} {problem}; run `dexome prepare --rebuild`")
        return copy

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

    def problems(self, *, checksums: bool) -> list[tuple[Path, str]]:
        """What is wrong with its files: nothing, or pairs of a file and a predicate."""
        disk = Disk(self.path)
        found = []
        for file, (sha256, size) in sorted(self.manifest.files.items()):
            path = self.path / file
            if not path.is_file():
                found.append((path, "is missing"))
            elif path.stat().st_size != size:
                found.append((path, f"has {path.stat().st_size} bytes of {size}"))
            elif checksums and disk.sha256(file) != sha256:
                found.append((path, "is damaged: its checksum does not match"))
        return found
