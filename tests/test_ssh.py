"""Workers by SSH, through a real OpenSSH server on loopback."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cluster.connect import connect
from cluster.profile import ClusterError, ClusterProfile
from tests.support.command import dexome
from tests.support.sshd import Sshd, running_sshd, why_not
from tests.support.whole_run import compendium_hash, run_whole
from tests.support.workspaces import make_workspace

pytestmark = [
    pytest.mark.slow,
    pytest.mark.alone,
    pytest.mark.skipif(bool(why_not()), reason=why_not()),
]


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with running_sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running
    left = [child.name() for child in psutil.Process().children(recursive=True)]
    assert "sshd" not in left


def profile(sshd: Sshd, **changes: object) -> ClusterProfile:
    options = {
        "connect_options": {
            "port": sshd.port,
            "username": sshd.user,
            "client_keys": [str(sshd.key)],
            "known_hosts": str(sshd.known_hosts),
        }
    }
    settings = {"hosts": ("127.0.0.1", "127.0.0.1"), "memory_gib": 1.0, "options": options}
    return ClusterProfile(kind="ssh", **(settings | changes))  # type: ignore[arg-type]


def write_profile(root: Path, sshd: Sshd) -> None:
    text = """
[cluster.hosts]
kind = "ssh"
hosts = ["127.0.0.1", "127.0.0.1"]
memory_gib = 1.0
tls = true
"""
    with (root / "dexome.toml").open("a") as file:
        file.write(text + sshd.options_of("hosts"))


def test_the_main_job_by_ssh_gives_the_compendium_of_one_process(
    sshd: Sshd, tmp_path: Path
) -> None:
    workspace = make_workspace(tmp_path, studies=4)
    run_whole(workspace)
    work = tmp_path / "ws"
    source = workspace.config.source.path
    dexome("init", work, "--genes", workspace.config.genes.list, "--source", source)
    write_profile(work, sshd)
    done = dexome("run", "-w", work)
    assert done.returncode == 0, done.stderr
    assert compendium_hash(work) == compendium_hash(workspace.root)
    done = dexome("cluster", "check", "hosts", "-w", work, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["good"]


def test_a_worker_whose_nanny_is_killed_is_started_again(sshd: Sshd, tmp_path: Path) -> None:
    with connect(profile(sshd), tmp_path) as client:
        client.wait_for_workers(2, timeout=60)
        # Killed by the process above the worker, as if its host had died.
        worker = psutil.Process(min(client.run(_pid).values()))
        nanny = worker.parent()
        assert nanny is not None
        before = set(client.nthreads())
        nanny.kill()
        deadline = time.monotonic() + 90
        while len(client.nthreads()) < 2 or set(client.nthreads()) == before:
            assert time.monotonic() < deadline, "no worker took its place"
            time.sleep(0.5)
        assert client.submit(sum, [1, 2]).result() == 3


def test_a_host_that_cannot_be_reached_is_an_error_with_its_cure(
    sshd: Sshd, tmp_path: Path
) -> None:
    wrong = {**profile(sshd).options["connect_options"], "client_keys": []}
    broken = profile(sshd, options={"connect_options": wrong})
    with (
        pytest.raises(ClusterError, match=r"did not start: .*; try ssh to each host by hand"),
        connect(broken, tmp_path),
    ):
        pass
    with pytest.raises(ClusterError, match='kind = "ssh" has no option keys; there is'):
        connect(profile(sshd, options={"keys": 1}), tmp_path).__enter__()


def _pid() -> int:
    import os

    return os.getpid()
