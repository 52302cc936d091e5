"""One step of training, and of evaluation: plain jitted functions of network, optimiser and batch."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast

import jax
import jax.numpy as jnp
from flax import nnx

from model.networks.autoencoder import Autoencoder
from model.training.gene_columns import GeneColumns, standardise, standardise_se
from model.training.loss import entry_weights, loss_sums
from model.training.settings import LossSettings

Function = TypeVar("Function", bound=Callable[..., Any])


def _jit(**options: Any) -> Callable[[Function], Function]:
    """`nnx.jit` that keeps the function's type."""

    def decorate(function: Function) -> Function:
        return cast(Function, nnx.jit(function, graph=True, **options))

    return decorate


@partial(
    jax.tree_util.register_dataclass, data_fields=["raw", "row_weight", "raw_se"], meta_fields=[]
)
@dataclass(frozen=True, slots=True)
class Batch:
    """Rows as they lie in the training copy: (rows, all genes) float16, NaN where not observed.

    A row that only fills the batch up has `row_weight` 0; those of the others have mean 1 over the
    training rows.
    """

    raw: jax.Array
    row_weight: jax.Array
    raw_se: jax.Array | None = None


@_jit(static_argnames=("settings", "seed"), donate_argnums=(0, 1))
def train_step(
    net: Autoencoder,
    optimizer: nnx.Optimizer[Autoencoder],
    batch: Batch,
    columns: GeneColumns,
    *,
    settings: LossSettings,
    seed: int,
) -> jax.Array:
    """Update `net` and `optimizer` in place; return the loss before the update.

    What is hidden from the input is a function of `seed` and the optimiser's step.
    """
    x, observed = standardise(batch.raw, columns)
    weights = _weights(batch, columns, observed, settings)
    shown, boost = observed, 1.0
    dropout = net.settings.input_dropout
    if dropout:
        key = jax.random.fold_in(jax.random.key(seed), optimizer.step[...])
        shown = observed & jax.random.bernoulli(key, 1 - dropout, observed.shape)
        # Rescaling for what is missing makes up for what is hidden too.
        boost = 1.0 if net.settings.rescale_missing else 1 / (1 - dropout)

    def loss_of(net: Autoencoder) -> jax.Array:
        error = net(jnp.where(shown, x, 0), shown, boost) - x
        loss, _, n = loss_sums(error, weights, batch.row_weight, settings)
        return loss / jnp.maximum(n, 1)

    loss: jax.Array
    loss, grads = nnx.value_and_grad(loss_of)(net)
    optimizer.update(net, grads)
    return loss


@_jit(static_argnames=("settings",))
def evaluation_step(
    net: Autoencoder, batch: Batch, columns: GeneColumns, *, settings: LossSettings
) -> tuple[jax.Array, jax.Array]:
    """Sum of the weighted losses of a batch, and of their weights."""
    x, observed = standardise(batch.raw, columns)
    weights = _weights(batch, columns, observed, settings)
    loss, weight, _ = loss_sums(net(x, observed) - x, weights, batch.row_weight, settings)
    return loss, weight


@_jit()
def all_finite(net: Autoencoder) -> jax.Array:
    """Whether every parameter is a finite number."""
    parameters = jax.tree.leaves(nnx.state(net, nnx.Param))
    return jnp.stack([jnp.isfinite(values).all() for values in parameters]).all()


@_jit()
def code_step(net: Autoencoder, x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Latent codes and reconstructions of standardised rows, NaN where not observed."""
    observed = ~jnp.isnan(x)
    z = net.encode(jnp.where(observed, x, 0), observed)
    return z, net.decode(z)


def _weights(
    batch: Batch, columns: GeneColumns, observed: jax.Array, settings: LossSettings
) -> jax.Array:
    se = None if batch.raw_se is None else standardise_se(batch.raw_se, columns)
    return entry_weights(observed, se, settings)
