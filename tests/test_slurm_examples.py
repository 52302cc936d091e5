"""The job scripts and the profile of a GPU in cluster/deploy, on a real Slurm on this machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.capacity import gpu_of_task
from cluster.connect import connect
from cluster.profile import ClusterProfile
from pipeline.inflight import run_bounded
from tests.support.command import dexome
from tests.support.slurm import Slurm, wait_until, why_not
from tests.support.whole_run import compendium_hash, run_whole
from tests.support.workspaces import make_workspace

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.skipif(bool(why_not()), reason=why_not()),
]

DEPLOY = Path(__file__).parents[1] / "cluster" / "deploy"
PROFILE = """
[cluster.slurm]
kind = "slurm"
workers = 2
memory_gib = 1.0
options = { queue = "main", walltime = "00:20:00" }
"""


def test_the_job_array_of_the_examples_gives_the_compendium_of_one_process(
    slurm: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = make_workspace(tmp_path / "here", studies=4)
    run_whole(here)
    work = tmp_path / "ws"
    source = here.config.source.path
    dexome("init", work, "--genes", here.config.genes.list, "--source", source)
    assert dexome("plan", "-w", work).returncode == 0
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    script = DEPLOY / "array.sbatch"
    limits = ["--mem=1G", "--time=00:10:00", f"--chdir={tmp_path}"]
    for array in ("2", "1,3"):
        # Submitted alone, as one that failed is, a job has the share that it would have had with all.
        command = ["sbatch", f"--array={array}", *limits, str(script), str(work), "3"]
        subprocess.run(command, check=True, capture_output=True)
        wait_until(lambda: not slurm.jobs(), 120)
    logs = sorted(tmp_path.glob("dexome-*.log"))
    assert len(logs) == 3
    done = dexome("compile", "-w", work)
    assert done.returncode == 0, done.stderr + "".join(log.read_text() for log in logs)
    assert compendium_hash(work) == compendium_hash(here.root)


def test_the_driver_of_the_examples_runs_as_a_job_that_asks_for_jobs(
    slurm: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = make_workspace(tmp_path / "here", studies=2)
    run_whole(here)
    work = tmp_path / "ws"
    source = here.config.source.path
    dexome("init", work, "--genes", here.config.genes.list, "--source", source)
    with (work / "dexome.toml").open("a") as file:
        file.write(PROFILE)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    script = DEPLOY / "driver.sbatch"
    limits = ["--mem=1G", "--time=00:20:00", f"--chdir={tmp_path}"]
    subprocess.run(["sbatch", *limits, str(script), str(work)], check=True, capture_output=True)
    wait_until(lambda: not slurm.jobs(), 150)
    (log,) = tmp_path.glob("dexome-driver-*.log")
    assert "all done" in log.read_text(), log.read_text()
    assert compendium_hash(work) == compendium_hash(here.root)


def test_one_gpu_has_one_task_at_a_time_though_no_worker_was_up_when_they_began(
    slurm: Slurm, tmp_path: Path
) -> None:
    del slurm
    profile = ClusterProfile(
        kind="slurm",
        maximum=1,
        memory_gib=1.0,
        resources={"GPU": 1},
        options={"queue": "main", "walltime": "00:05:00", "cores": 4, "processes": 1},
    )
    with connect(profile, tmp_path) as client:
        assert not client.nthreads()
        resources = gpu_of_task(profile, client)
        told = [n for _, n in run_bounded(client, beside, range(8), resources=resources)]
    assert told == [1] * 8


def beside(item: int) -> int:
    """How many of these run in this process at most, while this one does."""
    import sys
    import time

    running: set[int] = sys.__dict__.setdefault("_running", set())
    running.add(item)
    time.sleep(0.2)
    n = len(running)
    running.discard(item)
    return n
