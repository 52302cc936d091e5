"""What a reconstruction costs: sums over observed entries, weighted by row and entry."""

import jax
import jax.numpy as jnp

from model.training.settings import LossSettings


def entry_loss(error: jax.Array, settings: LossSettings) -> jax.Array:
    """Squared error, or Huber's loss in the same units (twice the textbook's)."""
    square = error * error
    if settings.kind == "mse":
        return square
    delta = settings.huber_delta
    size = jnp.abs(error)
    return jnp.where(size <= delta, square, delta * (2 * size - delta))


def entry_weights(observed: jax.Array, se: jax.Array | None, settings: LossSettings) -> jax.Array:
    """(rows, columns) weight of each entry, 0 where it does not count."""
    if not settings.weight_by_se:
        return observed.astype(jnp.float32)
    if se is None:
        raise ValueError(
            "weight_by_se needs a training copy with se; prepare one, or set it to false"
        )
    floor = settings.se_floor**2
    return jnp.where(observed & ~jnp.isnan(se), floor / (jnp.nan_to_num(se) ** 2 + floor), 0)


def loss_sums(
    error: jax.Array, weights: jax.Array, row_weight: jax.Array, settings: LossSettings
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Weighted loss, the sum of its weights with, and without, those of the rows.

    The first over the third is what a step descends: its denominator does not move with the rows' weights,
    so that a batch of heavy rows pulls harder than one of light rows. The first over the second is a mean.
    """
    of_row = jnp.sum(weights, axis=1)
    loss = jnp.sum(weights * entry_loss(error, settings), axis=1)
    return loss @ row_weight, of_row @ row_weight, of_row @ (row_weight > 0).astype(jnp.float32)
