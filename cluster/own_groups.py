"""Control groups that this process is in: where a container or a batch system says what it may take."""

from collections.abc import Collection, Iterator
from pathlib import Path


def own_groups(root: Path, controllers: Collection[str]) -> Iterator[tuple[str, Path]]:
    """The folders of our groups and of those above them, each with its controller; "": cgroups 2.

    Parameters
    ----------
    root
        Where `proc` and `sys` are.
    controllers
        Those of cgroups 1 that are wanted. Each is mounted under its name.
    """
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, named, group = line.split(":", 2)
        for controller in {*named.split(",")} & {"", *controllers}:
            mount = root / "sys/fs/cgroup" / controller
            # A group has no more than those above it.
            within = Path(group.lstrip("/"))
            for folder in (within, *within.parents):
                yield controller, mount / folder
