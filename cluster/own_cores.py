"""How many cores this process may use: of the machine's, or of what its job or container was given."""

import math
import os
from collections.abc import Iterator
from pathlib import Path

from cluster.own_groups import own_groups


def own_cores(root: Path = Path("/")) -> int:
    """The least of the cores that this process may run on, and the quotas of all groups it is in.

    A container that is given some of a machine's cores may run on all of them, for a part of the time. A
    part of a core counts as one: what would use it alone is slowed down, and nothing is left idle.

    Parameters
    ----------
    root
        Where `proc` and `sys` are.
    """
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    return min([cores, *(max(1, math.ceil(quota)) for quota in _quotas(root))])


def _quotas(root: Path) -> Iterator[float]:
    """Cores' worth of time of each group that has a limit."""
    for controller, folder in own_groups(root, ("cpu",)):
        try:
            if controller:
                quota = (folder / "cpu.cfs_quota_us").read_text()
                period = (folder / "cpu.cfs_period_us").read_text()
            else:
                quota, period = (folder / "cpu.max").read_text().split()
            # No limit is the word `max` in cgroups 2, and −1 in cgroups 1.
            if int(quota) > 0:
                yield int(quota) / int(period)
        except (OSError, ValueError, ZeroDivisionError):
            continue
