"""How an array of (row, …, gene or term) is cut: shards are what one writer owns, chunks what is read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import zarr
from zarr.codecs import ZstdCodec

from storage.schema import Variable
from storage.zarr_store import StagingStore

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
    store: StagingStore, path: str, variable: Variable, shape: tuple[int, ...], layout: Layout
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


def open_matrix(store: StagingStore, path: str) -> zarr.Array[Any]:
    """A sharded array to write whole shards into."""
    array = zarr.open_array(store, path=path)
    # A shard of NaN only must exist: one that is absent looks like a lost one.
    return array.with_config({"write_empty_chunks": True})


def write_labels(
    store: StagingStore, path: str, variable: Variable, values: "Sequence[object] | np.ndarray"
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
