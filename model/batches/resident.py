"""The resident loader: the whole copy on the device, rows taken there."""

from collections.abc import Iterator
from functools import partial
from typing import Self

import jax
import jax.numpy as jnp
import numpy as np
from jax import Device
from jax.sharding import NamedSharding, PartitionSpec, Sharding, SingleDeviceSharding

from model.batches.batch import Batch, Rows
from model.batches.buffers import Placement
from model.batches.row_reader import RowReader
from storage.training_copy import TrainingCopy

_LOAD_ROWS = 128


class ResidentLoader:
    """Batches of a copy that lies on the device as a whole, loaded once."""

    def __init__(
        self,
        copy: TrainingCopy,
        batch_size: int,
        *,
        se: bool = False,
        placement: Placement = None,
    ) -> None:
        self._batch_size = batch_size
        self._placement = placement
        self._logfc: jax.Array | None = _load(copy, "logfc", placement)
        self._se = _load(copy, "se", placement) if se else None
        # Laid out as the batches are, but with all rows on every device that shares them.
        self._take = jax.jit(_take, out_shardings=_sharding(placement))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def batches(self, rows: Rows) -> Iterator[Batch]:
        """The batches of `rows` (step, batch), one after the other; −1 stands for a row of NaN."""
        if rows.ndim != 2 or rows.shape[1] != self._batch_size:
            raise ValueError(f"rows must be (step, {self._batch_size}), got {rows.shape}")
        logfc = self._logfc
        if logfc is None:
            raise ValueError("the loader is closed")
        if len(rows) and not (rows.min() >= -1 and rows.max() < len(logfc)):
            raise ValueError(
                f"rows must be from −1 to {len(logfc) - 1}, got {rows.min()}…{rows.max()}"
            )
        for of_batch in rows:
            # Beyond the end, where the gather fills with NaN; −1 itself would be the last row.
            places = np.where(of_batch < 0, len(logfc), of_batch).astype(np.int32)
            se = None if self._se is None else self._take(self._se, places)
            yield Batch(of_batch, self._take(logfc, places), se)

    def close(self) -> None:
        """Let go of the memory."""
        self._logfc = self._se = None


def _sharding(placement: Placement) -> Sharding | None:
    return SingleDeviceSharding(placement) if isinstance(placement, Device) else placement


def _whole(placement: Placement) -> Sharding | None:
    """How the whole copy lies: every row where a batch may ask for it, genes spread as those of a batch."""
    found = _sharding(placement)
    if isinstance(found, NamedSharding):
        genes = found.spec[1] if len(found.spec) > 1 else None
        return NamedSharding(found.mesh, PartitionSpec(None, genes))
    return found


def _take(data: jax.Array, rows: jax.Array) -> jax.Array:
    return jnp.take(data, rows, axis=0, mode="fill", fill_value=jnp.nan)


@partial(jax.jit, donate_argnums=0)
def _put_rows(data: jax.Array, rows: jax.Array, first: int) -> jax.Array:
    return jax.lax.dynamic_update_slice_in_dim(data, rows, first, axis=0)


def _load(copy: TrainingCopy, name: str, placement: Placement) -> jax.Array:
    """An array of the copy on the device; the host holds one block of it at a time."""
    whole = _whole(placement)
    data = jnp.zeros((copy.n_rows, copy.n_genes), jnp.float16, device=whole)
    reader = RowReader(copy, name)
    try:
        for first in range(0, copy.n_rows, _LOAD_ROWS):
            rows = np.arange(first, min(first + _LOAD_ROWS, copy.n_rows))
            block = np.empty((len(rows), copy.n_genes), np.uint16)
            reader.read(rows, block)
            data = _put_rows(data, jax.device_put(block.view(np.float16), whole), first)
    finally:
        reader.close()
    return data
