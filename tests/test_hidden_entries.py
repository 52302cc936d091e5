"""What a step hides from the input is as what is missing, and padding is nothing at all."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from model.networks.autoencoder import Autoencoder
from model.networks.settings import LINEAR_NETWORK, NetworkSettings
from model.training.adam import keras_adam
from model.training.gene_columns import GeneColumns, make_gene_columns, standardise
from model.training.settings import LossSettings
from model.training.step import Batch, train_step

N_GENES = 12


def all_columns(n_genes: int = N_GENES, multiple_of: int = 1) -> GeneColumns:
    selected = np.ones(n_genes, np.bool_)
    return make_gene_columns(np.zeros(n_genes), selected, selected, multiple_of=multiple_of)


def make_batch(seed: int = 0) -> Batch:
    rng = np.random.default_rng(seed)
    raw = rng.normal(size=(6, N_GENES)).astype(np.float16)
    raw[rng.random(raw.shape) < 0.3] = np.nan
    return Batch(jnp.asarray(raw), jnp.ones(6))


def step_of(net: Autoencoder, batch: Batch, columns: GeneColumns, seed: int = 0) -> float:
    optimizer = nnx.Optimizer(net, keras_adam(0.1), wrt=nnx.Param)
    return float(train_step(net, optimizer, batch, columns, settings=LossSettings(), seed=seed))


@pytest.mark.parametrize("rescale", [True, False])
@pytest.mark.parametrize("passes", [0, 2])
def test_an_entry_that_dropout_hides_is_as_one_that_is_missing(rescale: bool, passes: int) -> None:
    settings = replace(
        LINEAR_NETWORK, code=3, input_dropout=0.4, rescale_missing=rescale, fill_passes=passes
    )
    net = Autoencoder(settings, N_GENES, seed=1)
    batch = make_batch()
    x, observed = standardise(batch.raw, all_columns())
    key = jax.random.fold_in(jax.random.key(5), 0)
    shown = observed & jax.random.bernoulli(key, 0.6, observed.shape)
    assert 0 < shown.sum() < observed.sum()
    share = shown.mean(1, keepdims=True) if rescale else 0.6
    single = Autoencoder(replace(LINEAR_NETWORK, code=3), N_GENES, seed=1)
    z = single.encode(jnp.where(shown, x / share, 0))
    for _ in range(passes):
        z = single.encode(jnp.where(shown, x, single.decode(z)))
    error = jnp.where(observed, single.decode(z) - x, 0)
    want = float((error**2).sum() / observed.sum())
    assert step_of(net, batch, all_columns(), seed=5) == pytest.approx(want, rel=1e-5)


def test_dropout_leaves_to_a_projection_what_a_subspace_of_all_the_data_gives_back() -> None:
    rng = np.random.default_rng(4)
    basis = np.linalg.qr(rng.normal(size=(300, 4)))[0].T
    raw = (rng.normal(size=(60, 4)) @ basis * 5).astype(np.float16)
    settings = NetworkSettings(code=4, encoder=(6,), decoder=(6,), input_dropout=0.3)
    net = Autoencoder(settings, 300, seed=0)
    net.start_at(jnp.asarray(basis, jnp.float32))
    loss = step_of(net, Batch(jnp.asarray(raw), jnp.ones(60)), all_columns(300))
    assert loss < 0.01 * raw.astype(float).var()


def test_nothing_is_filled_into_padding() -> None:
    settings = replace(LINEAR_NETWORK, code=3, output="sigmoid", fill_passes=2)
    columns = all_columns(multiple_of=5)
    net = Autoencoder(settings, N_GENES, seed=0, n_columns=len(columns.index))
    step_of(net, make_batch(), columns)
    kernel = np.asarray(net.encoder.layers[0].own_kernel[...])
    assert kernel[:N_GENES].all()
    assert not kernel[N_GENES:].any()
