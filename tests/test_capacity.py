"""What a task has on a cluster, as its profile promises or its workers say."""

from collections.abc import Iterator

import pytest
from distributed import Client, LocalCluster

from cluster.capacity import GIB, gpu_of_task, task_memory_bytes
from cluster.connect import connect
from cluster.profile import ClusterProfile

ELSEWHERE = ClusterProfile(kind="address", address="tcp://h:1")


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


def test_a_task_may_take_what_its_worker_has() -> None:
    threads = ClusterProfile(kind="threads", workers=4, memory_gib=2)
    with connect(threads) as client:
        assert task_memory_bytes(threads, client) == int(0.95 * 2 * GIB)
        # No worker is up that could be asked: what jobs will be given.
        client.retire_workers()
        options = {"cores": 8, "processes": 2}
        jobs = ClusterProfile(kind="slurm", workers=1, memory_gib=8, options=options)
        assert task_memory_bytes(jobs, client) == int(0.95 * 2 * GIB)
        assert task_memory_bytes(ELSEWHERE, client) is None
