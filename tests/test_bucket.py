"""A bucket as a place of files: the promises of a disk, kept by real stores, through lost answers too."""

import hashlib
import pickle
import socket
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

import storage.disk
from storage import object_client
from storage.bucket import Bucket, open_files
from storage.credentials import without_secrets
from storage.disk import TEMPORARY, Disk, temporary_name
from storage.errors import InputError, StoreError
from storage.files import Files
from tests.support.faulty_proxy import Fault, FaultyProxy, Kind, running_proxy
from tests.support.object_storage import (
    ACCESS_KEY,
    CREDENTIALS,
    REGION,
    SECRET_KEY,
    S3Server,
    running_moto,
    running_rclone,
    why_no_moto,
    why_no_rclone,
)

needs_moto = pytest.mark.skipif(bool(why_no_moto()), reason=why_no_moto())
needs_rclone = pytest.mark.skipif(bool(why_no_rclone()), reason=why_no_rclone())


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_moto(tmp_path_factory.mktemp("moto") / "log") as server:
        yield server


@pytest.fixture(scope="module")
def rclone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with running_rclone(tmp_path_factory.mktemp("rclone")) as server:
        yield server


@pytest.fixture(scope="module")
def proxy(moto: S3Server) -> Iterator[FaultyProxy]:
    with running_proxy(moto.endpoint) as proxy:
        yield proxy


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)


def new_bucket(server: S3Server, **changes: object) -> Bucket:
    """A prefix of its own."""
    bucket = Bucket(server.address(f"lab/{uuid.uuid4().hex}"), server.endpoint, REGION)
    return replace(bucket, **changes)  # type: ignore[arg-type]


@pytest.fixture
def troubled(moto: S3Server, proxy: FaultyProxy) -> Bucket:
    """A bucket behind the proxy, which is seen to keep conditional puts."""
    proxy.set()
    bucket = new_bucket(moto, endpoint=proxy.endpoint)
    assert bucket.create("first", b"of all")
    return bucket


@pytest.fixture(
    params=[
        "disk",
        pytest.param("moto", marks=needs_moto),
        pytest.param("rclone", marks=needs_rclone),
    ]
)
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    """A place of files: a disk, a bucket, and one of a store that has to be the only writer's."""
    if request.param == "disk":
        return Disk(tmp_path)
    server: S3Server = request.getfixturevalue(request.param)
    return new_bucket(server, single_writer=request.param == "rclone")


def test_put_replaces_what_is_there(files: Files) -> None:
    files.put("a/b/c", b"old")
    files.put("a/b/c", b"new")
    assert files.read("a/b/c") == b"new"
    assert files.list("") == ["a/b/c"]


def test_an_absent_key_is_none_to_every_question(files: Files) -> None:
    assert files.read("a") is None
    assert files.size("a") is None
    assert files.sha256("a") is None
    assert files.read_range("a", 0, 1) is None
    assert files.list("a") == []
    assert files.folders("a") == []
    assert not files.is_complete("a.zarr")
    files.delete("a")


def test_size_checksum_and_ranges_are_those_of_the_bytes(files: Files) -> None:
    data = bytes(range(200))
    files.put("data", data)
    assert files.size("data") == 200
    assert files.sha256("data") == hashlib.sha256(data).hexdigest()
    assert files.read_range("data", 10, 20) == data[10:20]
    assert files.read_range("data", 190, 300) == data[190:]
    assert files.read_range("data", 150, None) == data[150:]
    assert files.read_range("data", -7, None) == data[-7:]
    assert files.read_range("data", 7, 7) == b""


def test_create_writes_only_once(files: Files) -> None:
    assert files.create("a", b"first")
    assert not files.create("a", b"second")
    assert files.read("a") == b"first"


def test_swap_takes_place_only_from_what_is_expected(files: Files) -> None:
    assert not files.swap("a", b"1", expected=b"0")
    files.put("a", b"1")
    assert not files.swap("a", b"3", expected=b"2")
    assert files.swap("a", b"2", expected=b"1")
    assert files.swap("a", None, expected=b"2")
    assert files.read("a") is None
    assert "a" not in files.list("")
    assert not files.swap("a", b"3", expected=b"2")
    assert files.create("a", b"again")
    assert files.read("a") == b"again"


def test_folders_and_keys_are_listed_by_whole_names(files: Files) -> None:
    for key in ("f/a/1", "f/ab/2", "f/.hidden/3", "f/4", "g/5"):
        files.put(key, b"x")
    assert files.folders("f") == [".hidden", "a", "ab"]
    assert files.folders("") == ["f", "g"]
    assert files.list("f/a") == ["f/a/1"]
    assert files.list("f") == ["f/.hidden/3", "f/4", "f/a/1", "f/ab/2"]


def test_delete_takes_a_key_or_a_folder_and_nothing_beside_it(files: Files) -> None:
    for key in ("f/a/1", "f/a/2", "f/ab/3", "f/b"):
        files.put(key, b"x")
    files.delete("f/a")
    files.delete("f/b")
    assert files.list("") == ["f/ab/3"]


def test_a_published_store_is_complete_and_its_building_is_gone(files: Files) -> None:
    names = ["zarr.json", "t/zarr.json", "t/c/0/0"]
    for name in names:
        files.stage(f".building/s.zarr/{name}", name.encode())
    files.link(".building/s.zarr/t/c/0/0", ".building/s.zarr/t/c/1/0")
    assert not files.is_complete("final/s.zarr")
    files.publish(".building", "final")
    assert files.is_complete("final/s.zarr")
    assert files.read("final/s.zarr/t/c/1/0") == b"t/c/0/0"
    assert files.list("") == sorted(f"final/s.zarr/{name}" for name in [*names, "t/c/1/0"])
    for left in files.hide("final"):
        files.delete(left)
    assert files.list("") == []
    assert files.sweep("") == 0


def test_it_is_the_same_place_after_a_journey(files: Files) -> None:
    files.put("a", b"1")
    again: Files = pickle.loads(pickle.dumps(files))
    assert again.read("a") == b"1"
    assert again.address("a") == files.address("a")


@needs_moto
def test_what_a_dead_process_tried_the_store_out_with_is_swept(moto: S3Server) -> None:
    bucket = new_bucket(moto)
    left, own = f"{TEMPORARY}{socket.gethostname()}-{2**22 + 1}-0", temporary_name()
    for key in (left, own, f"f/{left}"):
        bucket.stage(key, b"there")
    assert bucket.list("") == []
    assert bucket.sweep("") == 1
    assert bucket.read(left) is None
    assert bucket.read(own) == b"there"


@needs_moto
def test_of_many_creates_the_one_that_is_there_was_told_so(moto: S3Server) -> None:
    bucket = new_bucket(moto)
    bucket.create("probed", b"")
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda i: bucket.create("lease", b"%d" % i), range(8)))
    winner = bucket.read("lease")
    assert winner is not None
    assert made[int(winner)]


@needs_moto
def test_the_root_of_a_store_comes_last_and_goes_first(
    troubled: Bucket, proxy: FaultyProxy
) -> None:
    for name in ("zarr.json", "a/zarr.json", "z/c/0"):
        troubled.stage(f"b/s.zarr/{name}", b"x")
    proxy.set()
    troubled.publish("b", "g")
    copies = [path for method, path in proxy.asked() if method == "COPY"]
    assert copies[-1].endswith("/g/s.zarr/zarr.json")
    assert len(copies) == 3

    def stop_at_the_second(kind: str, path: Path) -> None:
        seen.append((kind, path))
        if len(seen) == 2:
            raise KeyboardInterrupt

    seen: list[tuple[str, Path]] = []
    storage.disk.step_hook = stop_at_the_second
    with pytest.raises(KeyboardInterrupt):
        troubled.hide("g")
    assert [kind for kind, _ in seen] == ["delete", "delete"]
    assert not troubled.is_complete("g/s.zarr")
    assert troubled.list("g") == ["g/s.zarr/a/zarr.json", "g/s.zarr/z/c/0"]


@needs_rclone
def test_a_store_that_ignores_conditions_is_refused_with_the_cure(rclone: S3Server) -> None:
    bucket = new_bucket(rclone)
    cure = r"set single_writer = true in \[storage\]"
    with pytest.raises(InputError, match=cure):
        bucket.create("lease", b"mine")
    with pytest.raises(InputError, match=cure):
        bucket.swap("lease", b"mine", b"yours")
    assert bucket.list("") == []
    alone = replace(bucket, single_writer=True)
    assert alone.create("lease", b"mine")
    assert not alone.create("lease", b"yours")
    assert alone.read("lease") == b"mine"


@needs_moto
def test_a_store_is_tried_once_and_nothing_is_left_of_it(
    troubled: Bucket, proxy: FaultyProxy
) -> None:
    assert troubled.list("") == ["first"]
    proxy.set()
    assert troubled.create("second", b"of all")
    assert [method for method, _ in proxy.asked()] == ["PUT"]


@needs_moto
@pytest.mark.parametrize("kind", ["error", "lost"])
def test_a_store_is_tried_in_spite_of_a_fault(
    moto: S3Server, proxy: FaultyProxy, kind: Kind
) -> None:
    for number in range(1, 6):
        bucket = new_bucket(moto, endpoint=proxy.endpoint)
        proxy.set(Fault(kind, number))
        assert bucket.create("lease", b"mine")
        assert len(proxy.faulted()) == 1
        proxy.set()
        assert bucket.list("") == ["lease"]


COMMITS: dict[str, Callable[[Bucket], object]] = {
    "create": lambda bucket: bucket.create("key", b"mine"),
    "create again": lambda bucket: bucket.create("deleted", b"mine"),
    "put": lambda bucket: bucket.put("key", b"mine"),
    "put over": lambda bucket: bucket.put("there", b"mine"),
    "swap": lambda bucket: bucket.swap("there", b"mine", b"old"),
    "swap away": lambda bucket: bucket.swap("there", None, b"old"),
    "stage": lambda bucket: bucket.stage("key", b"mine"),
    "link": lambda bucket: bucket.link("there", "key"),
    "publish": lambda bucket: bucket.publish("folder", "final"),
    "delete": lambda bucket: bucket.delete("folder"),
}
CHANGED: dict[str, dict[str, bytes | None]] = {
    "create": {"key": b"mine"},
    "create again": {"deleted": b"mine"},
    "put": {"key": b"mine"},
    "put over": {"there": b"mine"},
    "swap": {"there": b"mine"},
    "swap away": {"there": None},
    "stage": {"key": b"mine"},
    "link": {"key": b"old"},
    "publish": {"folder/a": None, "folder/b": None, "final/a": b"a", "final/b": b"b"},
    "delete": {"folder/a": None, "folder/b": None},
}


@needs_moto
@pytest.mark.parametrize("kind", ["error", "busy", "lost"])
@pytest.mark.parametrize("commit", COMMITS)
def test_a_commit_is_done_once_whatever_happens_to_one_of_its_requests(
    troubled: Bucket, proxy: FaultyProxy, commit: str, kind: Kind
) -> None:
    def prepare() -> dict[str, bytes | None]:
        troubled.delete("")
        for key, data in (("there", b"old"), ("folder/a", b"a"), ("folder/b", b"b")):
            troubled.stage(key, data)
        troubled.stage("deleted", b"")
        return {"there": b"old", "folder/a": b"a", "folder/b": b"b"}

    wanted = prepare() | CHANGED[commit]
    proxy.set()
    assert COMMITS[commit](troubled) in (True, None)
    n_requests = len(proxy.writes())
    for number in range(1, n_requests + 1):
        prepare()
        proxy.set(Fault(kind, number))
        assert COMMITS[commit](troubled) in (True, None), f"request {number}"
        assert proxy.faulted()
        proxy.set()
        found = {key: troubled.read(key) for key in troubled.list("")}
        assert found == {key: data for key, data in wanted.items() if data is not None}


@needs_moto
def test_what_another_wrote_meanwhile_is_not_taken_for_ones_own(
    troubled: Bucket, proxy: FaultyProxy
) -> None:
    troubled.put("lease", b"theirs")
    proxy.set(Fault("error", 1))
    assert not troubled.create("lease", b"mine")
    proxy.set(Fault("lost", 1))
    assert not troubled.create("lease", b"mine")
    proxy.set(Fault("lost", 1))
    assert not troubled.swap("lease", b"mine", b"nobody's")
    assert troubled.read("lease") == b"theirs"


@needs_moto
def test_an_answer_that_is_cut_is_read_again(troubled: Bucket, proxy: FaultyProxy) -> None:
    data = bytes(range(256)) * 1000
    troubled.stage("big", data)
    for number in (1, 2):
        proxy.set(Fault("cut", number, of="reads"))
        assert troubled.read("big") == data
        assert troubled.read_range("big", 1000, 90_000) == data[1000:90_000]
        assert proxy.faulted()


@needs_moto
def test_an_outage_is_an_error_that_names_the_place_and_ends_with_it(
    moto: S3Server, proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(object_client._RETRIES, "max_retries", 0)
    bucket = new_bucket(moto, endpoint=proxy.endpoint)
    proxy.set()
    assert bucket.create("a", b"1")
    proxy.set(Fault("outage", 1))
    for request in (
        lambda: bucket.put("a", b"2"),
        lambda: bucket.read("a"),
        lambda: bucket.list(""),
    ):
        with pytest.raises(StoreError, match="run the same command again") as told:
            request()
        assert bucket.url in str(told.value)
    proxy.set()
    assert bucket.read("a") == b"1"


@needs_moto
def test_a_bucket_that_is_not_there_is_named(moto: S3Server) -> None:
    bucket = Bucket("s3://no-such-bucket/lab", moto.endpoint, REGION)
    with pytest.raises(InputError, match="s3://no-such-bucket/lab: there is no such bucket"):
        bucket.put("a", b"1")


@needs_rclone
def test_a_wrong_key_is_an_error_without_any_key(
    rclone: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret-of-mine")
    bucket = new_bucket(rclone, single_writer=True)
    for request in (
        lambda: bucket.put("a", b"1"),
        lambda: bucket.read("a"),
        lambda: bucket.list(""),
    ):
        with pytest.raises(StoreError, match="rights") as told:
            request()
        assert bucket.url in str(told.value)
        for secret in (ACCESS_KEY, "wrong-secret-of-mine"):
            assert secret not in str(told.value)


def test_that_no_credentials_were_found_is_said_so() -> None:
    # What obstore says where neither the environment nor a profile has any: it asks the machine for a role.
    raised = OSError(
        "Generic S3 error: Error performing PUT http://169.254.169.254/latest/api/token in 3ms"
    )
    told = without_secrets(raised)
    assert told.startswith("no credentials were found")
    assert "AWS_ACCESS_KEY_ID" in told
    assert "169.254" not in told


def test_credentials_are_no_part_of_a_bucket() -> None:
    bucket = Bucket("s3://bucket/lab/", "http://127.0.0.1:1", REGION)
    for told in (repr(bucket), str(bucket), bucket.address("key"), repr(pickle.dumps(bucket))):
        assert ACCESS_KEY not in told
        assert SECRET_KEY not in told
    assert bucket.address("key") == "s3://bucket/lab/key"


@pytest.mark.parametrize(
    "url",
    [
        "s3://AKID:secret@bucket/lab",
        "s3://bucket/lab?AWS_SECRET_ACCESS_KEY=secret",
        "s3://",
        "http://bucket/lab",
        "bucket/lab",
    ],
)
def test_an_address_that_cannot_be_one_is_refused_without_its_secrets(url: str) -> None:
    with pytest.raises(InputError) as told:
        Bucket(url)
    assert "secret" not in str(told.value).replace("AWS_SECRET_ACCESS_KEY", "")


def test_a_workspace_is_opened_by_its_address(tmp_path: Path) -> None:
    assert open_files("s3://bucket/lab") == Bucket("s3://bucket/lab")
    assert open_files(tmp_path).address() == str(tmp_path)
