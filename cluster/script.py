"""What a profile would hand to a batch system or to Kubernetes, without handing it over."""

from pathlib import Path

import yaml

from cluster.hosted import kubernetes_options
from cluster.job_queue import start_queue
from cluster.profile import QUEUES, ClusterError, ClusterProfile
from cluster.ssh import ssh_workers
from cluster.tls import security_of


def job_script(profile: ClusterProfile, folder: Path) -> str:
    """The job script of a batch system, the resource of Kubernetes, or the commands of SSH.

    Raises
    ------
    ClusterError
        The kind has none, or its package is missing.
    """
    if profile.kind in QUEUES:
        with (
            security_of(profile, folder) as security,
            start_queue(profile, folder, security) as jobs,
        ):
            return str(jobs.job_script())
    if profile.kind == "kubernetes":
        return _manifest(profile)
    if profile.kind == "ssh":
        return "".join(
            f"{worker['options']['address']}: {worker['options']['remote_python']} "
            f"-m distributed.cli.dask_spec SCHEDULER --spec {worker['options']['kwargs']}\n"
            for worker in ssh_workers(profile, None).values()
        )
    raise ClusterError(f'kind = "{profile.kind}" has no job script')


def _manifest(profile: ClusterProfile) -> str:
    resource = kubernetes_options(profile)["custom_cluster_spec"]
    if isinstance(resource, dict):
        return str(yaml.safe_dump(resource, sort_keys=False))
    try:
        return Path(resource).read_text()
    except OSError as error:
        raise ClusterError(
            f"custom_cluster_spec {resource} can't be read: {error.strerror}"
        ) from error
