"""A tiny run, killed at numbered steps on the disk, one run for each, and run again."""

import json
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


def start(job: str, root: Path, which: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.support.crash_driver", job, str(root), which]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def result_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, _ = process.communicate()
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


@pytest.mark.parametrize(("job", "stride"), [("run", 45), ("enrich", 25)])
def test_a_run_killed_at_some_of_its_steps_ends_as_if_undisturbed(
    tmp_path: Path, job: str, stride: int
) -> None:
    result = result_of(start(job, tmp_path, f"7:{stride}"))
    assert result["failures"] == []
    assert len(result["tried"]) >= 5


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("job", "at_least"), [("run", 40), ("enrich", 25)])
def test_a_run_killed_at_steps_of_each_kind_ends_as_if_undisturbed(
    tmp_path: Path, job: str, at_least: int
) -> None:
    result = result_of(start(job, tmp_path, "kinds"))
    assert result["failures"] == []
    assert at_least < len(result["tried"]) < result["steps"] / 2


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("job", "at_least"), [("run", 250), ("enrich", 130)])
def test_a_run_killed_at_any_of_its_steps_ends_as_if_undisturbed(
    tmp_path: Path, job: str, at_least: int
) -> None:
    halves = [start(job, tmp_path / str(first), f"{first}:2") for first in (0, 1)]
    results = [result_of(half) for half in halves]
    assert [result["failures"] for result in results] == [[], []]
    tried = sorted(chain.from_iterable(result["tried"] for result in results))
    assert tried == [*range(results[0]["steps"])]
    assert len(tried) > at_least
