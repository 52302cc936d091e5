"""Studies in a bucket of a real S3 server: few requests, the same compendium, and no credential anywhere."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.simulate.mirror import write_mirror
from pipeline.sources import remote_files
from pipeline.sources.file_cache import own_folder
from pipeline.sources.folder import FolderSource
from pipeline.sources.remote_files import RemoteFile, RemoteFolder
from pipeline.sources.settings import SourceConfig
from pipeline.sources.source import make_source, sources_by_study
from storage.errors import InputError
from tests.support.faulty_proxy import Fault, Kind, running_proxy
from tests.support.fetched import SMALL, fetch_into, source_of, workspace_of
from tests.support.object_storage import (
    ACCESS_KEY,
    CREDENTIALS,
    REGION,
    SECRET_KEY,
    S3Server,
    running_moto,
    why_no_moto,
)
from tests.support.remote_studies import on_remote, upload
from tests.support.whole_run import compendium_hash, run_whole
from tests.support.workspaces import make_workspace, write_study

KINDS: tuple[Kind, ...] = ("error", "busy", "lost", "cut")

s3fs = pytest.importorskip("s3fs", reason="needs the package s3fs")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("moto") / "log"


@pytest.fixture(scope="module")
def server(log: Path) -> Iterator[S3Server]:
    if why := why_no_moto():
        pytest.skip(why)
    # Clients that this process has kept are of another server, if tests of this module ran here before.
    remote_files._open.cache_clear()
    s3fs.S3FileSystem.clear_instance_cache()
    with running_moto(log) as running:
        yield running


@pytest.fixture(autouse=True)
def environment(server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    told = {"AWS_ENDPOINT_URL_S3": server.endpoint, "AWS_REGION": REGION, **CREDENTIALS}
    for name, value in told.items():
        monkeypatch.setenv(name, value)


def requests(log: Path, verb: str) -> list[str]:
    """What the server was asked with `verb`, in order."""
    return [line.split('"')[1] for line in log.read_text().splitlines() if f'"{verb} ' in line]


def test_the_compendium_is_that_of_a_local_folder_and_has_no_credential_in_it(
    server: S3Server, log: Path, tmp_path: Path
) -> None:
    local = make_workspace(tmp_path, studies=4)
    remote = on_remote(local, tmp_path / "remote", server.address("whole"))
    before = {verb: len(requests(log, verb)) for verb in ("GET", "HEAD")}
    run_whole(remote)
    run_whole(local)
    assert compendium_hash(remote.root) == compendium_hash(local.root)
    assert local.disk.list("parts/dea") == remote.disk.list("parts/dea")
    # A listing for each of plan and analysis, and every file once: its hash shows that it is the listed one.
    asked = requests(log, "GET")[before["GET"] :]
    assert sum("list-type=2" in line for line in asked) == 2
    assert len(asked) == 2 + 8
    assert len(requests(log, "HEAD")) == before["HEAD"]
    for path in tmp_path.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert ACCESS_KEY.encode() not in data
            assert SECRET_KEY.encode() not in data


def test_downloads_are_kept_in_a_bucket(server: S3Server, tmp_path: Path) -> None:
    write_mirror(tmp_path / "mirror", replace(SMALL, n_studies=3))
    settings = source_of(tmp_path / "mirror")
    local = workspace_of(tmp_path / "local", tmp_path / "mirror", settings)
    url = server.address("raw")
    kept = replace(settings, raw=url, endpoint=server.endpoint, region=REGION)
    remote = workspace_of(tmp_path / "remote", tmp_path / "mirror", kept)
    assert fetch_into(remote).studies == fetch_into(local).studies
    assert fetch_into(remote).n_bytes == 0
    run_whole(local)
    run_whole(remote)
    assert compendium_hash(remote.root) == compendium_hash(local.root)
    with pytest.raises(InputError, match=f"{server.address('none')} holds nothing yet"):
        make_source(replace(kept, raw=server.address("none")), tmp_path).studies()


def test_the_endpoint_may_come_from_the_settings(
    server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_study(tmp_path / "studies" / "S1", 1)
    url = server.address("endpoint")
    upload(tmp_path / "studies", url)
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3")
    folder = RemoteFolder(url=url, endpoint=server.endpoint, region=REGION)
    assert [file.path for file in folder.list()] == ["S1/counts.tsv.gz", "S1/samples.tsv"]
    assert SECRET_KEY not in repr(folder)


@pytest.mark.parametrize(("told", "region"), [(None, "eu-west-7"), ("eu-north-5", "eu-north-5")])
def test_the_region_is_that_of_the_settings_or_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, told: str | None, region: str
) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-7")
    monkeypatch.setattr(remote_files, "_open", remote_files._open.__wrapped__)
    system, _ = remote_files._open("s3://bucket/studies", None, told)
    system.connect()
    assert system.s3.meta.region_name == region


def test_a_study_comes_whole_whatever_becomes_of_one_request(
    server: S3Server, tmp_path: Path
) -> None:
    write_study(tmp_path / "studies" / "S1", 1)
    url = server.address("faults")
    upload(tmp_path / "studies", url)
    wanted = FolderSource(tmp_path / "studies").read("S1")
    with running_proxy(server.endpoint) as proxy:
        settings = SourceConfig(address=url, endpoint=proxy.endpoint, region=REGION)
        faults = [(kind, number) for kind in KINDS for number in (1, 2, 3)]
        for kind, number in faults:
            shutil.rmtree(own_folder("studies"), ignore_errors=True)
            proxy.set(Fault(kind, number, of="reads"))
            source = make_source(settings, tmp_path)
            for study, own in sources_by_study(source).items():
                given = own.read(study)
                np.testing.assert_array_equal(given.counts.counts, wanted.counts.counts)
                assert given.samples.equals(wanted.samples)
            # The listing, two files, and the one that was asked for twice.
            assert len(proxy.asked()) >= 4, (kind, number)


def test_an_object_in_several_pieces_is_known_by_its_version(
    server: S3Server, tmp_path: Path
) -> None:
    from fsspec.core import url_to_fs

    url = server.address("pieces")
    system, root = url_to_fs(url)
    content = b"x" * (6 << 20)
    # Its etag is no hash of the content.
    with system.open(f"{root}/S1/counts.tsv", "wb", block_size=5 << 20) as out:
        out.write(content)
    folder = RemoteFolder(url=url)
    (listed,) = folder.list()
    assert "-" in listed.version
    folder.fetch(listed, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == content
    with system.open(f"{root}/S1/counts.tsv", "wb", block_size=5 << 20) as out:
        out.write(b"y" * len(content))
    with pytest.raises(OSError, match="has changed since it was listed"):
        folder.fetch(listed, tmp_path / "copy")


def test_a_bucket_or_object_that_is_not_there_is_an_error_that_names_it(
    server: S3Server, tmp_path: Path
) -> None:
    source = make_source(SourceConfig(address="s3://no-such-bucket/studies"), tmp_path)
    assert source.studies() == []
    gone = RemoteFile(path="S1/counts.tsv", size=3, version="0" * 32)
    url = server.address("gone")
    with pytest.raises(OSError, match=f"{url}/S1/counts.tsv can't be fetched: FileNotFoundError"):
        RemoteFolder(url=url).fetch(gone, tmp_path / "copy")
