"""The main job on a disk and on S3: the same compendium, and no credential anywhere."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.config import StorageConfig
from pipeline.workspace import Workspace, open_workspace
from storage.doctor import examine
from storage.open import open_compendium
from tests.support.command import dexome
from tests.support.object_storage import (
    ACCESS_KEY,
    BUCKET,
    CREDENTIALS,
    REGION,
    SECRET_KEY,
    S3Server,
    running_moto,
    running_rclone,
    store_at,
    why_no_moto,
    why_no_rclone,
)
from tests.support.whole_run import compendium_hash, content_hash, run_whole
from tests.support.workspaces import make_workspace, write_study

needs_moto = pytest.mark.skipif(bool(why_no_moto()), reason=why_no_moto())
needs_rclone = pytest.mark.skipif(bool(why_no_rclone()), reason=why_no_rclone())

CLUSTERS = """
[cluster.threads]
kind = "threads"
workers = 2
[cluster.processes]
kind = "local"
workers = 2
memory_gib = 2.0
[cluster.jobs]
kind = "slurm"
workers = 2
memory_gib = 2.0
"""


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_moto(tmp_path_factory.mktemp("moto") / "log") as server:
        yield server


@pytest.fixture(scope="module")
def on_disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with its compendium in its folder."""
    root = tmp_path_factory.mktemp("disk")
    config = make_workspace(root).config
    work = root / "ws"
    done = dexome("init", work, "--genes", config.genes.list, "--source", config.source.path)
    assert done.returncode == 0, done.stderr
    with (work / "dexome.toml").open("a") as file:
        file.write(CLUSTERS)
    done = dexome("run", "--cluster", "threads", "-w", work)
    assert done.returncode == 0, done.stderr
    return work


def in_bucket(on_disk: Path, work: Path, server: S3Server, more: str = "") -> Path:
    """The same workspace with its compendium below a prefix of a bucket, not made yet."""
    work.mkdir()
    shutil.copy(on_disk / "dexome.toml", work)
    with (work / "dexome.toml").open("a") as file:
        file.write(
            f'[storage]\naddress = "s3://{BUCKET}/{work.name}"\nendpoint = "{server.endpoint}"\n'
            f'region = "{REGION}"\n{more}'
        )
    return work


@needs_moto
def test_a_compendium_that_grows_in_a_bucket_is_that_of_the_disk(
    moto: S3Server, tmp_path: Path
) -> None:
    on_disk = make_workspace(tmp_path, studies=2)
    at = StorageConfig(address=moto.address("grows"), endpoint=moto.endpoint, region=REGION)
    in_bucket = Workspace(tmp_path / "here", replace(on_disk.config, storage=at))
    hashes = []
    for study in ("S2", "S3"):
        run_whole(on_disk)
        run_whole(in_bucket)
        reader = open_compendium(in_bucket.disk)
        hashes.append(content_hash(reader))
        assert hashes[-1] == compendium_hash(on_disk.root)
        assert examine(in_bucket.disk)[1] == []
        write_study(on_disk.config.source.path / study, int(study[1:]))
    assert hashes[0] != hashes[1]
    run_whole(in_bucket)
    assert content_hash(reader) == hashes[1], "an open reader saw its generation change"
    assert not in_bucket.root.exists(), "nothing is written here"


@needs_moto
@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("cluster", ["threads", "processes"])
def test_the_compendium_in_a_bucket_is_that_of_the_disk(
    on_disk: Path, moto: S3Server, tmp_path: Path, cluster: str
) -> None:
    work = in_bucket(on_disk, tmp_path / cluster, moto)
    told = [dexome("run", "--cluster", cluster, "-w", work)]
    assert told[0].returncode == 0, told[0].stderr
    files = open_workspace(work).disk
    assert content_hash(open_compendium(files)) == compendium_hash(on_disk)
    assert not (work / "compendium").exists()
    assert not (work / "parts").exists()
    told += [dexome(name, "-w", work, "--json") for name in ("status", "doctor")]
    told += [dexome("gc", "--keep", "1", "-w", work)]
    told += [dexome("query", "gene", "Gene239", "-w", work, "--json")]
    told += [dexome("run", "--cluster", cluster, "-w", work)]
    assert [done.returncode for done in told] == [0] * len(told), [done.stderr for done in told]
    assert json.loads(told[-2].stdout) == json.loads(
        dexome("query", "gene", "Gene239", "-w", on_disk, "--json").stdout
    )
    told += [dexome("cluster", "script", "jobs", "-w", work)]
    outputs = [done.stdout + done.stderr for done in told]
    here = [path.read_bytes() for path in work.rglob("*") if path.is_file()]
    store = store_at(moto.endpoint)
    there = [bytes(store.get(found["path"]).bytes()) for found in store.list().collect()]
    assert len(there) > 100
    for secret in (ACCESS_KEY, SECRET_KEY):
        assert not [text for text in outputs if secret in text]
        assert not [data for data in here + there if secret.encode() in data]


@needs_rclone
@pytest.mark.slow
@pytest.mark.alone
def test_a_store_that_ignores_conditions_is_for_a_single_writer(
    on_disk: Path, tmp_path: Path
) -> None:
    with running_rclone(tmp_path / "rclone") as server:
        work = in_bucket(on_disk, tmp_path / "weak", server)
        refused = dexome("run", "--cluster", "threads", "-w", work)
        assert refused.returncode != 0
        assert "single_writer = true" in " ".join(refused.stderr.split())
        assert list((tmp_path / "rclone" / "objects" / BUCKET).rglob("*.part")) == []
        with (work / "dexome.toml").open("a") as file:
            file.write("single_writer = true\n")
        done = dexome("run", "--cluster", "threads", "-w", work)
        assert done.returncode == 0, done.stderr
        files = open_workspace(work).disk
        assert content_hash(open_compendium(files)) == compendium_hash(on_disk)
        assert dexome("doctor", "-w", work).returncode == 0
