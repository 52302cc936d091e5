"""What every worker is started with, as environment, keywords or words of a command line."""

from typing import Any

from cluster.profile import ClusterProfile

# A worker that imports a folder named storage/ or model/ of the user's instead of ours would be lost.
SAFE_PATH = {"PYTHONSAFEPATH": "1"}
# Dask's profiler looks at the frames of all threads a hundred times a second. In Python 3.11 that can lock up
# the process for ever when the garbage collector runs meanwhile, the likelier the more threads come and go,
# as they do where checkpoints are written (python/cpython#106883, dask/distributed#8616).
NO_PROFILER = {"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"}
# Tasks keep nothing on workers: nothing is spilt, and the memory is the task's. A paused worker would wait
# for ever for memory that nobody frees: ours work on, or die and are told of.
ENVIRONMENT = {
    **SAFE_PATH,
    **NO_PROFILER,
    "DASK_DISTRIBUTED__WORKER__MEMORY__SPILL": "False",
    "DASK_DISTRIBUTED__WORKER__MEMORY__TARGET": "False",
    "DASK_DISTRIBUTED__WORKER__MEMORY__PAUSE": "False",
}
# Where scheduler and workers listen unless a profile names an interface.
LOOPBACK = "127.0.0.1"
# The resource that a worker with a GPU offers.
GPU = "GPU"
# A task that three workers died of is an error of its own.
ALLOWED_FAILURES = 2
SCHEDULER_ENVIRONMENT = {
    **NO_PROFILER,
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": str(ALLOWED_FAILURES),
}


def worker_keywords(profile: ClusterProfile, *, restart: bool) -> dict[str, Any]:
    """Lifetime and resources as keywords of a worker; `restart`: whether its nanny replaces it."""
    keywords: dict[str, Any] = {}
    if profile.resources:
        keywords["resources"] = dict(profile.resources)
    if profile.lifetime_minutes is not None:
        keywords["lifetime"] = f"{profile.lifetime_minutes * 60:g}s"
        keywords["lifetime_stagger"] = f"{profile.stagger_minutes * 60:g}s"
        keywords["lifetime_restart"] = restart
    return keywords


def worker_arguments(profile: ClusterProfile, *, restart: bool) -> list[str]:
    """The same as arguments of `dask worker`."""
    words: list[str] = []
    for name, value in worker_keywords(profile, restart=restart).items():
        option = f"--{name.replace('_', '-')}"
        if name == "resources":
            words += [option, ",".join(f"{key}={amount:g}" for key, amount in value.items())]
        elif isinstance(value, bool):
            words += [option if value else f"--no-{option[2:]}"]
        else:
            words += [option, value]
    return words


def listening(profile: ClusterProfile) -> dict[str, str]:
    """Where scheduler and workers listen: the interface that the profile names, else loopback."""
    return {"interface": profile.interface} if profile.interface else {"host": LOOPBACK}
