"""What a profile would hand to a batch system or to Kubernetes, without handing it over."""

from pathlib import Path

import yaml

from cluster.hosted import kubernetes_options
from cluster.job_queue import queue_script
from cluster.profile import QUEUES, ClusterError, ClusterProfile
from cluster.ssh import ssh_commands
from cluster.tls import named_security

_CERTIFICATES = """\
# Its certificates are there as long as a run is, and HOST and PID those of its driver.
"""


def job_script(profile: ClusterProfile, folder: Path) -> str:
    """The job script of a batch system, the resource of Kubernetes, or the commands of SSH.

    Raises
    ------
    ClusterError
        The kind has none, or its package is missing.
    """
    if profile.kind == "kubernetes":
        return _manifest(profile)
    security = named_security(profile, folder)
    if profile.kind in QUEUES:
        text = queue_script(profile, folder, security)
    elif profile.kind == "ssh":
        text = "".join(f"{command}\n" for command in ssh_commands(profile, security))
    else:
        raise ClusterError(f'kind = "{profile.kind}" has no job script')
    return f"{text}{_CERTIFICATES}" if profile.tls and not profile.tls_ca_file else text


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
