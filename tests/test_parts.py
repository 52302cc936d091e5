"""Parts: written once, verified when read."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.disk import Disk
from storage.errors import StoreError
from storage.parts import (
    Part,
    decode_part,
    encode_part,
    part_digest,
    part_key,
    read_part,
    read_part_header,
    write_part,
)
from storage.schema import STATISTICS, STUDY_STATISTICS
from tests.support.parts import make_genes, make_part

GENES = make_genes(50)


def assert_same(a: Part, b: Part) -> None:
    for name in ("study", "key", "gene_list_sha256", "contrasts", "samples", "columns"):
        assert getattr(a, name) == getattr(b, name)
    for variable in STATISTICS:
        np.testing.assert_array_equal(a.statistics[variable.name], b.statistics[variable.name])
    for variable in STUDY_STATISTICS:
        np.testing.assert_array_equal(
            a.study_statistics[variable.name], b.study_statistics[variable.name]
        )


@given(study=st.text(min_size=1), n_contrasts=st.integers(0, 4), seed=st.integers(0, 99))
def test_a_part_reads_back_as_it_was(study: str, n_contrasts: int, seed: int) -> None:
    part = make_part("S", n_contrasts, GENES, seed)
    part = dataclasses.replace(part, study=study.encode("utf-8", "replace").decode())
    assert_same(decode_part(encode_part(part)), part)


def test_the_same_part_has_the_same_bytes() -> None:
    assert encode_part(make_part("S", 2, GENES)) == encode_part(make_part("S", 2, GENES))


@pytest.mark.parametrize("study", ["S1", "a/b", "..", "IL-4 vs. a_vs_b", "Übung%"])
def test_a_study_of_any_name_has_a_file_of_its_own(tmp_path: Path, study: str) -> None:
    disk = Disk(tmp_path)
    part = make_part(study, 1, GENES)
    digest = write_part(disk, part)
    found, same = read_part(disk, study, part.key)
    assert_same(found, part)
    assert same == digest == part_digest(disk, study, part.key)
    assert len(disk.list("parts/dea")) == 1


def test_a_header_is_read_without_the_arrays(tmp_path: Path) -> None:
    part = make_part("S", 2, GENES)
    digest = write_part(Disk(tmp_path), part)
    header, same = read_part_header(Disk(tmp_path), "S", part.key)
    assert (header.contrasts, header.columns, same) == (part.contrasts, part.columns, digest)
    assert not header.statistics


def test_any_flipped_bit_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    disk, part = Disk(tmp_path), make_part("S", 2, GENES)
    write_part(disk, part)
    path = disk.path(part_key("S", part.key))
    sound = path.read_bytes()
    rng = np.random.default_rng(0)
    for _ in range(200):
        data = bytearray(sound)
        data[rng.integers(len(data))] ^= 1 << rng.integers(8)
        path.write_bytes(data)
        with pytest.raises(StoreError, match=rf"{path.name} is damaged"):
            read_part(disk, "S", part.key)
        assert part_digest(disk, "S", part.key) is None


def test_any_flipped_bit_of_the_header_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    disk, part = Disk(tmp_path), make_part("S", 2, GENES)
    write_part(disk, part)
    path = disk.path(part_key("S", part.key))
    sound = path.read_bytes()
    # Its length, which may now be more than any memory, its hash, and the beginning of its text.
    for place in range(8 * 50):
        data = bytearray(sound)
        data[place // 8] ^= 1 << place % 8
        path.write_bytes(data)
        with pytest.raises(StoreError, match=rf"{path.name} is damaged"):
            read_part_header(disk, "S", part.key)


@pytest.mark.parametrize("length", [0, 1, 31, 40, 100, -1, -32])
def test_a_truncated_part_is_an_error_that_names_the_file(tmp_path: Path, length: int) -> None:
    disk, part = Disk(tmp_path), make_part("S", 2, GENES)
    write_part(disk, part)
    path = disk.path(part_key("S", part.key))
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(StoreError, match="is damaged"):
        read_part(disk, "S", part.key)
    if 0 <= length <= 100:
        with pytest.raises(StoreError, match="is damaged"):
            read_part_header(disk, "S", part.key)


def test_a_missing_part_is_an_error_with_its_cure(tmp_path: Path) -> None:
    for read in (read_part, read_part_header):
        with pytest.raises(StoreError, match=r"is missing; run `dexome analyse`"):
            read(Disk(tmp_path), "S", "key")


def test_a_part_under_another_study_s_name_is_refused(tmp_path: Path) -> None:
    disk, part = Disk(tmp_path), make_part("S", 1, GENES)
    write_part(disk, part)
    disk.link(part_key("S", part.key), part_key("T", part.key))
    with pytest.raises(StoreError, match="is damaged"):
        read_part(disk, "T", part.key)
