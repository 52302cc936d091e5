"""Networks, loss and step: the paper's to the digit, and the family's laws."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from model.baselines.matrix import ArrayMatrix
from model.baselines.pca import fit_pca
from model.networks.autoencoder import Autoencoder, count_parameters
from model.networks.dense import glorot_uniform
from model.networks.settings import LINEAR_NETWORK, PAPER_NETWORK, NetworkSettings, with_layers
from model.training.adam import keras_adam
from model.training.gene_columns import GeneColumns, make_gene_columns, standardise
from model.training.loss import entry_loss, entry_weights, loss_sums
from model.training.settings import LossSettings
from model.training.step import Batch, code_step, evaluation_step, train_step

N_GENES = 12
PLAIN = LossSettings()


def all_columns(n_genes: int = N_GENES) -> GeneColumns:
    return make_gene_columns(np.zeros(n_genes), np.ones(n_genes), np.ones(n_genes, np.bool_))


def make_batch(n_rows: int = 6, *, holes: float = 0.3, seed: int = 0) -> Batch:
    rng = np.random.default_rng(seed)
    raw = rng.normal(size=(n_rows, N_GENES)).astype(np.float16)
    raw[rng.random(raw.shape) < holes] = np.nan
    return Batch(jnp.asarray(raw), jnp.ones(n_rows))


def parameters(net: Autoencoder) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(nnx.state(net, nnx.Param))]


def test_the_paper_preset_is_the_papers_network() -> None:
    assert (PAPER_NETWORK.code, PAPER_NETWORK.encoder, PAPER_NETWORK.decoder) == (2000, (), ())
    assert (PAPER_NETWORK.code_activation, PAPER_NETWORK.output) == ("relu", "sigmoid")
    assert count_parameters(PAPER_NETWORK, 21_953) == 2 * 21_953 * 2000 + 2000 + 21_953
    five = with_layers(PAPER_NETWORK, 5, 2000)
    assert (five.encoder, five.code, five.decoder) == ((400, 400), 400, (400, 400))
    assert with_layers(PAPER_NETWORK, 1, 2000) == PAPER_NETWORK


def test_a_step_of_the_paper_is_that_of_keras_written_out() -> None:
    net = Autoencoder(replace(PAPER_NETWORK, code=5), N_GENES, seed=3)
    optimizer = nnx.Optimizer(net, keras_adam(0.01), wrt=nnx.Param)
    w1 = np.asarray(net.encoder.layers[0].own_kernel[...], np.float64)
    w2 = np.asarray(net.decoder.layers[0].own_kernel[...], np.float64)
    p = [w1, np.zeros(5), w2, np.zeros(N_GENES)]
    m, v = [0 * a for a in p], [0 * a for a in p]
    for t in range(1, 6):
        batch = make_batch(holes=0, seed=t)
        got = train_step(net, optimizer, batch, all_columns(), settings=PLAIN, seed=0)
        x = np.asarray(batch.raw, np.float64)
        pre = x @ p[0] + p[1]
        hidden = np.maximum(pre, 0)
        y = 1 / (1 + np.exp(-(hidden @ p[2] + p[3])))
        np.testing.assert_allclose(got, ((y - x) ** 2).mean(), rtol=1e-5)
        d_out = 2 * (y - x) / x.size * y * (1 - y)
        d_hidden = d_out @ p[2].T * (pre > 0)
        grads = [x.T @ d_hidden, d_hidden.sum(0), hidden.T @ d_out, d_out.sum(0)]
        for i, g in enumerate(grads):
            m[i] = 0.9 * m[i] + 0.1 * g
            v[i] = 0.999 * v[i] + 0.001 * g * g
            rate = 0.01 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            p[i] = p[i] - rate * m[i] / (np.sqrt(v[i]) + 1e-7)
    np.testing.assert_allclose(net.encoder.layers[0].own_kernel[...], p[0], atol=1e-5)
    np.testing.assert_allclose(net.decoder.layers[0].own_kernel[...], p[2], atol=1e-5)
    np.testing.assert_allclose(net.decoder.layers[0].bias[...], p[3], atol=1e-5)


def test_weights_start_glorot_uniform_and_biases_at_zero() -> None:
    kernel = np.asarray(glorot_uniform(jax.random.key(0), 300, 100, (300, 100)))
    limit = (6 / 400) ** 0.5
    assert np.abs(kernel).max() <= limit
    assert kernel.std() == pytest.approx(limit / 3**0.5, rel=0.02)
    net = Autoencoder(replace(LINEAR_NETWORK, code=3, encoder=(4,)), N_GENES, seed=0)
    assert all(not np.any(layer.bias[...]) for layer in net.encoder.layers)


@pytest.mark.parametrize(
    "settings",
    [
        replace(LINEAR_NETWORK, code=3),
        replace(LINEAR_NETWORK, code=3, encoder=(5, 4), decoder=(4, 5), tied=True),
        replace(LINEAR_NETWORK, code=3, decoder=(7,), skip=True),
        replace(
            LINEAR_NETWORK, code=3, encoder=(6,), decoder=(6,), skip=True, tied=True, fill_passes=2
        ),
    ],
)
def test_the_parameters_are_as_many_as_is_said_and_all_learn(settings: NetworkSettings) -> None:
    net = Autoencoder(settings, N_GENES, seed=0)
    before = parameters(net)
    assert sum(a.size for a in before) == count_parameters(settings, N_GENES)
    optimizer = nnx.Optimizer(net, keras_adam(0.01), wrt=nnx.Param)
    losses = [
        float(train_step(net, optimizer, make_batch(), all_columns(), settings=PLAIN, seed=0))
        for _ in range(30)
    ]
    assert losses[-1] < losses[0]
    assert all(np.any(a != b) for a, b in zip(before, parameters(net), strict=True))


@pytest.mark.parametrize("tied", [False, True])
def test_a_network_that_starts_as_pca_is_that_projection(tied: bool) -> None:
    x = np.random.default_rng(0).normal(size=(30, N_GENES)).astype(np.float32)
    device = jnp.asarray(x)
    projection = fit_pca(ArrayMatrix(x), 4).projection
    for settings in (
        replace(LINEAR_NETWORK, code=4, initial="pca", tied=tied),
        replace(
            LINEAR_NETWORK, code=4, encoder=(6,), decoder=(6,), skip=True, initial="pca", tied=tied
        ),
    ):
        net = Autoencoder(settings, N_GENES, seed=0)
        net.start_at(jnp.asarray(projection.components))
        np.testing.assert_allclose(net(device), np.asarray(projection.reconstruct(x)), atol=1e-5)
        np.testing.assert_allclose(net.encode(device), np.asarray(projection.encode(x)), atol=1e-5)
    with pytest.raises(ValueError, match=r"components must be \(4, 12\)"):
        net.start_at(jnp.zeros((3, N_GENES)))


def test_filling_passes_come_near_the_least_squares_code_of_the_observed_genes() -> None:
    rng = np.random.default_rng(1)
    x = (rng.normal(size=(30, 2)) @ rng.normal(size=(2, N_GENES))).astype(np.float32)
    components = fit_pca(ArrayMatrix(x), 2).projection.components
    observed = rng.random(x.shape) < 0.8
    shown = jnp.asarray(np.where(observed, x, 0))
    errors = []
    for passes in (0, 1, 8, 60):
        settings = replace(LINEAR_NETWORK, code=2, initial="pca", fill_passes=passes)
        net = Autoencoder(settings, N_GENES, seed=0)
        net.start_at(jnp.asarray(components))
        errors.append(float(jnp.abs(net(shown, jnp.asarray(observed)) - x).mean()))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-2 * errors[0]


def test_missing_and_unselected_genes_and_padding_rows_change_nothing() -> None:
    rng = np.random.default_rng(2)
    selected = np.arange(N_GENES) < 9
    columns = make_gene_columns(rng.normal(size=N_GENES), np.full(N_GENES, 2.0), selected)
    settings = replace(LINEAR_NETWORK, code=3, input_dropout=0.2)
    raw = np.array(make_batch().raw)
    other = raw.copy()
    other[:, 9:] = 77
    more = np.vstack([raw, np.full((2, N_GENES), np.nan, np.float16)])
    found = []
    for values, weight in ((raw, np.ones(6)), (other, np.ones(6)), (more, np.r_[np.ones(6), 0, 0])):
        net = Autoencoder(replace(settings, input_dropout=0), 9, seed=0)
        optimizer = nnx.Optimizer(net, keras_adam(0.01), wrt=nnx.Param)
        batch = Batch(jnp.asarray(values), jnp.asarray(weight, jnp.float32))
        loss = train_step(net, optimizer, batch, columns, settings=PLAIN, seed=0)
        found.append([np.asarray(loss), *parameters(net)])
    for one in found[1:]:
        for a, b in zip(found[0], one, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    x, observed = standardise(jnp.asarray(raw), columns)
    z, y = code_step(net, jnp.where(observed, x, jnp.nan))
    assert (z.shape, y.shape) == ((6, 3), (6, 9))
    np.testing.assert_array_equal(~observed, np.isnan(raw[:, :9]))
    want = (raw.astype(np.float32) - np.asarray(columns.shift.tolist() + [0] * 3)) * 2
    np.testing.assert_allclose(x, np.nan_to_num(want[:, :9]), rtol=1e-5)


def test_what_dropout_hides_is_a_function_of_seed_and_step() -> None:
    settings = replace(LINEAR_NETWORK, code=3, input_dropout=0.5)

    def losses(seed: int) -> list[float]:
        net = Autoencoder(settings, N_GENES, seed=0)
        optimizer = nnx.Optimizer(net, keras_adam(1e-9), wrt=nnx.Param)
        return [
            float(
                train_step(net, optimizer, make_batch(), all_columns(), settings=PLAIN, seed=seed)
            )
            for _ in range(3)
        ]

    first = losses(0)
    assert first == losses(0) != losses(1)
    assert len(set(first)) == 3


def test_heavier_rows_pull_harder_and_the_mean_loss_is_weighted() -> None:
    error = jnp.asarray([[1.0, 1.0], [2.0, 0.0]])
    weights = jnp.asarray([[1.0, 1.0], [1.0, 0.0]])
    loss, weight, n = loss_sums(error, weights, jnp.asarray([0.5, 2.0]), PLAIN)
    assert (float(loss), float(weight), float(n)) == (9.0, 3.0, 3.0)


def test_huber_is_square_within_and_straight_beyond_with_one_slope() -> None:
    settings = LossSettings(kind="huber", huber_delta=1.5)
    error = jnp.asarray([-3.0, -1.5, 0.5, 1.5, 4.0])
    got = np.asarray(entry_loss(error, settings))
    np.testing.assert_allclose(got, [6.75, 2.25, 0.25, 2.25, 9.75])
    slope = jax.vmap(jax.grad(lambda e: entry_loss(e, settings)))(error)
    np.testing.assert_allclose(slope, [-3, -3, 1, 3, 3])


def test_entries_count_by_their_standard_error_and_not_without_one() -> None:
    settings = LossSettings(weight_by_se=True, se_floor=2.0)
    observed = jnp.asarray([[True, True, True, False]])
    se = jnp.asarray([[0.0, 2.0, np.nan, 1.0]])
    np.testing.assert_allclose(entry_weights(observed, se, settings), [[1, 0.5, 0, 0]])
    with pytest.raises(ValueError, match="needs a training copy with se"):
        entry_weights(observed, None, settings)


def test_bfloat16_computes_near_float32_and_keeps_float32_parameters() -> None:
    found = []
    for compute in ("float32", "bfloat16"):
        net = Autoencoder(replace(LINEAR_NETWORK, code=4, compute=compute), N_GENES, seed=0)
        optimizer = nnx.Optimizer(net, keras_adam(0.01), wrt=nnx.Param)
        train_step(net, optimizer, make_batch(), all_columns(), settings=PLAIN, seed=0)
        assert {a.dtype for a in parameters(net)} == {np.dtype(np.float32)}
        loss, weight = evaluation_step(net, make_batch(), all_columns(), settings=PLAIN)
        found.append(float(loss / weight))
    assert found[0] != found[1]
    assert found[0] == pytest.approx(found[1], rel=0.02)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"code": 0}, "at least 1 unit"),
        ({"input_dropout": 1.0}, "below 1"),
        ({"tied": True, "encoder": (3,)}, "mirrors the encoder"),
        ({"skip": True}, "hidden layers to lead past"),
        ({"skip": True, "encoder": (3,), "code_activation": "relu"}, "code_activation 'linear'"),
        ({"initial": "pca", "output": "sigmoid"}, "initial 'pca' needs"),
        ({"initial": "pca", "encoder": (3,)}, "skip where there are hidden layers"),
        ({"fill_passes": -1}, "at least 0"),
    ],
)
def test_a_network_that_makes_no_sense_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(LINEAR_NETWORK, **changes)  # type: ignore[arg-type]
