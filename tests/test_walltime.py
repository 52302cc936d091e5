"""A walltime is as long as the batch system takes it for."""

import pytest

from cluster.walltime import walltime_minutes


@pytest.mark.parametrize(
    ("kind", "walltime", "minutes"),
    [
        # sbatch(1): "minutes", "minutes:seconds", "hours:minutes:seconds", "days-hours", ...
        ("slurm", "90", 90),
        ("slurm", 90, 90),
        ("slurm", "90:30", 90.5),
        ("slurm", "01:30:00", 90),
        ("slurm", "2-12", 3600),
        ("slurm", "1-00:30", 1470),
        ("slurm", "1-00:00:30", 1440.5),
        ("slurm", "0", None),
        ("slurm", "UNLIMITED", None),
        ("pbs", "5400", 90),
        ("pbs", "90:00", 90),
        ("pbs", "100:00:00", 6000),
        ("pbs", "1-00:00:00", None),
        ("sge", 5400, 90),
        ("sge", "01:30:00", 90),
        ("lsf", "90", 90),
        ("lsf", "01:30", 90),
        ("lsf", "01:30:00", None),
        ("slurm", "2h", None),
        ("slurm", None, None),
        ("local", "01:30:00", None),
    ],
)
def test_a_walltime_is_read_as_the_batch_system_does(
    kind: str, walltime: object, minutes: float | None
) -> None:
    assert walltime_minutes(kind, walltime) == minutes
