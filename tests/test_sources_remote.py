"""Studies on remote storage: listed at once, brought here once, and read as from a folder."""

import os
import pickle
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pytest
from typer.testing import CliRunner

from cluster.connect import connect
from pipeline.cli import app
from pipeline.config import read_config
from pipeline.examine_cluster import examine_workers
from pipeline.run import run_analyse, run_plan
from pipeline.sources import remote_files
from pipeline.sources.file_cache import FileCache, own_folder
from pipeline.sources.folder import FolderSource
from pipeline.sources.refusal import Refusal
from pipeline.sources.remote import RemoteSource
from pipeline.sources.remote_files import RemoteFile, RemoteFolder, check_address
from pipeline.sources.settings import SourceConfig
from pipeline.sources.source import make_source
from pipeline.stages import analyse_study
from pipeline.stages.prepare import Prepared
from pipeline.stages.task import StudyTask
from storage.errors import InputError
from storage.lease import Lease
from storage.open import open_compendium, studies_of
from storage.parts import Part
from tests.support.remote_studies import on_remote, upload
from tests.support.whole_run import compendium_hash, run_whole, silent
from tests.support.workspaces import IN_PROCESS, make_workspace, write_study

URL = "memory://studies"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty store in memory, and copies of its files below the test's own folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(remote_files, "_PAUSE_S", 0.0)
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    yield
    system.store.clear()


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Files that were fetched, in order."""
    paths: list[str] = []
    fetch = RemoteFolder.fetch

    def noted(self: RemoteFolder, file: RemoteFile, target: Path) -> None:
        paths.append(file.path)
        fetch(self, file, target)

    monkeypatch.setattr(RemoteFolder, "fetch", noted)
    return paths


def source_of(url: str = URL) -> RemoteSource:
    made = make_source(SourceConfig(address=url), Path("nowhere"))
    assert isinstance(made, RemoteSource)
    return made


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def put(path: str, content: bytes) -> None:
    fsspec.filesystem("memory").pipe_file(f"/studies/{path}", content)


@pytest.mark.parametrize("scheme", ["memory", "file"])
def test_a_study_reads_as_it_does_in_a_folder(tmp_path: Path, scheme: str) -> None:
    write_study(tmp_path / "local" / "S1", 1)
    url = URL if scheme == "memory" else f"file://{tmp_path}/remote"
    upload(tmp_path / "local", url)
    here, there = FolderSource(tmp_path / "local"), source_of(url)
    assert there.studies() == here.studies() == ["S1"]
    wanted = here.read("S1")
    for source in (there, pickle.loads(pickle.dumps(there.by_study()["S1"]))):
        given = source.read("S1")
        assert given.counts.ids == wanted.counts.ids
        np.testing.assert_array_equal(given.counts.counts, wanted.counts.counts)
        assert given.samples.equals(wanted.samples)


def test_a_folder_is_a_study_if_any_file_is_in_it_and_it_is_not_hidden() -> None:
    for path in ("b/notes/x.bam", "Ä %1/counts.tsv", ".cache/counts.tsv", "README.md", "b-2/x"):
        put(path, b"x")
    assert source_of().studies() == ["b", "b-2", "Ä %1"]
    with pytest.raises(Refusal, match="has no count table"):
        source_of().read("b")


def test_of_a_study_only_what_is_read_is_fetched(fetched: list[str], tmp_path: Path) -> None:
    write_study(tmp_path / "S1", 1)
    (tmp_path / "S1" / "GSE1_series_matrix.txt").write_text("not read beside a sample table")
    (tmp_path / "S1" / "reads.bam").write_text("large")
    upload(tmp_path / "S1", f"{URL}/S1")
    source_of().read("S1")
    assert sorted(fetched) == ["S1/counts.tsv.gz", "S1/samples.tsv"]


def test_all_studies_are_listed_with_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        put(f"S{number}/counts.tsv", b"gene\ta\nx\t1\n")
    looks = []
    system = type(fsspec.filesystem("memory"))
    find = system.find

    def noted(self: object, *args: object, **kwargs: object) -> object:
        looks.append(args)
        return find(self, *args, **kwargs)

    monkeypatch.setattr(system, "find", noted)
    sources = source_of().by_study()
    assert len({source.fingerprint(study) for study, source in sources.items()}) == 20
    assert len(looks) == 1
    # What a task is sent is small, whatever the number of studies.
    assert len(pickle.dumps(sources["S7"])) < 1000


def test_a_file_is_fetched_once_and_anew_when_it_has_changed(fetched: list[str]) -> None:
    put("S1/counts.tsv", b"gene\ta\nx\t1\n")
    before = source_of().fingerprint("S1")
    for _ in range(2):
        assert source_of().read("S1").counts.counts.tolist() == [[1]]
    assert fetched == ["S1/counts.tsv"]
    put("S1/counts.tsv", b"gene\ta\nx\t2\n")
    assert source_of().fingerprint("S1") != before
    assert source_of().read("S1").counts.counts.tolist() == [[2]]
    assert fetched == ["S1/counts.tsv"] * 2


def test_a_file_that_changes_after_the_listing_is_not_taken_for_the_listed_one() -> None:
    put("S1/counts.tsv", b"gene\ta\nx\t1\n")
    listed = source_of().by_study()["S1"]
    put("S1/counts.tsv", b"gene\ta\nx\t2\n")
    with pytest.raises(OSError, match=r"memory://studies/S1/counts.tsv has changed since"):
        listed.read("S1")
    fsspec.filesystem("memory").rm("/studies/S1/counts.tsv")
    with pytest.raises(OSError, match="can't be fetched: FileNotFoundError"):
        listed.read("S1")
    assert not list(own_folder("studies").iterdir())


def test_a_client_that_fails_is_tried_again_and_then_told(monkeypatch: pytest.MonkeyPatch) -> None:
    put("S1/counts.tsv", b"gene\ta\nx\t1\n")
    system, failures = type(fsspec.filesystem("memory")), [2]
    get = system.get_file

    def flaky(self: object, *args: object, **kwargs: object) -> object:
        failures[0] -= 1
        if failures[0] >= 0:
            raise ConnectionError("cut\nin two")
        return get(self, *args, **kwargs)

    monkeypatch.setattr(system, "get_file", flaky)
    assert source_of().read("S1").counts.ids == ["x"]
    put("S1/counts.tsv", b"gene\ta\ny\t1\n")
    failures[0] = 3
    with pytest.raises(OSError, match=r"S1/counts.tsv can't be fetched: ConnectionError: cut;"):
        source_of().read("S1")


def test_an_address_that_cannot_be_listed_is_an_error_with_the_cure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert source_of("memory://nothing").studies() == []
    with pytest.raises(InputError, match="nope://x can't be"):
        source_of("nope://x").studies()

    def refuse(*args: object, **kwargs: object) -> None:
        del args, kwargs
        raise PermissionError("Forbidden")

    monkeypatch.setattr(type(fsspec.filesystem("memory")), "find", refuse)
    with pytest.raises(
        InputError, match=r"can't be listed: PermissionError: Forbidden; check .* cred"
    ):
        source_of().studies()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3://AKIA:se/cr3t@bucket/x", "s3://bucket/x has credentials in it"),
        ("s3://AKIAse@bucket/x", "s3://bucket/x has credentials in it"),
        ("https://me:se@host/x", "https://host/x has credentials in it"),
        ("s3://bucket/x?secret=se", r"s3://bucket/x must end with its prefix, without \?"),
        ("s3://", "s3:// is no address"),
    ],
)
def test_an_address_with_credentials_is_refused_without_telling_them(
    tmp_path: Path, url: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        check_address(url)
    text = f'[genes]\nlist = "g"\n[source]\npath = "{url}"\n'
    (tmp_path / "dexome.toml").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_config(tmp_path)
    assert "cr3t" not in str(caught.value)
    assert "AKIA" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_addresses_that_have_an_at_sign_for_other_reasons_are_fine() -> None:
    for url in ("abfs://container@account/x", "s3://bucket/runs/me@home/x", "file:///tmp/a?b"):
        check_address(url)


def test_the_path_of_a_source_may_be_an_address(tmp_path: Path) -> None:
    text = '[genes]\nlist = "g.tsv"\n[source]\npath = "s3://bucket/studies/"\n'
    (tmp_path / "dexome.toml").write_text(text)
    source = read_config(tmp_path).source
    assert (source.address, source.place) == ("s3://bucket/studies",) * 2
    assert source.scientific() == SourceConfig(path=tmp_path).scientific()
    store = '[storage]\naddress = "s3://x/y"\nendpoint = "http://minio:9000"\nregion = "here"\n'
    (tmp_path / "dexome.toml").write_text(text + store)
    folder = make_source(read_config(tmp_path).source, tmp_path).folder  # type: ignore[union-attr]
    assert (folder.endpoint, folder.region) == ("http://minio:9000", "here")
    (tmp_path / "dexome.toml").write_text(text + 'endpoint = "https://s3.amazonaws.com"\n' + store)
    assert read_config(tmp_path).source.endpoint == "https://s3.amazonaws.com"
    with pytest.raises(
        ValueError, match="endpoint http://x must be an http or https address without"
    ):
        SourceConfig(address=URL, endpoint="http://me:secret@x")
    with pytest.raises(ValueError, match='kind "folder" needs path'):
        SourceConfig(address=URL, path=tmp_path)
    with pytest.raises(ValueError, match='kind "dee2" has no path'):
        SourceConfig(kind="dee2", address=URL)


def test_init_takes_an_address_and_refuses_one_with_credentials(tmp_path: Path) -> None:
    (tmp_path / "genes.tsv").write_text("gene_id\nENSMUSG00000000001\n")
    words = ["init", tmp_path / "ws", "--genes", tmp_path / "genes.tsv", "--source"]
    arguments = [*map(str, words), "s3://bucket/studies/"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert read_config(tmp_path / "ws").source == SourceConfig(address="s3://bucket/studies")
    with pytest.raises(InputError, match="credentials") as caught:
        CliRunner().invoke(app, [*arguments[:-1], "s3://me:cr3t@b/x"], catch_exceptions=False)
    assert "cr3t" not in str(caught.value)


def test_a_worker_says_whether_it_can_read_the_studies(tmp_path: Path) -> None:
    workspace = on_remote(make_workspace(tmp_path, 1), tmp_path / "remote", URL)
    workspace.root.mkdir()
    (workspace.root / "dexome.toml").touch()
    with connect(IN_PROCESS) as client:
        told = {f.name: f for f in examine_workers(client, workspace)}["studies"]
        assert told.good, told.message
        fsspec.filesystem("memory").store.clear()
        told = {f.name: f for f in examine_workers(client, workspace)}["studies"]
    assert not told.good
    assert told.message.endswith("can't read the studies: there is no study")


def test_the_cache_keeps_what_was_used_last_within_its_size(tmp_path: Path) -> None:
    cache = FileCache(root=tmp_path / "cache", max_bytes=250)
    calls = []

    def fetch(path: Path) -> None:
        calls.append(path)
        path.write_bytes(bytes(100))

    for place, key in enumerate(("a", "b")):
        cache.bring(key, fetch)
        os.utime(cache.root / key, (place, place))
    cache.bring("a", fetch)
    assert len(calls) == 2
    cache.bring("c", fetch)
    assert names_in(cache.root) == ["a", "c"]


def test_who_reads_a_file_keeps_it_when_the_cache_deletes_it(tmp_path: Path) -> None:
    cache = FileCache(root=tmp_path / "cache", max_bytes=10)
    with cache.folder() as folder:
        cache.bring("large", lambda path: path.write_text("more than ten bytes"), folder / "mine")  # type: ignore[arg-type]
        assert names_in(cache.root) == [folder.name]
        assert (folder / "mine").read_text() == "more than ten bytes"
    assert not names_in(cache.root)


def test_what_a_killed_process_left_is_deleted_in_time(tmp_path: Path) -> None:
    cache = FileCache(root=tmp_path, max_bytes=1000)
    for age_s, name in ((0, ".tmp-h-1-0"), (2 * 86_400, ".tmp-h-1-1"), (2 * 86_400, ".tmp-h-1-2")):
        path = tmp_path / name
        path.mkdir() if name.endswith("2") else path.touch()
        os.utime(path, (path.stat().st_mtime - age_s,) * 2)
    cache.make_room()
    assert names_in(tmp_path) == [".tmp-h-1-0"]


def test_two_threads_that_want_one_file_fetch_it_once(tmp_path: Path) -> None:
    cache = FileCache(root=tmp_path / "cache", max_bytes=1000)
    begun, go_on, calls = threading.Event(), threading.Event(), []

    def fetch(path: Path) -> None:
        calls.append(path)
        begun.set()
        assert go_on.wait(20)
        path.write_text("x")

    first = threading.Thread(target=cache.bring, args=("key", fetch))
    first.start()
    assert begun.wait(20)
    second = threading.Thread(target=cache.bring, args=("key", fetch))
    second.start()
    go_on.set()
    first.join()
    second.join()
    assert len(calls) == 1


def test_a_folder_of_another_user_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = own_folder("studies").parent
    assert mine.stat().st_mode & 0o777 == 0o700
    other = os.getuid() + 1
    (tmp_path / f"dexome-{other}").mkdir()
    monkeypatch.setattr(os, "getuid", lambda: other)
    with pytest.raises(Exception, match="is another user's; delete it, or set TMPDIR"):
        own_folder("studies")


def test_the_compendium_is_that_of_a_local_folder_and_a_second_run_fetches_nothing(
    tmp_path: Path, fetched: list[str]
) -> None:
    local = make_workspace(tmp_path)
    remote = on_remote(local, tmp_path / "remote", URL)
    first = run_whole(remote)
    run_whole(local)
    assert compendium_hash(remote.root) == compendium_hash(local.root)
    parts = [sorted(w.disk.list("parts/dea")) for w in (local, remote)]
    assert parts[0] == parts[1]
    # Plan and analysis read the same files, which came once.
    assert len(fetched) == len(set(fetched)) == 6
    for path in own_folder("studies").iterdir():
        path.unlink()
    assert run_whole(remote) == first
    assert len(fetched) == 6, "nothing was left to do, and something was fetched for it"


@pytest.mark.parametrize("here", [True, False], ids=["no client", "dask"])
def test_the_next_study_is_fetched_while_one_is_analysed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: bool
) -> None:
    workspace = on_remote(make_workspace(tmp_path, 4), tmp_path / "remote", URL)
    events: list[tuple[str, str]] = []
    came = {f"S{number}": threading.Event() for number in range(4)}
    fetch, compute = RemoteSource.fetch, analyse_study.make_part

    def noted(self: RemoteSource, study: str) -> None:
        fetch(self, study)
        events.append(("fetched", study))
        came[study].set()

    def waiting(task: StudyTask, prepared: Prepared) -> Part:
        following = f"S{int(task.study[1:]) + 1}"
        assert following not in came or came[following].wait(20), f"{following} did not come"
        part = compute(task, prepared)
        events.append(("analysed", task.study))
        return part

    genes = workspace.read_genes()
    with Lease(workspace.disk) as lease, connect(IN_PROCESS) as client:
        plan = run_plan(workspace, genes, client, lease, silent)
        for path in own_folder("studies").iterdir():
            path.unlink()
        monkeypatch.setattr(RemoteSource, "fetch", noted)
        monkeypatch.setattr(analyse_study, "make_part", waiting)
        receipts = run_analyse(workspace, genes, plan, None if here else client, silent)
    assert [receipt.status for receipt in receipts] == ["analysed"] * 4
    for number in range(3):
        order = [("fetched", f"S{number + 1}"), ("analysed", f"S{number}")]
        assert events.index(order[0]) < events.index(order[1])


def test_what_fails_ahead_of_its_task_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = make_workspace(tmp_path)
    remote = on_remote(local, tmp_path / "remote", URL)
    tried = []

    def fail(self: RemoteSource, study: str) -> None:
        tried.append(study)
        raise ConnectionError(self.folder.url)

    monkeypatch.setattr(RemoteSource, "fetch", fail)
    run_whole(remote)
    run_whole(local)
    assert tried
    assert compendium_hash(remote.root) == compendium_hash(local.root)


def test_a_study_that_cannot_be_fetched_is_told_and_done_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = make_workspace(tmp_path)
    remote = on_remote(local, tmp_path / "remote", URL)
    fetch = RemoteFolder.fetch

    def cut(self: RemoteFolder, file: RemoteFile, target: Path) -> None:
        if file.path.startswith("S1/"):
            raise OSError(f"{self.url}/{file.path} can't be fetched: cut")
        fetch(self, file, target)

    with monkeypatch.context() as patch:
        patch.setattr(RemoteFolder, "fetch", cut)
        run_whole(remote)
    studies = studies_of(open_compendium(remote.root))
    assert list(studies["status"].values) == ["analysed", "failed", "analysed"]
    assert "S1/counts.tsv.gz can't be fetched: cut" in str(studies["message"].values[1])
    run_whole(remote)
    run_whole(local)
    assert compendium_hash(remote.root) == compendium_hash(local.root)
