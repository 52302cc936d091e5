"""A sealed file: a verified JSON header, arrays of one length, and a checksum around both."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from storage.errors import StoreError
from storage.files import Files

DIGEST_BYTES = 32
_HEAD_BYTES = 8 + DIGEST_BYTES
# Read at first: the headers of most studies are shorter, and a request costs more than its bytes.
_FIRST_BYTES = 65_536


def seal(header: Mapping[str, Any], columns: Mapping[str, np.ndarray]) -> bytes:
    """Bytes of a sealed file.

    Length of the header (8 bytes, little endian), its SHA-256, the header (JSON), an Arrow IPC file of
    the columns, and the SHA-256 of all before it.
    """
    table = pa.table({name: pa.array(values) for name, values in columns.items()})
    text = json.dumps(header, sort_keys=True, ensure_ascii=False).encode()
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", compression_level=1))
    with pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    head = len(text).to_bytes(8, "little") + hashlib.sha256(text).digest() + text
    data: bytes = head + sink.getvalue().to_pybytes()
    return data + hashlib.sha256(data).digest()


def unseal(data: bytes) -> tuple[dict[str, Any], Mapping[str, np.ndarray]]:
    """Header and columns of verified bytes."""
    start = _HEAD_BYTES + int.from_bytes(data[:8], "little")
    table = pa.ipc.open_file(pa.py_buffer(data)[start:-DIGEST_BYTES]).read_all()
    return json.loads(data[_HEAD_BYTES:start]), {
        name: table.column(name).to_numpy() for name in table.column_names
    }


def digest_of(data: bytes) -> str:
    """The SHA-256 that sealed bytes carry."""
    return data[-DIGEST_BYTES:].hex()


def read_sealed(
    disk: Files, key: str, cure: str
) -> tuple[dict[str, Any], Mapping[str, np.ndarray], str]:
    """Header, columns and SHA-256 of a sealed file, all of it verified.

    Raises
    ------
    StoreError
        The file is absent, truncated or altered: the message names it, and ends with `cure`.
    """
    data = disk.read(key)
    if data is None:
        raise StoreError(f"{disk.address(key)} is missing; {cure}")
    digest = hashlib.sha256(data[:-DIGEST_BYTES]).digest()
    if len(data) < _HEAD_BYTES + DIGEST_BYTES or digest != data[-DIGEST_BYTES:]:
        raise damaged(disk, key, cure)
    header, columns = unseal(data)
    return header, columns, digest.hex()


def read_sealed_header(disk: Files, key: str, cure: str) -> tuple[dict[str, Any], str]:
    """A sealed file's header, verified, and the SHA-256 that the file carries.

    The columns are neither read nor verified: whoever reads them does both.
    """
    head = disk.read_range(key, 0, _FIRST_BYTES)
    if head is None:
        raise StoreError(f"{disk.address(key)} is missing; {cure}")
    digest = disk.read_range(key, -DIGEST_BYTES, None) or b""
    stop = _HEAD_BYTES + int.from_bytes(head[:8], "little")
    if stop > len(head) == _FIRST_BYTES and stop <= (disk.size(key) or 0):
        head += disk.read_range(key, len(head), stop) or b""
    text = head[_HEAD_BYTES:stop]
    if hashlib.sha256(text).digest() != head[8:_HEAD_BYTES] or len(digest) != DIGEST_BYTES:
        raise damaged(disk, key, cure)
    return json.loads(text), digest.hex()


def damaged(disk: Files, key: str, cure: str) -> StoreError:
    """The error of a file whose content is not what its checksum says."""
    return StoreError(f"{disk.address(key)} is damaged (its checksum does not match); {cure}")
