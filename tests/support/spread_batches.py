"""Hashes of an epoch from both loaders, spread over simulated devices: a process of its own sets how many.

python -m tests.support.spread_batches WORKSPACE KEY
"""

import hashlib
import sys

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from model.batches.buffers import Placement
from model.batches.resident import ResidentLoader
from model.batches.rows import epoch_rows
from model.batches.streamed import StreamedLoader
from storage.training_copy import TrainingCopy

BATCH = 16


def main() -> None:
    """Print a hash for each placement and loader."""
    copy = TrainingCopy.open(sys.argv[1], sys.argv[2])
    rows = epoch_rows(np.arange(copy.n_rows), BATCH, 3, 0, pad=True)
    devices = jax.devices()
    mesh = Mesh(np.array(devices), ("data",))
    placements: list[tuple[Placement, int]] = [
        (devices[2], 1),
        (NamedSharding(mesh, PartitionSpec("data")), 4),
        (NamedSharding(mesh, PartitionSpec(None, "data")), 4),
    ]
    for placement, n_devices in placements:
        for make in (StreamedLoader, ResidentLoader):
            digest = hashlib.sha256()
            with make(copy, BATCH, placement=placement) as loader:
                for batch in loader.batches(rows):
                    assert len(batch.logfc.sharding.device_set) == n_devices
                    digest.update(np.asarray(batch.logfc).tobytes())
            sys.stdout.write(f"{digest.hexdigest()}\n")


if __name__ == "__main__":
    main()
