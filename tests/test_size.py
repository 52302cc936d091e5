"""Jobs that a batch system refuses, and jobs that can't be ended: commands of one that does as it is told."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributed.deploy.spec import SpecCluster

from cluster.connect import connect
from cluster.job_queue import start_queue
from cluster.profile import ClusterError, ClusterProfile
from cluster.size import MAX_WAIT_S, Keeper, ask

OPTIONS = {"queue": "main"}


class Batch:
    """Commands of a Slurm that runs nothing, in a folder that is first in the path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def answers(self, command: str, script: str) -> None:
        """Have a command do this."""
        path = self.folder / command
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def takes(self) -> None:
        """Take jobs, and end them."""
        self.answers("sbatch", f"echo submitted >> {self.folder}/log; echo Submitted batch job 7")
        self.answers("scancel", f"echo cancelled $1 >> {self.folder}/log")
        self.answers("squeue", "exit 1")

    def refuses(self) -> None:
        """Take no more."""
        self.answers("sbatch", "echo Invalid qos specification >&2; exit 1")

    def log(self) -> list[str]:
        """What was submitted and cancelled, in turn."""
        path = self.folder / "log"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Batch:
    made = Batch(tmp_path / "commands")
    made.folder.mkdir()
    monkeypatch.setenv("PATH", str(made.folder))
    made.takes()
    return made


@pytest.fixture
def cluster(batch: Batch, tmp_path: Path) -> Iterator[SpecCluster]:
    """A cluster of one job, which was taken."""
    profile = ClusterProfile(kind="slurm", workers=1, options=OPTIONS)
    with start_queue(profile, tmp_path, None) as made:
        ask(made, profile)
        assert batch.log() == ["submitted"]
        yield made
        batch.takes()


@pytest.mark.parametrize("size", [{"workers": 2}, {"maximum": 2}, {"minimum": 1, "maximum": 2}])
def test_jobs_that_are_refused_are_an_error_whatever_the_size(
    batch: Batch, tmp_path: Path, size: dict[str, int]
) -> None:
    batch.refuses()
    profile = ClusterProfile(kind="slurm", options=OPTIONS, **size)  # type: ignore[arg-type]
    with pytest.raises(
        ClusterError, match="can't be asked for: Invalid qos specification; see opt"
    ):
        connect(profile, tmp_path).__enter__()


def test_an_adaptive_size_begins_with_a_job_or_its_least(batch: Batch, tmp_path: Path) -> None:
    for minimum, n in ((None, 1), (3, 3)):
        before = len(batch.log())
        profile = ClusterProfile(kind="slurm", minimum=minimum, maximum=4, options=OPTIONS)
        with connect(profile, tmp_path):
            assert batch.log()[before:].count("submitted") == n
        assert batch.log()[before:].count("cancelled 7") == n


def test_who_never_got_a_job_is_not_sent_to_its_log(
    batch: Batch, cluster: SpecCluster, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = Keeper(cluster, list)
    batch.refuses()
    with caplog.at_level(logging.WARNING):
        for n in range(5):
            with pytest.raises(RuntimeError, match="Invalid qos"):
                keeper.look(n * (MAX_WAIT_S + 1))
    assert "1 of 1 workers are not there; asking for them again (attempt 5)" in caplog.text
    assert "logs" not in caplog.text


def test_a_job_that_can_not_be_ended_is_kept_until_it_can(
    batch: Batch, cluster: SpecCluster, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = Keeper(cluster, list)
    (batch.folder / "scancel").rename(batch.folder / "elsewhere")
    keeper.look(0)
    assert len(cluster.workers) == 1
    assert "could not be ended: " in caplog.text
    (batch.folder / "elsewhere").rename(batch.folder / "scancel")
    keeper.look(MAX_WAIT_S)
    assert batch.log() == ["submitted", "cancelled 7", "submitted"]
