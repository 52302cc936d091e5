"""Tiny jobs on S3, troubled at numbered commits: killed, answered with an error, the answer lost."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.crash_s3_driver import SPACING
from tests.support.object_storage import why_no_moto

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(bool(why_no_moto()), reason=why_no_moto())


def start(root: Path, *orders: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.support.crash_s3_driver", str(root), *orders]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def result_of(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, _ = process.communicate()
    assert process.returncode == 0
    found: dict[str, Any] = json.loads(output.splitlines()[-1])
    return found


def distinct(requests: list[list[str]]) -> set[tuple[str, ...]]:
    return {tuple(request) for request in requests}


def check_overcome(result: dict[str, Any], trouble: str, at_least: int) -> None:
    """Each commit was troubled in some run, and each run overcame that."""
    commits = distinct(result["commits"])
    assert len(commits) > at_least
    assert result[trouble]["failures"] == []
    assert result[trouble]["ended"] == 0, "a single fault is overcome"
    # A probe of conditional puts has a new name each time.
    missed = {
        (m, p) for m, p in commits - distinct(result[trouble]["troubled"]) if "/.tmp-" not in p
    }
    assert missed == set()


def test_jobs_on_s3_troubled_at_some_of_their_commits_end_as_if_undisturbed(tmp_path: Path) -> None:
    result = result_of(start(tmp_path, "kill:30:165", f"error:3:{SPACING}", f"lost:8:{SPACING}"))
    for job, kills, faults in (("run", 2, 10), ("prepare", 1, 3)):
        told = result[job]
        for trouble, at_least in (("kill", kills), ("error", 1), ("lost", 1)):
            assert told[trouble]["failures"] == []
            assert len(told[trouble]["tried"]) >= at_least
        for trouble in ("error", "lost"):
            assert told[trouble]["ended"] == 0, "a single fault is overcome"
            assert len(told[trouble]["troubled"]) > faults


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_jobs_on_s3_killed_at_commits_of_each_kind_end_as_if_undisturbed(tmp_path: Path) -> None:
    result = result_of(start(tmp_path, "kill:kinds"))
    for job, at_least in (("run", 40), ("prepare", 25)):
        assert result[job]["kill"]["failures"] == []
        assert at_least < len(result[job]["kill"]["tried"]) < len(result[job]["commits"])


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("trouble", ["error", "lost"])
def test_jobs_on_s3_overcome_a_fault_at_any_of_their_commits(tmp_path: Path, trouble: str) -> None:
    result = result_of(start(tmp_path, f"{trouble}:0:1"))
    for job, at_least in (("run", 250), ("prepare", 40)):
        check_overcome(result[job], trouble, at_least)
        wrote_copy = any("/training/" in path for _, path in distinct(result[job]["commits"]))
        assert wrote_copy == (job == "prepare")


@pytest.mark.slow
@pytest.mark.exhaustive
@pytest.mark.timeout(3600)
def test_jobs_on_s3_killed_at_any_of_their_commits_end_as_if_undisturbed(tmp_path: Path) -> None:
    halves = [start(tmp_path / first, f"kill:{first}:2") for first in ("0", "1")]
    results = [result_of(half) for half in halves]
    for job in ("run", "prepare"):
        assert [result[job]["kill"]["failures"] for result in results] == [[], []]
        tried = [number for result in results for number in result[job]["kill"]["tried"]]
        assert sorted(tried) == [*range(results[0][job]["steps"])]
        # The probe of conditional puts is one step of three commits.
        assert len(tried) == len(results[0][job]["commits"]) - 2
