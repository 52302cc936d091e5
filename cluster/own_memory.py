"""How much memory this process may take: of the machine's, or of what its job or container was given."""

from collections.abc import Iterator
from pathlib import Path

from distributed.system import MEMORY_LIMIT

from cluster.own_groups import own_groups

# What holds the limit of a group: cgroups 2, and 1.
_LIMITS = {"": "memory.max", "memory": "memory.limit_in_bytes"}


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
    for controller, folder in own_groups(root, _LIMITS):
        if (limit := _number_in(folder / _LIMITS[controller])) is not None:
            yield limit


def _number_in(path: Path) -> int | None:
    """The number in a file; None where there is none: no file, or the word `max`."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
