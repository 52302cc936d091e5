"""One layer of weights, and a chain of them."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
from flax import nnx

from model.networks.settings import Activation

_ACTIVATIONS: dict[Activation, Callable[[jax.Array], jax.Array]] = {
    "relu": jax.nn.relu,
    "gelu": jax.nn.gelu,
    "linear": lambda x: x,
}


def activate(x: jax.Array, activation: Activation) -> jax.Array:
    """Apply an activation by its name."""
    return _ACTIVATIONS[activation](x)


def glorot_uniform(key: jax.Array, n_in: int, n_out: int, shape: tuple[int, int]) -> jax.Array:
    """Weights uniform within ± √(6 / (n_in + n_out)), as Keras' Dense starts (Glorot and Bengio 2010)."""
    limit = (6 / (n_in + n_out)) ** 0.5
    return jax.random.uniform(key, shape, jnp.float32, -limit, limit)


def product(x: jax.Array, kernel: jax.Array, dtype: jnp.dtype) -> jax.Array:
    """x @ kernel with factors of type `dtype` and sums in float32."""
    return jnp.dot(x.astype(dtype), kernel.astype(dtype), preferred_element_type=jnp.float32)


class Dense(nnx.Module):
    """x @ kernel + bias; a layer that borrows its kernel (tied weights) has a bias only.

    `gene_axis` says which axis of the kernel is the gene axis: 0, 1, or None.
    """

    def __init__(
        self, kernel: jax.Array | None, n_out: int, dtype: jnp.dtype, gene_axis: int | None = None
    ) -> None:
        self.kernel: nnx.Param[jax.Array] | None = nnx.data(
            None if kernel is None else nnx.Param(kernel)
        )
        self.bias = nnx.Param(jnp.zeros(n_out, jnp.float32))
        self.dtype = dtype
        self.gene_axis = gene_axis

    @property
    def own_kernel(self) -> nnx.Param[jax.Array]:
        """The kernel of a layer that has one."""
        assert self.kernel is not None
        return self.kernel

    def __call__(self, x: jax.Array, borrowed: jax.Array | None = None) -> jax.Array:
        kernel = self.own_kernel[...] if borrowed is None else borrowed
        return product(x, kernel, self.dtype) + self.bias[...]


class Chain(nnx.Module):
    """Layers one behind the other; all but the last are activated."""

    def __init__(self, layers: Sequence[Dense], activation: Activation) -> None:
        self.layers = nnx.List(layers)
        self.activation: Activation = activation

    def __call__(self, x: jax.Array, mirror: "Chain | None" = None) -> jax.Array:
        """The last layer's sums; with `mirror`, on that chain's kernels, transposed, from its end."""
        for place, layer in enumerate(self.layers):
            borrowed = None
            if mirror is not None:
                borrowed = mirror.layers[len(self.layers) - 1 - place].own_kernel[...].T
            x = layer(x, borrowed)
            if place < len(self.layers) - 1:
                x = activate(x, self.activation)
        return x


def make_chain(
    key: jax.Array,
    widths: Sequence[int],
    fans: Sequence[int],
    activation: Activation,
    dtype: jnp.dtype,
    *,
    genes_at: int | None,
    tied: bool = False,
    silent: bool = False,
) -> Chain:
    """A chain of layers between `widths`.

    Parameters
    ----------
    fans
        Widths by which the weights are scaled: those without the gene axis' padding.
    genes_at
        0 or −1: which of the widths is the gene axis.
    tied
        Leave the kernels to another chain.
    silent
        Start the last layer at zero, so that the chain adds nothing.
    """
    n = len(widths) - 1
    keys = jax.random.split(key, n)
    layers = []
    for i in range(n):
        kernel = None
        if not tied:
            # Drawn without the padding: a network cut over devices starts with the same weights.
            kernel = glorot_uniform(keys[i], fans[i], fans[i + 1], (fans[i], fans[i + 1]))
            padding = [(0, widths[i] - fans[i]), (0, widths[i + 1] - fans[i + 1])]
            kernel = jnp.pad(kernel, padding)
            if silent and i == n - 1:
                kernel = jnp.zeros_like(kernel)
        gene_axis = 0 if genes_at == 0 and i == 0 else 1 if genes_at == -1 and i == n - 1 else None
        layers.append(Dense(kernel, widths[i + 1], dtype, gene_axis))
    return Chain(layers, activation)
