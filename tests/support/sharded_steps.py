"""Twenty steps on one device, and on a mesh of simulated ones; prints the losses as JSON."""

import json
import sys
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from model.networks.autoencoder import Autoencoder
from model.networks.settings import LINEAR_NETWORK
from model.training.adam import keras_adam
from model.training.gene_columns import make_gene_columns
from model.training.placement import make_mesh, place_batch, place_columns, place_network
from model.training.settings import LossSettings
from model.training.step import Batch, train_step

N_GENES, N_ROWS = 37, 8


def losses(n_data: int, n_gene: int) -> list[float]:
    """Losses of twenty steps on a mesh."""
    rng = np.random.default_rng(0)
    mesh = make_mesh(n_data, n_gene)
    columns = make_gene_columns(
        np.zeros(N_GENES), np.ones(N_GENES), np.ones(N_GENES, np.bool_), multiple_of=4
    )
    settings = replace(LINEAR_NETWORK, code=4, encoder=(6,), input_dropout=0.2)
    net = Autoencoder(settings, N_GENES, seed=0, n_columns=40)
    place_network(net, mesh)
    optimizer = nnx.Optimizer(net, keras_adam(0.01), wrt=nnx.Param)
    columns = place_columns(columns, mesh)
    found = []
    for _ in range(20):
        raw = rng.normal(size=(N_ROWS, N_GENES)).astype(np.float16)
        raw[rng.random(raw.shape) < 0.2] = np.nan
        batch = place_batch(Batch(jnp.asarray(raw), jnp.ones(N_ROWS)), mesh)
        loss = train_step(net, optimizer, batch, columns, settings=LossSettings(), seed=0)
        found.append(float(loss))
    kernel = net.encoder.layers[0].own_kernel[...]
    assert kernel.addressable_shards[0].data.shape == (40 // n_gene, 6), kernel.sharding
    moment = optimizer.opt_state.inner_state[0].mu["encoder"]["layers"][0]["kernel"][...]
    assert moment.addressable_shards[0].data.shape == (40 // n_gene, 6), moment.sharding
    return found


if __name__ == "__main__":
    assert len(jax.devices()) == 4
    meshes = [(1, 1), (2, 2)]
    json.dump([losses(*mesh) for mesh in meshes], sys.stdout)
