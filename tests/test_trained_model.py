"""A model keeps to its genes and its split, whatever else is prepared; what fitted it does not judge it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from model.baselines.projection import random_projection
from model.judge import unknown_rows
from model.recipe import Recipe
from model.score_model import score_beside_baselines
from model.task import copy_rows, make_task
from pipeline.cli import app
from pipeline.workspace import open_workspace
from storage.errors import DexomeError, InputError
from storage.split import Split, read_split
from storage.training_copy import TrainingCopy, read_copy_manifest
from tests.support.prepared import random_workspace

CONFIG = """
[genes]
list = "../genes.tsv"
[source]
path = "../source"
[cluster.here]
kind = "threads"
workers = 1
[prepare.split]
seed = {seed}
[prepare.genes]
min_contrasts = 2
min_studies = 2
keep = {keep}
[prepare.copy]
genes = "{genes}"
[train.network]
code = 3
[train.fit]
epochs = 2
batch_size = 8
learning_rate = {rate}
"""


class Lab:
    """A workspace, and its commands."""

    def __init__(self, root: Path) -> None:
        (root / "source").mkdir()
        sizes = {f"S{i:02}": 2 for i in range(30)}
        self.workspace = random_workspace(root, sizes, n_genes=60)

    def set(
        self, *, seed: int = 0, keep: int = 30, genes: str = "all", rate: float = 0.001
    ) -> None:
        text = CONFIG.format(seed=seed, keep=keep, genes=genes, rate=rate)
        (self.workspace.root / "dexome.toml").write_text(text)

    def run(self, *arguments: str) -> Any:
        """What a command prints as JSON."""
        command = [*arguments, "-w", str(self.workspace.root), "--json"]
        done = CliRunner().invoke(app, command, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    def refused(self, *arguments: str) -> str:
        """With what message a command ends."""
        with pytest.raises(DexomeError) as caught:
            self.run(*arguments)
        return str(caught.value)

    def recipe(self) -> Recipe:
        """The recipe of its settings."""
        recipe = open_workspace(self.workspace.root).config.train
        assert recipe is not None
        return recipe

    def prepare(self, **settings: Any) -> Split:
        """Prepare with these settings; returns the split."""
        self.set(**settings)
        return read_split(self.workspace.disk, Path(self.run("prepare")["split"]).name)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def r2_of(told: dict[str, Any], model: str = "model") -> float:
    return float(next(line["r2"]["value"] for line in told["lines"] if line["model"] == model))


def test_a_model_of_selected_genes_finds_them_by_their_ids_in_any_copy(lab: Lab) -> None:
    selected = lab.prepare(genes="selected")
    copy = read_copy_manifest(lab.workspace.disk, selected.copy)
    assert len(copy.genes) == 30
    lab.run("train", "few")
    first = lab.run("evaluate", "few")
    codes = pd.read_parquet(lab.workspace.root / "models/few/evaluation-test-contrasts.parquet")
    # All genes, the same rows: the genes lie in other columns.
    whole = lab.prepare(genes="all")
    assert len(read_copy_manifest(lab.workspace.disk, whole.copy).genes) == 60
    second = lab.run("evaluate", "few", "--split", whole.store)
    assert r2_of(second) == pytest.approx(r2_of(first), abs=1e-5)
    again = pd.read_parquet(lab.workspace.root / "models/few/evaluation-test-contrasts.parquet")
    assert again["mse_model"].tolist() == pytest.approx(codes["mse_model"].tolist(), rel=1e-4)
    # Other genes, in a copy as wide or not: refused, and nothing is published.
    lab.prepare(genes="selected", keep=20)
    other = lab.prepare(genes="selected", keep=20, seed=3)
    for command in ("evaluate", "embed"):
        told = lab.refused(command, "few", "--split", other.store)
        assert "trained on 30 genes (hash " in told
        assert "not among the 20 (hash " in told
        assert 'genes = "all"' in told
    assert not list(lab.workspace.root.glob("compendium/*/latent-few.zarr"))
    # By itself it keeps to the split that it was trained on.
    assert r2_of(lab.run("evaluate", "few")) == r2_of(first)
    assert lab.run("embed", "few")["new"]


def test_contrasts_that_fitted_a_model_do_not_judge_it(lab: Lab) -> None:
    trained_on = lab.prepare()
    lab.run("train", "ours")
    before = lab.run("evaluate", "ours")
    assert (before["split"], before["left_out"]) == (trained_on.store, 0)
    other = lab.prepare(seed=5)
    fitted = {
        *trained_on.contrasts[trained_on.rows("train")],
        *trained_on.contrasts[trained_on.rows("validation")],
    }
    of_other = set(other.contrasts[other.rows("test")].tolist())
    assert of_other & fitted
    told = lab.run("evaluate", "ours", "--split", other.store)
    assert told["left_out"] == len(of_other & fitted)
    table = pd.read_parquet(lab.workspace.root / "models/ours/evaluation-test-contrasts.parquet")
    assert set(table["contrast"]) == of_other - fitted
    text = CliRunner().invoke(
        app, ["evaluate", "ours", "--split", other.store, "-w", str(lab.workspace.root)]
    )
    assert f"left out    {told['left_out']} contrasts of test that fitted the model" in text.stdout
    # The newest split is not asked unless it is named.
    after = lab.run("evaluate", "ours")
    assert after == before


def test_on_a_split_by_component_a_model_knows_the_whole_component_of_what_fitted_it(
    lab: Lab,
) -> None:
    split = lab.prepare()
    task = make_task(lab.workspace.disk, lab.workspace.root, "x", split, lab.recipe())
    # As if it had been trained on one contrast of a study of the test part, on a split by row.
    tested = split.rows("test")
    row = copy_rows(task.copy, split, tested[:1])
    knowing = replace(task, training=np.r_[task.training, row])
    of_study = tested[split.studies[tested] == split.studies[tested[0]]]
    assert len(of_study) == 2
    assert set(unknown_rows(knowing, "test")) == set(tested) - set(of_study)
    by_row = replace(knowing, split=replace(split, by="row"))
    assert set(unknown_rows(by_row, "test")) == set(tested[1:])


def test_a_part_that_fitted_the_model_altogether_is_refused(lab: Lab) -> None:
    split = lab.prepare()
    task = make_task(lab.workspace.disk, lab.workspace.root, "x", split, lab.recipe())
    task = replace(task, training=np.arange(task.copy.n_rows))
    nothing = random_projection(np.zeros(int(task.scaling.mask.sum()), np.float32), 1, 0)
    n = len(split.rows("test"))
    with pytest.raises(
        InputError, match=f"all {n} test contrasts of {split.store} fitted the model"
    ):
        score_beside_baselines(task, "test", {"model": (1, nothing)})


def test_a_training_takes_the_split_of_the_settings_and_not_the_newest(lab: Lab) -> None:
    first = lab.prepare()
    second = lab.prepare(seed=5)
    assert lab.prepare().store == first.store
    assert lab.run("train", "a", "--dry-run")["split"] == first.store
    assert lab.run("train", "a")["split"] == first.store
    assert lab.run("train", "b", "--split", second.store)["split"] == second.store
    assert lab.run("evaluate", "b")["split"] == second.store
    lab.set(seed=6)
    told = lab.refused("train", "c")
    assert first.store in told
    assert second.store in told
    assert "run `dexome prepare`" in told


def test_what_a_model_was_trained_on_is_kept_and_a_damaged_list_is_written_again(lab: Lab) -> None:
    split = lab.prepare()
    lab.run("train", "ours")
    path = lab.workspace.root / "models/ours/trained_on.json"
    kept = path.read_text()
    fields = json.loads(kept)
    assert fields["training"] == split.contrasts[split.rows("train")].tolist()
    assert fields["genes"] == split.genes[split.selected].tolist()
    path.write_text(kept[:-20])
    assert "trained_on.json is missing or damaged" in lab.refused("embed", "ours")
    fields["genes"] = fields["genes"][::-1]
    path.write_text(json.dumps(fields))
    assert "is not of its checkpoint: hash of genes" in lab.refused("embed", "ours")
    lab.run("train", "ours")
    assert path.read_text() == kept


def test_rows_that_are_placed_anew_are_not_the_same_training(lab: Lab) -> None:
    task = make_task(lab.workspace.disk, lab.workspace.root, "x", lab.prepare(), lab.recipe())
    for name in ("training", "validation"):
        fewer = replace(task, **{name: getattr(task, name)[1:]})
        with pytest.raises(InputError, match=f"trained with hash of {name}"):
            task.identity.check_resumable(fewer.identity)


def test_the_start_stands_beside_a_model_that_began_as_principal_components(lab: Lab) -> None:
    lab.prepare(rate=1e-30)
    lab.run("train", "still")
    told = lab.run("evaluate", "still")
    assert r2_of(told) == pytest.approx(r2_of(told, "the start, untrained"), abs=1e-6)
    lab.set(rate=0.03)
    done = lab.run("train", "wild")
    assert done["best_epoch"] == -1
    told = lab.run("evaluate", "wild")
    assert told["best_epoch"] == -1
    assert told["pca"] == "exact"
    assert r2_of(told) == pytest.approx(r2_of(told, "the start, untrained"), abs=1e-6)
    text = CliRunner().invoke(app, ["evaluate", "wild", "-w", str(lab.workspace.root)]).stdout
    assert "no epoch of training was better than its start" in text
    assert "PCA         exact" in text


def test_a_damaged_copy_is_neither_trained_on_nor_coded(lab: Lab) -> None:
    split = lab.prepare()
    lab.run("train", "whole")
    file = TrainingCopy.open(lab.workspace.root, split.copy).chunk_file("logfc", 0)
    with file.open("r+b") as opened:
        opened.write(bytes(400))
    for command in (("train", "new"), ("train", "new", "--dry-run"), ("embed", "whole")):
        assert f"{file} is damaged" in lab.refused(*command)
    assert not (lab.workspace.root / "models/new").exists()
