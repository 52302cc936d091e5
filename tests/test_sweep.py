"""Sweeps: which trainings they plan, and what they come to on a tiny compendium."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from cluster.connect import connect
from model.evaluation.intervals import mean_gain, mean_r2
from model.evaluation.study_sums import StudySums
from model.judge import Judgement
from model.networks.settings import LINEAR_NETWORK
from model.recipe import PAPER, Recipe
from model.sweeps.baselines import BaselineResult
from model.sweeps.plan import plan_trials
from model.sweeps.settings import SearchSpace, SweepSettings
from model.sweeps.summary import summarise
from model.sweeps.trial import TrialResult, TrialTask, make_trial_task, run_trial
from model.training.estimate import PROCESS_BYTES
from model.training.settings import TrainSettings
from pipeline.cli import app
from pipeline.inflight import results as results_of_tasks
from pipeline.run_sweep import run_sweep
from pipeline.workspace import Workspace
from storage.errors import InputError
from storage.only_one import only_one
from storage.split import Split
from tests.support.prepared import prepare, random_workspace
from tests.support.whole_run import silent
from tests.support.workspaces import IN_PROCESS

CONFIG = """
[genes]
list = "../genes.tsv"
[source]
path = "../source"
[prepare.genes]
min_contrasts = 2
min_studies = 2
[train.network]
code = 3
encoder = [6]
decoder = [6]
[train.fit]
epochs = 2
batch_size = 8
learning_rate = 0.01
[sweep]
neurons = [1, 4]
layers = [1, 3]
units = [6]
ranks = [1, 2]
seeds = 2
trials = 2
[sweep.search]
code = [2, 3]
hidden = [0, 5]
[cluster.here]
kind = "threads"
workers = 2
memory_gib = 8.0
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Split]:
    root = tmp_path_factory.mktemp("sweeps")
    workspace = random_workspace(root, {f"S{i:02}": 2 for i in range(40)}, n_genes=60)
    (workspace.root / "dexome.toml").write_text(CONFIG)
    (root / "source").mkdir(exist_ok=True)
    return workspace, prepare(workspace)[1]


def sweep(workspace: Workspace, name: str, over: str, code: int = 0) -> dict[str, object]:
    at = ("-w", str(workspace.root), "--json")
    done = CliRunner().invoke(app, ["sweep", name, "--over", over, *at], catch_exceptions=False)
    assert done.exit_code == code, done.output
    found: dict[str, object] = json.loads(done.stdout)
    return found


def results(workspace: Workspace, name: str) -> list[Path]:
    return sorted((workspace.root / "models" / name / "trials").glob("*/result.json"))


def test_a_sweep_over_neurons_has_the_papers_network_at_each_width() -> None:
    trials = plan_trials("neurons", PAPER, SweepSettings(), range(4))
    assert [t.recipe.network.code for t in trials] == [t.at for t in trials]
    assert (trials[0].at, trials[-1].at) == (1, 2000)
    assert trials[-1].recipe == PAPER
    assert len({t.name for t in trials}) == len(trials)


def test_layers_share_their_units_and_a_single_one_is_the_code() -> None:
    trials = plan_trials("layers", PAPER, SweepSettings(), range(4))
    assert len(trials) == 20
    for trial in trials:
        net = trial.recipe.network
        widths = (*net.encoder, net.code, *net.decoder)
        assert len(widths) == trial.at
        assert trial.group == ("2,000 units" if "2000" in trial.name else "1,000 units")
        assert sum(widths) <= int(trial.group.split()[0].replace(",", "")) < sum(widths) + trial.at


def test_more_draws_of_a_random_search_keep_the_first_ones() -> None:
    few, many = (
        plan_trials("random", Recipe(), SweepSettings(trials=n), range(4)) for n in (3, 30)
    )
    assert many[:3] == few
    rates = [t.recipe.fit.learning_rate for t in many]
    assert len(set(rates)) > 25
    assert 1e-4 <= min(rates) < 4e-4
    assert 1e-3 < max(rates) <= 3e-3
    assert {t.recipe.network.decoder for t in many} == {(), (256,), (512,), (1024,)}
    assert all(t.recipe.network.skip == bool(t.recipe.network.decoder) for t in many)


def test_folds_need_two_and_each_is_held_out_once() -> None:
    planned = plan_trials("folds", Recipe(), SweepSettings(), [0, 1, 3])
    assert [t.fold for t in planned] == [0, 1, 3]
    with pytest.raises(InputError, match="single fold"):
        plan_trials("folds", Recipe(), SweepSettings(), range(1))


def test_layers_without_a_unit_each_are_refused() -> None:
    settings = SweepSettings(layers=(7,), units=(6,))
    with pytest.raises(InputError, match=r"layers \[7\] in \[sweep\] is more than units \[6\]"):
        plan_trials("layers", Recipe(), settings, range(4))


def test_seeds_of_a_rank_begin_at_the_recipe_s() -> None:
    recipe = Recipe(fit=TrainSettings(seed=7))
    planned = plan_trials("ranks", recipe, SweepSettings(ranks=(2,), seeds=3), range(4))
    assert [t.recipe.fit.seed for t in planned] == [7, 8, 9]


def test_a_gain_needs_both_pcas_of_its_rank() -> None:
    sums = StudySums(("a", "b"), (1.0, 2.0), (4.0, 4.0), (9.0, 9.0))
    judgement = Judgement(sums, sums, None)
    names = ("PCA, zeros for missing", "PCA, observed entries")
    both = [BaselineResult(name, 3, None, judgement) for name in names]
    assert summarise([], both)[0].gain is not None
    assert summarise([], both[:1])[0].gain is None


def test_a_sweep_without_contrasts_to_judge_by_is_refused_before_any_training(
    prepared: tuple[Workspace, Split],
) -> None:
    workspace, split = prepared
    untested = replace(split, part=np.where(split.part == "test", "train", split.part))
    with connect(IN_PROCESS) as client, pytest.raises(InputError, match="has no test contrast"):
        run_sweep(
            *(workspace.disk, workspace.root, client, silent, "none", "ranks", Recipe()),
            *(SweepSettings(), untested),
        )
    assert not (workspace.root / "models/none").exists()


def test_a_search_space_without_values_is_refused() -> None:
    with pytest.raises(ValueError, match="code must have a value"):
        SearchSpace(code=())
    with pytest.raises(ValueError, match="two rates above 0"):
        SearchSpace(learning_rate=(1e-2, 1e-3))
    with pytest.raises(ValueError, match="ranks must be numbers from 1 on"):
        SweepSettings(ranks=(0, 2))


def test_the_mean_over_trainings_and_its_gain_are_those_of_the_sums() -> None:
    rng = np.random.default_rng(0)
    names, square = tuple("abcdefghij"), tuple(rng.uniform(5, 9, 10))
    runs = [StudySums(names, tuple(rng.uniform(1, 3, 10)), square, (4.0,) * 10) for _ in range(3)]
    pca = StudySums(names, tuple(rng.uniform(3, 5, 10)), square, (4.0,) * 10)
    assert mean_r2(runs).value == pytest.approx(np.mean([run.r2 for run in runs]))
    gain = mean_gain(runs, [pca])
    assert gain.value == pytest.approx(np.mean([run.r2 for run in runs]) - pca.r2)
    assert gain.low < gain.value < gain.high
    assert mean_gain([pca], [pca]).low == mean_gain([pca], [pca]).high == 0
    with pytest.raises(ValueError, match="different entries"):
        mean_gain(runs, [replace(pca, count=(5.0,) * 10)])


def test_trainings_that_end_at_their_start_are_counted() -> None:
    sums = StudySums(("a", "b"), (1.0, 2.0), (4.0, 4.0), (9.0, 9.0))
    trial = TrialResult(
        name="t",
        at=1,
        group="",
        seed=0,
        rank=1,
        parameters=5,
        status="done",
        best_epoch=-1,
        judgement=Judgement(sums, sums, None),
    )
    several = [trial, replace(trial, seed=1, best_epoch=0), replace(trial, seed=2)]
    (point,) = summarise(several, [])
    assert (point.trainings, point.at_start) == (3, 2)


def test_a_sweep_over_ranks_is_done_once_and_goes_on_where_it_was_cut(
    prepared: tuple[Workspace, Split],
) -> None:
    workspace, _ = prepared
    told = sweep(workspace, "wide", "ranks")
    points = told["points"]
    assert isinstance(points, list)
    model = {p["rank"]: p for p in points if p["model"] == "model"}
    assert set(model) == {1, 2}
    assert model[1]["trainings"] == 2
    pca = {p["rank"]: p for p in points if p["model"] == "PCA, zeros for missing"}
    assert pca[2]["r2"]["value"] > pca[1]["r2"]["value"] > 0
    assert {p["how"] for p in pca.values()} == {"exact"}
    assert {p["how"] for p in points if "PCA" not in p["model"]} == {""}
    best = max(p["r2"]["value"] for p in points if p["model"].startswith("PCA") and p["rank"] == 2)
    assert model[2]["gain"]["value"] == pytest.approx(model[2]["r2"]["value"] - best)
    assert [f.rsplit("/", 1)[1] for f in told["figures"]] == ["sweep-ranks.png", "sweep-ranks.svg"]  # type: ignore[attr-defined]
    written = results(workspace, "wide")
    assert len(written) == 4
    assert not list((workspace.root / "models/wide/trials").glob("*/checkpoints"))
    kept = [path.stat().st_mtime_ns for path in written[1:]]
    written[0].unlink()
    again = sweep(workspace, "wide", "ranks")
    assert again["points"] == points
    assert [path.stat().st_mtime_ns for path in written[1:]] == kept


def test_a_trial_that_two_workers_have_is_trained_by_one_and_found_by_the_other(
    prepared: tuple[Workspace, Split],
) -> None:
    workspace, split = prepared
    recipe = Recipe(network=LINEAR_NETWORK, fit=TrainSettings(epochs=2, batch_size=8))
    trial = plan_trials("ranks", recipe, SweepSettings(ranks=(1,), seeds=1), [0])[0]
    item = TrialTask(
        disk=workspace.disk,
        workspace=workspace.root,
        sweep="twice",
        generation=split.generation,
        split=split.store,
        trial=trial,
        judged="test",
    )
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(run_trial, [item, item]))
    assert sorted(result.known for result in both) == [False, True]
    assert both[0].judgement == both[1].judgement
    folder = make_trial_task(item, split).folder
    (folder / "result.json").unlink()
    with ThreadPoolExecutor(1) as pool:
        with only_one(folder):
            waiting = pool.submit(run_trial, item)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=2)
        assert waiting.result().judgement == both[0].judgement


@pytest.mark.parametrize(
    ("over", "n"), [("neurons", 2), ("layers", 2), ("folds", 4), ("random", 2)]
)
def test_each_kind_of_sweep_ends_with_points(
    prepared: tuple[Workspace, Split], over: str, n: int
) -> None:
    told = sweep(prepared[0], f"of-{over}", over)
    points = told["points"]
    assert isinstance(points, list)
    assert len([p for p in points if p["model"] == "model"]) == n
    assert all(np.isfinite(p["mse"]) for p in points)
    assert bool(told["figures"]) == (over in ("neurons", "layers"))


def test_a_trial_that_diverges_is_told_of_and_the_others_go_on(
    prepared: tuple[Workspace, Split],
) -> None:
    workspace, _ = prepared
    path = workspace.root / "dexome.toml"
    path.write_text(CONFIG.replace("learning_rate = 0.01", "learning_rate = 1e38"))
    try:
        told = sweep(workspace, "wild", "neurons", code=3)
    finally:
        path.write_text(CONFIG)
    failed = told["failed"]
    assert isinstance(failed, dict)
    assert len(failed) == 2
    assert "lower learning_rate" in next(iter(failed.values()))


def test_a_sweep_takes_the_gpus_that_its_profile_promises(
    prepared: tuple[Workspace, Split], monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace, _ = prepared
    asked: list[object] = []

    def seen(*arguments: Any, resources: Any) -> Iterator[Any]:
        asked.append(resources)
        return results_of_tasks(*arguments, resources=resources)

    monkeypatch.setattr("pipeline.run_sweep.results", seen)
    path = workspace.root / "dexome.toml"
    for more, wanted in (("", None), ("resources = { GPU = 1 }\n", {"GPU": 1})):
        path.write_text(CONFIG + more)
        try:
            sweep(workspace, "of-neurons", "neurons")
        finally:
            path.write_text(CONFIG)
        assert asked.pop() == wanted


def test_a_trial_that_cannot_fit_into_its_worker_is_refused(
    prepared: tuple[Workspace, Split],
) -> None:
    workspace, _ = prepared
    path = workspace.root / "dexome.toml"
    path.write_text(CONFIG.replace("memory_gib = 8.0", "memory_gib = 0.5"))
    try:
        done = CliRunner().invoke(
            app, ["sweep", "big", "--over", "neurons", "-w", str(workspace.root)]
        )
    finally:
        path.write_text(CONFIG)
    assert isinstance(done.exception, InputError)
    assert "raise memory_gib of the cluster's profile" in str(done.exception)


@pytest.mark.parametrize(
    ("over", "key", "where"),
    [("ranks", "ranks = [1, 2]", "ranks in"), ("neurons", "neurons = [1, 4]", "neurons in")],
)
def test_a_rank_beyond_the_rows_is_refused_before_any_training_and_the_setting_named(
    prepared: tuple[Workspace, Split], over: str, key: str, where: str
) -> None:
    workspace, _ = prepared
    path = workspace.root / "dexome.toml"
    network = '[train.network]\ninitial = "pca"\nskip = true\n'
    path.write_text(CONFIG.replace(key, f"{over} = [1, 500]").replace("[train.network]\n", network))
    try:
        done = CliRunner().invoke(
            app, ["sweep", f"high-{over}", "--over", over, "-w", str(workspace.root)]
        )
    finally:
        path.write_text(CONFIG)
    assert isinstance(done.exception, InputError)
    told = str(done.exception)
    assert "500 is more than the" in told
    assert told.endswith(f"The codes of this sweep are {where} [sweep]")
    assert not results(workspace, f"high-{over}")


def test_a_batch_that_no_trial_can_fill_is_refused_without_a_word_of_codes(
    prepared: tuple[Workspace, Split],
) -> None:
    workspace, split = prepared
    prefer = ("--split", split.store)
    done = CliRunner().invoke(
        app,
        ["sweep", "p", "--over", "ranks", "--preset", "paper", "-w", str(workspace.root), *prefer],
    )
    assert isinstance(done.exception, InputError)
    told = str(done.exception)
    assert "batch_size 128 of [train.fit]" in told
    assert "codes" not in told


def test_a_sweep_whose_baselines_do_not_fit_is_refused_before_anything_is_done(
    prepared: tuple[Workspace, Split],
) -> None:
    workspace, split = prepared
    linear = replace(LINEAR_NETWORK, code=3, initial="random")
    recipe = Recipe(network=linear, fit=TrainSettings(batch_size=1, epochs=1))
    told = r"^fitting the observed baselines of rank 1 needs .* a task on these machines"
    with connect(IN_PROCESS) as client, pytest.raises(InputError, match=told):
        run_sweep(
            *(workspace.disk, workspace.root, client, silent, "tight", "neurons", recipe),
            *(SweepSettings(neurons=(1,)), split),
            task_memory=PROCESS_BYTES,
        )
    assert not (workspace.root / "models/tight").exists()
