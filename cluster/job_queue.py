"""Workers as jobs of a batch system, through dask-jobqueue: Slurm, PBS, Grid Engine, LSF."""

import asyncio
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dask
from distributed.deploy.spec import SpecCluster
from distributed.security import Security

from cluster.extras import import_extra
from cluster.profile import ClusterError, ClusterProfile
from cluster.reason import innermost, reason
from cluster.worker import ENVIRONMENT, listening, worker_arguments

_CLASSES = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "sge": "SGECluster",
    "lsf": "LSFCluster",
}
# What dask-jobqueue writes for a scheduler that there is not yet.
_NO_SCHEDULER = "tcp://<insert-scheduler-address-here>:8786"


def start_queue(profile: ClusterProfile, folder: Path, security: Security | None) -> SpecCluster:
    """A cluster of jobs, none of them submitted yet; the scheduler runs in this process."""
    jobqueue = import_extra("dask_jobqueue", "hpc", profile.kind)
    make = getattr(jobqueue, _CLASSES[profile.kind])
    _check_default_walltime(profile)
    (folder / "jobs").mkdir(parents=True, exist_ok=True)
    try:
        return make(**queue_options(profile, folder, security))
    except (TypeError, ValueError, RuntimeError) as error:
        raise _refused(profile, error) from error


def queue_script(profile: ClusterProfile, folder: Path, security: Security | None) -> str:
    """The script of such a job, with SCHEDULER for the scheduler's address; nothing is started."""

    async def script() -> str:
        jobqueue = import_extra("dask_jobqueue", "hpc", profile.kind)
        make = getattr(jobqueue, _CLASSES[profile.kind])
        _check_default_walltime(profile)
        # Nobody waits for it, so that it has no scheduler.
        cluster = make(**queue_options(profile, folder, security), asynchronous=True)
        made = str(cluster.job_script())
        await cluster.close()
        return made.replace(_NO_SCHEDULER, "SCHEDULER")

    try:
        return asyncio.run(script())
    except (TypeError, ValueError) as error:
        raise _refused(profile, error) from error


def _check_default_walltime(profile: ClusterProfile) -> None:
    """Compare the lifetime with the walltime of dask-jobqueue, which is imported, where options has none."""
    if "walltime" in profile.options:
        return
    walltime = dask.config.get(f"jobqueue.{profile.kind}.walltime", None)
    try:
        profile.check_walltime(walltime, "dask-jobqueue's walltime, since options has none")
    except ValueError as error:
        raise ClusterError(str(error)) from error


def _refused(profile: ClusterProfile, error: Exception) -> ClusterError:
    return ClusterError(f'kind = "{profile.kind}" refuses its options: {reason(innermost(error))}')


def queue_options(
    profile: ClusterProfile, folder: Path, security: Security | None
) -> dict[str, Any]:
    """Keywords of a dask-jobqueue cluster: those that follow from the profile, then its options.

    A job is one worker of one core, unless the options name more `processes` or `cores`. Logs of jobs
    are below `folder`, which every machine must see.
    """
    given = dict(profile.options)
    processes = given.pop("processes", 1)
    # A job ends with its worker's lifetime, and another one is asked for.
    arguments = worker_arguments(profile, restart=False)
    for name, value in listening(profile).items():
        arguments += [f"--{name}", value]
    prologue = [f"export {name}={value}" for name, value in ENVIRONMENT.items()]
    return {
        "processes": processes,
        "cores": processes,
        "memory": f"{profile.memory_gib * processes:g}GiB",
        "log_directory": str(folder / "jobs"),
        "shared_temp_directory": str(folder),
        "security": security,
        "protocol": "tls://" if security else None,
        **given,
        "worker_extra_args": [*arguments, *given.get("worker_extra_args", ())],
        "job_script_prologue": [*prologue, *given.get("job_script_prologue", ())],
        "scheduler_options": {
            "dashboard_address": profile.dashboard,
            **listening(profile),
            **given.get("scheduler_options", {}),
        },
    }


def vanished_jobs(profile: ClusterProfile, jobs: Mapping[str, str]) -> list[str]:
    """Names of the workers whose jobs, by id, the batch system does not know any more.

    Only Slurm is asked: its answer is one command for all jobs of the user. Where it can't be had,
    no job counts as vanished.
    """
    if profile.kind != "slurm" or not jobs:
        return []
    command = ["squeue", "--me", "--noheader", "--format=%A"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return []
    known = set(answer.stdout.split())
    return [name for name, job in jobs.items() if job not in known]
