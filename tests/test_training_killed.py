"""A training process that is killed, or asked to end, goes on as if undisturbed."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.command import dexome, start_dexome
from tests.support.prepared import prepare, random_workspace

CONFIG = """
[genes]
list = "../genes.tsv"
[source]
path = "../source"
[prepare.genes]
min_contrasts = 2
min_studies = 2
[train.network]
code = 3
input_dropout = 0.2
[train.fit]
epochs = 40
batch_size = 8
stop_after = 1000
"""


def curve(workspace: Path, name: str) -> list[dict[str, float]]:
    lines = (workspace / "models" / name / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines if line]


def wait_for_steps(process: subprocess.Popen[str], path: Path, n_lines: int) -> None:
    while process.poll() is None:
        if path.exists() and path.read_text().count("\n") > n_lines:
            return
        time.sleep(0.02)
    raise AssertionError(f"the training ended first: {process.communicate()}")


@pytest.mark.slow
def test_sigterm_saves_sigkill_is_survived_and_the_curve_is_that_of_an_undisturbed_run(
    tmp_path: Path,
) -> None:
    workspace = random_workspace(tmp_path, {f"S{i:02}": 2 for i in range(20)}, n_genes=40)
    (workspace.root / "dexome.toml").write_text(CONFIG)
    (tmp_path / "source").mkdir(exist_ok=True)
    prepare(workspace)
    at = ("-w", workspace.root)
    done = dexome("train", "whole", *at)
    assert done.returncode == 0, done.stderr
    metrics = workspace.root / "models" / "cut" / "metrics.jsonl"
    for n_lines, kind in ((15, signal.SIGKILL), (60, signal.SIGTERM)):
        process = start_dexome("train", "cut", *at)
        wait_for_steps(process, metrics, n_lines)
        os.kill(process.pid, kind)
        _, errors = process.communicate(timeout=60)
        if kind == signal.SIGTERM:
            assert process.returncode == 130
            assert "run the same command again" in errors
    done = dexome("train", "cut", *at)
    assert done.returncode == 0, done.stderr
    assert curve(workspace.root, "cut") == curve(workspace.root, "whole")
