"""A tiny run, killed at every numbered step on the disk, one run for each, and run again."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def start(job: str, root: Path, first: int, stride: int) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "tests.support.crash_driver",
        job,
        str(root),
        str(first),
        str(stride),
    ]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def result_of(process: subprocess.Popen[str]) -> dict[str, object]:
    output, _ = process.communicate()
    assert process.returncode == 0
    found: dict[str, object] = json.loads(output.splitlines()[-1])
    return found


@pytest.mark.parametrize(("job", "stride"), [("run", 45), ("enrich", 25)])
def test_a_run_killed_at_some_of_its_steps_ends_as_if_undisturbed(
    tmp_path: Path, job: str, stride: int
) -> None:
    result = result_of(start(job, tmp_path, first=7, stride=stride))
    assert result["failures"] == []
    assert int(str(result["tried"])) >= 5


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("job", "at_least"), [("run", 250), ("enrich", 130)])
def test_a_run_killed_at_any_of_its_steps_ends_as_if_undisturbed(
    tmp_path: Path, job: str, at_least: int
) -> None:
    halves = [start(job, tmp_path / str(first), first, stride=2) for first in (0, 1)]
    results = [result_of(half) for half in halves]
    assert [result["failures"] for result in results] == [[], []]
    assert sum(int(str(result["tried"])) for result in results) > at_least
