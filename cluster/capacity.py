"""How much memory one task has on a cluster."""

from typing import Any

from distributed import Client

from cluster.profile import ClusterProfile

GIB = 1 << 30
# Dask ends a worker that takes more of its memory; above it pauses.
_USABLE = 0.95


def task_memory_bytes(profile: ClusterProfile, client: Client) -> int | None:
    """Bytes that a task may take of its worker; None where neither workers nor profile tell.

    A worker's memory is that of all its threads; of workers that are up, the smallest counts.
    """
    if profile.kind == "threads":
        return int(profile.memory_gib * GIB * _USABLE)
    shares = [
        worker["memory_limit"] / worker["nthreads"]
        for worker in client.scheduler_info()["workers"].values()
        if worker["memory_limit"]
    ]
    if shares:
        return int(min(shares) * _USABLE)
    if profile.kind in ("address", "gateway", "custom"):
        return None
    return int(profile.memory_gib * GIB / _threads(profile.options) * _USABLE)


def _threads(options: dict[str, Any]) -> int:
    """Threads of a worker that the options of a batch system ask for."""
    return max(1, int(options.get("cores", 1)) // int(options.get("processes", 1)))
