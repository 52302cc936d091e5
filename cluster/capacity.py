"""What one task has on a cluster: memory, and a GPU."""

from distributed import Client

from cluster.own_memory import own_memory_bytes
from cluster.profile import SIZED_ELSEWHERE, ClusterProfile
from cluster.worker import GPU

GIB = 1 << 30
# Dask ends a worker that takes more of its memory.
_USABLE = 0.95


def task_memory_bytes(profile: ClusterProfile, client: Client) -> int | None:
    """Bytes that a task may take of its worker; None where neither workers nor profile tell.

    A worker's memory is that of all its threads; of workers that are up, the smallest counts.
    """
    shares = [
        worker["memory_limit"] / worker["nthreads"]
        for worker in client.scheduler_info(n_workers=-1)["workers"].values()
        if worker["memory_limit"]
    ]
    if shares:
        return int(min(shares) * _USABLE)
    if profile.kind in SIZED_ELSEWHERE:
        return None
    return int(profile.memory_gib * GIB / profile.threads_per_worker * _USABLE)


def task_memory_here() -> int:
    """Bytes that a task may take of this process."""
    return int(own_memory_bytes() * _USABLE)


def gpu_of_task(profile: ClusterProfile, client: Client) -> dict[str, float] | None:
    """The resource of a task that wants a GPU of its own; None where the workers offer none.

    What the profile promises counts before any worker is up; those that others start are asked.
    """
    if profile.gpus or profile.resources.get(GPU, 0) >= 1:
        return {GPU: 1}
    workers = client.scheduler_info(n_workers=-1)["workers"].values()
    return {GPU: 1} if any(worker["resources"].get(GPU, 0) >= 1 for worker in workers) else None
