"""A Dask client on the cluster that a profile describes."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import dask
from distributed import Client
from distributed.deploy import Cluster
from distributed.deploy.spec import SpecCluster
from distributed.security import Security

from cluster.hosted import start_custom, start_gateway, start_kubernetes
from cluster.job_queue import start_queue, vanished_jobs
from cluster.local import start_local, start_threads
from cluster.network import check_network
from cluster.profile import QUEUES, ClusterError, ClusterProfile
from cluster.report import written_report
from cluster.size import ask, kept_size
from cluster.ssh import start_ssh
from cluster.tls import security_of
from cluster.worker import ALLOWED_FAILURES, SAFE_PATH

log = logging.getLogger(__name__)

_LOG_LEVELS = {
    # What ends before its peer complains of closed connections; a study's failure is told by its receipt.
    "distributed": "critical",
    # Dask gives this one a level of its own; it prints a traceback of a scheduler that is gone.
    "distributed.client": "critical",
    "tornado.application": "critical",
    "distributed.worker.memory": "warning",
    "distributed.nanny.memory": "warning",
}
# A terminal's Ctrl-C reaches workers too; the driver alone decides, and closes them.
_IGNORE_CTRL_C = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"


@contextmanager
def connect(profile: ClusterProfile, folder: Path | None = None) -> Iterator[Client]:
    """Start, or join, the cluster of a profile; stop what was started at the end.

    Parameters
    ----------
    folder
        Where certificates, logs of jobs and reports are put; every machine must see it. Without one, a
        temporary folder of this machine.

    Raises
    ------
    ClusterError
        The machines can't be had: the workers did not come up, were refused, or a package is missing; or
        the profile names a network or an option that there is not.
    """
    for name, level in _LOG_LEVELS.items():
        logging.getLogger(name).setLevel(level.upper())
    with ExitStack() as stack:
        stack.enter_context(dask.config.set(_settings(profile)))
        check_network(profile)
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cluster-")))
        security = stack.enter_context(security_of(profile, folder))
        if profile.kind == "address":
            client = stack.enter_context(_join(profile, security))
        else:
            cluster = stack.enter_context(_start(profile, folder, security))
            ask(cluster, profile)
            client = stack.enter_context(Client(cluster))
            if isinstance(cluster, SpecCluster) and profile.kind != "threads":
                stack.enter_context(kept_size(cluster, partial(vanished_jobs, profile)))
        if profile.report:
            stack.enter_context(written_report(folder))
        log.info("dashboard: %s", client.dashboard_link)
        yield client


def _settings(profile: ClusterProfile) -> dict[str, Any]:
    """Dask's own settings."""
    told: dict[str, Any] = {}
    if profile.kind == "threads":
        # Without a network of its own Dask would name this machine's address, where nothing listens.
        host = profile.dashboard.rpartition(":")[0] or "127.0.0.1"
        told["distributed.dashboard.link"] = f"{{scheme}}://{host}:{{port}}/status"
    return told | {
        "distributed.nanny.environ": SAFE_PATH,
        "distributed.scheduler.allowed-failures": ALLOWED_FAILURES,
        "distributed.worker.memory.spill": False,
        "distributed.worker.memory.target": False,
        "distributed.worker.memory.pause": False,
        # Of what `NO_PROFILER` tells.
        "distributed.worker.profile.enabled": False,
        # Dask reads a remote worker's log to know that it is up.
        "logging": {"distributed": "info"} if profile.kind == "ssh" else _LOG_LEVELS,
        "distributed.worker.preload": [_IGNORE_CTRL_C] if profile.kind == "local" else [],
    }


def _start(profile: ClusterProfile, folder: Path, security: Security | None) -> Cluster:
    if profile.kind == "local":
        return start_local(profile, security)
    if profile.kind == "threads":
        return start_threads(profile)
    if profile.kind in QUEUES:
        return start_queue(profile, folder, security)
    if profile.kind == "ssh":
        return start_ssh(profile, security)
    if profile.kind == "kubernetes":
        return start_kubernetes(profile)
    if profile.kind == "gateway":
        return start_gateway(profile)
    return start_custom(profile)


def _join(profile: ClusterProfile, security: Security | None) -> Client:
    try:
        return Client(profile.address, security=security)
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError(
            f"no scheduler answers at {profile.address}: {error}; is it running, and does it want "
            "certificates (tls_ca_file, tls_cert_file, tls_key_file)?"
        ) from error
