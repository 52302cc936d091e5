"""What a task takes of memory: told before it runs, and never less than it does take."""

from pathlib import Path

import pytest

from benchmarks.memory import peak
from cluster.connect import connect
from pipeline.memory import BASE_BYTES, GIB, analysis_bytes, enough_gib, shard_bytes
from pipeline.plan import Plan
from pipeline.run import largest_task, run_analyse, run_compile, run_plan
from pipeline.workspace import Workspace
from storage.errors import InputError
from storage.lease import Lease
from storage.open import open_compendium, studies_of
from tests.support.whole_run import run_whole, silent
from tests.support.workspaces import IN_PROCESS, N_GENES, make_workspace


def test_more_samples_genes_and_contrasts_take_more() -> None:
    least = analysis_bytes(6, 48_978, 1)
    assert least > BASE_BYTES
    assert analysis_bytes(12, 48_978, 1) > least
    assert analysis_bytes(6, 60_000, 1) > least
    assert analysis_bytes(6, 48_978, 9) > least
    # What a worker has by default is enough for 500 samples, and not for 1,700.
    assert analysis_bytes(1700, 48_978, 10) > 4 * GIB > analysis_bytes(500, 48_978, 10)
    # Five arrays of float32 over 512 contrasts: half a gigabyte, and what Zarr copies of one.
    assert shard_bytes([512 * 48_978 * 4] * 5) < 1.3 * GIB
    assert enough_gib(4 * GIB) == "memory_gib = 5 (times the threads of a worker)"


def test_a_study_too_large_for_a_worker_is_set_aside_with_both_numbers_and_comes_in_later(
    tmp_path: Path,
) -> None:
    workspace = make_workspace(tmp_path, studies=3)
    genes = workspace.read_genes()
    with Lease(workspace.disk) as lease, connect(IN_PROCESS) as client:
        plan = run_plan(workspace, genes, client, lease, silent)
        # S1 has nine samples, the others six.
        study, needs = largest_task(plan, len(genes))
        assert study == "S1"
        receipts = run_analyse(workspace, genes, plan, client, silent, task_memory=needs - 1)
        told = {receipt.study: receipt for receipt in receipts}
        assert [told[f"S{i}"].reason for i in range(3)] == ["", "too_large", ""]
        message = told["S1"].message
        assert message.startswith(f"9 samples x {N_GENES} genes take about 0.4 GiB to analyse")
        assert (
            "a task of this cluster has 0.4 GiB; give the workers memory_gib = 1 (times the threads"
            in message
        )
        run_compile(workspace, genes, plan, client, lease, silent)
        statuses = studies_of(open_compendium(workspace.root))["status"].values
        assert list(statuses) == ["analysed", "failed", "analysed"]
        # What is done already needs no memory.
        again = run_analyse(workspace, genes, plan, client, silent, task_memory=1)
        assert [receipt.known for receipt in again if not receipt.reason] == [True, True]
    run_whole(workspace)
    assert set(studies_of(open_compendium(workspace.root))["status"].values) == {"analysed"}


def test_a_shard_too_large_for_a_worker_ends_the_stage_before_it_begins(tmp_path: Path) -> None:
    workspace: Workspace = make_workspace(tmp_path, studies=1)
    genes = workspace.read_genes()
    with Lease(workspace.disk) as lease, connect(IN_PROCESS) as client:
        plan: Plan = run_plan(workspace, genes, client, lease, silent)
        run_analyse(workspace, genes, plan, client, silent)
        with pytest.raises(
            InputError, match=r"takes about 0.4 GiB to write, and a task .* 0.1 GiB"
        ):
            run_compile(workspace, genes, plan, client, lease, silent, task_memory=GIB // 10)


@pytest.mark.slow
@pytest.mark.parametrize(("n_groups", "replicates"), [(2, 3), (2, 30), (8, 10)])
def test_an_analysis_takes_no_more_than_was_said(
    tmp_path: Path, n_groups: int, replicates: int
) -> None:
    measured = peak(tmp_path, n_groups, replicates, 48_978)
    said = analysis_bytes(n_groups * replicates, 48_978, n_groups - 1)
    assert 0.5 * said < measured < said
