"""What a training takes, and what is refused before it begins."""

import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from model.baselines.matrix import ArrayMatrix, Floats
from model.baselines.observed_pca import (
    ObservedPcaSettings,
    fit_observed_pca,
    observed_pca_bytes,
)
from model.baselines.pca import PcaSettings, fit_pca, pca_bytes
from model.estimate_task import estimate_task
from model.networks.autoencoder import count_parameters
from model.networks.settings import LINEAR_NETWORK, CodeTooWideError, NetworkSettings
from model.recipe import PAPER, Devices, Recipe, Streaming, paper_recipe
from model.task import make_task
from model.training.estimate import Estimate, check_fits, estimate_training
from model.training.settings import LossSettings, TrainSettings
from pipeline.workspace import Workspace
from storage.errors import InputError
from storage.split import Split
from tests.support.prepared import prepare, random_workspace

GIB = 2**30


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Split]:
    root = tmp_path_factory.mktemp("estimate")
    workspace = random_workspace(root, {f"S{i:02}": 2 for i in range(30)}, n_genes=60)
    return workspace, prepare(workspace)[1]


def estimate(
    network: NetworkSettings, devices: Devices | None = None, start_bytes: int = 0
) -> Estimate:
    return estimate_training(
        network,
        TrainSettings(),
        devices or Devices(),
        n_columns=48_978,
        n_training=5_000,
        n_validation=1_000,
        row_bytes=97_956,
        resident_bytes=0,
        loader_bytes=0,
        start_bytes=start_bytes,
    )


def test_what_cannot_fit_is_refused_with_the_setting_to_change() -> None:
    small = estimate(replace(LINEAR_NETWORK, code=64))
    assert small.steps_per_epoch == 40
    assert small.epoch_bytes == 6_000 * 97_956
    room = small.device_bytes + small.host_bytes
    assert room == small.total_bytes
    check_fits(small, device_bytes=None, host_bytes=room, shared=True)
    for change, cure in (
        ({"resident_bytes": 700_000_000}, "memory_gib = 0"),
        ({"start_bytes": room}, 'initial = "random"'),
        ({"activation_bytes": small.activation_bytes + 10_000_000}, "lower batch_size"),
        ({"state_bytes": small.state_bytes + 2 * room}, "lower code"),
    ):
        with pytest.raises(InputError, match=cure):
            check_fits(replace(small, **change), device_bytes=None, host_bytes=room, shared=True)
    with pytest.raises(CodeTooWideError, match="GiB of the device"):
        check_fits(small, device_bytes=1000, host_bytes=10 * room, shared=False)
    with pytest.raises(InputError, match="GiB of this machine"):
        check_fits(small, device_bytes=10 * room, host_bytes=1000, shared=False)


def test_a_gene_axis_that_is_shared_is_counted_by_device() -> None:
    network = NetworkSettings(code=256, encoder=(2048,), decoder=(2048,))
    whole = estimate(network)
    shared = estimate(network, Devices(rows=2, genes=4))
    # What belongs to no gene is on every device.
    one, two = (count_parameters(network, n) for n in (1, 2))
    of_all = 16 * (2 * one - two)
    assert (shared.parameters, shared.n_devices) == (whole.parameters, 8)
    assert shared.state_bytes - of_all == pytest.approx((whole.state_bytes - of_all) / 4, rel=1e-3)
    assert shared.activation_bytes == pytest.approx(whole.activation_bytes / 8, rel=0.2)
    assert shared.host_bytes == whole.host_bytes
    device = whole.device_bytes // 2
    check_fits(shared, device_bytes=device, host_bytes=64 * GIB, shared=False, n_devices=8)
    with pytest.raises(InputError, match=r"set rows = 1 and genes = 4 in \[train.devices\]"):
        check_fits(whole, device_bytes=device, host_bytes=64 * GIB, shared=False, n_devices=4)
    with pytest.raises(CodeTooWideError, match="lower code"):
        check_fits(whole, device_bytes=device, host_bytes=64 * GIB, shared=False, n_devices=1)


def test_memory_of_the_start_counts_where_it_is_more_than_that_of_a_checkpoint() -> None:
    network = NetworkSettings(code=8, encoder=(), decoder=(), skip=False)
    without = estimate(network)
    little = estimate(network, start_bytes=1000)
    much = estimate(network, start_bytes=3 * GIB)
    assert little.host_bytes == without.host_bytes
    assert much.host_bytes == without.host_bytes - without.saving_bytes + 3 * GIB
    # The optimiser is not there yet.
    assert much.total_bytes == much.host_bytes + much.state_bytes // 4


class RawMatrix(ArrayMatrix):
    """A matrix that makes its blocks from float16, as that of a training copy does."""

    def read(self, rows: slice, genes: slice) -> Floats:
        raw = super().read(rows, genes).astype(np.float16)
        scaled: Floats = (raw.astype(np.float32) - np.float32(0)) * np.float32(1)
        return scaled


def peak(function: Callable[[], object]) -> int:
    """Bytes that numpy took while the function ran."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("n_rows", "n_genes", "rank", "mib"),
    [(300, 2000, 8, 2), (600, 400, 20, 1), (100, 3000, 80, 1)],
)
def test_principal_components_take_what_is_stated(
    n_rows: int, n_genes: int, rank: int, mib: int
) -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal((n_rows, n_genes)).astype(np.float16)
    values[rng.random(values.shape) < 0.3] = np.nan
    matrix = RawMatrix(values)
    shape = (n_rows, n_genes, rank)
    exact = PcaSettings(budget_gib=mib / 1024)
    randomised = replace(exact, exact_rows=1, passes=2)
    observed = ObservedPcaSettings(budget_gib=mib / 1024, iterations=2)
    for took, stated in (
        (peak(lambda: fit_pca(matrix, rank, exact)), pca_bytes(*shape, exact)),
        (peak(lambda: fit_pca(matrix, rank, randomised)), pca_bytes(*shape, randomised)),
        (
            peak(lambda: fit_observed_pca(matrix, rank, observed)),
            max(observed_pca_bytes(*shape, observed), pca_bytes(*shape, exact)),
        ),
    ):
        assert took <= stated * 1.05
        assert stated <= took * 2


def test_what_a_training_needs_and_lacks_is_refused_at_once(
    prepared: tuple[Workspace, Split],
) -> None:
    workspace, split = prepared
    fit = TrainSettings(batch_size=8)
    linear = replace(LINEAR_NETWORK, code=3)
    for recipe, what in (
        (PAPER, r"batch_size 128 of \[train.fit\] is larger than the .* without --preset"),
        (Recipe(fit=fit, devices=Devices(rows=3), network=linear), "not a multiple of the 3 dev"),
        (
            Recipe(fit=replace(fit, loss=LossSettings(weight_by_se=True)), network=linear),
            r"has no se.* se = true in \[prepare.copy\]",
        ),
    ):
        with pytest.raises(InputError, match=what):
            make_task(workspace.disk, workspace.root, "x", split, recipe)
    alone = Recipe(fit=fit, devices=Devices(rows=2), network=linear)
    task = make_task(workspace.disk, workspace.root, "x", split, alone)
    with pytest.raises(InputError, match=r"\[train.devices\] ask for 2 devices, and there are 1"):
        estimate_task(task, sys.maxsize)
    for network, has_start in ((linear, False), (NetworkSettings(code=3), True)):
        task = make_task(
            workspace.disk, workspace.root, "x", split, Recipe(fit=fit, network=network)
        )
        assert (estimate_task(task, sys.maxsize).start_bytes > 0) == has_start


def test_the_papers_recipe_is_trained_on_the_devices_and_in_the_memory_of_one_s_own() -> None:
    own = Recipe(devices=Devices(genes=2), loader=Streaming(threads=3), memory_gib=0.0)
    recipe = paper_recipe(own)
    assert (recipe.network, recipe.fit) == (PAPER.network, PAPER.fit)
    assert (recipe.devices, recipe.loader, recipe.memory_gib) == (own.devices, own.loader, 0.0)
    assert paper_recipe(None) == PAPER


def test_settings_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="memory_gib must not be negative, got -1"):
        Recipe(memory_gib=-1)
    with pytest.raises(ValueError, match="seed must not be negative, got -1"):
        TrainSettings(seed=-1)
