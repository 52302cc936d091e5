"""Opening a compendium: one generation, and damage is an error that names the file."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from storage.disk import Disk
from storage.errors import InputError, StoreError
from storage.generation import CURRENT_KEY, FOLDER, list_generations, manifest_key, read_current
from storage.open import contrasts_of, open_compendium, samples_of, studies_of
from storage.parts import write_part
from storage.schema import STATISTICS
from tests.support.parts import (
    compile_entries,
    entry,
    make_compendium,
    make_genes,
    make_part,
)
from tests.support.whole_run import content, content_hash


def shards_of(root: Path) -> list[Path]:
    """Every shard of the newest generation."""
    generation = list_generations(Disk(root))[-1]
    store = root / FOLDER / generation / "contrasts.zarr"
    names = [variable.name for variable in STATISTICS] + ["studies/ave_expr"]
    return sorted(path for name in names for path in (store / name).rglob("0") if path.is_file())


def test_a_workspace_without_a_compendium_is_told_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no compendium yet; run `dexome run`"):
        open_compendium(tmp_path)


def test_a_generation_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    make_compendium(Disk(tmp_path))
    with pytest.raises(InputError, match="is not there"):
        open_compendium(tmp_path, "gen-000009-000000000000")


def test_nothing_is_read_by_dask(tmp_path: Path) -> None:
    make_compendium(Disk(tmp_path))
    tree = open_compendium(tmp_path)
    for dataset in (contrasts_of(tree), studies_of(tree), samples_of(tree)):
        assert not any(variable.chunks for variable in dataset.variables.values())


def test_what_is_read_is_what_plain_xarray_reads(tmp_path: Path) -> None:
    make_compendium(Disk(tmp_path))
    tree = open_compendium(tmp_path)
    for group, ours in ((None, contrasts_of(tree)), ("studies", studies_of(tree))):
        plain = xr.open_zarr(tree.attrs["address"], group=group, chunks=None)
        assert set(plain.variables) == set(ours.variables)
        for name in ours.variables:
            np.testing.assert_array_equal(plain[name].values, ours[name].values)
        assert set(plain.coords) == set(ours.coords)


@pytest.mark.parametrize(
    "key",
    [
        (slice(None), 3),
        (2, slice(None)),
        (slice(1, 4), slice(10, 200, 7)),
        (np.array([4, 0, 4]), np.array([299, 5])),
        (np.array([True, False, True, False, False, True]), slice(0, 3)),
        (-1, -2),
    ],
)
def test_any_selection_is_that_of_the_whole_array(tmp_path: Path, key: tuple[Any, Any]) -> None:
    make_compendium(Disk(tmp_path))
    logfc = contrasts_of(open_compendium(tmp_path))["logfc"]
    rows, columns = key
    whole = logfc.values
    np.testing.assert_array_equal(
        logfc.isel(contrast=rows, gene=columns).values,
        whole[rows][..., columns],
    )


def test_an_open_reader_stays_on_its_generation(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    parts = make_compendium(disk)
    tree = open_compendium(tmp_path)
    before = content_hash(open_compendium(tmp_path))
    genes = make_genes(300)
    new = make_part("A", 2, genes)
    write_part(disk, new)
    compile_entries(disk, genes, [*map(entry, parts), entry(new)])
    assert content_hash(tree) == before
    assert content_hash(open_compendium(tmp_path)) != before
    assert content_hash(open_compendium(tmp_path, list_generations(disk)[0])) == before


def test_a_reader_may_change_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_compendium(Disk(tmp_path / "work"))
    monkeypatch.chdir(tmp_path)
    contrasts = contrasts_of(open_compendium("work"))
    monkeypatch.chdir("/")
    assert np.isfinite(contrasts["t"].values).any()


def test_any_missing_shard_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    make_compendium(Disk(tmp_path))
    for path in shards_of(tmp_path):
        tree = open_compendium(tmp_path)
        data = path.read_bytes()
        path.unlink()
        with pytest.raises(StoreError, match=rf"{re.escape(str(path))} is missing"):
            content(tree)
        path.write_bytes(data)


def test_any_truncated_shard_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    make_compendium(Disk(tmp_path))
    for path in shards_of(tmp_path)[::3]:
        data = path.read_bytes()
        for length in (0, 10, len(data) // 2, len(data) - 1):
            path.write_bytes(data[:length])
            with pytest.raises(StoreError, match=rf"{re.escape(str(path))} is damaged"):
                content(open_compendium(tmp_path))
        path.write_bytes(data)


def test_any_flipped_bit_in_a_shard_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    make_compendium(Disk(tmp_path), sizes=(2, 1), n_genes=200)
    rng = np.random.default_rng(0)
    paths = shards_of(tmp_path)
    for _ in range(60):
        path = paths[rng.integers(len(paths))]
        sound = path.read_bytes()
        data = bytearray(sound)
        data[rng.integers(len(data))] ^= 1 << rng.integers(8)
        path.write_bytes(data)
        with pytest.raises(StoreError, match=rf"{re.escape(str(path))} is damaged"):
            content(open_compendium(tmp_path))
        path.write_bytes(sound)


def test_a_damaged_label_is_an_error(tmp_path: Path) -> None:
    make_compendium(Disk(tmp_path))
    address = Path(open_compendium(tmp_path).attrs["address"])
    label = address / "study" / "c" / "0"
    label.write_bytes(label.read_bytes()[:-3])
    with pytest.raises(StoreError, match=r"study.* is damaged"):
        content(open_compendium(tmp_path))
    label.unlink()
    with pytest.raises(StoreError, match=r"study.* is missing"):
        content(open_compendium(tmp_path))


def test_any_flipped_bit_of_current_is_an_error(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    make_compendium(disk)
    sound = disk.read(CURRENT_KEY) or b""
    for place in range(8 * len(sound)):
        data = bytearray(sound)
        data[place // 8] ^= 1 << place % 8
        disk.path(CURRENT_KEY).write_bytes(data)
        with pytest.raises(StoreError, match="CURRENT is damaged"):
            read_current(disk)


def test_damaged_metadata_manifest_or_current_are_errors(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    make_compendium(disk)
    (generation,) = list_generations(disk)
    for key, message in (
        (f"{FOLDER}/{generation}/contrasts.zarr/zarr.json", r"zarr.json is damaged"),
        (manifest_key(generation), r"manifest.json is damaged"),
        (CURRENT_KEY, r"CURRENT is damaged; delete it and run `dexome compile`"),
    ):
        sound = disk.read(key)
        assert sound is not None
        disk.put(key, sound[:-2])
        with pytest.raises(StoreError, match=message):
            open_compendium(tmp_path)
        disk.put(key, sound)
    disk.delete(manifest_key(generation))
    with pytest.raises(StoreError, match=r"manifest.json is missing"):
        open_compendium(tmp_path)
