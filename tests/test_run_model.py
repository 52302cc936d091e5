"""`dexome run` with a model: from studies to scores, and only what is left of it."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from tests.support.command import dexome, start_dexome
from tests.support.workspaces import make_workspace, write_study, write_terms

N_STUDIES = 14
SETTINGS = """
[genes]
list = "../genes.tsv"
[source]
path = "../source/studies"
[enrich]
annotation = "../pairs.tsv"
ontology = "../tiny.obo"
[enrich.tests]
random_sets = 50
min_candidates = 3
[prepare.split]
train = 0.5
validation = 0.25
duplicate_correlation = 1.0
[prepare.genes]
min_contrasts = 2
min_studies = 2
[train.network]
code = 3
[train.fit]
epochs = 2
batch_size = 4
[cluster.tiny]
kind = "threads"
workers = 1
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    workspace = make_workspace(tmp_path, studies=N_STUDIES)
    write_terms(tmp_path)
    workspace.root.mkdir()
    (workspace.root / "dexome.toml").write_text(SETTINGS)
    return workspace.root


def run(root: Path, code: int = 0) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["run", "-w", str(root), "--json"], catch_exceptions=False)
    assert done.exit_code == code, done.output
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def files_of(root: Path) -> dict[str, int]:
    """When each file of models and stores was written."""
    return {
        str(path.relative_to(root)): path.stat().st_mtime_ns
        for folder in ("models", "compendium", "training")
        for path in (root / folder).rglob("*")
        if path.is_file() and path.name not in ("config.json", "metrics.jsonl")
    }


def set_line(root: Path, old: str, new: str) -> None:
    path = root / "dexome.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_run_trains_a_model_where_there_is_a_table_for_it_and_does_nothing_twice(
    root: Path,
) -> None:
    summary = run(root)
    learned = summary["learned"]
    assert learned["name"] == "main"
    assert learned["training"]["ended"] == "all 2 epochs are done"
    assert {line["model"] for line in learned["evaluation"]["lines"]} >= {"model", "random"}
    assert Path(learned["codes"]["store"]).name == "latent-main.zarr"
    assert "GO:0005622" in learned["codes"]["coloured_by"]
    assert (root / "models/main/evaluation-test-contrasts.parquet").is_file()
    before = files_of(root)
    again = run(root)
    assert files_of(root) == before
    assert again["learned"]["codes"].pop("new") is False
    assert learned["codes"].pop("new") is True
    assert again["learned"] == learned
    # Another term stays until there is something new to draw.
    told = json.loads(
        CliRunner()
        .invoke(app, ["embed", "main", "-w", str(root), "--term", "process changed", "--json"])
        .stdout
    )
    assert told["coloured_by"].startswith("T:01 process changed: ")
    assert run(root)["learned"]["codes"]["coloured_by"] == told["coloured_by"]
    text = CliRunner().invoke(app, ["run", "-w", str(root)], catch_exceptions=False).stdout
    for part in ("all done", "leaks", "on the test contrasts", "PCA", "coloured by T:01"):
        assert part in text


def test_a_model_stays_when_the_compendium_grows_and_codes_what_is_new(root: Path) -> None:
    first = run(root)
    write_study(root.parent / "source" / "studies" / "T0", 99)
    second = run(root)
    assert second["generation"] != first["generation"]
    learned = second["learned"]
    assert f"trained on {first['generation']}" in learned["training"]["ended"]
    assert learned["codes"]["contrasts"] == first["learned"]["codes"]["contrasts"] + 1
    assert learned["evaluation"]["model_generation"] == first["generation"]
    assert learned["evaluation"]["generation"] == second["generation"]


def test_other_settings_under_the_same_name_fail_but_the_compendium_is_told(root: Path) -> None:
    run(root)
    set_line(root, "code = 3", "code = 2")
    summary = run(root, code=1)
    assert "compendium" in summary
    assert "trained with network.code = 3, not 2" in summary["failed"]
    set_line(root, "[train.network]", '[train]\nname = "other"\n[train.network]')
    assert run(root)["learned"]["name"] == "other"
    assert (root / "models" / "main").is_dir()


def test_a_table_that_no_model_comes_of_says_so_and_ends_with_1(root: Path) -> None:
    set_line(root, "min_contrasts = 2", "min_contrasts = 2000")
    done = CliRunner().invoke(app, ["run", "-w", str(root)], catch_exceptions=False)
    assert done.exit_code == 1
    assert "the compendium is done, the model is not" in done.stdout
    assert "error: no gene has 2000 tested training contrasts" in done.stderr


@pytest.mark.slow
def test_a_run_that_is_stopped_in_training_saves_and_goes_on(root: Path) -> None:
    set_line(root, "epochs = 2", "epochs = 60\nstop_after = 1000")
    process = start_dexome("run", "-w", str(root))
    metrics = root / "models" / "main" / "metrics.jsonl"
    deadline = time.monotonic() + 120
    while not metrics.exists() or metrics.read_text().count("\n") < 20:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGTERM)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "the compendium is done, the training was stopped" in out
    assert "run the same command again" in errors
    done = dexome("run", "-w", str(root), "--json")
    assert done.returncode == 0, done.stderr
    learned = json.loads(done.stdout)["learned"]
    assert learned["training"]["ended"] == "all 60 epochs are done"
    steps = [json.loads(line) for line in metrics.read_text().splitlines()]
    told = [line["step"] for line in steps if "loss" in line]
    assert told == [*range(1, len(told) + 1)]
