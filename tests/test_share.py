"""Job arrays: each study in one share, and the same compendium as in one run."""

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.connect import connect
from cluster.profile import ClusterProfile
from pipeline.run import run_analyse, run_compile, run_plan
from pipeline.run_enrich import run_enrich_share
from pipeline.share import Share, read_share
from pipeline.workspace import Workspace
from storage.errors import InputError
from storage.lease import Lease
from storage.open import open_compendium
from tests.support.command import dexome
from tests.support.whole_run import compendium_hash, run_enrichment, run_whole, silent
from tests.support.workspaces import IN_PROCESS, TINY_LAYOUT, make_workspace, write_terms

NAMES = [f"GSE{number}" for number in range(1000)]


@pytest.mark.parametrize("of", [1, 2, 7, 100])
def test_every_study_is_in_one_share_and_shares_are_of_a_size(of: int) -> None:
    shares = [
        [name for name in NAMES if Share(number, of).has(name)] for number in range(1, of + 1)
    ]
    assert sorted(name for share in shares for name in share) == sorted(NAMES)
    expected = len(NAMES) / of
    assert max(map(len, shares)) < expected + 4 * expected**0.5 + 1


def test_a_share_does_not_depend_on_the_other_studies_or_the_process() -> None:
    # Numbers as they were when the rule was written: it must never change under a running array.
    assert [name for name in NAMES[:40] if Share(3, 10).has(name)] == ["GSE12", "GSE15", "GSE31"]


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/0", "-1/2", "1/2/3", ""])
def test_what_names_no_share_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"--part must be J/N with J from 1 to N, such as 3/10"):
        read_share(text)


def test_a_job_array_makes_the_compendium_of_one_run_and_a_missing_part_is_named(
    tmp_path: Path,
) -> None:
    whole = make_workspace(tmp_path / "whole", studies=5)
    run_whole(whole)
    array = make_workspace(tmp_path / "array", studies=5)
    genes = array.read_genes()
    with Lease(array.disk) as lease, connect(IN_PROCESS) as client:
        plan = run_plan(array, genes, client, lease, silent)
        done = run_analyse(array, genes, plan, None, silent, share=Share(2, 2))
        assert {receipt.study for receipt in done} == {
            record.study for record in plan.planned if Share(2, 2).has(record.study)
        }
        missing = [record.study for record in plan.planned if Share(1, 2).has(record.study)]
        with pytest.raises(InputError, match=f"no result yet: {', '.join(missing)}; run") as error:
            run_compile(array, genes, plan, client, lease, silent, layout=TINY_LAYOUT)
        assert "--part J/N" in str(error.value)
        run_analyse(array, genes, plan, None, silent, share=Share(1, 2))
        run_compile(array, genes, plan, client, lease, silent, layout=TINY_LAYOUT)
    assert compendium_hash(array.root) == compendium_hash(whole.root)


def test_a_job_of_an_array_starts_no_cluster_and_tells_what_it_did(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path, studies=2)
    work = tmp_path / "ws"
    source = tmp_path / "source" / "studies"
    dexome("init", work, "--genes", workspace.config.genes.list, "--source", source)
    assert dexome("plan", "-w", work).returncode == 0
    for number in (1, 2):
        done = dexome("analyse", "--part", f"{number}/2", "-w", work)
        assert done.returncode == 0, done.stderr
        assert "dashboard" not in done.stderr
    done = dexome("compile", "-w", work)
    assert done.returncode == 0, done.stderr


# `dexome` whose process dies when it analyses the study S1, as one that has too little memory does.
KILLED = """
import os, signal, sys
from pipeline.stages import analyse_study
make_part = analyse_study.make_part
def killing(task, prepared):
    if task.study == "S1":
        os.kill(os.getpid(), signal.SIGKILL)
    return make_part(task, prepared)
analyse_study.make_part = killing
from pipeline.main import main
main()
"""


@pytest.mark.slow
@pytest.mark.alone
def test_a_study_that_three_jobs_died_of_is_set_aside_and_the_rest_goes_on(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path, studies=3)
    work = tmp_path / "ws"
    source = tmp_path / "source" / "studies"
    dexome("init", work, "--genes", workspace.config.genes.list, "--source", source)
    assert dexome("plan", "-w", work).returncode == 0
    job = [sys.executable, "-c", KILLED, "analyse", "--part", "1/1", "-w", str(work), "--json"]
    for _ in range(3):
        assert subprocess.run(job, capture_output=True, check=False).returncode == -signal.SIGKILL
    done = subprocess.run(job, capture_output=True, check=False, text=True)
    assert done.returncode == 3, done.stderr
    assert "3 processes died of it" in done.stdout
    compiled = dexome("compile", "-w", work)
    assert compiled.returncode == 3
    assert "worker_died 1" in compiled.stdout
    assert sorted(open_compendium(work)["contrasts"].to_dataset()["study"].values) == ["S0", "S2"]
    # With memory enough the next run has it.
    assert dexome("analyse", "--part", "1/1", "-w", work).returncode == 0
    assert not any((work / "parts" / "begun").iterdir())


def test_an_array_enriches_too_and_enrich_finds_it_done(tmp_path: Path) -> None:
    base = make_workspace(tmp_path, studies=4)
    workspace = Workspace(base.root, replace(base.config, enrich=write_terms(tmp_path)))
    run_whole(workspace)
    genes = workspace.read_genes()
    done = [run_enrich_share(workspace, genes, None, silent, Share(n, 2)) for n in (1, 2)]
    assert [told["failed"] for told in done] == [{}, {}]
    assert sum(told["studies"] for told in done) == 4
    enriched = run_enrichment(workspace)
    assert (enriched.studies, enriched.known, enriched.new) == (4, 4, True)


@pytest.mark.slow
@pytest.mark.alone
def test_processes_give_the_compendium_of_threads(tmp_path: Path) -> None:
    threads, processes = (make_workspace(tmp_path / name, studies=4) for name in ("a", "b"))
    run_whole(threads)
    genes = processes.read_genes()
    two = ClusterProfile(kind="local", workers=2, memory_gib=1.0)
    with Lease(processes.disk) as lease, connect(two) as client:
        plan = run_plan(processes, genes, client, lease, silent)
        run_analyse(processes, genes, plan, client, silent)
        run_compile(processes, genes, plan, client, lease, silent, layout=TINY_LAYOUT)
    assert compendium_hash(processes.root) == compendium_hash(threads.root)
