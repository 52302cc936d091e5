"""The training copy: the raw rows of a generation, and what happens to damaged or unfit ones."""

import errno
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import storage.disk
import storage.hash_once
from pipeline.prepare.settings import CopySettings, GeneSettings, PrepareSettings
from pipeline.workspace import Workspace
from storage.errors import InputError, StoreError
from storage.hashing import hash_file
from storage.open import contrasts_of, open_compendium
from storage.training_copy import CHUNK_ROWS, MAX_ABS, TrainingCopy
from storage.write_copy import to_float16
from tests.support.parts import make_genes
from tests.support.prepared import FEW, named_part, prepare, publish, random_workspace

SIZES = {f"S{i:02}": 9 for i in range(16)}
N_ROWS = sum(SIZES.values())


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A compendium of a few more contrasts than a chunk has rows."""
    return random_workspace(tmp_path_factory.mktemp("copy"), SIZES)


def settings(observed: str = "tested", *, se: bool = False, genes: str = "all") -> PrepareSettings:
    return PrepareSettings(
        genes=replace(FEW, observed=observed),  # type: ignore[arg-type]
        copy=CopySettings(se=se, genes=genes),  # type: ignore[arg-type]
    )


def open_copy(workspace: Workspace, wanted: PrepareSettings) -> TrainingCopy:
    _, split = prepare(workspace, wanted)
    return TrainingCopy.open(workspace.root, split.copy)


@pytest.mark.parametrize("observed", ["tested", "measured"])
def test_each_chunk_file_is_the_raw_rows_and_xarray_opens_them(
    workspace: Workspace, observed: str
) -> None:
    copy = open_copy(workspace, settings(observed, se=True))
    source = contrasts_of(open_compendium(workspace.root))
    plain = xr.open_zarr(copy.path, chunks=None)
    assert (copy.n_rows, copy.n_genes, copy.n_chunks) == (N_ROWS, 150, 2)
    assert list(copy.contrasts) == plain["contrast"].values.tolist()
    assert list(copy.genes) == plain["gene"].values.tolist() == source["gene"].values.tolist()
    for name in ("logfc", "se"):
        want = source[name].values
        if name == "logfc" and observed == "tested":
            want = np.where(np.isnan(source["t"].values), np.nan, want)
        raw = np.concatenate(
            [np.fromfile(copy.chunk_file(name, i), "<f2").reshape(-1, 150) for i in range(2)]
        )
        assert raw.shape == (2 * CHUNK_ROWS, 150)
        np.testing.assert_array_equal(raw[:N_ROWS], want.astype(np.float16))
        assert np.isnan(raw[N_ROWS:]).all()
        np.testing.assert_array_equal(plain[name].values, raw[:N_ROWS])
        assert set(raw[np.isnan(raw)].view(np.uint16).tolist()) == {0x7E00}


def test_only_the_selected_genes_are_copied_where_that_is_asked_for(workspace: Workspace) -> None:
    genes = GeneSettings(min_contrasts=0, min_studies=0, keep=20)
    _, split = prepare(workspace, replace(settings(genes="selected"), genes=genes))
    copy = TrainingCopy.open(workspace.root, split.copy)
    assert list(copy.genes) == split.genes[split.selected].tolist()
    assert copy.n_genes == 20
    source = contrasts_of(open_compendium(workspace.root))
    tested = ~np.isnan(source["t"].values)
    want = np.where(tested, source["logfc"].values, np.nan)[:, split.selected].astype(np.float16)
    raw = np.fromfile(copy.chunk_file("logfc", 0), "<f2").reshape(-1, 20)
    np.testing.assert_array_equal(raw, want[:CHUNK_ROWS])
    with pytest.raises(InputError, match="has no se, only logfc; set se = true"):
        copy.array_folder("se")


def test_a_copy_that_is_there_is_left_and_a_damaged_one_is_made_again(workspace: Workspace) -> None:
    done, split = prepare(workspace, settings())
    copy = TrainingCopy.open(workspace.root, split.copy)
    file = copy.chunk_file("logfc", 1)
    before = file.read_bytes()
    again, _ = prepare(workspace, settings())
    assert (again.new, again.new_copy, again.copy) == (False, False, done.copy)
    for damage, problem in (
        (before[:100] + bytes([before[100] ^ 1]) + before[101:], "is damaged: its checksum"),
        (before[:-2], f"has {len(before) - 2} bytes of {len(before)}"),
        (None, "is missing"),
    ):
        file.unlink()
        if damage is not None:
            file.write_bytes(damage)
        with pytest.raises(StoreError, match=f"{file} {problem}.*dexome prepare --rebuild"):
            TrainingCopy.open(workspace.root, split.copy)
        mended, _ = prepare(workspace, settings())
        assert (mended.new, mended.new_copy) == (False, True)
        assert file.read_bytes() == before
    with pytest.raises(InputError, match="is not there; run `dexome prepare`"):
        TrainingCopy.open(workspace.root, "none")


def test_a_copy_is_read_once_in_a_process_and_again_where_it_was_changed(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = open_copy(workspace, settings())
    hashed: list[str] = []

    def hash_and_tell(path: Path) -> str:
        hashed.append(path.relative_to(copy.path).as_posix())
        return hash_file(path)

    monkeypatch.setattr(storage.hash_once, "hash_file", hash_and_tell)
    TrainingCopy.open(workspace.root, copy.manifest.key)
    assert hashed == []
    file = copy.chunk_file("logfc", 1)
    before = file.read_bytes()
    with file.open("r+b") as opened:
        opened.seek(100)
        opened.write(bytes(400))
    with pytest.raises(StoreError, match=f"{file} is damaged: its checksum"):
        TrainingCopy.open(workspace.root, copy.manifest.key)
    file.write_bytes(before)
    TrainingCopy.open(workspace.root, copy.manifest.key)
    assert set(hashed) == {"logfc/c/1/0"}


def test_a_copy_that_a_full_disk_cut_short_goes_on_where_it_stopped(tmp_path: Path) -> None:
    workspace = random_workspace(tmp_path, SIZES)
    staged: list[str] = []

    def stop(kind: str, path: Path) -> None:
        if kind == "write" and "training" in path.parts:
            if path.parts[-3:-1] == ("c", "1"):
                raise OSError(errno.ENOSPC, "no space")
            staged.append(path.as_posix())

    storage.disk.step_hook = stop
    with pytest.raises(StoreError, match="the disk is full; free space and run the same command"):
        prepare(workspace, settings())
    assert any(path.endswith("logfc/c/0/0") for path in staged)
    assert not list((workspace.root / "training").glob("*.zarr"))
    staged.clear()
    storage.disk.step_hook = lambda kind, path: staged.append(f"{kind} {path.as_posix()}")
    _, split = prepare(workspace, settings())
    storage.disk.step_hook = None
    writes = [step for step in staged if step.startswith("write") and "/logfc/c/" in step]
    assert [path.split("/")[-2] for path in writes] == ["1"]
    assert TrainingCopy.open(workspace.root, split.copy).n_rows == N_ROWS
    assert not list((workspace.root / "training").glob(".building-*"))


def test_a_value_beyond_float16_is_refused_with_its_contrast_and_gene(tmp_path: Path) -> None:
    values = np.array([[1.0, np.nan, -MAX_ABS], [MAX_ABS, -0.0, 7e-8]], np.float32)
    half = to_float16(values, ["a", "b"], ["x", "y", "z"], "logfc")
    np.testing.assert_array_equal(half, values.astype(np.float16))
    genes = make_genes(150)
    part = named_part("S1", 2, genes)
    part.statistics["logfc"][0, 7] = part.statistics["t"][0, 7] = 65_505.0
    others = [named_part(f"S{i}", 3, genes) for i in range(2, 9)]
    workspace = publish(tmp_path, [part, *others], genes)
    with pytest.raises(
        InputError, match=rf"logfc of {genes.ids[7]} in S1:level1_vs_control is 65505"
    ):
        prepare(workspace)


@pytest.mark.parametrize("folder", ["compendium", "training"])
def test_what_a_kill_after_a_publication_left_is_cleared_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    workspace = random_workspace(tmp_path, {"S0": 3, "S1": 3})
    published = partial((workspace.root / folder).rglob, "*.zarr/zarr.json")
    left = partial((workspace.root / folder).glob, ".building-*")
    before = len(list(published()))

    def die(kind: str, path: Path) -> None:
        ours = path.match(f"{folder}/.building-*")
        if kind == "delete" and ours and len(list(published())) > before:
            raise KeyboardInterrupt

    monkeypatch.setattr(storage.disk, "step_hook", die)
    with pytest.raises(KeyboardInterrupt):
        prepare(workspace)
    monkeypatch.setattr(storage.disk, "step_hook", None)
    assert list(left())
    told, _ = prepare(workspace)
    assert not (told.new if folder == "compendium" else told.new_copy)
    assert not list(left())
