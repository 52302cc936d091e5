"""A part: the immutable result of one study for one stage, one verified file, written once."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import numpy as np
import pyarrow as pa

from storage.disk import Disk
from storage.errors import StoreError
from storage.schema import STATISTICS, STUDY_STATISTICS

FOLDER = "parts/dea"
DIGEST_BYTES = 32
_HEAD_BYTES = 8 + DIGEST_BYTES
_HEADER_FIELDS = ("study", "key", "gene_list_sha256", "contrasts", "samples", "columns")
_MAX_NAME = 120
_CURE = "run `dexome analyse` to make it again"


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Result of the differential expression of one study.

    `statistics` maps the names of `STATISTICS` to (contrast, gene) float32 arrays, `study_statistics`
    those of `STUDY_STATISTICS` to (gene,) float32. `contrasts` and `samples` are one dict a row with
    the names of `CONTRAST_COLUMNS` and `SAMPLE_COLUMNS` beside `contrast` and `sample`; `columns` has
    the study's own values, by the names of `STUDY_COLUMNS`.
    """

    study: str
    key: str
    gene_list_sha256: str
    contrasts: list[dict[str, Any]]
    samples: list[dict[str, Any]]
    columns: dict[str, Any]
    statistics: Mapping[str, np.ndarray] = field(repr=False, default_factory=dict)
    study_statistics: Mapping[str, np.ndarray] = field(repr=False, default_factory=dict)


def part_key(study: str, key: str) -> str:
    """Where the part of `study` with this content key lies in the workspace."""
    return f"{FOLDER}/{study_folder(study)}/{key}.part"


def study_folder(study: str) -> str:
    """Name of a folder for a study of any name: percent-escaped, never hidden, never too long."""
    name = quote(study, safe=" +")
    if name.startswith("."):
        name = f"%2E{name[1:]}"
    if len(name) > _MAX_NAME:
        name = f"{name[:_MAX_NAME]}~{hashlib.sha256(study.encode()).hexdigest()[:16]}"
    return name


def write_part(disk: Disk, part: Part) -> str:
    """Write a part into its place, whole or not at all; return the SHA-256 that it carries."""
    data = encode_part(part)
    disk.put(part_key(part.study, part.key), data)
    return data[-DIGEST_BYTES:].hex()


def read_part(disk: Disk, study: str, key: str) -> tuple[Part, str]:
    """Read and verify the part of a study; return it with its SHA-256.

    Raises
    ------
    StoreError
        The part is absent, truncated, altered, or another study's: the message names the file.
    """
    data = _read(disk, study, key)
    digest = hashlib.sha256(data[:-DIGEST_BYTES]).digest()
    if len(data) < _HEAD_BYTES + DIGEST_BYTES or digest != data[-DIGEST_BYTES:]:
        raise _damaged(disk, study, key)
    part = decode_part(data)
    if (part.study, part.key) != (study, key):
        raise _damaged(disk, study, key)
    return part, digest.hex()


def read_part_header(disk: Disk, study: str, key: str) -> tuple[Part, str]:
    """A part's tables, verified, without its arrays, and the SHA-256 that the file carries.

    The arrays are neither read nor verified: whoever reads them does both.
    """
    try:
        with disk.path(part_key(study, key)).open("rb") as file:
            head = file.read(_HEAD_BYTES)
            header = file.read(
                int.from_bytes(head[:8], "little") if len(head) == _HEAD_BYTES else 0
            )
            file.seek(-DIGEST_BYTES, 2)
            digest = file.read()
    except FileNotFoundError:
        _read(disk, study, key)
        raise
    except (OSError, OverflowError) as error:
        raise _damaged(disk, study, key) from error
    if hashlib.sha256(header).digest() != head[8:]:
        raise _damaged(disk, study, key)
    return Part(**json.loads(header)), digest.hex()


def part_digest(disk: Disk, study: str, key: str) -> str | None:
    """SHA-256 of a part that is there and verifies, else None: is it done?"""
    try:
        return read_part(disk, study, key)[1]
    except StoreError:
        return None


def encode_part(part: Part) -> bytes:
    """Bytes of a part.

    Length of the header (8 bytes, little endian), its SHA-256, the header (JSON), an Arrow IPC file of
    gene-long columns, and the SHA-256 of all before it.
    """
    columns = {
        f"{variable.name}/{row}": values
        for variable in STATISTICS
        for row, values in enumerate(part.statistics[variable.name])
    }
    columns |= {
        variable.name: part.study_statistics[variable.name] for variable in STUDY_STATISTICS
    }
    table = pa.table(
        {
            name: pa.array(np.ascontiguousarray(values, np.float32))
            for name, values in columns.items()
        }
    )
    fields = {name: getattr(part, name) for name in _HEADER_FIELDS}
    header = json.dumps(fields, sort_keys=True, ensure_ascii=False).encode()
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", compression_level=1))
    with pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    head = len(header).to_bytes(8, "little") + hashlib.sha256(header).digest() + header
    data: bytes = head + sink.getvalue().to_pybytes()
    return data + hashlib.sha256(data).digest()


def decode_part(data: bytes) -> Part:
    """The part in verified bytes."""
    start = _HEAD_BYTES + int.from_bytes(data[:8], "little")
    fields = json.loads(data[_HEAD_BYTES:start])
    table = pa.ipc.open_file(pa.py_buffer(data)[start:-DIGEST_BYTES]).read_all()
    rows = range(len(fields["contrasts"]))

    def stack(names: list[str]) -> np.ndarray:
        if not names:
            return np.empty((0, table.num_rows), np.float32)
        return np.stack([table.column(name).to_numpy() for name in names])

    return Part(
        **fields,
        statistics={v.name: stack([f"{v.name}/{row}" for row in rows]) for v in STATISTICS},
        study_statistics={v.name: table.column(v.name).to_numpy() for v in STUDY_STATISTICS},
    )


def _read(disk: Disk, study: str, key: str) -> bytes:
    data = disk.read(part_key(study, key))
    if data is None:
        raise StoreError(f"{disk.path(part_key(study, key))} is missing; {_CURE}")
    return data


def _damaged(disk: Disk, study: str, key: str) -> StoreError:
    return StoreError(
        f"{disk.path(part_key(study, key))} is damaged (its checksum does not match); {_CURE}"
    )
