"""Compiling parts into a generation: nothing lost, nothing mixed up, nothing done for nothing."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import zarr

from storage.compile import adopt_generation, plan_build, publish_build
from storage.disk import Disk
from storage.doctor import examine
from storage.errors import StoreError
from storage.generation import FOLDER, list_generations, read_current, read_manifest
from storage.layout import Layout
from storage.lease import Lease
from storage.open import contrasts_of, open_compendium, samples_of, studies_of
from storage.parts import Part, part_key, write_part
from storage.schema import (
    CONTRAST_COLUMNS,
    GENE_COLUMNS,
    SAMPLE_COLUMNS,
    STATISTICS,
    STUDY_COLUMNS,
    STUDY_STATISTICS,
)
from storage.shards import Row, shard_signature
from tests.support.parts import (
    compile_entries,
    entry,
    make_compendium,
    make_genes,
    make_part,
    refused,
    write_build,
)
from tests.support.workspaces import TINY_LAYOUT

GENES = make_genes(300)


def assert_holds(root: Path, parts: list[Part]) -> None:
    """The compendium holds every row of the parts, bit for bit, under its own label, and no other."""
    tree = open_compendium(root)
    contrasts, studies = contrasts_of(tree), studies_of(tree)
    ids = [str(i) for i in contrasts.indexes["contrast"]]
    assert ids == sorted(ids)
    assert len(ids) == sum(len(part.contrasts) for part in parts)
    for variable in STATISTICS:
        found = contrasts[variable.name].values
        for part in parts:
            for row, told in enumerate(part.contrasts):
                wanted = part.statistics[variable.name][row]
                place = ids.index(told["contrast"])
                np.testing.assert_array_equal(found[place].view(np.uint32), wanted.view(np.uint32))
    names = list(studies.indexes["study"])
    for part in parts:
        place = names.index(part.study)
        np.testing.assert_array_equal(
            studies["ave_expr"].values[place], part.study_statistics["ave_expr"]
        )
        assert studies["part"].values[place] == part.key


def test_a_compendium_holds_its_parts_in_order(tmp_path: Path) -> None:
    parts = make_compendium(Disk(tmp_path))
    assert_holds(tmp_path, parts)


@pytest.mark.parametrize("seed", range(20))
def test_study_sizes_that_do_not_fit_the_shards_lose_no_row(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sizes = rng.integers(0, 8, rng.integers(1, 9)).tolist()
    chunk_rows = int(rng.integers(1, 4))
    layout = Layout(
        chunk_rows=chunk_rows, chunk_columns=64, shard_rows=chunk_rows * int(rng.integers(1, 4))
    )
    disk, parts = Disk(tmp_path), [make_part(f"S{i}", n, GENES, seed) for i, n in enumerate(sizes)]
    for part in parts:
        write_part(disk, part)
    compile_entries(disk, GENES, [entry(part) for part in reversed(parts)], layout)
    assert_holds(tmp_path, parts)


def test_every_array_of_the_schema_is_there_with_its_type_and_axes(tmp_path: Path) -> None:
    make_compendium(Disk(tmp_path))
    current = read_current(Disk(tmp_path))
    assert current is not None
    group = zarr.open_group(tmp_path / FOLDER / current.generation / "contrasts.zarr", mode="r")
    for prefix, variables in (
        ("", STATISTICS + CONTRAST_COLUMNS + GENE_COLUMNS),
        ("studies/", STUDY_STATISTICS + STUDY_COLUMNS),
        ("samples/", SAMPLE_COLUMNS),
    ):
        for variable in variables:
            array = group[f"{prefix}{variable.name}"]
            assert isinstance(array, zarr.Array)
            assert array.metadata.dimension_names == variable.dims  # type: ignore[union-attr]
            assert array.attrs["units"] == variable.unit
            assert array.attrs["long_name"] == variable.long_name
            if variable.dtype == "string":
                assert str(array.metadata.data_type.to_json(zarr_format=3)) == "string"  # type: ignore[union-attr]
            else:
                assert array.dtype == np.dtype(variable.dtype)


def test_a_refused_study_keeps_its_reason_and_an_empty_row(tmp_path: Path) -> None:
    make_compendium(Disk(tmp_path))
    studies = studies_of(open_compendium(tmp_path))
    row = studies.sel(study="R")
    assert str(row["status"].values) == "refused"
    assert str(row["reason"].values) == "no_replicates"
    assert int(row["n_samples"]) == -1
    assert np.isnan(row["ave_expr"].values).all()
    samples = samples_of(open_compendium(tmp_path))
    assert not samples["used"].values[list(samples["study"].values).index("R")]


def test_the_same_inputs_make_no_new_generation_and_others_do(tmp_path: Path) -> None:
    disk, parts = Disk(tmp_path), [make_part("S", 2, GENES)]
    write_part(disk, parts[0])
    first = compile_entries(disk, GENES, [entry(parts[0])])
    assert first is not None
    assert compile_entries(disk, GENES, [entry(parts[0])]) is None
    again = compile_entries(disk, GENES, [entry(parts[0])], rebuild=True)
    more = compile_entries(disk, GENES, [entry(parts[0]), refused("T")])
    assert again is not None
    assert more is not None
    assert [first[0].inputs == other[0].inputs for other in (again, more)] == [True, False]
    assert list_generations(disk) == [first[0].generation, again[0].generation, more[0].generation]


def test_shards_whose_parts_are_unchanged_are_linked_and_the_others_written(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    parts = [make_part(f"S{i}", 2, GENES) for i in range(4)]
    for part in parts:
        write_part(disk, part)
    compile_entries(disk, GENES, [entry(part) for part in parts[:3]])
    result = compile_entries(disk, GENES, [entry(part) for part in parts])
    assert result is not None
    linked = {r.file: r.linked for r in result[1] if "/logfc/" in r.file}
    assert linked == {f"contrasts.zarr/logfc/c/{i}/0": i < 3 for i in range(4)}
    assert_holds(tmp_path, parts)
    one, two = list_generations(disk)
    same = [
        (disk.path(f"{FOLDER}/{g}/contrasts.zarr/logfc/c/0/0")).stat().st_ino for g in (one, two)
    ]
    assert same[0] == same[1]


def test_a_damaged_shard_is_not_linked_but_written_again(tmp_path: Path) -> None:
    disk, parts = Disk(tmp_path), [make_part(f"S{i}", 2, GENES) for i in range(2)]
    for part in parts:
        write_part(disk, part)
    compile_entries(disk, GENES, [entry(parts[0])])
    shard = disk.path(f"{FOLDER}/{list_generations(disk)[0]}/contrasts.zarr/t/c/0/0")
    shard.write_bytes(shard.read_bytes()[:-1] + b"\0")
    compile_entries(disk, GENES, [entry(part) for part in parts])
    assert_holds(tmp_path, parts)


def test_a_part_that_changes_between_plan_and_write_stops_the_build(tmp_path: Path) -> None:
    disk, part = Disk(tmp_path), make_part("S", 2, GENES)
    write_part(disk, part)
    build = plan_build(disk, GENES, [entry(part)], {}, layout=TINY_LAYOUT)
    assert build is not None
    disk.delete(part_key("S", part.key))
    part.statistics["t"][0, 0] = 42
    write_part(disk, part)
    with pytest.raises(StoreError, match="the part of S changed"):
        write_build(disk, build)
    assert read_current(disk) is None


def test_a_build_that_lacks_a_shard_is_not_published(tmp_path: Path) -> None:
    disk, part = Disk(tmp_path), make_part("S", 5, GENES)
    write_part(disk, part)
    with Lease(disk) as lease:
        build = plan_build(disk, GENES, [entry(part)], {}, layout=TINY_LAYOUT)
        assert build is not None
        receipts = write_build(disk, build)
        with pytest.raises(StoreError, match=r"contrasts.zarr/logfc/c/0/0 .* was not written"):
            publish_build(disk, build, receipts[1:], lease)
    assert read_current(disk) is None


def test_a_second_try_keeps_the_shards_that_stand_and_mends_the_torn_one(tmp_path: Path) -> None:
    disk, part = Disk(tmp_path), make_part("S", 5, GENES)
    write_part(disk, part)
    build = plan_build(disk, GENES, [entry(part)], {"config": "{}"}, layout=TINY_LAYOUT)
    assert build is not None
    write_build(disk, build)
    shards = disk.path(f"{build.building}/contrasts.zarr/t/c")
    before = [(shards / str(i) / "0").stat().st_mtime_ns for i in range(3)]
    torn = shards / "1" / "0"
    torn.write_bytes(torn.read_bytes()[:50])
    compile_entries(disk, GENES, [entry(part)])
    after = disk.path(f"{FOLDER}/{list_generations(disk)[0]}/contrasts.zarr/t/c")
    assert [(after / str(i) / "0").stat().st_mtime_ns == before[i] for i in range(3)] == [
        True,
        False,
        True,
    ]
    assert_holds(tmp_path, [part])


def test_a_generation_that_was_published_but_not_made_current_is_adopted(tmp_path: Path) -> None:
    disk, parts = Disk(tmp_path), make_compendium(Disk(tmp_path))
    current = read_current(disk)
    assert current is not None
    disk.delete(f"{FOLDER}/CURRENT")
    with Lease(disk) as lease:
        other = plan_build(disk, GENES, [entry(parts[0])], {"config": "{}"}, layout=TINY_LAYOUT)
        assert other is not None
        assert adopt_generation(disk, other, lease) is None
        entries = [*map(entry, parts), refused("R")]
        same = plan_build(disk, GENES, entries, {"config": "{}"}, layout=TINY_LAYOUT)
        assert same is not None
        adopted = adopt_generation(disk, same, lease)
    assert adopted is not None
    assert adopted.generation == current.generation
    assert_holds(tmp_path, parts)


def test_the_manifest_lists_every_file_of_the_store(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    make_compendium(disk)
    (generation,) = list_generations(disk)
    manifest = read_manifest(disk, generation)
    below = {
        key.removeprefix(f"{FOLDER}/{generation}/") for key in disk.list(f"{FOLDER}/{generation}")
    }
    assert manifest.files.keys() == below - {"contrasts.manifest.json"}
    assert all(
        disk.sha256(f"{FOLDER}/{generation}/{f}") == k["sha256"] for f, k in manifest.files.items()
    )


def test_a_signature_tells_apart_whatever_changes_a_shard() -> None:
    rows = (Row("S", "key", "digest", 0), Row("T"))
    base = shard_signature(rows, STATISTICS[0], TINY_LAYOUT, (10,))
    others = [
        shard_signature(rows[:1], STATISTICS[0], TINY_LAYOUT, (10,)),
        shard_signature(rows[::-1], STATISTICS[0], TINY_LAYOUT, (10,)),
        shard_signature((Row("S", "key", "other", 0), rows[1]), STATISTICS[0], TINY_LAYOUT, (10,)),
        shard_signature((Row("S", "key", "digest", 1), rows[1]), STATISTICS[0], TINY_LAYOUT, (10,)),
        shard_signature(rows, STATISTICS[1], TINY_LAYOUT, (10,)),
        shard_signature(rows, STATISTICS[0], Layout(), (10,)),
        shard_signature(rows, STATISTICS[0], TINY_LAYOUT, (11,)),
    ]
    assert base not in others
    assert len(set(others)) == len(others)


@pytest.mark.parametrize("rebuild", [True, False])
@pytest.mark.parametrize("lost", ["", "/contrasts.zarr"])
def test_a_generation_that_lost_its_contrasts_is_made_again_under_its_name(
    tmp_path: Path, lost: str, rebuild: bool
) -> None:
    disk = Disk(tmp_path)
    genes = make_genes(20)
    part = make_part("S0", 2, genes)
    write_part(disk, part)
    first = compile_entries(disk, genes, [entry(part)])
    assert first is not None
    generation = first[0].generation
    shutil.rmtree(disk.path(f"compendium/{generation}{lost}"))
    again = compile_entries(disk, genes, [entry(part)], rebuild=rebuild)
    assert again is not None
    assert again[0].generation == generation
    assert contrasts_of(open_compendium(tmp_path)).sizes["contrast"] == 2
    assert examine(disk)[1] == []
