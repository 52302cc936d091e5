"""train, evaluate and embed on a tiny compendium."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from model.baselines.copy_matrix import CopyMatrix
from model.baselines.observed_pca import fit_observed_pca
from model.baselines.pca import fit_pca
from model.batches.loader import LoaderSettings
from model.estimate_task import estimate_task
from model.fit_model import fit_model
from model.judge import held_out, judge
from model.list_models import model_generations
from model.networks.settings import LINEAR_NETWORK, NetworkSettings
from model.recipe import Recipe, Streaming
from model.score_model import NetworkCoder
from model.task import make_task
from model.training.metrics import JsonLines
from model.training.settings import TrainSettings
from pipeline.cli import app
from pipeline.workspace import Workspace
from storage.errors import InputError
from storage.open import contrasts_of, open_compendium
from storage.split import Split
from tests.support.events import steps_of
from tests.support.prepared import prepare, random_workspace

TRAIN = """
[genes]
list = "../genes.tsv"
[source]
path = "../source"
[prepare.genes]
min_contrasts = 2
min_studies = 2
[train]
memory_gib = 0.0
[train.network]
code = 3
encoder = []
decoder = []
skip = false
initial = "random"
[train.fit]
epochs = 2
batch_size = 8
learning_rate = 0.01
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Split]:
    root = tmp_path_factory.mktemp("models")
    workspace = random_workspace(root, {f"S{i:02}": 2 for i in range(30)}, n_genes=60)
    (workspace.root / "dexome.toml").write_text(TRAIN)
    (root / "source").mkdir(exist_ok=True)
    return workspace, prepare(workspace)[1]


def dexome(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_a_model_is_trained_evaluated_and_embeds_every_contrast(
    prepared: tuple[Workspace, Split],
) -> None:
    workspace, split = prepared
    at = ("-w", workspace.root, "--json")
    dry = json.loads(dexome("train", "tiny", "--dry-run", *at))
    n_genes = int(split.selected.sum())
    assert dry["parameters"] == 2 * 3 * n_genes + 3 + n_genes
    assert not (workspace.root / "models").exists()
    done = json.loads(dexome("train", "tiny", *at))
    assert (done["epochs"], done["ended"]) == (2, "all 2 epochs are done")
    again = json.loads(dexome("train", "tiny", *at))
    assert again == done
    table = json.loads(dexome("evaluate", "tiny", *at))
    lines = {line["model"]: line for line in table["lines"]}
    assert lines["model"]["rank"] == lines["PCA, zeros for missing"]["rank"] == 3
    assert lines["mean"]["r2"]["value"] == pytest.approx(0, abs=1e-6)
    assert lines["PCA, zeros for missing"]["r2"]["value"] > lines["random"]["r2"]["value"]
    assert lines["PCA, zeros for missing"]["asymmetry"] == pytest.approx(0, abs=1e-6)
    assert "PCA" in dexome("evaluate", "tiny", "-w", workspace.root)
    folder = workspace.root / "models" / "tiny"
    genes = pd.read_parquet(folder / "evaluation-test-genes.parquet")
    contrasts = pd.read_parquet(folder / "evaluation-test-contrasts.parquet")
    assert genes["gene"].tolist() == split.genes[split.selected].tolist()
    of_part = split.rows("test")
    assert contrasts["contrast"].tolist() == split.contrasts[of_part].tolist()
    assert contrasts["study"].tolist() == split.studies[of_part].tolist()
    assert genes["n_observed"].sum() == contrasts["n_observed"].sum()
    # The table's MSE is that of all entries: the mean of the contrasts', by weight and entries.
    mass = contrasts["n_observed"] * split.weight[of_part]
    for name, column in (("model", "mse_model"), ("PCA, shrunken", "mse_pca_shrunken")):
        whole = np.average(contrasts[column], weights=mass)
        assert whole == pytest.approx(lines[name]["mse"], rel=1e-6)
    told = json.loads(dexome("embed", "tiny", *at))
    assert "the compendium has no enrichment" in told["coloured_by"]
    drawn = sorted(path.name for path in Path(told["figures"]).iterdir())
    assert drawn == [
        "codes-pca.png",
        "codes-pca.svg",
        "codes-tsne.png",
        "codes-tsne.svg",
        "codes.json",
    ]
    tree = open_compendium(workspace.root)
    codes = tree["latent-tiny"].to_dataset()
    assert codes["code"].shape == (len(split.contrasts), 3)
    assert codes["contrast"].values.tolist() == split.contrasts.tolist()
    assert codes.attrs["model_generation"] == codes.attrs["generation"] == split.generation
    assert np.isfinite(codes["code"].values).all()
    state = json.loads(dexome("status", *at))
    (model,) = state["models"]
    assert (model["name"], model["epochs"]) == ("tiny", 2)
    assert model["generation"] == split.generation
    assert model["validation_loss"] == pytest.approx(done["validation_loss"])
    assert model_generations(workspace.local)[split.generation].startswith("model ")
    assert [Path(store).name for store in state["splits"]] == [split.store]
    assert [Path(store).name for store in state["latents"]] == ["latent-tiny.zarr"]


def test_tensorboard_s_events_are_written_beside_the_metrics(
    prepared: tuple[Workspace, Split],
) -> None:
    workspace, _ = prepared
    dexome("train", "events", "-w", workspace.root, "--tensorboard")
    folder = workspace.root / "models" / "events"
    lines = JsonLines(folder / "metrics.jsonl").read()
    told = steps_of(folder / "tensorboard", "step/loss")
    assert told == {line["step"]: pytest.approx(line["loss"]) for line in lines if "loss" in line}
    losses = steps_of(folder / "tensorboard", "epoch/validation_loss")
    assert len(losses) == 2


def test_a_copy_gives_the_same_curve_however_its_rows_come(
    prepared: tuple[Workspace, Split],
) -> None:
    workspace, split = prepared
    curves = []
    recipe = Recipe(
        network=replace(LINEAR_NETWORK, code=3),
        fit=TrainSettings(epochs=2, batch_size=8),
        memory_gib=0.0,
    )
    ahead = replace(recipe, loader=Streaming(threads=3, ahead=2))
    for name, changed in (
        ("streamed", recipe),
        ("ahead", ahead),
        ("resident", replace(recipe, memory_gib=4.0)),
    ):
        task = make_task(workspace.disk, workspace.root, name, split, changed)
        assert (task.loader.threads, task.loader.ahead) == ((3, 2) if name == "ahead" else (1, 0))
        assert (estimate_task(task, sys.maxsize).resident_bytes > 0) == (name == "resident")
        fit_model(task)
        lines = JsonLines(task.folder / "metrics.jsonl").read()
        curves.append([{k: v for k, v in line.items() if k != "seconds"} for line in lines])
    assert curves[0] == curves[1] == curves[2]
    assert len(curves[0]) > 4
    # One may go on with the other's settings.
    assert ahead.binding() == recipe.binding()
    defaults = LoaderSettings(threads=Streaming().threads, ahead=Streaming().ahead)
    assert defaults == LoaderSettings()


def test_a_code_of_more_components_than_the_rows_have_is_refused(
    prepared: tuple[Workspace, Split],
) -> None:
    workspace, split = prepared
    fit = TrainSettings(batch_size=4)
    recipe = Recipe(network=NetworkSettings(code=256), fit=fit)
    with pytest.raises(
        InputError, match=r'code 256 is more than .* set code = .* initial = "random"'
    ):
        make_task(workspace.disk, workspace.root, "wide", split, recipe)
    at_random = Recipe(network=replace(LINEAR_NETWORK, code=256), fit=fit)
    make_task(workspace.disk, workspace.root, "wide", split, at_random)


def test_a_training_never_ends_worse_than_the_components_that_it_began_with(
    prepared: tuple[Workspace, Split],
) -> None:
    workspace, split = prepared
    network = NetworkSettings(code=3, encoder=(6,), decoder=(6,))
    fit = TrainSettings(epochs=3, batch_size=8, learning_rate=0.3)
    task = make_task(
        workspace.disk, workspace.root, "spoilt", split, Recipe(network=network, fit=fit)
    )
    progress = fit_model(task)
    assert (progress.epoch, progress.best_epoch) == (3, -1)
    best = task.checkpoints.best()
    assert best is not None
    assert best.progress.step == 0
    rows = held_out(task, split.rows("test"))
    training = CopyMatrix(task.copy, task.training, task.scaling)
    coders = (fit_observed_pca(training, 3), fit_pca(training, 3).projection)
    start, *fitted = (
        judge(c, rows).visible.r2 for c in (NetworkCoder.restored(task, best), *coders)
    )
    assert start > min(fitted) - 0.01


def test_a_training_that_is_stopped_at_its_start_begins_again(
    prepared: tuple[Workspace, Split],
) -> None:
    workspace, split = prepared
    network = NetworkSettings(code=3, encoder=(6,), decoder=(6,))
    recipe = Recipe(network=network, fit=TrainSettings(epochs=2, batch_size=8))
    whole, cut = (
        make_task(workspace.disk, workspace.root, name, split, recipe) for name in ("all", "cut")
    )
    progress = fit_model(whole)
    # While it reads for the components of all entries, and for those of observed ones.
    for at in (1, 4):
        asked = iter(range(1, 100))
        assert fit_model(cut, lambda asked=asked, at=at: next(asked) == at).step == 0  # type: ignore[misc]
        assert cut.checkpoints.newest() is None
    assert fit_model(cut) == progress
    curves = [
        [{k: v for k, v in line.items() if k != "seconds"} for line in task.metrics.read()]
        for task in (whole, cut)
    ]
    assert curves[0] == curves[1]


def test_a_matrix_of_copy_rows_is_the_copy_standardised(prepared: tuple[Workspace, Split]) -> None:
    workspace, split = prepared
    recipe = Recipe(network=NetworkSettings(code=3), fit=TrainSettings(batch_size=4))
    task = make_task(workspace.disk, workspace.root, "tiny", split, recipe)
    rows = np.array([41, 3, 17])
    matrix = CopyMatrix(task.copy, rows, task.scaling)
    contrasts = contrasts_of(open_compendium(workspace.root))
    logfc, tested = contrasts["logfc"].values, ~np.isnan(contrasts["t"].values)
    scaled = np.where(tested, logfc, np.nan)[rows][:, split.selected] / split.rms[split.selected]
    np.testing.assert_allclose(matrix.read(slice(0, 3), slice(0, None)), scaled, rtol=2e-3)
    np.testing.assert_allclose(matrix.read(slice(1, 3), slice(5, 9)), scaled[1:, 5:9], rtol=2e-3)


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden"])
def test_a_name_that_is_no_folder_is_refused(prepared: tuple[Workspace, Split], name: str) -> None:
    with pytest.raises(InputError, match="can't be the name of a model"):
        make_task(prepared[0].disk, prepared[0].root, name, prepared[1], Recipe())
