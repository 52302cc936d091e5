"""A held-out fold is in nothing that judges it: training rows, scaling, choice of genes, reference mean."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from model.baselines.copy_matrix import CopyMatrix
from model.judge import held_out
from model.networks.settings import NetworkSettings
from model.recipe import Recipe
from model.scaling import Scaling
from model.scaling_rows import GeneDemands, scaling_of_rows
from model.task import make_task
from model.training.settings import TrainSettings
from pipeline.prepare.moments import block_moments, select_genes
from pipeline.prepare.settings import PrepareSettings
from pipeline.workspace import Workspace
from storage.errors import InputError
from storage.split import Split
from tests.support.prepared import FEW, prepare, random_workspace


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Split]:
    root = tmp_path_factory.mktemp("folds")
    workspace = random_workspace(root, {f"S{i:02}": 2 for i in range(40)}, n_genes=60)
    return workspace, prepare(workspace)[1]


def test_a_held_out_fold_is_in_no_training_row_nor_in_the_scaling(
    prepared: tuple[Workspace, Split],
) -> None:
    workspace, split = prepared
    recipe = Recipe(network=NetworkSettings(code=3), fit=TrainSettings(batch_size=4))
    task = make_task(workspace.disk, workspace.root, "tiny", split, recipe, fold=1)
    used = set(np.array(task.copy.contrasts)[[*task.training, *task.validation]].tolist())
    held = set(split.contrasts[split.fold_rows(1)[1]].tolist())
    assert held
    assert not used & held
    assert used | held == set(split.contrasts[split.part != "test"].tolist())
    assert "fold" in task.identity.config
    assert (
        "fold"
        not in make_task(workspace.disk, workspace.root, "tiny", split, recipe).identity.config
    )


def test_the_rows_without_a_fold_choose_its_genes_and_its_reference(
    prepared: tuple[Workspace, Split],
) -> None:
    workspace, split = prepared
    recipe = Recipe(network=NetworkSettings(code=1), fit=TrainSettings(batch_size=4))
    strict = replace(split, min_contrasts=int(split.n_tested.max()) - 8, min_studies=5)
    task = make_task(workspace.disk, workspace.root, "tiny", strict, recipe, fold=1)
    raw = _raw(np.ones(task.copy.n_genes, np.bool_))
    x = CopyMatrix(task.copy, task.training, raw).read(slice(None), slice(None))
    there = ~np.isnan(x)
    studies = dict(zip(split.contrasts, split.studies, strict=True))
    of_row = np.array([studies[task.copy.contrasts[row]] for row in task.training])
    n_studies = np.array([len(set(of_row[seen])) for seen in there.T])
    enough = (there.sum(0) >= strict.min_contrasts) & (n_studies >= strict.min_studies)
    selected = Scaling.from_split(split, task.copy.genes).mask
    assert 0 < (enough & selected).sum() < selected.sum()
    np.testing.assert_array_equal(task.scaling.mask, enough & selected)
    varied = replace(strict, min_variance=float(np.median(split.variance[split.selected])))
    fewer = make_task(workspace.disk, workspace.root, "tiny", varied, recipe, fold=1).scaling.mask
    assert 0 < fewer.sum() < task.scaling.mask.sum()
    weights = dict(zip(split.contrasts, split.weight, strict=True))
    weight = np.array([weights[task.copy.contrasts[row]] for row in task.training])
    mean = (weight @ np.nan_to_num(x.astype(np.float64))) / np.maximum(weight @ there, 1e-9)
    rows = held_out(task, split.fold_rows(1)[1])
    want = ((mean - task.scaling.shift) * task.scaling.scale)[task.scaling.mask]
    np.testing.assert_allclose(rows.reference, want, rtol=1e-4, atol=1e-6)


def test_a_fold_s_rows_choose_the_genes_of_highest_variance_anew(tmp_path: Path) -> None:
    workspace = random_workspace(tmp_path, {f"S{i:02}": 2 for i in range(40)}, n_genes=60)
    genes = replace(FEW, keep=20)
    split = prepare(workspace, PrepareSettings(genes=genes))[1]
    assert split.selected.sum() == 20
    recipe = Recipe(network=NetworkSettings(code=1), fit=TrainSettings(batch_size=4))
    of_all_rows = make_task(workspace.disk, workspace.root, "tiny", split, recipe).scaling.mask
    others = 0
    for fold in range(4):
        task = make_task(workspace.disk, workspace.root, "tiny", split, recipe, fold=fold)
        raw = _raw(np.ones(task.copy.n_genes, np.bool_))
        x = CopyMatrix(task.copy, task.training, raw).read(slice(None), slice(None))
        there = ~np.isnan(x)
        place = {contrast: i for i, contrast in enumerate(split.contrasts)}
        row = [place[task.copy.contrasts[i]] for i in task.training]
        n_studies = np.array([len(set(split.studies[row][seen])) for seen in there.T])
        moments = block_moments(x, there, split.weight[row].astype(np.float64))
        np.testing.assert_array_equal(task.scaling.mask, select_genes(moments, n_studies, genes))
        others += (task.scaling.mask & ~of_all_rows).sum()
    # Genes are among them that the rows of all folds together leave out.
    assert others


def test_a_code_of_more_components_than_the_genes_without_a_fold_have_is_refused(
    prepared: tuple[Workspace, Split],
) -> None:
    workspace, split = prepared
    few = replace(split, min_contrasts=int(split.n_tested.max()) - 8)
    recipe = Recipe(network=NetworkSettings(code=30), fit=TrainSettings(batch_size=4))
    make_task(workspace.disk, workspace.root, "tiny", few, recipe)
    with pytest.raises(InputError, match=r"code 30 is more than the \d+ principal components"):
        make_task(workspace.disk, workspace.root, "tiny", few, recipe, fold=1)


@pytest.mark.parametrize("kind", ["rms", "standard"])
def test_the_scaling_of_rows_is_that_of_scikit_learn(
    prepared: tuple[Workspace, Split], kind: str
) -> None:
    workspace, split = prepared
    recipe = Recipe(network=NetworkSettings(code=3), fit=TrainSettings(batch_size=4))
    task = make_task(workspace.disk, workspace.root, "tiny", split, recipe)
    rows = task.training[:30]
    weight = np.random.default_rng(1).uniform(0.2, 1, 30)
    x = (
        CopyMatrix(task.copy, rows, _raw(task.scaling.mask))
        .read(slice(None), slice(None))
        .astype(np.float64)
    )
    sklearn = StandardScaler().fit(x, sample_weight=weight)
    # A bound that some genes pass and some do not.
    demands = GeneDemands(min_variance=float(np.median(sklearn.var_)))
    studies = [f"S{number % 7}" for number in range(30)]
    found = scaling_of_rows(task.copy, rows, studies, weight, task.scaling.mask, kind, demands)
    usable = found.mask[task.scaling.mask]
    np.testing.assert_array_equal(usable, sklearn.var_ > demands.min_variance)
    if kind == "standard":
        spread, mean = sklearn.scale_, sklearn.mean_
    else:
        mean = np.zeros(x.shape[1])
        spread = np.sqrt(sklearn.var_ + sklearn.mean_**2)
    np.testing.assert_allclose(found.scale[found.mask], 1 / spread[usable], rtol=1e-5)
    np.testing.assert_allclose(found.shift[found.mask], mean[usable], rtol=1e-5, atol=1e-7)


def _raw(mask: np.ndarray) -> Scaling:
    """The genes of `mask`, as the copy has them."""
    n_genes = len(mask)
    return Scaling(
        shift=np.zeros(n_genes, np.float32), scale=np.ones(n_genes, np.float32), mask=mask
    )
