"""DEE2's bulk files: one pass, in blocks, whichever way round they lie."""

import bz2
from pathlib import Path

import h5py
import numpy as np
import pytest

from pipeline.sources.bulk_cut import encode_cut, encode_genes, read_cut
from pipeline.sources.bulk_hdf5 import read_hdf5
from pipeline.sources.bulk_text import read_long_text
from pipeline.sources.refusal import Refusal
from storage.errors import InputError

RUNS = [f"SRR{i}" for i in range(47)]
GENES = [f"ENSMUSG{i:011d}" for i in range(9)]
COUNTS = np.random.default_rng(0).integers(0, 1000, (len(RUNS), len(GENES)))


def write_hdf5(path: Path, runs_first: bool, runs: list[str] = RUNS) -> Path:
    with h5py.File(path, "w") as file:
        file["rownames"], file["colnames"] = runs, GENES
        data = COUNTS[: len(runs)]
        chunks = (10, len(GENES)) if len(runs) > 10 else (len(runs), len(GENES))
        if not runs_first:
            data, chunks = data.T, chunks[::-1]
        file.create_dataset("bigmatrix", data=data, chunks=chunks, compression="gzip")
    return path


@pytest.mark.parametrize("runs_first", [True, False])
@pytest.mark.parametrize("block_bytes", [1, 2000, 1 << 20])
def test_wanted_runs_are_read_whichever_way_round_the_matrix_lies(
    tmp_path: Path, runs_first: bool, block_bytes: int
) -> None:
    path = write_hdf5(tmp_path / "se.h5", runs_first)
    wanted = [0, 1, 13, 46]
    blocks = list(read_hdf5(path, {RUNS[i] for i in wanted}, block_bytes=block_bytes))
    assert [run for block in blocks for run in block.runs] == [RUNS[i] for i in wanted]
    np.testing.assert_array_equal(np.concatenate([b.counts for b in blocks]), COUNTS[wanted])
    assert all(block.genes == GENES and block.first % 10 == 0 for block in blocks)


@pytest.mark.parametrize("runs_first", [True, False])
def test_a_square_matrix_is_told_by_its_chunks(tmp_path: Path, runs_first: bool) -> None:
    path = tmp_path / "se.h5"
    with h5py.File(path, "w") as file:
        file["rownames"], file["colnames"] = RUNS[:9], GENES
        data, chunks = (COUNTS[:9], (3, 9)) if runs_first else (COUNTS[:9].T, (9, 3))
        file.create_dataset("bigmatrix", data=data, chunks=chunks)
    (block,) = read_hdf5(path, {"SRR4"})
    np.testing.assert_array_equal(block.counts, COUNTS[4:5])


def test_every_chunk_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_hdf5(tmp_path / "se.h5", runs_first=False)
    read: list[object] = []
    getitem = h5py.Dataset.__getitem__

    def counted(self: h5py.Dataset, key: object) -> object:
        if self.ndim == 2:
            read.append(key)
        return getitem(self, key)

    monkeypatch.setattr(h5py.Dataset, "__getitem__", counted)
    blocks = list(read_hdf5(path, set(RUNS), block_bytes=1))
    assert len(read) == len(blocks) == 5
    assert max(block.counts.size for block in blocks) == 10 * len(GENES)
    read.clear()
    assert len(list(read_hdf5(path, {"SRR0", "SRR46"}, block_bytes=1))) == len(read) == 2
    assert len(list(read_hdf5(path, {"SRR0", "SRR46"}, block_bytes=1, start=20))) == 1


def test_a_file_that_is_no_bulk_file_is_an_error_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "se.h5"
    path.write_bytes(b"<html>")
    cases = [("can't be read as a bulk file", None)]
    for says, runs, matrix in (
        ("has a matrix of 3 x 3 for 47 runs", RUNS, np.ones((3, 3))),
        ("has no bigmatrix", RUNS, None),
        ("not a matrix of counts", RUNS, np.ones(3)),
        ("not a matrix of counts", RUNS, np.array([[b"PASS"]])),
    ):
        with pytest.raises(InputError, match=cases[-1][0]) as error:
            list(read_hdf5(path, set(RUNS)))
        assert "\n" not in str(error.value)
        with h5py.File(path, "w") as file:
            file["rownames"], file["colnames"] = runs, GENES
            if matrix is not None:
                file["bigmatrix"] = matrix
        cases.append((says, None))
    with pytest.raises(InputError, match=cases[-1][0]):
        list(read_hdf5(path, set(RUNS)))


def test_a_damaged_chunk_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "se.h5"
    with h5py.File(path, "w") as file:
        file["rownames"], file["colnames"] = RUNS, GENES
        file.create_dataset(
            "bigmatrix", data=COUNTS, chunks=(10, 9), compression="gzip", fletcher32=True
        )
        where = file["bigmatrix"].id.get_chunk_info(2).byte_offset
    data = bytearray(path.read_bytes())
    data[where + 5] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match=r"se\.h5 can't be read"):
        list(read_hdf5(path, set(RUNS)))


def long_text(order: dict[str, list[int]]) -> bytes:
    lines = [
        f"{run}\t{GENES[i]}\t{COUNTS[RUNS.index(run), i]}\n"
        for run, at in order.items()
        for i in at
    ]
    lines.insert(3, "a line\tcut short\n")
    return bz2.compress("".join(lines).encode())


def test_a_long_file_gives_the_same_runs_whatever_the_order_of_genes(tmp_path: Path) -> None:
    path = tmp_path / "se.tsv.bz2"
    rng = np.random.default_rng(1)
    order = {
        run: list(range(9)) if i == 0 else list(rng.permutation(9)) for i, run in enumerate(RUNS)
    }
    path.write_bytes(long_text(order))
    blocks = list(read_long_text(path, {"SRR0", "SRR17", "SRR46"}, block_bytes=100))
    assert [block.runs for block in blocks] == [["SRR0", "SRR17"], ["SRR46"]]
    assert [(block.first, block.stop) for block in blocks] == [(0, 18), (18, 47)]
    np.testing.assert_array_equal(np.concatenate([b.counts for b in blocks]), COUNTS[[0, 17, 46]])
    assert [b.runs for b in read_long_text(path, set(RUNS), start=40)] == [RUNS[40:]]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<html>", "can't be read as a bulk file"),
        (long_text({"SRR0": list(range(9)), "SRR1": list(range(8))}), "other genes than the first"),
        (long_text({"SRR0": list(range(9)), "SRR1": [0, *range(8)]}), "or some twice"),
        (bz2.compress(b"SRR1\tg\tmany\n"), "can't be read as a bulk file"),
        (long_text({"SRR0": list(range(9))})[:-20], "can't be read as a bulk file"),
    ],
)
def test_a_long_file_that_is_damaged_is_an_error(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "se.tsv.bz2"
    path.write_bytes(content)
    with pytest.raises(InputError, match=says) as error:
        list(read_long_text(path, set(RUNS)))
    assert "\n" not in str(error.value)


def test_a_cut_gives_back_its_runs_or_says_that_it_is_damaged(tmp_path: Path) -> None:
    name, genes = encode_genes(GENES)
    (tmp_path / name).write_bytes(genes)
    cut = tmp_path / "SRP1" / "0.arrow"
    cut.parent.mkdir()
    cut.write_bytes(encode_cut(name, RUNS[:3], COUNTS[:3]))
    table = read_cut(cut, ("SRR2", "SRR0"))
    assert (table.ids, table.samples) == (GENES, ["SRR2", "SRR0"])
    np.testing.assert_array_equal(table.counts, COUNTS[[2, 0]])
    with pytest.raises(Refusal, match="damaged"):
        read_cut(cut, ("SRR9",))
    cut.write_bytes(cut.read_bytes()[:100])
    with pytest.raises(Refusal, match="damaged"):
        read_cut(cut, ("SRR0",))
