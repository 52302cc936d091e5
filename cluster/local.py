"""Workers on this machine."""

import logging
import os
from itertools import takewhile
from typing import Any

from distributed import LocalCluster
from distributed.comm import CommClosedError
from distributed.security import Security

from cluster.own_cores import own_cores
from cluster.own_memory import own_memory_bytes
from cluster.profile import ClusterError, ClusterProfile
from cluster.reason import innermost, reason
from cluster.size import settle
from cluster.worker import GPU, worker_keywords

log = logging.getLogger(__name__)

_START_ATTEMPTS = 3
# What a nanny says whose worker process is gone before it has said anything.
_DIED = "Nanny failed to start worker process"

# How CUDA, and Slurm, are told that there is no GPU.
_NO_GPU = ("-1", "nodevfiles", "none")


def start_local(profile: ClusterProfile, security: Security | None) -> LocalCluster:
    """Start workers on this machine; once they run, their nannies replace those that die.

    A worker that dies while it starts takes the whole cluster with it, so that is tried again.

    Raises
    ------
    ClusterError
        Workers died again and again, or something else prevents the start: an option, say.
    """
    workers = _first_size(profile)
    for attempt in range(1, _START_ATTEMPTS + 1):
        try:
            if profile.gpus is not None:
                return _start_on_gpus(profile, security)
            return LocalCluster(n_workers=workers, **local_options(profile, security))
        except ClusterError:
            raise
        except Exception as error:
            # What options can be wrong in has no common class.
            if not _has_died(error):
                raise _refused(profile, error) from error
            log.warning("a worker died while it started (attempt %d)", attempt)
            last = error
    raise ClusterError(
        f"the {workers} workers of {profile.memory_gib:g} GiB died {_START_ATTEMPTS} times while they "
        "started; give them more memory_gib, or ask for fewer workers"
    ) from last


def _has_died(error: Exception) -> bool:
    """Whether a cluster did not start because the process of a worker ended, or never answered."""
    cause = innermost(error)
    return isinstance(cause, MemoryError | TimeoutError | CommClosedError) or _DIED in str(cause)


def _refused(profile: ClusterProfile, error: Exception) -> ClusterError:
    told = reason(innermost(error))
    named = [name for name in profile.options if name in told] or list(profile.options)
    cure = f"; see {', '.join(named)} in options of the profile" if named else ""
    return ClusterError(f'kind = "{profile.kind}" did not start: {told}{cure}')


def start_threads(profile: ClusterProfile) -> LocalCluster:
    """One worker in this process, with as many threads as the profile has workers.

    They have the memory of as many workers, as far as this process has it.
    """
    threads = profile.workers or default_workers(profile.memory_gib)
    return LocalCluster(
        n_workers=1,
        threads_per_worker=threads,
        processes=False,
        memory_limit=min(int(profile.memory_gib * threads * 2**30), own_memory_bytes()),
        dashboard_address=profile.dashboard,
        # Where scheduler and worker talk in memory, Dask would have the worker's pages listen to everyone.
        worker_dashboard_address="127.0.0.1:0",
        silence_logs=logging.ERROR,
        **worker_keywords(profile, restart=False),
    )


def local_options(profile: ClusterProfile, security: Security | None) -> dict[str, Any]:
    """Keywords of `LocalCluster`, without the size.

    No worker may take more than this process: its job would be killed, before Dask ends the worker.
    """
    return {
        "threads_per_worker": 1,
        "processes": True,
        "memory_limit": min(int(profile.memory_gib * 2**30), own_memory_bytes()),
        "interface": profile.interface,
        "dashboard_address": profile.dashboard,
        "security": security,
        # A failed task is told by whoever asked for it; its worker would print a traceback beside that.
        "silence_logs": logging.CRITICAL,
        **worker_keywords(profile, restart=True),
        **profile.options,
    }


def default_workers(memory_gib: float) -> int:
    """As many workers as this process may use cores, and has memory for."""
    fitting = own_memory_bytes() / 2**30 // memory_gib
    return max(1, min(own_cores(), int(fitting)))


def gpu_ids(count: int, visible: str | None) -> list[str]:
    """The first `count` GPUs of those that a batch system has made visible, or of the machine.

    Raises
    ------
    ClusterError
        Fewer are visible.
    """
    if visible is None:
        return [str(number) for number in range(count)]
    words = [word.strip() for word in visible.split(",") if word.strip()]
    # CUDA sees none of those behind a number that is no GPU's.
    ids = list(takewhile(lambda word: word.lower() not in _NO_GPU, words))
    if len(ids) < count:
        raise ClusterError(
            f"gpus = {count}, but CUDA_VISIBLE_DEVICES names {len(ids)} ({visible!r}); ask for fewer gpus"
        )
    return ids[:count]


def _start_on_gpus(profile: ClusterProfile, security: Security | None) -> LocalCluster:
    """One worker for each GPU, which sees that one alone and offers it as the resource GPU."""
    assert profile.gpus is not None
    # What a batch system has given to this job; nobody else can tell.
    ids = gpu_ids(profile.gpus, os.environ.get("CUDA_VISIBLE_DEVICES"))
    cluster = LocalCluster(n_workers=0, **local_options(profile, security))
    options = cluster.new_spec["options"]
    for number, gpu in enumerate(ids):
        cluster.worker_spec[number] = {
            **cluster.new_spec,
            "options": {
                **options,
                "env": {**options.get("env", {}), "CUDA_VISIBLE_DEVICES": gpu},
                "resources": {GPU: 1, **profile.resources},
            },
        }
    try:
        settle(cluster)
    except BaseException:
        cluster.close()
        raise
    return cluster


def _first_size(profile: ClusterProfile) -> int:
    if profile.gpus is not None:
        return profile.gpus
    if profile.adaptive:
        return profile.minimum or 1
    return profile.workers or default_workers(profile.memory_gib)
