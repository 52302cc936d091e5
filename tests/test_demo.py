"""The demo, small: from nothing to a recovered truth."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli import app
from tests.support.command import dexome


@pytest.mark.parametrize(
    "wrong", [("--seed", "-1"), ("--seed", "5000000000"), ("--studies", "200000")]
)
def test_a_seed_or_size_that_can_t_be_simulated_is_told_before_anything_is(
    tmp_path: Path, wrong: tuple[str, str]
) -> None:
    done = CliRunner().invoke(app, ["demo", str(tmp_path / "demo"), *wrong])
    assert done.exit_code == 2
    assert f"for '{wrong[0]}'" in done.output
    assert not (tmp_path / "demo").exists()


@pytest.mark.slow
def test_the_demo_recovers_what_it_planted_and_can_be_run_again(tmp_path: Path) -> None:
    done = dexome("demo", tmp_path / "demo", "--studies", "4", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["new"]
    assert 0 < summary["found"] <= summary["planted"]
    recovery = summary["recovery"]
    assert recovery["correlation"] > 0.3
    assert 0.9 < recovery["slope"] < 1.1
    assert recovery["false_discovery_rate"] < 0.08
    assert recovery["strong_sensitivity"] > 0.5
    terms = summary["terms"]
    assert 0 < terms["enriched"] <= terms["testable"] <= terms["active"]
    assert terms["enriched"] > terms["testable"] / 3
    assert terms["decoys"] < 0.01 * terms["tested_decoys"]
    again = dexome("demo", tmp_path / "demo", "--studies", "4")
    assert again.returncode == 0, again.stderr
    for part in (
        "compendium",
        "dexome query gene",
        "dexome query contrast",
        "--terms",
        "the planted truth",
        "strongly active programs",
        "Next:",
    ):
        assert part in again.stdout
    assert len(again.stdout.split("Next:")[1].strip().splitlines()) == 3
    # So few contrasts train nothing, and that is said.
    assert "no model: " in again.stdout
    assert "models" not in summary


@pytest.mark.slow
def test_the_demo_ends_with_a_model_its_figures_and_a_table(tmp_path: Path) -> None:
    done = dexome("demo", tmp_path / "demo", "--studies", "16", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    lines = {line["model"]: line for line in summary["models"]}
    paper, ours, start, pca, random = lines.values()
    assert [*lines][0::2] == ["paper recipe", "the start, untrained", "random"]
    assert ours["r2"]["value"] >= start["r2"]["value"] - 0.02
    assert len({line["rank"] for line in lines.values()}) == 1
    # No sigmoid reaches a negative fold change, and no random direction knows the programs.
    assert min(ours["r2"]["value"], pca["r2"]["value"]) > paper["r2"]["value"] + 0.02
    assert pca["r2"]["value"] > random["r2"]["value"] + 0.05
    assert ours["r2"]["low"] <= ours["r2"]["value"] <= ours["r2"]["high"]
    folder = tmp_path / "demo" / "workspace" / "models" / "ours" / "figures"
    assert sorted(path.suffix for path in folder.glob("codes-*")) == [
        ".png",
        ".png",
        ".svg",
        ".svg",
    ]
    before = (folder.parent / "metrics.jsonl").stat().st_mtime_ns
    again = dexome("demo", tmp_path / "demo", "--studies", "16")
    assert again.returncode == 0, again.stderr
    assert "What it can't show" in again.stdout
    assert str(folder) in again.stdout
    assert (folder.parent / "metrics.jsonl").stat().st_mtime_ns == before
