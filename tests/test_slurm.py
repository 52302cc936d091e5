"""A real Slurm on this machine: jobs as workers, those that end, certificates, and `cluster check`."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from distributed import Client

from cluster.connect import connect
from cluster.profile import ClusterProfile
from pipeline.inflight import run_bounded
from tests.support.command import dexome, start_dexome
from tests.support.slurm import Slurm, wait_until, why_not
from tests.support.whole_run import compendium_hash, run_whole
from tests.support.workspaces import make_workspace

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.skipif(bool(why_not()), reason=why_not()),
]

OPTIONS = {"queue": "main", "walltime": "00:20:00"}
PROFILES = """
[cluster.two]
kind = "slurm"
workers = 2
memory_gib = 1.0
report = true
[cluster.two.options]
queue = "main"
walltime = "00:20:00"

[cluster.grows]
kind = "slurm"
maximum = 2
memory_gib = 1.0
tls = true
options = { queue = "main", walltime = "00:20:00" }

[cluster.nowhere]
kind = "slurm"
workers = 1
options = { queue = "nowhere" }

[cluster.lost]
kind = "slurm"
workers = 1
memory_gib = 1.0
options = { queue = "main", python = "/nowhere/python" }
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with profiles of Slurm, not run yet."""
    top = tmp_path_factory.mktemp("slurm-work")
    workspace = make_workspace(top, studies=4)
    root = top / "ws"
    source = workspace.config.source.path
    made = dexome("init", root, "--genes", workspace.config.genes.list, "--source", source)
    assert made.returncode == 0, made.stderr
    with (root / "dexome.toml").open("a") as file:
        file.write(PROFILES)
    return root


def two(**changes: object) -> ClusterProfile:
    return ClusterProfile(kind="slurm", workers=2, memory_gib=1.0, options=OPTIONS, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("profile", ["two", "grows"])
def test_the_main_job_on_slurm_gives_the_compendium_of_one_process(
    slurm: Slurm, work: Path, tmp_path: Path, profile: str
) -> None:
    here = make_workspace(tmp_path, studies=4)
    run_whole(here)
    done = dexome("run", "--cluster", profile, "-w", work)
    assert done.returncode == 0, done.stderr
    assert compendium_hash(work) == compendium_hash(here.root)
    wait_until(lambda: not slurm.jobs(), 20)
    if profile == "two":
        reports = list((work / "cluster").glob("report-*.html"))
        assert len(reports) == 1
        assert "bokeh" in reports[0].read_text()
    assert not list((work / "cluster").glob("tls-*")), "certificates outlived their run"


def test_jobs_that_end_are_replaced_before_and_after_their_worker_came_up(
    slurm: Slurm, tmp_path: Path
) -> None:
    with connect(two(), tmp_path) as client:
        client.wait_for_workers(2, timeout=60)
        first, second = slurm.jobs()
        slurm.cancel(first)
        wait_until(lambda: len(set(slurm.jobs()) - {first}) == 2)
        wait_until(lambda: len(client.nthreads()) == 2)
        # A job that is gone while it waits: Dask never hears of it.
        slurm.cancel(second)
        wait_until(lambda: set(slurm.jobs()) - {first, second})
        wait_until(lambda: len(slurm.jobs()) == 2)
        newest = max(slurm.jobs(), key=int)
        slurm.cancel(newest)
        wait_until(lambda: len(set(slurm.jobs()) - {newest}) == 2)
        client.wait_for_workers(2, timeout=60)
    wait_until(lambda: not slurm.jobs(), 20)


def test_a_job_of_several_processes_is_replaced_whole(slurm: Slurm, tmp_path: Path) -> None:
    profile = ClusterProfile(
        kind="slurm", workers=2, memory_gib=0.5, options={**OPTIONS, "processes": 2}
    )
    with connect(profile, tmp_path) as client:
        client.wait_for_workers(2, timeout=60)
        (job,) = slurm.jobs()
        slurm.cancel(job)
        wait_until(lambda: bool(set(slurm.jobs()) - {job}))
        wait_until(lambda: len(client.nthreads()) == 2)


def test_a_client_without_the_certificate_is_refused(slurm: Slurm, tmp_path: Path) -> None:
    del slurm
    with connect(two(tls=True), tmp_path) as client:
        client.wait_for_workers(1, timeout=60)
        assert client.scheduler.address.startswith("tls://127.0.0.1")
        assert client.submit(sum, [1, 2]).result() == 3
        (folder,) = tmp_path.glob("tls-*")
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
        with pytest.raises((OSError, TypeError)):
            Client(client.scheduler.address, timeout=3)
    assert not list(tmp_path.glob("tls-*"))


def test_a_refused_job_is_an_error_with_the_words_of_sbatch(slurm: Slurm, work: Path) -> None:
    del slurm
    done = dexome("cluster", "check", "nowhere", "-w", work)
    assert done.returncode == 1
    assert "invalid partition" in done.stderr.lower()
    assert "Traceback" not in done.stderr


def test_check_says_that_a_cluster_is_ready(slurm: Slurm, work: Path) -> None:
    done = dexome("cluster", "check", "grows", "-w", work, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    names = {"worker", "python", "versions", "safe path", "workspace", "write", "inputs", "tls"}
    assert {check["name"] for check in told["checks"]} == names
    assert told["good"]
    wait_until(lambda: not slurm.jobs(), 20)


def test_check_says_where_to_look_when_no_worker_comes(slurm: Slurm, work: Path) -> None:
    done = dexome("cluster", "check", "lost", "--wait", "8", "-w", work)
    assert done.returncode == 1
    assert "no worker came up within 8 s" in done.stderr
    wait_until(lambda: not slurm.jobs(), 20)


def test_certificates_of_a_killed_driver_are_swept(slurm: Slurm, tmp_path: Path) -> None:
    del slurm
    stale = tmp_path / f"tls-{os.uname().nodename}-{2**22 + 1}"
    stale.mkdir()
    with connect(two(tls=True), tmp_path):
        assert not stale.exists()


def test_a_python_that_is_not_there_does_not_end_in_a_flood_of_jobs(
    slurm: Slurm, tmp_path: Path
) -> None:
    del slurm
    options = {**OPTIONS, "python": "/nowhere/python"}
    profile = ClusterProfile(kind="slurm", workers=1, memory_gib=1.0, options=options)
    with connect(profile, tmp_path):
        before = time.monotonic()
        logs: set[Path] = set()
        while time.monotonic() - before < 30:
            logs |= set((tmp_path / "jobs").glob("*.err"))
            time.sleep(1)
    assert 2 <= len(logs) <= 4


def test_workers_that_reach_their_lifetime_are_replaced_and_lose_at_most_a_task_each(
    slurm: Slurm, tmp_path: Path
) -> None:
    done = tmp_path / "done"
    done.mkdir()
    profile = two(lifetime_minutes=0.25, lifetime_stagger_minutes=0.05)
    jobs: set[str] = set()
    results = []
    with connect(profile, tmp_path) as client:
        items = [(number, done) for number in range(60)]
        for item, result in run_bounded(client, sleep_and_note, items):
            results.append((item[0], result))
            jobs |= set(slurm.jobs())
    assert sorted(results) == [(number, number) for number in range(60)]
    assert len(jobs) > 2, "no worker reached its lifetime"
    # What a worker is at when it retires is begun again by another; nothing else is.
    assert 60 <= len(list(done.iterdir())) <= 60 + len(jobs)
    wait_until(lambda: not slurm.jobs(), 20)


def sleep_and_note(item: tuple[int, Path]) -> int:
    """Take a second, and leave a trace of having begun."""
    number, folder = item
    with (folder / f"{number}-{os.getpid()}-{time.time_ns()}").open("x"):
        time.sleep(1)
    return number


def test_a_killed_driver_is_run_again_and_its_jobs_end_by_themselves(
    slurm: Slurm, tmp_path: Path
) -> None:
    here = make_workspace(tmp_path / "here", studies=6)
    run_whole(here)
    work = tmp_path / "ws"
    source = here.config.source.path
    dexome("init", work, "--genes", here.config.genes.list, "--source", source)
    with (work / "dexome.toml").open("a") as file:
        # Workers give up a dead driver sooner than they do by default.
        file.write(
            '[cluster.jobs]\nkind = "slurm"\nworkers = 2\nmemory_gib = 1.0\ntls = true\n'
            'options = { queue = "main", walltime = "00:20:00", death_timeout = 10 }\n'
        )
    driver = start_dexome("run", "-w", work)
    wait_until(lambda: list((work / "parts").glob("plan/*/*.json")))
    os.kill(driver.pid, signal.SIGKILL)
    driver.communicate()
    orphans = set(slurm.jobs())
    assert orphans
    assert len(list((work / "cluster").glob("tls-*"))) == 1
    done = dexome("run", "-w", work)
    assert done.returncode == 0, done.stderr
    assert compendium_hash(work) == compendium_hash(here.root)
    assert not list((work / "cluster").glob("tls-*"))
    wait_until(lambda: not orphans & set(slurm.jobs()), 90)


def test_a_controller_that_is_killed_and_comes_back_costs_no_task(
    slurm: Slurm, tmp_path: Path
) -> None:
    done = tmp_path / "done"
    done.mkdir()
    results = []
    with connect(two(), tmp_path) as client:
        items = [(number, done) for number in range(30)]
        for item, result in run_bounded(client, sleep_and_note, items):
            results.append((item[0], result))
            if len(results) == 5:
                before = slurm.jobs()
                slurm.kill_controller()
                assert not slurm.answers()
            elif len(results) == 20:
                slurm.start_controller()
        wait_until(slurm.answers)
        # Nobody took the silence for the end of the jobs.
        assert slurm.jobs() == before
    assert sorted(results) == [(number, number) for number in range(30)]
    assert len(list(done.iterdir())) == 30
    wait_until(lambda: not slurm.jobs(), 20)
