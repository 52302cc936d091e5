"""The autoencoder: genes to a latent code and back, from settings."""

from itertools import pairwise

import jax
import jax.numpy as jnp
from flax import nnx

from model.networks.dense import Chain, activate, make_chain
from model.networks.settings import NetworkSettings


class Autoencoder(nnx.Module):
    """Standardised genes, 0 where not observed, to a latent code and back.

    `n_genes` counts the real ones; the gene axis may be padded to `n_columns`, so that it can be cut evenly.
    """

    def __init__(
        self, settings: NetworkSettings, n_genes: int, *, seed: int, n_columns: int | None = None
    ) -> None:
        n_columns = n_columns or n_genes
        dtype = jnp.dtype(settings.compute)
        keys = jax.random.split(jax.random.key(seed), 4)
        quiet = settings.skip and settings.initial == "pca"
        into = (*settings.encoder, settings.code)
        out_of = (settings.code, *settings.decoder)
        self.settings = settings
        self.n_genes = n_genes
        self.n_columns = n_columns
        self.encoder = make_chain(
            keys[0],
            (n_columns, *into),
            (n_genes, *into),
            settings.activation,
            dtype,
            genes_at=0,
            silent=quiet and bool(settings.encoder),
        )
        self.decoder = make_chain(
            keys[1],
            (*out_of, n_columns),
            (*out_of, n_genes),
            settings.activation,
            dtype,
            genes_at=-1,
            tied=settings.tied,
            silent=quiet and bool(settings.decoder) and not settings.tied,
        )
        # The linear path leads past hidden layers only; beside a single layer it would be that layer again.
        skip_in = skip_out = None
        if settings.skip and settings.encoder:
            ends, fans = (n_columns, settings.code), (n_genes, settings.code)
            skip_in = make_chain(keys[2], ends, fans, "linear", dtype, genes_at=0)
        if settings.skip and settings.decoder:
            ends, fans = (settings.code, n_columns), (settings.code, n_genes)
            skip_out = make_chain(
                keys[3], ends, fans, "linear", dtype, genes_at=-1, tied=settings.tied
            )
        self.skip_in: Chain | None = nnx.data(skip_in)
        self.skip_out: Chain | None = nnx.data(skip_out)

    def encode(
        self, x: jax.Array, observed: jax.Array | None = None, boost: float = 1.0
    ) -> jax.Array:
        """(rows, code): the latent code of standardised rows.

        Parameters
        ----------
        observed
            (rows, columns) which entries of `x` count; needed only where the settings have `fill_passes` or
            `rescale_missing`.
        boost
            Factor on `x` where nothing is filled in yet: what dropout hides is made up for by what it shows.
        """
        first = x * boost
        if observed is None:
            return self._encode(first)
        if self.settings.rescale_missing:
            share = observed.sum(1, keepdims=True) / self.n_genes
            first = first / jnp.maximum(share, 1 / self.n_genes)
        z = self._encode(first)
        # Nothing is filled into the padding: a sigmoid says 0.5 there, which the encoder would learn from.
        kept = observed | (jnp.arange(self.n_columns) >= self.n_genes)
        for _ in range(self.settings.fill_passes):
            z = self._encode(jnp.where(kept, x, self.decode(z)))
        return z

    def _encode(self, x: jax.Array) -> jax.Array:
        z = self.encoder(x)
        if self.skip_in is not None:
            z = z + self.skip_in(x)
        return activate(z, self.settings.code_activation)

    def decode(self, z: jax.Array) -> jax.Array:
        """(rows, columns): the reconstruction from latent codes."""
        tied = self.settings.tied
        x = self.decoder(z, self.encoder if tied else None)
        if self.skip_out is not None:
            x = x + self.skip_out(z, self.skip_in if tied else None)
        return jax.nn.sigmoid(x) if self.settings.output == "sigmoid" else x

    def __call__(
        self, x: jax.Array, observed: jax.Array | None = None, boost: float = 1.0
    ) -> jax.Array:
        return self.decode(self.encode(x, observed, boost))

    def start_at(self, components: jax.Array) -> None:
        """Make the linear path the projection on (code, genes) orthonormal components."""
        code = self.settings.code
        if components.shape != (code, self.n_genes):
            raise ValueError(
                f"components must be ({code}, {self.n_genes}) as the network, got {components.shape}"
            )
        components = jnp.pad(components, [(0, 0), (0, self.n_columns - self.n_genes)])
        _set_kernel(self.skip_in or self.encoder, components.T)
        if not self.settings.tied:
            _set_kernel(self.skip_out or self.decoder, components)


def count_parameters(settings: NetworkSettings, n_columns: int) -> int:
    """How many numbers a network of these settings learns."""
    into = (n_columns, *settings.encoder, settings.code)
    out_of = (settings.code, *settings.decoder, n_columns)
    weights = 1 - settings.tied
    total = sum(a * b + b for a, b in pairwise(into))
    total += sum(weights * a * b + b for a, b in pairwise(out_of))
    if settings.skip and settings.encoder:
        total += n_columns * settings.code + settings.code
    if settings.skip and settings.decoder:
        total += weights * n_columns * settings.code + n_columns
    return total


def _set_kernel(chain: Chain, values: jax.Array) -> None:
    kernel = chain.layers[0].own_kernel
    # A copy: the step donates its parameters, and the caller's array must outlive that.
    kernel[...] = jnp.array(values, jnp.float32)
