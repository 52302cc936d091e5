"""Collecting old generations."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from storage.collect import (
    HOLDS,
    collect_copies,
    collect_generations,
    held_generations,
    hold_generation,
)
from storage.disk import RETIRED, Disk
from storage.doctor import examine
from storage.errors import StoreError
from storage.files import Files
from storage.generation import (
    FOLDER,
    list_generations,
    read_current,
    read_standing,
    write_current,
)
from storage.lease import Lease
from storage.open import open_compendium
from storage.parts import write_part
from storage.placements import KEPT
from storage.process import this_process
from storage.training_copy import (
    TrainingCopy,
    copy_manifest_path,
    copy_path,
    list_copies,
    read_copy_manifest,
)
from tests.support.parts import compile_entries, entry, make_genes, make_part, refused
from tests.support.prepared import named_part, prepare, random_workspace
from tests.support.whole_run import compendium_hash


def make_generations(disk: Files, n: int) -> list[str]:
    genes = make_genes(100)
    part = make_part("S", 2, genes)
    write_part(disk, part)
    for i in range(n):
        compile_entries(disk, genes, [entry(part), *(refused(f"T{j}") for j in range(i))])
    return list_generations(disk)


def test_the_newest_are_kept_and_the_others_deleted(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    names = make_generations(disk, 4)
    before = compendium_hash(tmp_path)
    assert collect_generations(disk, keep=2) == (names[:2], {})
    assert list_generations(disk) == names[2:]
    assert compendium_hash(tmp_path) == before, (
        "linked shards outlive the generation that they came from"
    )


def test_current_is_never_deleted(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    names = make_generations(disk, 3)
    with Lease(disk) as lease:
        before = read_standing(disk).current_bytes
        write_current(disk, names[0], "0" * 64, b"", before, lease)
    assert collect_generations(disk, keep=1) == ([names[1]], {names[0]: "it is the current one"})


def test_a_held_generation_is_spared_while_its_holder_lives(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    names = make_generations(disk, 3)
    with hold_generation(disk, names[0], "a reader reads it"):
        assert held_generations(disk) == {names[0]: "a reader reads it"}
        assert collect_generations(disk, keep=1) == ([names[1]], {names[0]: "a reader reads it"})
    assert collect_generations(disk, keep=1) == ([names[0]], {})


def test_the_hold_of_a_dead_reader_does_not_count(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    names = make_generations(disk, 2)
    dead = subprocess.Popen(["true"])
    dead.wait()
    hold = {"generation": names[0], "reason": "old", "since": time.time(), **this_process()}
    disk.put(f"{HOLDS}/a.json", json.dumps({**hold, "pid": dead.pid}).encode())
    assert held_generations(disk) == {}
    disk.put(f"{HOLDS}/a.json", json.dumps({**hold, "host": "elsewhere"}).encode())
    assert held_generations(disk) == {names[0]: "old"}
    disk.put(f"{HOLDS}/a.json", json.dumps({**hold, "host": "elsewhere", "since": 0}).encode())
    assert collect_generations(disk, keep=1)[0] == names[:1]


def test_where_nobody_may_write_a_generation_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise StoreError("read-only")

    monkeypatch.setattr(Disk, "put", refuse)
    with hold_generation(Disk(tmp_path), "gen", "it is read"):
        pass
    assert "gen is not kept from `dexome gc`" in caplog.text


def test_a_killed_collection_is_finished_by_the_next(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    names = make_generations(disk, 2)
    disk.publish(f"{FOLDER}/{names[0]}", f"{FOLDER}/{RETIRED}{names[0]}")
    collect_generations(disk, keep=1)
    assert sorted(path.name for path in (tmp_path / FOLDER).iterdir()) == ["CURRENT", names[1]]
    current = read_current(disk)
    assert current is not None
    assert current.generation == names[1]


def test_the_current_and_the_held_are_not_deleted_where_their_root_is_lost(tmp_path: Path) -> None:
    pytest.importorskip("obstore", reason="needs the package obstore")
    from tests.support.memory_bucket import MemoryBucket

    disk = MemoryBucket(f"s3://memory{tmp_path}")
    names = make_generations(disk, 3)
    for name in names:
        disk.delete(f"{FOLDER}/{name}/contrasts.zarr/zarr.json")
    files = {name: disk.list(f"{FOLDER}/{name}") for name in names}
    with hold_generation(disk, names[0], "a reader reads it"):
        collect_generations(disk, keep=1)
    left = {name: disk.list(f"{FOLDER}/{name}") for name in names}
    assert left == {**files, names[1]: []}
    with pytest.raises(StoreError, match=rf"{names[2]}/contrasts.zarr/zarr.json is missing"):
        open_compendium(disk)
    assert [finding.problem for finding in examine(disk)[1]] == ["is missing"]


def test_a_generation_that_something_else_needs_is_spared(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    names = make_generations(disk, 3)
    needed = {names[0]: "model main was trained on it"}
    assert collect_generations(disk, 1, needed) == ([names[1]], needed)


def test_training_copies_go_with_their_generation_and_no_others(tmp_path: Path) -> None:
    workspace = random_workspace(tmp_path, {f"S{i:02}": 2 for i in range(12)}, n_genes=40)
    disk = workspace.disk
    old = prepare(workspace)[1]
    genes = make_genes(40)
    parts = [make_part(f"S{i:02}", 2, genes) for i in range(13)]
    write_part(disk, parts[-1])
    compile_entries(disk, genes, [entry(part) for part in parts])
    new = prepare(workspace)[1]
    assert set(list_copies(disk)) == {old.copy, new.copy}
    assert collect_copies(disk) == []
    collect_generations(disk, keep=1)
    # As a kill leaves it: some of its files are gone.
    disk.delete(f"{copy_path(old.copy)}/logfc")
    assert collect_copies(disk) == [old.copy]
    assert list_copies(disk) == [new.copy]
    assert read_copy_manifest(disk, new.copy).generation == new.generation
    assert disk.read(copy_manifest_path(old.copy)) is None
    TrainingCopy.open(workspace.root, new.copy)


def test_a_study_keeps_the_place_that_a_deleted_generation_gave_it(tmp_path: Path) -> None:
    studies = [f"S{i:02}" for i in range(12)]
    samples = {study: [f"GSM{i}"] for i, study in enumerate(studies)}
    workspace = random_workspace(tmp_path, dict.fromkeys(studies, 2), 40, samples)
    disk = workspace.disk
    old = prepare(workspace)[1]
    # Each component has a new first study, whose hash says another place for some.
    genes = make_genes(40)
    parts = [
        named_part(f"{letter}{study[1:]}", 2, genes, samples[study])
        for study in studies
        for letter in "AS"
    ]
    for part in parts:
        write_part(disk, part)
    compile_entries(disk, genes, [entry(part) for part in parts])
    assert collect_generations(disk, keep=1)[0] == [old.generation]
    new, anew = (prepare(workspace, fresh=fresh)[1] for fresh in (False, True))
    before, after, moved = (
        dict(zip(split.studies.tolist(), split.part.tolist(), strict=True))
        for split in (old, new, anew)
    )
    assert {study: after[study] for study in studies} == before
    assert {study: moved[study] for study in studies} != before
    (kept,) = disk.list(KEPT)
    disk.put(kept, (disk.read(kept) or b"").replace(b"train", b"tests"))
    with pytest.raises(StoreError, match=rf"{kept} is damaged; delete it"):
        prepare(workspace, rebuild=True)


def test_a_damaged_split_of_an_old_generation_stops_nothing(tmp_path: Path) -> None:
    workspace = random_workspace(tmp_path, {f"S{i:02}": 2 for i in range(12)}, 40)
    disk = workspace.disk
    old = prepare(workspace)[1]
    path = workspace.root / FOLDER / old.generation / old.store / "fold/c/0"
    path.write_bytes(path.read_bytes()[:-3])
    genes = make_genes(40)
    parts = [named_part(f"A{i:02}", 2, genes, [f"GSM{i}"]) for i in range(12)]
    for part in parts:
        write_part(disk, part)
    compile_entries(disk, genes, [entry(part) for part in parts])
    prepare(workspace)
    assert collect_generations(disk, keep=1)[0] == [old.generation]


def test_keeping_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="keep must be at least 1, got 0"):
        collect_generations(Disk(tmp_path), 0)
