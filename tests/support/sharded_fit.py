"""The same training on one device and on a mesh of simulated ones; prints both curves as JSON."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from model.baselines.matrix import ArrayMatrix
from model.fit_model import fit_model
from model.networks.autoencoder import Autoencoder
from model.networks.settings import LINEAR_NETWORK
from model.recipe import Devices, Recipe
from model.start import find_starts, start_at_best
from model.task import make_task
from model.training.gene_columns import make_gene_columns
from model.training.loop import Data
from model.training.placement import make_mesh, place_network
from model.training.settings import TrainSettings
from storage.disk import Disk
from storage.split import read_split
from tests.support.rows_in_memory import MemoryLoader

NETWORK = replace(LINEAR_NETWORK, code=3, initial="pca")
FIT = TrainSettings(epochs=1, batch_size=8)


def curve(root: Path, devices: Devices) -> list[float]:
    """Losses of steps and of the validation."""
    disk = Disk(root)
    recipe = Recipe(network=NETWORK, fit=FIT, devices=devices)
    task = make_task(disk, root, f"on-{devices.rows}-{devices.genes}", read_split(disk), recipe)
    fit_model(task)
    lines = task.metrics.read()
    return [line[name] for line in lines for name in ("loss", "validation_loss") if name in line]


def check_that_the_start_lies_on_the_mesh() -> None:
    """Components are found, and judged, without the whole network on a device."""
    values = np.random.default_rng(0).normal(size=(16, 10)).astype(np.float32)
    mesh = make_mesh(1, 4)
    columns = make_gene_columns(np.zeros(10), np.ones(10), np.ones(10, np.bool_), multiple_of=4)
    net = Autoencoder(NETWORK, 10, seed=0, n_columns=12)
    place_network(net, mesh)
    data = Data(
        loader=MemoryLoader(values),
        columns=columns,
        order=lambda _: np.arange(16).reshape(2, 8),
        validation=np.arange(16).reshape(2, 8),
        row_weight=np.ones(16),
        mesh=mesh,
    )
    starts = find_starts(ArrayMatrix(values), NETWORK.code)
    start_at_best(net, starts, data, FIT, lambda: False)
    kernel = net.encoder.layers[0].own_kernel[...]
    assert jnp.any(kernel != 0)
    assert {shard.data.shape for shard in kernel.addressable_shards} == {(3, 3)}, kernel.sharding


if __name__ == "__main__":
    assert len(jax.devices()) == 4
    check_that_the_start_lies_on_the_mesh()
    meshes = [Devices(), Devices(rows=2, genes=2)]
    json.dump([curve(Path(sys.argv[1]), devices) for devices in meshes], sys.stdout)
