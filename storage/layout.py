"""How an array of (row, …, gene or term) is cut: shards are what one writer owns, chunks what is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import zarr
from zarr.abc.store import Store
from zarr.codecs import ZstdCodec
from zarr.core.buffer import Buffer
from zarr.storage import MemoryStore

from storage.errors import StoreError
from storage.schema import Variable

LABEL_CHUNK = 65_536
FILL = {
    "float16": float("nan"),
    "float32": float("nan"),
    "float64": float("nan"),
    "int32": -1,
    "int8": -1,
    "bool": False,
    "string": "",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """Rows of a chunk and of a shard, columns (genes, or terms) of a chunk.

    A shard spans all columns, rounded up; between rows and columns a chunk has one place, a shard all.
    """

    chunk_rows: int = 128
    chunk_columns: int = 1024
    shard_rows: int = 512

    def __post_init__(self) -> None:
        if min(self.chunk_rows, self.chunk_columns) < 1 or self.shard_rows % self.chunk_rows:
            raise ValueError(f"a shard must be whole chunks of at least one row, got {self}")

    def n_shards(self, n_rows: int) -> int:
        """Shards of an array of `n_rows` rows."""
        return -(-n_rows // self.shard_rows)

    def chunks(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Shape of a chunk of an array of `shape`."""
        return self.chunk_rows, *(1 for _ in shape[1:-1]), self.chunk_columns

    def shards(self, shape: Sequence[int]) -> tuple[int, ...]:
        """Shape of a shard: all columns, rounded up to whole chunks."""
        columns = -(-shape[-1] // self.chunk_columns) * self.chunk_columns
        return self.shard_rows, *shape[1:-1], columns


def create_matrix(
    store: Store, path: str, variable: Variable, shape: tuple[int, ...], layout: Layout
) -> None:
    """Create a sharded array, rows first and genes or terms last, without writing a value."""
    zarr.create_array(
        store,
        name=path,
        shape=shape,
        dtype=variable.dtype,
        chunks=layout.chunks(shape),
        shards=layout.shards(shape),
        # The checksum turns a flipped bit into an error; without it most flips read as wrong numbers.
        compressors=ZstdCodec(level=1, checksum=True),
        fill_value=FILL[variable.dtype],
        dimension_names=variable.dims,
        attributes=attributes_of(variable),
        overwrite=True,
    )


def encode_shard(variable: Variable, values: np.ndarray, layout: Layout) -> bytes:
    """Bytes of the shard that holds `values`, as Zarr would write it anywhere in an array.

    Raises
    ------
    StoreError
        They do not decode to the very bits of `values`.
    """
    content: dict[str, Buffer] = {}
    store = MemoryStore(content)
    create_matrix(store, "a", variable, values.shape, layout)
    # A shard of NaN only must exist: one that is absent looks like a lost one.
    array = zarr.open_array(store, path="a", zarr_format=3).with_config(
        {"write_empty_chunks": True}
    )
    array[...] = values
    bits = f"u{values.dtype.itemsize}"
    if not np.array_equal(np.asarray(array[...]).view(bits), values.view(bits)):
        raise StoreError(
            f"a shard of {variable.name} decodes otherwise than it was encoded; check the memory of this "
            "machine and run the command again"
        )
    (key,) = (key for key in content if "/c/" in key)
    return content[key].to_bytes()


def write_labels(
    store: Store, path: str, variable: Variable, values: "Sequence[object] | np.ndarray"
) -> None:
    """Write a small array: a label of rows or genes, or some numbers for each."""
    inner = values.shape[1:] if isinstance(values, np.ndarray) else ()
    array = zarr.create_array(
        store,
        name=path,
        shape=(len(values), *inner),
        dtype=variable.dtype,
        chunks=(min(max(len(values), 1), LABEL_CHUNK), *inner),
        compressors=ZstdCodec(level=1, checksum=True),
        fill_value=FILL[variable.dtype],
        dimension_names=variable.dims,
        attributes=attributes_of(variable),
        config={"write_empty_chunks": True},
        overwrite=True,
    )
    if len(values):
        array[:] = values if inner else list(values)  # type: ignore[assignment]


def attributes_of(variable: Variable) -> dict[str, Any]:
    """Attributes that say what an array is."""
    return {"long_name": variable.long_name, "units": variable.unit}
