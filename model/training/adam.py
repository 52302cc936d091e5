"""Adam as Keras computes it, as an Optax transformation."""

from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax


class AdamState(NamedTuple):
    """Number of steps, and the running means of gradients and of their squares."""

    steps: jax.Array
    mu: Any
    nu: Any


def scale_by_keras_adam(b1: float = 0.9, b2: float = 0.999, eps: float = 1e-7) -> Any:
    """Adam's direction with `eps` beside √v before its correction (Kingma and Ba 2015, end of section 2).

    Optax puts `eps` beside the corrected √v, and has 1e-8: in the first steps, and for genes whose
    gradients are small, that is another step than Keras'.
    """

    def init(params: Any) -> AdamState:
        return AdamState(
            jnp.zeros([], jnp.int32),
            jax.tree.map(jnp.zeros_like, params),
            jax.tree.map(jnp.zeros_like, params),
        )

    def update(grads: Any, state: AdamState, params: Any = None) -> tuple[Any, AdamState]:
        del params
        count = state.steps + 1
        mu = jax.tree.map(lambda m, g: m + (1 - b1) * (g - m), state.mu, grads)
        nu = jax.tree.map(lambda v, g: v + (1 - b2) * (g * g - v), state.nu, grads)
        t = count.astype(jnp.float32)
        correction = jnp.sqrt(1 - b2**t) / (1 - b1**t)
        updates = jax.tree.map(lambda m, v: correction * m / (jnp.sqrt(v) + eps), mu, nu)
        return updates, AdamState(count, mu, nu)

    return optax.GradientTransformation(init, update)


@cache
def keras_adam(learning_rate: float) -> Any:
    """The optimiser of a training; its rate is part of its state, where the plateau rule sets it.

    The same rate gives the same object, so that a second training compiles nothing again.
    """

    def make(learning_rate: Any) -> Any:
        return optax.chain(scale_by_keras_adam(), optax.scale_by_learning_rate(learning_rate))

    return optax.inject_hyperparams(make)(learning_rate=learning_rate)
