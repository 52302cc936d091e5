"""Drivers and workers killed at random moments, with a reader looking on all the while."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from storage.disk import Disk
from storage.doctor import examine
from storage.errors import InputError
from storage.open import open_compendium, studies_of
from tests.support.command import dexome, start_dexome
from tests.support.whole_run import compendium_hash, content_hash
from tests.support.workspaces import make_workspace, write_study

STUDIES = 12
TRIALS = 20
# Often enough to see a publication from both sides, seldom enough to leave the run its cores.
LOOK_EVERY_S = 0.1


def make_base(root: Path) -> Path:
    """A workspace with one published study, and eleven more to come."""
    workspace = make_workspace(root, studies=1)
    work = root / "ws"
    source = workspace.config.source.path
    assert (
        dexome("init", work, "--genes", workspace.config.genes.list, "--source", source).returncode
        == 0
    )
    with (work / "dexome.toml").open("a") as file:
        file.write('[cluster.two]\nkind = "local"\nworkers = 2\nmemory_gib = 2.0\n')
    assert dexome("run", "-w", work).returncode == 0
    for number in range(1, STUDIES):
        write_study(source / f"S{number:02d}", number)
    return work


def read_on(work: Path, seen: set[str]) -> None:
    """One look of a new reader."""
    try:
        seen.add(compendium_hash(work))
    except InputError:
        pytest.fail("a published compendium was not there any more")


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The worker processes of a driver."""
    try:
        below = psutil.Process(process.pid).children(recursive=True)
        return [child for child in below if "spawn_main" in " ".join(child.cmdline())]
    except psutil.NoSuchProcess:
        return []


def kill_after(work: Path, process: subprocess.Popen[str], seconds: float, victim: str) -> set[str]:
    """Kill the victim after a while, reading the compendium all the while; return what was read."""
    seen: set[str] = set()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and process.poll() is None:
        read_on(work, seen)
        time.sleep(LOOK_EVERY_S)
    if victim == "driver" and process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    elif victim == "worker":
        for child in workers_of(process)[:1]:
            child.kill()
    while victim == "worker" and process.poll() is None:
        read_on(work, seen)
        time.sleep(LOOK_EVERY_S)
    process.communicate(timeout=120)
    return seen


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_twenty_kills_at_random_moments_change_nothing(tmp_path: Path) -> None:
    base = make_base(tmp_path)
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(base, undisturbed)
    before = compendium_hash(undisturbed)
    started = time.monotonic()
    assert dexome("run", "-w", undisturbed).returncode == 0
    lasts = time.monotonic() - started
    after = compendium_hash(undisturbed)
    rng = np.random.default_rng(20)
    for trial in range(TRIALS):
        victim = "worker" if trial % 2 else "driver"
        work = tmp_path / str(trial)
        shutil.copytree(base, work)
        reader = open_compendium(work)
        process = start_dexome("run", "-w", work)
        seen = kill_after(work, process, rng.uniform(0.1, 0.9) * lasts, victim)
        if victim == "worker":
            assert process.returncode == 0, "a lost worker is replaced and its study done"
        assert seen <= {before, after}, "a reader saw neither the old generation nor the new one"
        done = dexome("run", "-w", work)
        assert done.returncode == 0, done.stderr
        assert compendium_hash(work) == after
        assert set(studies_of(open_compendium(work))["status"].values) == {"analysed"}
        assert content_hash(reader) == before, "an open reader saw its generation change"
        assert examine(Disk(work))[1] == []
