"""The main job on the simulated mirror: the same compendium on every cluster, on a disk and on S3."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from pipeline.simulate.mirror import write_mirror
from pipeline.workspace import open_workspace
from storage.doctor import examine
from storage.open import contrasts_of, open_compendium
from tests.support import slurm as slurm_daemons
from tests.support import sshd as ssh_daemon
from tests.support.command import dexome
from tests.support.fetched import SMALL
from tests.support.mirror_server import serve
from tests.support.object_storage import (
    CREDENTIALS,
    REGION,
    S3Server,
    running_moto,
    why_no_moto,
)
from tests.support.whole_run import content_hash

WAYS = ("threads", "processes", "slurm", "ssh", "array")
JOBS = 3
CLUSTERS = """
[cluster.threads]
kind = "threads"
workers = 2
[cluster.processes]
kind = "local"
workers = 2
memory_gib = 1.0
[cluster.slurm]
kind = "slurm"
workers = 2
memory_gib = 1.0
options = { queue = "main", walltime = "00:20:00" }
[cluster.ssh]
kind = "ssh"
hosts = ["127.0.0.1", "127.0.0.1"]
memory_gib = 1.0
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A mirror and its server's address, an S3 server, and what the compendium on a disk came to."""

    mirror: Path
    address: str
    s3: S3Server
    wanted: str


def write_config(work: Path, mirror: Path, address: str, s3: S3Server | None) -> Path:
    """A workspace that fetches from the mirror, and keeps everything in its folder or on S3."""
    work.mkdir()
    told = (
        f'[genes]\nlist = "{mirror / "genes.tsv.gz"}"\n[source]\nkind = "dee2"\n'
        f'dee2 = "{address}/dee2"\ngeo = "{address}/geo"\n'
    )
    if s3 is not None:
        told += f'raw = "{s3.address(work.name)}/raw"\n'
        told += f'[storage]\naddress = "{s3.address(work.name)}"\n'
        told += f'endpoint = "{s3.endpoint}"\nregion = "{REGION}"\n'
    (work / "dexome.toml").write_text(told + CLUSTERS)
    return work


def run(work: Path, way: str) -> None:
    """The main job from fetching on, by one of the ways."""
    commands = [["run", "--cluster", way]]
    if way == "array":
        share = [["analyse", "--part", f"{number}/{JOBS}"] for number in range(1, JOBS + 1)]
        commands = [["fetch"], ["plan"], *share, ["compile"]]
    for command in commands:
        done = dexome(*command, "-w", work)
        assert done.returncode in (0, 3), f"{command}: {done.stderr}"


def found(work: Path) -> str:
    """The hash of the values of its compendium, which is sound."""
    files = open_workspace(work).disk
    assert examine(files)[1] == []
    return content_hash(open_compendium(files))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    root = tmp_path_factory.mktemp("everywhere")
    mirror = root / "mirror"
    write_mirror(mirror, replace(SMALL, n_studies=8), bulk=False)
    with (
        pytest.MonkeyPatch.context() as patch,
        serve(mirror) as server,
        running_moto(root / "moto.log") as s3,
    ):
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        work = write_config(root / "wanted", mirror, server.address, None)
        run(work, "threads")
        assert contrasts_of(open_compendium(work)).sizes["contrast"] >= 5
        yield Place(mirror, server.address, s3, found(work))


@pytest.fixture
def way(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[str, str]]:
    """One of the ways, its daemon running, and what its profile must say of it."""
    name = str(request.param)
    if name == "slurm":
        if why := slurm_daemons.why_not():
            pytest.skip(why)
        with slurm_daemons.running_slurm(tmp_path / "slurm") as running:
            for variable, value in running.environment.items():
                monkeypatch.setenv(variable, value)
            yield name, ""
    elif name == "ssh":
        if why := ssh_daemon.why_not():
            pytest.skip(why)
        with ssh_daemon.running_sshd(tmp_path / "sshd", CREDENTIALS) as server:
            yield name, server.options_of(name)
    else:
        yield name, ""


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.skipif(bool(why_no_moto()), reason=why_no_moto())
@pytest.mark.parametrize("where", ["disk", "s3"])
@pytest.mark.parametrize("way", WAYS, indirect=True)
def test_the_main_job_gives_the_same_compendium_everywhere(
    place: Place, way: tuple[str, str], where: str, tmp_path: Path
) -> None:
    name, more = way
    s3 = place.s3 if where == "s3" else None
    work = write_config(tmp_path / f"{name}-{where}", place.mirror, place.address, s3)
    with (work / "dexome.toml").open("a") as file:
        file.write(more)
    run(work, name)
    assert found(work) == place.wanted
    if s3 is not None:
        kept = {entry.name for entry in work.iterdir() if any(entry.rglob("*"))}
        assert kept <= {"cluster", "raw"}, "the compendium or its parts are in the folder"
