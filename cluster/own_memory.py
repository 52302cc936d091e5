"""How much memory this process may take: of the machine's, or of what its job or container was given."""

from collections.abc import Iterator
from pathlib import Path

from distributed.system import MEMORY_LIMIT

# Where a controller's groups are mounted, and what holds the limit of one: cgroups 2, and 1.
_MOUNTS = {
    "": ("sys/fs/cgroup", "memory.max"),
    "memory": ("sys/fs/cgroup/memory", "memory.limit_in_bytes"),
}


def own_memory_bytes(root: Path = Path("/")) -> int:
    """The least of the machine's memory, the limit of resources, and those of all groups we are in.

    Dask's limit knows the machine, the limit of resources and a container's group, but not the group that a
    batch system puts a job in, below the one that is mounted.

    Parameters
    ----------
    root
        Where `proc` and `sys` are.
    """
    return min([int(MEMORY_LIMIT), *_group_limits(root)])


def _group_limits(root: Path) -> Iterator[int]:
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        for controller in {*controllers.split(",")} & _MOUNTS.keys():
            mount, name = _MOUNTS[controller]
            # A group has no more than those above it.
            within = Path(group.lstrip("/"))
            for folder in (within, *within.parents):
                if (limit := _number_in(root / mount / folder / name)) is not None:
                    yield limit


def _number_in(path: Path) -> int | None:
    """The number in a file; None where there is none: no file, or the word `max`."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
