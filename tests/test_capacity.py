"""What a task has on a cluster, as its profile promises or its workers say."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed import Client, LocalCluster, Scheduler, SpecCluster, Worker
from distributed.system import MEMORY_LIMIT

from cluster.capacity import GIB, gpu_of_task, task_memory_bytes
from cluster.connect import connect
from cluster.own_cores import own_cores
from cluster.own_memory import own_memory_bytes
from cluster.profile import ClusterProfile

ROOT = Path(__file__).parents[1]
CORES = len(os.sched_getaffinity(0))
ELSEWHERE = ClusterProfile(kind="address", address="tcp://h:1")


def write_groups(root: Path, line: str, limits: dict[str, str]) -> None:
    """A process' control group, and the files of its limits."""
    files = {f"sys/fs/cgroup/{name}": limit for name, limit in limits.items()}
    for name, text in {"proc/self/cgroup": line, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{text}\n")


@pytest.fixture
def nobody_up() -> Iterator[Client]:
    """A cluster whose workers have not come up yet."""
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.mark.parametrize(
    "profile",
    [
        ClusterProfile(kind="slurm", workers=2, resources={"GPU": 1}),
        ClusterProfile(kind="kubernetes", maximum=9, resources={"GPU": 2}),
        ClusterProfile(kind="ssh", hosts=("a",), interface="lo", resources={"GPU": 1}),
        ClusterProfile(kind="local", gpus=2),
    ],
    ids=lambda profile: profile.kind,
)
def test_a_gpu_that_the_profile_promises_counts_before_any_worker_is_up(
    nobody_up: Client, profile: ClusterProfile
) -> None:
    assert gpu_of_task(profile, nobody_up) == {"GPU": 1}


def test_without_a_whole_gpu_a_task_asks_for_none(nobody_up: Client) -> None:
    # A task that asks for more than there is would wait for ever.
    for resources in ({}, {"GPU": 0.5}, {"FPGA": 1.0}):
        profile = ClusterProfile(kind="slurm", workers=2, resources=resources)
        assert gpu_of_task(profile, nobody_up) is None
    assert gpu_of_task(ELSEWHERE, nobody_up) is None


def test_workers_that_others_started_are_asked_for_their_gpus() -> None:
    with connect(ClusterProfile(kind="threads", workers=1, resources={"GPU": 1})) as client:
        assert gpu_of_task(ELSEWHERE, client) == {"GPU": 1}


def test_threads_share_the_memory_of_the_machine_whatever_the_profile_says() -> None:
    greedy = ClusterProfile(kind="threads", workers=4, memory_gib=MEMORY_LIMIT / GIB)
    with connect(greedy) as client:
        assert task_memory_bytes(greedy, client) == int(0.95 * MEMORY_LIMIT / 4)


def test_of_many_workers_the_smallest_counts() -> None:
    sizes = [2**30] * 6 + [2**29]
    workers = {
        i: {"cls": Worker, "options": {"memory_limit": n, "nthreads": 1, "dashboard": False}}
        for i, n in enumerate(sizes)
    }
    scheduler = {"cls": Scheduler, "options": {"dashboard": False, "port": 0, "host": "127.0.0.1"}}
    with SpecCluster(workers, scheduler) as cluster, Client(cluster) as client:
        client.wait_for_workers(len(sizes))
        assert task_memory_bytes(ELSEWHERE, client) == int(0.95 * 2**29)


def test_a_process_may_take_no_more_than_its_job_was_given() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_RSS, (2**30, 2**30))\n"
        "from cluster.capacity import task_memory_here\n"
        "from cluster.local import default_workers, local_options\n"
        "from cluster.profile import ClusterProfile\n"
        "limits = [local_options(ClusterProfile(memory_gib=n), None)['memory_limit'] for n in (0.5, 4)]\n"
        "print(task_memory_here(), default_workers(0.6), *limits)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.split() == [str(int(0.95 * 2**30)), "1", str(2**29), str(2**30)]


@pytest.mark.parametrize(
    ("line", "limits", "least"),
    [
        # Slurm's groups by cgroups 2: the step has no limit, its job has.
        (
            "0::/slurm/job_7/step_0",
            {"slurm/job_7/step_0/memory.max": "max", "slurm/job_7/memory.max": "1000000"},
            1_000_000,
        ),
        # By cgroups 1, where no limit is a number that no machine has.
        (
            "9:cpuset,memory:/slurm/uid_1/job_7",
            {
                "memory/slurm/uid_1/job_7/memory.limit_in_bytes": "2000000",
                "memory/memory.limit_in_bytes": "9223372036854771712",
            },
            2_000_000,
        ),
        ("3:cpuset:/slurm", {"memory.max": "1000000"}, MEMORY_LIMIT),
        ("0::/", {}, MEMORY_LIMIT),
    ],
)
def test_the_group_of_a_job_limits_its_memory(
    tmp_path: Path, line: str, limits: dict[str, str], least: int
) -> None:
    write_groups(tmp_path, line, limits)
    assert own_memory_bytes(tmp_path) == least


@pytest.mark.parametrize(
    ("line", "limits", "cores"),
    [
        # A container's: the group that it is in is the one that is mounted.
        ("0::/", {"cpu.max": "100000 100000"}, 1),
        ("0::/", {"cpu.max": "5000 100000"}, 1),
        ("0::/", {"cpu.max": "max 100000"}, CORES),
        ("0::/job/step", {"job/step/cpu.max": "max 100000", "job/cpu.max": "50000 50000"}, 1),
        ("0::/", {"cpu.max": f"{CORES * 100_000 - 50_000} 100000"}, CORES),
        (
            "4:cpu,cpuacct:/docker/7",
            {"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "50000"},
            1,
        ),
        ("4:cpu:/", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, CORES),
        ("3:cpuset:/", {"cpu.max": "100000 100000"}, CORES),
    ],
)
def test_the_group_of_a_job_limits_its_cores(
    tmp_path: Path, line: str, limits: dict[str, str], cores: int
) -> None:
    write_groups(tmp_path, line, limits)
    assert own_cores(tmp_path) == cores


def test_a_task_may_take_what_its_worker_has() -> None:
    threads = ClusterProfile(kind="threads", workers=4, memory_gib=0.5)
    with connect(threads) as client:
        assert task_memory_bytes(threads, client) == int(0.95 * 0.5 * GIB)
        # No worker is up that could be asked: what jobs will be given.
        client.retire_workers()
        options = {"cores": 8, "processes": 2}
        jobs = ClusterProfile(kind="slurm", workers=1, memory_gib=8, options=options)
        assert task_memory_bytes(jobs, client) == int(0.95 * 2 * GIB)
        assert task_memory_bytes(ELSEWHERE, client) is None
