"""The doctor finds whatever is damaged, and says which studies to do again."""

from pathlib import Path

import pytest

from storage.disk import Disk
from storage.doctor import examine
from storage.errors import InputError
from storage.generation import FOLDER, list_generations, manifest_key
from storage.parts import part_key, write_part
from tests.support.parts import (
    compile_entries,
    entry,
    make_compendium,
    make_genes,
    make_part,
    refused,
)
from tests.support.whole_run import compendium_hash


def store_of(root: Path) -> Path:
    return root / FOLDER / list_generations(Disk(root))[-1] / "contrasts.zarr"


def test_a_sound_compendium_has_no_findings(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    make_compendium(disk)
    steps: list[tuple[int, int]] = []
    name, findings = examine(disk, lambda done, total: steps.append((done, total)))
    assert (name, findings) == (list_generations(disk)[-1], [])
    assert steps[-1][0] == steps[-1][1] == len(steps)


def test_nothing_to_examine_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no compendium yet"):
        examine(Disk(tmp_path))


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda p: p.unlink(), "is missing"),
        (lambda p: p.write_bytes(p.read_bytes()[:-1]), "bytes of"),
        (lambda p: p.write_bytes(p.read_bytes()[:-1] + b"\xff"), "is damaged: its checksum"),
    ],
)
@pytest.mark.parametrize(
    "file", ["t/c/1/0", "studies/ave_expr/c/0/0", "gene/c/0", "t/zarr.json", "zarr.json"]
)
def test_any_damaged_file_is_found_by_name(tmp_path: Path, file: str, damage, problem: str) -> None:  # type: ignore[no-untyped-def]
    make_compendium(Disk(tmp_path))
    path = store_of(tmp_path) / file
    damage(path)
    _, (finding,) = examine(Disk(tmp_path))
    assert finding.file == str(path)
    assert problem in finding.problem
    assert finding.cure == "run `dexome compile --rebuild`"
    assert finding.studies == {"t/c/1/0": ("S1", "S2"), "studies/ave_expr/c/0/0": ("R", "S0")}.get(
        file, ()
    )


def test_a_rebuild_mends_what_the_doctor_found(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    parts = make_compendium(disk)
    before = compendium_hash(tmp_path)
    (store_of(tmp_path) / "t/c/1/0").unlink()
    compile_entries(disk, make_genes(300), [*map(entry, parts), refused("R")], rebuild=True)
    assert examine(disk)[1] == []
    assert compendium_hash(tmp_path) == before


def test_a_damaged_or_missing_part_names_its_study(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    parts = make_compendium(disk)
    path = disk.path(part_key("S1", parts[1].key))
    sound = path.read_bytes()
    for data, problem in ((sound[:-5], "is damaged"), (None, "is missing")):
        path.unlink()
        if data is not None:
            path.write_bytes(data)
        _, (finding,) = examine(disk)
        assert (finding.file, finding.studies) == (str(path), ("S1",))
        assert problem in finding.problem
        assert "dexome analyse" in finding.cure


def test_a_stranger_in_the_store_is_found(tmp_path: Path) -> None:
    make_compendium(Disk(tmp_path))
    (store_of(tmp_path) / "t/c/9").mkdir()
    (store_of(tmp_path) / "t/c/9/0").touch()
    _, (finding,) = examine(Disk(tmp_path))
    assert finding.problem == "does not belong to the store"


def test_a_study_may_be_called_anything(tmp_path: Path) -> None:
    disk, genes = Disk(tmp_path), make_genes(20)
    parts = [make_part(name, 2, genes) for name in ("my study", "Bécher 2019", "a:b/50%")]
    for part in parts:
        write_part(disk, part)
    compile_entries(disk, genes, [*map(entry, parts)])
    assert examine(disk)[1] == []


def test_a_damaged_manifest_is_found(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    make_compendium(disk)
    disk.put(manifest_key(list_generations(disk)[-1]), b"{}")
    _, (finding,) = examine(disk)
    assert finding.file.endswith("contrasts.manifest.json")
    assert "is damaged" in finding.problem
