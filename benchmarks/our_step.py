"""Our training step on a raw batch, as the benchmarks time it."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from model.networks.autoencoder import Autoencoder
from model.networks.settings import NetworkSettings
from model.training.adam import keras_adam
from model.training.gene_columns import make_gene_columns
from model.training.settings import LossSettings
from model.training.step import Batch, train_step


def make_step(
    settings: NetworkSettings, n_genes: int, batch_size: int
) -> Callable[[jax.Array], jax.Array]:
    """A step on (batch, gene) float16, all genes learned: its loss, which nobody has waited for."""
    net = Autoencoder(settings, n_genes, seed=0)
    optimizer = nnx.Optimizer(net, keras_adam(1e-3), wrt=nnx.Param)
    columns = make_gene_columns(np.zeros(n_genes), np.ones(n_genes), np.ones(n_genes, np.bool_))
    weight = jnp.ones(batch_size)

    def step(raw: jax.Array) -> jax.Array:
        return train_step(
            net, optimizer, Batch(raw, weight), columns, settings=LossSettings(), seed=0
        )

    return step
