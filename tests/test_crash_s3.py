"""A tiny run on S3, troubled at every numbered commit: killed, answered with an error, its answer lost."""

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


def test_jobs_on_s3_troubled_at_some_of_their_commits_end_as_if_undisturbed(tmp_path: Path) -> None:
    result = result_of(start(tmp_path, "kill:30:165", f"error:3:{SPACING}", f"lost:8:{SPACING}"))
    for job, kills, faults in (("run", 2, 10), ("prepare", 1, 3)):
        told = result[job]
        for trouble, at_least in (("kill", kills), ("error", 1), ("lost", 1)):
            assert told[trouble]["failures"] == []
            assert told[trouble]["tried"] >= at_least
        for trouble in ("error", "lost"):
            assert told[trouble]["ended"] == 0, "a single fault is overcome"
            assert len(told[trouble]["troubled"]) > faults


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(3600)
def test_jobs_on_s3_troubled_at_any_of_their_commits_end_as_if_undisturbed(tmp_path: Path) -> None:
    halves = [
        start(tmp_path / "0", "kill:0:2", "error:0:1"),
        start(tmp_path / "1", "kill:1:2", "lost:0:1"),
    ]
    first, second = [result_of(half) for half in halves]
    for job, at_least in (("run", 250), ("prepare", 40)):
        errors, losses = first[job], second[job]
        for trials in (errors["kill"], errors["error"], losses["kill"], losses["lost"]):
            assert trials["failures"] == []
        assert errors["kill"]["tried"] + losses["kill"]["tried"] >= len(distinct(errors["commits"]))
        for result, trouble in ((errors, "error"), (losses, "lost")):
            # Its own: a plan's record is named by its files' times too, which differ between the two.
            commits = distinct(result["commits"])
            assert len(commits) > at_least
            assert any("/training/" in path for _, path in commits) == (job == "prepare")
            assert result[trouble]["ended"] == 0, "a single fault is overcome"
            # A probe of conditional puts has a new name each time.
            missed = {
                (m, p)
                for m, p in commits - distinct(result[trouble]["troubled"])
                if "/.tmp-" not in p
            }
            assert missed == set()
