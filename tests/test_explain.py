"""`dexome explain` and the flow of `dexome plan`: every study, in or out, with the reasons."""

import json
from pathlib import Path

import pandas as pd
import pytest

from pipeline.flow import flow_table
from pipeline.sources.refusal import REASONS
from pipeline.stages.record import PlanRecord
from tests.support.command import dexome
from tests.support.workspaces import write_genes, write_study


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("explained")
    studies = root / "studies"
    write_genes(root / "genes.tsv")
    write_study(studies / "GOOD", 1, ("control", "drug", "other"))
    write_study(studies / "ONE", 2, ("control",), replicates=4)
    write_study(studies / "SAID", 3)
    (studies / "EMPTY").mkdir()
    work = root / "work"
    done = dexome("init", work, "--genes", root / "genes.tsv", "--source", studies)
    assert done.returncode == 0, done.stderr
    with (work / "dexome.toml").open("a") as file:
        file.write('\n[designs]\nfile = "designs.toml"\n')
    said = '[SAID]\nfactor = "treatment"\nreference = "drug"\nleave_out = ["s0"]\n'
    (work / "designs.toml").write_text(said)
    return work


@pytest.fixture(scope="module")
def planned(workspace: Path) -> dict[str, object]:
    done = dexome("plan", "-w", workspace, "--json")
    assert done.returncode == 3, done.stderr
    summary: dict[str, object] = json.loads(done.stdout)
    return summary


def test_a_study_is_explained_on_a_page(workspace: Path) -> None:
    done = dexome("explain", "GOOD", "-w", workspace)
    assert done.returncode == 0, done.stderr
    for told in (
        "GOOD: 2 contrasts of 9 samples",
        "factor treatment (treatment): control, drug, other",
        "control is the reference",
        "control (3): s0, s1, s2",
        "drug (3) vs control (3)  reference: treatment",
        "reasoning",
    ):
        assert told in done.stdout
    assert len(done.stdout.splitlines()) < 50


def test_a_refused_study_is_explained_with_its_reason(workspace: Path) -> None:
    done = dexome("explain", "ONE", "-w", workspace)
    assert done.returncode == 0
    assert "one_condition" in done.stdout
    assert "control × 4" in done.stdout


def test_what_a_person_said_is_told(workspace: Path) -> None:
    told = json.loads(dexome("explain", "SAID", "-w", workspace, "--json").stdout)
    assert told["overruled"] == "factor,reference,leave_out"
    assert [(row["test"], row["reference"]) for row in told["contrasts"]] == [("control", "drug")]
    left_out = {row["sample"]: row["why_not"] for row in told["samples"] if not row["used"]}
    assert left_out == {"s0": "left out by the design"}
    assert told["confidence"] == 1.0
    assert {step["topic"] for step in told["reasoning"]} >= {"samples", "factors", "reference"}


def test_a_study_that_is_not_there_is_named_with_those_that_are(workspace: Path) -> None:
    done = dexome("explain", "NONE", "-w", workspace)
    assert done.returncode == 1
    assert "no study 'NONE'; it has EMPTY, GOOD, ONE, SAID" in done.stderr


def test_the_plan_is_there_as_parquet_with_factors_and_flow(
    workspace: Path, planned: dict[str, object]
) -> None:
    tables = {p.stem: pd.read_parquet(p) for p in (workspace / "plan").glob("*.parquet")}
    assert set(tables) == {"studies", "samples", "contrasts", "factors", "flow"}
    studies = tables["studies"].set_index("study")
    assert studies.loc["SAID", "overruled"] == "factor,reference,leave_out"
    assert studies.loc["GOOD", "confidence"] == 1.0
    assert set(tables["contrasts"]["stratum"]) == {""}
    factors = tables["factors"].set_index("study")
    assert json.loads(str(factors.loc["GOOD", "levels"])) == ["control", "drug", "other"]
    assert tables["flow"].to_dict("records") == planned["flow"]


def test_the_flow_goes_from_all_studies_to_those_compared(planned: dict[str, object]) -> None:
    flow = planned["flow"]
    assert isinstance(flow, list)
    steps = [(row["step"], row["reason"], row["studies"], row["left"]) for row in flow]
    assert steps == [
        ("all", "", 4, 4),
        ("out", "no_counts", 1, 3),
        ("out", "one_condition", 1, 2),
        ("in", "", 2, 2),
    ]
    assert flow[-1]["contrasts"] == 3


def test_losses_stand_in_the_order_in_which_a_study_meets_them_and_add_up() -> None:
    reasons = ["no_replicates", "no_counts", "failed", "ids_lost", "no_counts"]
    records = [
        PlanRecord(study=f"S{i}", status="refused", reason=reason)
        for i, reason in enumerate(reasons)
    ]
    records.append(PlanRecord(study="S9", status="planned", columns={"n_samples": 6}))
    flow = flow_table(records)
    lost = flow[flow["step"] == "out"]
    assert list(lost["reason"]) == ["no_counts", "ids_lost", "no_replicates", "failed"]
    assert lost["studies"].sum() + flow["left"].iloc[-1] == len(records)
    assert set(lost["meaning"]) <= set(REASONS.values())
