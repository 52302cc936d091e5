"""Downloads that are kept at an address: the same studies, and nothing half there."""

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.fetch.keep import Keeper
from pipeline.simulate.mirror import write_mirror
from pipeline.sources import remote_files
from pipeline.sources.receipt import INDEX_KEY, Receipt, receipt_key
from pipeline.sources.refusal import Refusal
from pipeline.sources.remote_dee2 import RemoteDee2Source
from pipeline.sources.remote_files import RemoteFolder
from pipeline.sources.settings import SourceConfig
from pipeline.sources.source import make_source
from pipeline.workspace import Workspace
from storage.errors import InputError, StoreError
from tests.support.fetched import SMALL, fetch_into, source_in, source_of, workspace_of
from tests.support.object_storage import why_no_moto
from tests.support.whole_run import compendium_hash, run_whole

STUDIES = replace(SMALL, n_studies=4)


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mirror") / "mirror"
    write_mirror(path, STUDIES)
    return path


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copies lie below the test's own folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(remote_files, "_PAUSE_S", 0.0)


def remote_workspace(root: Path, mirror: Path) -> Workspace:
    return workspace_of(root / "ws", mirror, source_of(mirror, raw=f"file://{root}/bucket"))


def remote_source(workspace: Workspace) -> RemoteDee2Source:
    source = make_source(workspace.config.source, workspace.root)
    assert isinstance(source, RemoteDee2Source)
    return source


def test_the_studies_and_the_compendium_are_those_of_a_local_raw(
    tmp_path: Path, mirror: Path
) -> None:
    local = workspace_of(tmp_path / "local", mirror, source_of(mirror))
    remote = remote_workspace(tmp_path, mirror)
    assert fetch_into(local).studies == fetch_into(remote).studies
    here, there = source_in(local), remote_source(remote)
    assert there.studies() == here.studies()
    for study in here.studies():
        assert there.fingerprint(study) == here.fingerprint(study)
        wanted, given = here.read(study), there.read(study)
        np.testing.assert_array_equal(given.counts.counts, wanted.counts.counts)
        assert given.samples.equals(wanted.samples)
    run_whole(local)
    run_whole(remote)
    assert compendium_hash(remote.root) == compendium_hash(local.root)


def test_what_is_kept_elsewhere_goes_from_here_and_is_not_fetched_again(
    tmp_path: Path, mirror: Path
) -> None:
    workspace = remote_workspace(tmp_path, mirror)
    first = fetch_into(workspace)
    left = [path.name for path in (workspace.root / "raw").rglob("*.zip")]
    assert not left
    assert not list((workspace.root / "raw" / "geo").rglob("*.gz"))
    again = fetch_into(workspace)
    assert (again.known, again.n_bytes) == (first.studies, 0)


def test_a_study_that_is_kept_elsewhere_stays_readable_when_what_is_new_of_it_does_not_come(
    tmp_path: Path, mirror: Path
) -> None:
    workspace = remote_workspace(tmp_path, mirror)
    fetch_into(workspace)
    emptied = tmp_path / "emptied"
    shutil.copytree(mirror / "dee2" / "metadata", emptied / "dee2" / "metadata")
    flagged = source_of(emptied, raw=f"file://{tmp_path}/bucket", fail_runs="keep")
    again = workspace_of(tmp_path / "ws", mirror, flagged)
    assert fetch_into(again).refused == {}
    wanted, given = remote_source(workspace), remote_source(again)
    for study in given.studies():
        assert given.read(study).counts.ids == wanted.read(study).counts.ids
    assert fetch_into(again).known == len(given.studies()) - 2


def test_a_fetch_that_ends_anywhere_leaves_no_receipt_without_its_files_and_goes_on(
    tmp_path: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = remote_workspace(tmp_path, mirror)
    send, sent = RemoteFolder.send, []

    def cut(self: RemoteFolder, source: Path, path: str) -> None:
        sent.append(path)
        if len(sent) == 3:
            raise StoreError(f"cannot write {self.url}/{path}")
        send(self, source, path)

    with monkeypatch.context() as patch:
        patch.setattr(RemoteFolder, "send", cut)
        with pytest.raises(StoreError, match="cannot write file://"):
            fetch_into(workspace)
    bucket = tmp_path / "bucket"
    for path in (bucket / "studies").glob("*.json"):
        fields = json.loads(path.read_bytes().partition(b"\n")[2])
        files = [file for name in ("counts", "geo") for file in fields[name]]
        assert all((bucket / file["key"]).stat().st_size == file["size"] for file in files)
    source = remote_source(workspace)
    with pytest.raises(InputError, match=r"file://.*/bucket holds nothing yet; run `dexome fetch`"):
        source.studies()
    assert fetch_into(workspace).refused == {}
    for study in source.studies():
        assert source.read(study).counts.samples


def test_a_fetch_killed_between_receipt_and_deletion_deletes_the_next_time(
    tmp_path: Path, mirror: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = remote_workspace(tmp_path, mirror)

    def put_only(self: Keeper, receipt: Receipt) -> None:
        del self, receipt

    with monkeypatch.context() as patch:
        patch.setattr(Keeper, "_clear", put_only)
        fetch_into(workspace)
    raw = workspace.root / "raw"
    assert list(raw.rglob("*.zip"))
    fetch_into(workspace)
    assert not list(raw.rglob("*.zip"))


def test_a_damaged_or_lost_object_is_an_error_that_names_it_and_is_fetched_again(
    tmp_path: Path, mirror: Path
) -> None:
    workspace = remote_workspace(tmp_path, mirror)
    fetch_into(workspace)
    source, bucket = remote_source(workspace), tmp_path / "bucket"
    study = source.studies()[0]
    fields = json.loads((bucket / receipt_key(study)).read_bytes().partition(b"\n")[2])
    path = bucket / fields["counts"][0]["key"]
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(OSError, match=f"{path} has other bytes than its receipt says"):
        source.read(study)
    path.unlink()
    assert fetch_into(workspace).known == len(source.studies()) - 1
    assert source.read(study).counts.samples
    (bucket / receipt_key(study)).unlink()
    with pytest.raises(Refusal, match=rf"{study} is not in file://.*/bucket; run `dexome fetch`"):
        source.read(study)
    assert (bucket / INDEX_KEY).exists()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"path": Path("x"), "raw": "s3://b/raw"}, 'raw needs kind "dee2"'),
        ({"kind": "dee2", "counts": "bulk", "raw": "s3://b/raw"}, 'counts = "archives"'),
        ({"kind": "dee2", "raw": "s3://key:secret@b/raw"}, "s3://b/raw has credentials in it"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        SourceConfig(**settings)  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.skipif(bool(why_no_moto()), reason=why_no_moto())
def test_a_fetch_into_s3_troubled_at_each_of_its_commits_ends_as_if_undisturbed(
    tmp_path: Path, mirror: Path
) -> None:
    command = [sys.executable, "-m", "tests.support.fetch_s3_driver", str(tmp_path), str(mirror)]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    # Counts, series, receipt, and the list of studies.
    assert len(told["commits"]) >= 4
    for trouble in ("kill", "error", "lost"):
        assert [trial["problem"] for trial in told[trouble]] == [""] * len(told["commits"])
    assert all(trial["killed"] for trial in told["kill"])
    for trouble in ("error", "lost"):
        assert [trial["code"] for trial in told[trouble]] == [0] * len(told["commits"])
        for trial in told[trouble]:
            assert trial["faulted"] == [trial["commit"][:2]], "a single fault is overcome"
