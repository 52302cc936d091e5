"""Workers on other hosts by SSH; the scheduler runs in this process."""

import sys
from json import dumps
from shlex import quote
from typing import Any

from distributed.deploy.spec import SpecCluster
from distributed.deploy.ssh import Worker as RemoteWorker
from distributed.scheduler import Scheduler
from distributed.security import Security

from cluster.extras import import_extra
from cluster.profile import ClusterError, ClusterProfile
from cluster.reason import reason
from cluster.worker import ENVIRONMENT, listening, worker_keywords

_DEATH_TIMEOUT_S = 60
_OPTIONS = ("connect_options", "worker_options", "worker_class", "remote_python")


def start_ssh(profile: ClusterProfile, security: Security | None) -> SpecCluster:
    """Start the scheduler here and one worker process after the other on the hosts, in turn.

    This is Dask's SSHCluster in two respects otherwise: every worker has a name, without which a lost one
    is never noticed, and the scheduler does not die with a host.

    Raises
    ------
    ClusterError
        A host can't be reached, or its worker does not start.
    """
    import_extra("asyncssh", "ssh", "ssh")
    if unknown := sorted(profile.options.keys() - set(_OPTIONS)):
        raise ClusterError(
            f'kind = "ssh" has no option {unknown[0]}; there is {", ".join(_OPTIONS)}'
        )
    scheduler = {
        "cls": Scheduler,
        "options": {
            "port": 0,
            "dashboard_address": profile.dashboard,
            "protocol": "tls://" if security else "tcp://",
            "security": security,
            **listening(profile),
        },
    }
    try:
        return SpecCluster(ssh_workers(profile, security), scheduler, name="ssh", security=security)
    except Exception as error:
        # What SSH and a remote Python can raise has no common class.
        raise ClusterError(
            f"the workers on {', '.join(profile.hosts)} did not start: {reason(error)}; "
            "try ssh to each host by hand, and see connect_options and remote_python of the profile"
        ) from error


def ssh_workers(profile: ClusterProfile, security: Security | None) -> dict[int, dict[str, Any]]:
    """What each worker is, by its name: a process on the next host."""
    options = profile.options
    python = options.get("remote_python", sys.executable)
    environment = " ".join(f"{name}={value}" for name, value in ENVIRONMENT.items())
    keywords: dict[str, Any] = {
        "nthreads": 1,
        # A worker whose driver was killed must not wait for it for ever.
        "death_timeout": _DEATH_TIMEOUT_S,
        "memory_limit": f"{profile.memory_gib}GiB",
        **listening(profile),
        **worker_keywords(profile, restart=True),
        **options.get("worker_options", {}),
    }
    if security is not None:
        keywords["protocol"] = "tls://"
        keywords["security"] = {
            "require_encryption": True,
            "tls_ca_file": security.tls_ca_file,
            "tls_worker_cert": security.tls_worker_cert,
            "tls_worker_key": security.tls_worker_key,
        }
    return {
        number: {
            "cls": RemoteWorker,
            "options": {
                "address": profile.hosts[number % len(profile.hosts)],
                "connect_options": options.get("connect_options", {}),
                "kwargs": {**keywords, "name": number},
                "worker_class": options.get("worker_class", "distributed.Nanny"),
                "remote_python": f"env {environment} {python}",
            },
        }
        for number in range(profile.workers or len(profile.hosts))
    }


def ssh_commands(profile: ClusterProfile, security: Security | None) -> list[str]:
    """What is run on each host, after its name, with SCHEDULER for the scheduler's address.

    A run hands Dask's configuration of this machine on as well, in one more variable.
    """
    commands = []
    for worker in ssh_workers(profile, security).values():
        options = worker["options"]
        spec = {"0": {"cls": options["worker_class"], "opts": options["kwargs"]}}
        commands.append(
            f"{options['address']}: {options['remote_python']} -m distributed.cli.dask_spec SCHEDULER "
            f"--spec {quote(dumps(spec))}"
        )
    return commands
