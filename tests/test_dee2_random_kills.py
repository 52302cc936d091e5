"""The whole road from a faulty server, killed at random moments and run again: the same compendium."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.simulate.mirror import write_mirror
from storage.disk import Disk
from storage.doctor import examine
from tests.support.command import dexome, start_dexome
from tests.support.fetched import SMALL
from tests.support.mirror_server import MirrorServer, serve
from tests.support.whole_run import compendium_hash

TRIALS = 2
KILLS = 2
FAULTS = {"zip$": ["503", "cut"], "request.sh": ["503"], "matrix.txt.gz": ["cut", "503"]}


def make_work(root: Path, mirror: Path, server: MirrorServer) -> Path:
    root.mkdir()
    (root / "dexome.toml").write_text(
        f'[genes]\nlist = "{mirror / "genes.tsv.gz"}"\n[source]\nkind = "dee2"\n'
        f'dee2 = "{server.address}/dee2"\ngeo = "{server.address}/geo"\n'
        '[cluster.one]\nkind = "threads"\nworkers = 1\n'
    )
    return root


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(900)
def test_a_run_killed_again_and_again_ends_as_if_undisturbed(tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    write_mirror(mirror, replace(SMALL, n_studies=6), bulk=False)
    with serve(mirror) as server:
        undisturbed = make_work(tmp_path / "undisturbed", mirror, server)
        started = time.monotonic()
        assert dexome("run", "-w", undisturbed).returncode in (0, 3)
        lasts = time.monotonic() - started
        wanted = compendium_hash(undisturbed)
    rng = np.random.default_rng(4)
    for trial in range(TRIALS):
        with serve(mirror, {what: list(faults) for what, faults in FAULTS.items()}) as server:
            work = make_work(tmp_path / str(trial), mirror, server)
            for _ in range(KILLS):
                process = start_dexome("run", "-w", work)
                time.sleep(rng.uniform(0.2, 0.8) * lasts)
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                process.communicate(timeout=60)
            done = dexome("run", "-w", work)
            assert done.returncode in (0, 3), done.stderr
            assert compendium_hash(work) == wanted
            assert examine(Disk(work))[1] == []
            asked = server.counts()
        bundles = [n for path, n in asked.items() if path.endswith(".zip")]
        # Once for each file, and again for a fault or for a kill in the midst of it.
        assert sum(bundles) <= len(bundles) + 2 + 8 * KILLS
        assert not [path for path in work.rglob(".tmp-*") if path.is_file()]
