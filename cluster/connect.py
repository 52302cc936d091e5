"""A Dask client on the cluster that a profile describes."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import dask
import psutil
from distributed import Client, LocalCluster

from cluster.profile import ClusterError, ClusterProfile

log = logging.getLogger(__name__)

_LOG_LEVELS = {
    # What ends before its peer complains of closed connections; a study's failure is told by its receipt.
    "distributed": "critical",
    "tornado.application": "critical",
    "distributed.worker.memory": "warning",
    "distributed.nanny.memory": "warning",
}
# A terminal's Ctrl-C reaches workers too; the driver alone decides, and closes them.
_IGNORE_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"
# A worker that imports a folder named storage/ or model/ of the user's instead of ours would be lost.
_WORKER_ENVIRONMENT = {"PYTHONSAFEPATH": "1"}
_START_ATTEMPTS = 3


@contextmanager
def connect(profile: ClusterProfile) -> Iterator[Client]:
    """Start, or join, the cluster of a profile; stop what was started at the end.

    Raises
    ------
    ClusterError
        The workers did not come up.
    """
    settings = {
        "distributed.nanny.environ": _WORKER_ENVIRONMENT,
        # A study that kills three workers is set aside, not tried for ever.
        "distributed.scheduler.allowed-failures": 3,
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.target": False,
        "logging": _LOG_LEVELS,
        "distributed.worker.preload": [_IGNORE_CTRL_C] if profile.kind == "local" else [],
    }
    for name, level in _LOG_LEVELS.items():
        logging.getLogger(name).setLevel(level.upper())
    with dask.config.set(settings):
        if profile.kind == "address":
            with Client(profile.address) as client:
                yield client
            return
        with _start_local(profile) as local, Client(local) as client:
            yield client


def _start_local(profile: ClusterProfile) -> LocalCluster:
    """Start workers on this machine; once they run, their nannies replace those that die.

    A worker that dies while it starts takes the whole cluster with it, so that is tried again.
    """
    workers = profile.workers or default_workers(profile.memory_gib)
    processes = profile.kind == "local"
    for attempt in range(1, _START_ATTEMPTS + 1):
        try:
            return LocalCluster(
                n_workers=workers if processes else 1,
                threads_per_worker=1 if processes else workers,
                processes=processes,
                memory_limit=f"{profile.memory_gib}GiB",
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.ERROR,
            )
        except (RuntimeError, TimeoutError) as error:
            log.warning("a worker died while it started (attempt %d): %s", attempt, error)
            last = error
    raise ClusterError(
        f"the {workers} workers of {profile.memory_gib:g} GiB died {_START_ATTEMPTS} times while they "
        "started; give them more memory_gib, or ask for fewer workers"
    ) from last


def default_workers(memory_gib: float) -> int:
    """As many workers as this machine has cores, and memory for."""
    fitting = psutil.virtual_memory().total / 2**30 // memory_gib
    return max(1, min(os.cpu_count() or 1, int(fitting)))
