"""Commits on a local disk."""

import errno
import multiprocessing
import os
import subprocess
from pathlib import Path

import pytest

import storage.disk
from storage.disk import TEMPORARY, Disk
from storage.errors import StoreError


def files_below(root: Path) -> list[str]:
    return sorted(path.name for path in root.rglob("*") if path.is_file())


def test_put_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    disk.put("a/b/c", b"old")
    disk.put("a/b/c", b"new")
    assert disk.read("a/b/c") == b"new"
    assert files_below(tmp_path) == ["c"]


def test_an_absent_key_reads_as_none(tmp_path: Path) -> None:
    assert Disk(tmp_path).read("a") is None
    Disk(tmp_path).put("a", b"")
    assert Disk(tmp_path).read("a/b") is None


def test_create_writes_only_once(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    assert disk.create("a", b"first")
    assert not disk.create("a", b"second")
    assert disk.read("a") == b"first"
    assert files_below(tmp_path) == ["a"]


def test_swap_takes_place_only_from_what_is_expected(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    disk.put("a", b"1")
    assert not disk.swap("a", b"3", expected=b"2")
    assert disk.swap("a", b"2", expected=b"1")
    assert disk.swap("a", None, expected=b"2")
    assert disk.read("a") is None


def increment(root: Path, times: int) -> None:
    disk = Disk(root)
    for _ in range(times):
        while True:
            found = disk.read("n")
            assert found is not None
            if disk.swap("n", str(int(found) + 1).encode(), found):
                break


def test_concurrent_swaps_lose_no_update(tmp_path: Path) -> None:
    Disk(tmp_path).put("n", b"0")
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=increment, args=(tmp_path, 25)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert Disk(tmp_path).read("n") == b"50"


def test_a_link_shares_the_bytes_and_replaces_what_was_there(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    disk.put("a", b"x")
    disk.put("b/c", b"y")
    disk.link("a", "b/c")
    assert disk.read("b/c") == b"x"
    assert disk.path("a").stat().st_ino == disk.path("b/c").stat().st_ino


def test_publish_moves_a_folder_whole(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    disk.put("building/x/y", b"1")
    disk.publish("building", "final")
    assert disk.list("final") == ["final/x/y"]
    assert disk.list("building") == []


def test_every_step_is_told_to_the_hook_before_it_is_made(tmp_path: Path) -> None:
    steps: list[tuple[str, bool]] = []

    def told(kind: str, path: Path) -> None:
        steps.append((kind, path.is_file()))

    storage.disk.step_hook = told
    Disk(tmp_path).put("a", b"1")
    assert steps == [("write", False), ("sync", False), ("rename", False), ("sync", False)]
    steps.clear()
    Disk(tmp_path).delete("a")
    assert steps == [("delete", True)]


def test_an_error_on_the_way_leaves_the_old_bytes_and_no_temporary_file(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    disk.put("a", b"old")

    def fail(kind: str, path: Path) -> None:
        del path
        if kind == "rename":
            raise OSError(28, "No space left on device")

    storage.disk.step_hook = fail
    with pytest.raises(StoreError, match=r"cannot write .*a: the disk is full; free space"):
        disk.put("a", b"new")
    assert disk.read("a") == b"old"
    assert files_below(tmp_path) == ["a"]


def test_sweeping_spares_the_temporary_files_of_the_living(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    dead = subprocess.Popen(["true"])
    dead.wait()
    host = os.uname().nodename
    for pid in (dead.pid, os.getpid()):
        (tmp_path / f"{TEMPORARY}{host}-{pid}-0").touch()
    (tmp_path / f"{TEMPORARY}other-host-1-0").touch()
    assert disk.sweep("") == 1
    assert len(files_below(tmp_path)) == 2
    assert disk.list("") == []


def test_a_full_disk_is_an_error_that_names_the_file(tiny_disk: Path) -> None:
    disk = Disk(tiny_disk)
    disk.put("a", b"x" * 100_000)
    with pytest.raises(StoreError, match=r"b: the disk is full"):
        disk.put("b", b"x" * 400_000)
    assert files_below(tiny_disk) == ["a"]


def test_a_read_only_disk_is_an_error_that_names_the_file(tiny_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    with pytest.raises(StoreError, match="the file system is read-only"):
        Disk(tiny_disk).put("folder/a", b"x")


def test_a_file_where_a_folder_is_needed_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(StoreError, match="a file stands where a folder is needed"):
        Disk(tmp_path).put("a/b", b"x")


def test_a_file_system_without_hard_links_is_an_error_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(StoreError, match=r"a: its file system has no hard links, .* choose a"):
        Disk(tmp_path).create("a", b"x")
    assert files_below(tmp_path) == []


def test_what_the_system_cannot_read_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("a")
    disk = Disk(tmp_path)
    for read in (disk.read, disk.sha256, lambda key: disk.read_range(key, 0, None)):
        with pytest.raises(StoreError, match=r"cannot read .*a: Too many levels"):
            read("a")
