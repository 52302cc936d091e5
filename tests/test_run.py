"""The main job on a tiny workspace: what comes out, what is done again, and what is not."""

import dataclasses
import gzip
import os
import re
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from cluster.connect import connect
from cluster.profile import ClusterProfile
from pipeline.curate.settings import StudyDesign
from pipeline.dea.settings import DeaSettings
from pipeline.plan import plan_inputs, read_plan
from pipeline.progress import Progress
from pipeline.run import run_analyse, run_compile, run_plan
from pipeline.stages import analyse_study, plan_study
from pipeline.stages.analyse_study import AnalysisReceipt, AnalysisTask
from pipeline.workspace import Workspace
from storage.errors import InputError, StoreError
from storage.generation import list_generations
from storage.lease import Lease
from storage.open import contrasts_of, open_compendium, samples_of, studies_of
from storage.parts import part_key
from tests.support.whole_run import compendium_hash, run_whole, silent
from tests.support.workspaces import IN_PROCESS, make_workspace, write_study


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return make_workspace(tmp_path)


@pytest.fixture
def executions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Studies whose analysis was computed, in order."""
    computed: list[str] = []
    compute = analyse_study.make_part

    def counted(task, prepared):  # type: ignore[no-untyped-def]
        computed.append(task.study)
        return compute(task, prepared)

    monkeypatch.setattr(analyse_study, "make_part", counted)
    return computed


def test_a_run_makes_a_compendium_of_all_studies(workspace: Workspace) -> None:
    run_whole(workspace)
    tree = open_compendium(workspace.root)
    contrasts = contrasts_of(tree)
    assert [str(i) for i in contrasts.indexes["contrast"]] == [
        "S0:drug_vs_control",
        "S1:drug_vs_control",
        "S1:other_vs_control",
        "S2:drug_vs_control",
    ]
    assert list(studies_of(tree)["status"].values) == ["analysed"] * 3
    # The planted genes rise, and are found.
    logfc, p = contrasts["logfc"].values, contrasts["neg_log10_adj_p"].values
    assert np.nanmedian(logfc[0, -20:]) == pytest.approx(3, abs=0.7)
    assert (p[0, -20:] > 1.3).mean() > 0.9
    # What is not tested has no test statistic, and what is not measured not even a fold change.
    tested = np.isfinite(contrasts["t"].values)
    assert (np.isfinite(logfc) >= tested).all()
    for name in ("se", "neg_log10_p", "neg_log10_adj_p"):
        np.testing.assert_array_equal(np.isfinite(contrasts[name].values), tested)


@pytest.mark.parametrize(
    ("settings", "by_gene"),
    [
        (DeaSettings(), (False, False)),
        (DeaSettings(method="trend"), (True, False)),
        (DeaSettings(robust=True), (False, True)),
    ],
)
def test_a_prior_is_stored_by_gene_where_it_differs_and_once_where_not(
    tmp_path: Path, settings: DeaSettings, by_gene: tuple[bool, bool]
) -> None:
    made = make_workspace(tmp_path)
    workspace = Workspace(made.root, dataclasses.replace(made.config, dea=settings))
    run_whole(workspace)
    studies = studies_of(open_compendium(workspace.root))
    tested = np.isfinite(studies["ave_expr"].values)
    for name, differs in zip(("s2_prior", "df_prior"), by_gene, strict=True):
        assert np.isnan(studies[name].values).all() == differs
        found = ~np.isnan(studies[f"{name}_by_gene"].values)
        np.testing.assert_array_equal(found, tested & differs)


def test_a_second_run_computes_nothing_and_publishes_nothing(
    workspace: Workspace, executions: list[str]
) -> None:
    first = run_whole(workspace)
    assert sorted(executions) == ["S0", "S1", "S2"]
    assert run_whole(workspace) == first
    assert len(executions) == 3


def test_one_new_study_costs_one_study(workspace: Workspace, executions: list[str]) -> None:
    run_whole(workspace)
    executions.clear()
    write_study(workspace.config.source.path / "S9", 9)
    run_whole(workspace)
    assert executions == ["S9"]
    assert len(list_generations(workspace.disk)) == 2


def test_a_gene_list_that_calls_genes_otherwise_makes_studies_anew(
    workspace: Workspace, executions: list[str]
) -> None:
    table = workspace.config.source.path / "S0" / "counts.tsv.gz"
    by_id = gzip.decompress(table.read_bytes()).decode()
    by_symbol = re.sub(r"ENSMUSG(\d+)", lambda found: f"Gene{int(found[1]) - 1}", by_id)
    table.write_bytes(gzip.compress(by_symbol.encode()))
    listed = workspace.config.genes.list
    known = listed.read_text()
    listed.write_text("".join(f"{line.split()[0]}\n" for line in known.splitlines()))
    run_whole(workspace)
    assert studies_of(open_compendium(workspace.root))["reason"].values[0] == "ids_lost"
    listed.write_text(known)
    run_whole(workspace)
    t = contrasts_of(open_compendium(workspace.root))["t"].sel(contrast="S0:drug_vs_control").values
    executions.clear()
    # The first and the last change places: their ids stay where they are.
    rows = known.splitlines()
    first, last = rows[1].split("\t"), rows[-1].split("\t")
    first[1], last[1] = last[1], first[1]
    listed.write_text("\n".join([rows[0], "\t".join(first), *rows[2:-1], "\t".join(last)]) + "\n")
    run_whole(workspace)
    assert executions == ["S0"], "only its counts stand under symbols"
    swapped = contrasts_of(open_compendium(workspace.root))["t"].sel(contrast="S0:drug_vs_control")
    np.testing.assert_allclose(swapped.values[[0, -1]], t[[-1, 0]], rtol=1e-6)


def test_rows_that_map_to_no_gene_are_told_of_and_cost_their_study(
    workspace: Workspace, executions: list[str]
) -> None:
    run_whole(workspace)
    executions.clear()
    table = workspace.config.source.path / "S0" / "counts.tsv.gz"
    counts = gzip.decompress(table.read_bytes()).decode()
    n_samples = len(counts.splitlines()[0].split("\t")) - 1
    strangers = "".join(f"stranger{i}" + "\t1" * n_samples + "\n" for i in range(5))
    table.write_bytes(gzip.compress((counts + strangers).encode()))
    run_whole(workspace)
    assert executions == ["S0"]
    assert list(studies_of(open_compendium(workspace.root))["rows_lost"].values) == [5, 0, 0]


def test_the_samples_of_a_refused_study_are_there_with_the_reason(workspace: Workspace) -> None:
    assert workspace.config.source.path is not None
    write_study(workspace.config.source.path / "S7", 7, levels=("alone",))
    run_whole(workspace)
    samples = samples_of(open_compendium(workspace.root))
    of_study = samples["study"].values == "S7"
    assert of_study.sum() == 3
    assert not samples["used"].values[of_study].any()
    reasons = studies_of(open_compendium(workspace.root))["reason"].values
    assert set(samples["why_not"].values[of_study]) == {str(reasons[-1])} != {""}


def test_a_changed_study_is_analysed_again_and_an_unchanged_touched_one_is_not(
    workspace: Workspace, executions: list[str]
) -> None:
    run_whole(workspace)
    executions.clear()
    write_study(workspace.config.source.path / "S1", 77)
    path = workspace.config.source.path / "S0" / "counts.tsv.gz"
    shutil.copy(path, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)
    run_whole(workspace)
    assert executions == ["S1"]


def test_a_damaged_or_lost_part_is_made_again(workspace: Workspace, executions: list[str]) -> None:
    run_whole(workspace)
    before = compendium_hash(workspace.root)
    executions.clear()
    plan = read_plan(workspace.disk, plan_inputs(workspace.config, workspace.read_genes()))
    paths = [workspace.local.path(part_key(record.study, record.part)) for record in plan.planned]
    paths[0].unlink()
    paths[1].write_bytes(paths[1].read_bytes()[:-7])
    run_whole(workspace)
    assert sorted(executions) == ["S0", "S1"]
    assert compendium_hash(workspace.root) == before


def test_a_study_that_ends_in_an_error_is_told_and_tried_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    compute = analyse_study.make_part

    def fail(task, prepared):  # type: ignore[no-untyped-def]
        if task.study == "S1":
            raise ZeroDivisionError("by zero")
        return compute(task, prepared)

    with monkeypatch.context() as patch:
        patch.setattr(analyse_study, "make_part", fail)
        run_whole(workspace)
    row = studies_of(open_compendium(workspace.root)).sel(study="S1")
    assert str(row["status"].values) == "failed"
    assert str(row["message"].values).startswith("ZeroDivisionError: by zero at test_run.py")
    run_whole(workspace)
    assert list(studies_of(open_compendium(workspace.root))["status"].values) == ["analysed"] * 3


def test_a_study_whose_plan_ends_in_an_error_is_told_and_tried_again(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = plan_study.make_plan_record

    def fail(task):  # type: ignore[no-untyped-def]
        if task.study == "S1":
            raise KeyError("lost")
        return make(task)

    with monkeypatch.context() as patch:
        patch.setattr(plan_study, "make_plan_record", fail)
        run_whole(workspace)
    row = studies_of(open_compendium(workspace.root)).sel(study="S1")
    assert (str(row["status"].values), str(row["reason"].values)) == ("failed", "failed")
    assert "KeyError: 'lost'" in str(row["message"].values)
    run_whole(workspace)
    assert list(studies_of(open_compendium(workspace.root))["status"].values) == ["analysed"] * 3


def test_a_design_of_no_study_is_told_of_with_the_nearest(
    workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    config = dataclasses.replace(workspace.config, studies={"S00": StudyDesign(factor="treatment")})
    run_whole(Workspace(workspace.root, config))
    assert "there is a design of S00, which the source has not; did you mean S0?" in caplog.text


@pytest.mark.parametrize("human", [True, False])
def test_samples_are_of_the_organism_of_the_gene_axis(workspace: Workspace, human: bool) -> None:
    source, genes = workspace.config.source.path, workspace.config.genes.list
    table = source / "S0" / "samples.tsv"
    rows = table.read_text().splitlines()
    told = [f"{rows[0]}\torganism", *(f"{row}\tHomo sapiens" for row in rows[1:])]
    table.write_text("\n".join(told) + "\n")
    if human:
        counts = source / "S0" / "counts.tsv.gz"
        for path, data in (
            (genes, genes.read_bytes()),
            (counts, gzip.decompress(counts.read_bytes())),
        ):
            data = data.replace(b"ENSMUSG", b"ENSG")
            path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    run_whole(workspace)
    study = studies_of(open_compendium(workspace.root)).sel(study="S0")
    assert str(study["status"].values) == ("analysed" if human else "refused")
    if not human:
        assert "0 usable samples (6 of Homo sapiens)" in str(study["message"].values)


def test_a_full_disk_ends_the_run_and_not_the_study(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(kind: str, path: Path) -> None:
        if kind == "write" and path.suffix == ".part":
            raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("storage.disk.step_hook", full)
        with pytest.raises(
            StoreError, match="the disk is full; free space and run the same command"
        ):
            run_whole(workspace)
    run_whole(workspace)
    assert list(studies_of(open_compendium(workspace.root))["status"].values) == ["analysed"] * 3


def test_files_that_change_between_plan_and_analysis_are_noticed(workspace: Workspace) -> None:
    genes = workspace.read_genes()
    with Lease(workspace.disk) as lease, connect(IN_PROCESS) as client:
        plan = run_plan(workspace, genes, client, lease, silent)
        write_study(workspace.config.source.path / "S1", 78)
        receipts = run_analyse(workspace, genes, plan, client, silent)
        told = {receipt.study: receipt.reason for receipt in receipts}
        assert told == {"S0": "", "S1": "changed", "S2": ""}
    run_whole(workspace)
    assert list(studies_of(open_compendium(workspace.root))["status"].values) == ["analysed"] * 3


def test_compiling_what_is_not_analysed_names_the_study(workspace: Workspace) -> None:
    genes = workspace.read_genes()
    with Lease(workspace.disk) as lease, connect(IN_PROCESS) as client:
        plan = run_plan(workspace, genes, client, lease, silent)
        with pytest.raises(
            InputError,
            match="3 planned studies have no result yet: S0, S1, S2; run `dexome analyse`",
        ):
            run_compile(workspace, genes, plan, client, lease, silent)


def test_a_plan_for_other_settings_is_refused(workspace: Workspace) -> None:
    with pytest.raises(InputError, match="has no plan yet; run `dexome plan` first"):
        read_plan(workspace.disk, "x")
    run_whole(workspace)
    with pytest.raises(InputError, match="changed after the plan"):
        read_plan(workspace.disk, "x")


def test_progress_counts_to_the_end_of_every_stage(workspace: Workspace) -> None:
    told: list[Progress] = []
    (workspace.config.source.path / "empty").mkdir()
    genes = workspace.read_genes()
    with Lease(workspace.disk) as lease, connect(IN_PROCESS) as client:
        plan = run_plan(workspace, genes, client, lease, told.append)
        run_analyse(workspace, genes, plan, client, told.append)
        run_compile(workspace, genes, plan, client, lease, told.append)
    assert list(dict.fromkeys(progress.stage for progress in told)) == [
        "plan",
        "analyse",
        "compile",
    ]
    last = {progress.stage: progress for progress in told}
    assert all(progress.done == progress.total for progress in last.values())
    assert last["plan"].refused == {"no_counts": 1}
    assert last["analyse"].total == 3


def test_a_source_without_studies_is_an_error(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path, studies=0)
    workspace.config.source.path.mkdir(parents=True)
    with pytest.raises(InputError, match="holds no study"):
        run_whole(workspace)


@pytest.mark.slow
@pytest.mark.alone
def test_a_study_that_kills_its_worker_is_set_aside_and_the_rest_goes_on(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    genes = workspace.read_genes()
    two = ClusterProfile(kind="local", workers=2, memory_gib=1.0)
    with Lease(workspace.disk) as lease, connect(two) as client:
        plan = run_plan(workspace, genes, client, lease, silent)
        with monkeypatch.context() as patch:
            patch.setattr("pipeline.run.analyse_planned", analyse_or_die)
            receipts = run_analyse(workspace, genes, plan, client, silent)
        assert {r.study: r.reason for r in receipts} == {"S0": "", "S1": "worker_died", "S2": ""}
        run_compile(workspace, genes, plan, client, lease, silent)
        row = studies_of(open_compendium(workspace.root)).sel(study="S1")
        assert (str(row["status"].values), str(row["reason"].values)) == ("failed", "worker_died")
        assert "give the workers more memory_gib" in str(row["message"].values)
        # The next run tries it again.
        again = run_analyse(workspace, genes, plan, client, silent)
    assert {r.study: (r.reason, r.known) for r in again} == {
        "S0": ("", True),
        "S1": ("", False),
        "S2": ("", True),
    }


def analyse_or_die(item: AnalysisTask) -> AnalysisReceipt:
    """Analyse a study, unless it is the one that takes the worker with it."""
    if item.task.study == "S1":
        os.kill(os.getpid(), signal.SIGKILL)
    return analyse_study.analyse_planned(item)
