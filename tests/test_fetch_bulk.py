"""The bulk file of a species: fetched, checked by its sum, cut in one pass that goes on after a kill."""

import bz2
import hashlib
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from pipeline.fetch import bulk as bulk_module
from pipeline.simulate.mirror import write_mirror
from pipeline.sources.bulk_hdf5 import Block, read_hdf5
from storage.errors import InputError
from tests.support.fetched import SMALL, fetch_into, source_in, source_of, workspace_of
from tests.support.mirror_server import serve


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    path = tmp_path / "mirror"
    write_mirror(path, replace(SMALL, n_studies=4))
    return path


def bulk_of(mirror: Path) -> Path:
    return mirror / "dee2" / "mx" / "mmusculus_se.h5"


def test_the_long_text_of_an_older_mirror_gives_the_same_counts(
    mirror: Path, tmp_path: Path
) -> None:
    want = workspace_of(tmp_path / "h5", mirror, source_of(mirror, counts="bulk"))
    fetch_into(want)
    with h5py.File(bulk_of(mirror)) as file:
        runs, genes = ([name.decode() for name in file[key][:]] for key in ("rownames", "colnames"))
        matrix = file["bigmatrix"][:].T
    lines = [
        f"{run}\t{gene}\t{count}\n"
        for run, row in zip(runs, matrix, strict=True)
        for gene, count in zip(genes, row, strict=True)
    ]
    bulk_of(mirror).unlink()
    path = mirror / "dee2" / "mx" / "mmusculus_se.tsv.bz2"
    path.write_bytes(bz2.compress("".join(lines).encode()))
    given = workspace_of(tmp_path / "text", mirror, source_of(mirror, counts="bulk"))
    assert fetch_into(given).refused == {}
    for study in source_in(want).studies():
        a, b = source_in(want).read(study), source_in(given).read(study)
        assert a.counts.samples == b.counts.samples
        np.testing.assert_array_equal(a.counts.counts, b.counts.counts)


def test_a_bulk_file_whose_sum_is_another_is_not_believed(mirror: Path, tmp_path: Path) -> None:
    digest = hashlib.md5(bulk_of(mirror).read_bytes()).hexdigest()
    sums = bulk_of(mirror).with_name("checksums.md5")
    sums.write_text(f"{'0' * 32}  mmusculus_se.h5\n")
    workspace = workspace_of(tmp_path / "ws", mirror, source_of(mirror, counts="bulk"))
    with pytest.raises(InputError, match=r"has not the MD5 sum of mmusculus_se\.h5"):
        fetch_into(workspace)
    sums.write_text(f"{'0' * 32}  mmusculus_ke.h5\n{digest}  ./mmusculus_se.h5\n")
    assert fetch_into(workspace).refused == {}


def test_a_sum_may_be_in_capitals(mirror: Path, tmp_path: Path) -> None:
    digest = hashlib.md5(bulk_of(mirror).read_bytes()).hexdigest().upper()
    bulk_of(mirror).with_name("checksums.md5").write_text(f"{digest}  mmusculus_se.h5\n")
    workspace = workspace_of(tmp_path / "ws", mirror, source_of(mirror, counts="bulk"))
    assert fetch_into(workspace).refused == {}


@pytest.mark.parametrize("fault", ["503*", "html*"])
def test_sums_that_can_t_be_had_today_are_not_taken_for_none(
    mirror: Path, tmp_path: Path, fault: str
) -> None:
    bulk_of(mirror).with_name("checksums.md5").write_text(f"{'0' * 32}  mmusculus_se.h5\n")
    with serve(mirror, {"checksums": [fault]}) as server:
        source = source_of(server.address, counts="bulk")
        workspace = workspace_of(tmp_path / "ws", mirror, source)
        with pytest.raises(InputError, match=r"checksums\.md5"):
            fetch_into(workspace)
        server.faults.clear()
        with pytest.raises(InputError, match="has not the MD5 sum"):
            fetch_into(workspace)


def test_cuts_of_earlier_passes_are_deleted_when_no_study_has_them(
    mirror: Path, tmp_path: Path
) -> None:
    workspace = workspace_of(tmp_path / "ws", mirror, source_of(mirror, counts="bulk"))
    fetch_into(workspace)
    folder = workspace.raw.root / "dee2" / "bulk"
    (first,) = folder.iterdir()
    one = source_of(mirror, counts="bulk", accessions=("SRP990000001",))
    fetch_into(workspace_of(tmp_path / "ws", mirror, one))
    assert len(list(first.glob("SRP*"))) == 4
    # Two studies have runs that fail; the others are as they were.
    every = source_of(mirror, counts="bulk", fail_runs="keep")
    for settings, kept in ((every, 2), (workspace.config.source, 4)):
        again = workspace_of(tmp_path / "ws", mirror, settings)
        assert fetch_into(again).refused == {}
        assert len(list(first.glob("SRP*"))) == kept
        assert len(list(folder.iterdir())) == 2 - (kept == 4)
        for study in source_in(again).studies():
            source_in(again).read(study)


def test_a_bulk_file_that_is_a_page_or_damaged_is_one_sentence(
    mirror: Path, tmp_path: Path
) -> None:
    workspace = workspace_of(tmp_path / "ws", mirror, source_of(mirror, counts="bulk"))
    bulk_of(mirror).write_bytes(b"<html>")
    with pytest.raises(InputError, match="is no HDF5 file") as error:
        fetch_into(workspace)
    assert "\n" not in str(error.value)


def test_a_pass_that_was_stopped_goes_on_after_its_last_whole_block(
    mirror: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = workspace_of(tmp_path / "ws", mirror, source_of(mirror, counts="bulk"))
    whole = workspace_of(tmp_path / "whole", mirror, source_of(mirror, counts="bulk"))
    fetch_into(whole)
    starts: list[int] = []

    def read_some(
        path: Path, wanted: Collection[str], *, start: int, block_bytes: int
    ) -> Iterator[Block]:
        starts.append(start)
        for i, block in enumerate(read_hdf5(path, wanted, start=start, block_bytes=1)):
            assert block.counts.nbytes < block_bytes
            if len(starts) == 1 and i == 2:
                raise KeyboardInterrupt
            yield block

    monkeypatch.setattr(bulk_module, "read_hdf5", read_some)
    with pytest.raises(KeyboardInterrupt):
        fetch_into(workspace)
    assert fetch_into(workspace).refused == {}
    assert starts == [0, 20]
    assert fetch_into(workspace).known == 4
    assert starts == [0, 20]
    for study in source_in(whole).studies():
        a, b = source_in(whole).read(study), source_in(workspace).read(study)
        np.testing.assert_array_equal(a.counts.counts, b.counts.counts)
