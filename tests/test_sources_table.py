"""Count tables: every shape that is read, and every fault that is refused with its place."""

import gzip
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.sources.refusal import Refusal
from pipeline.sources.table import CountTable, CountTableError, read_count_table

PLAIN = "gene_id\tA\tB\ng1\t1\t2\ng2\t3\t4\n"


def _read(path: Path, content: str | bytes, name: str = "counts.tsv") -> CountTable:
    file = path / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_count_table(file)


def _refused(path: Path, content: str | bytes) -> Refusal:
    with pytest.raises(Refusal) as caught:
        _read(path, content)
    assert "counts.tsv" in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    "content",
    [
        PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        PLAIN.replace("\t", ","),
        PLAIN.replace("\t", ";"),
        PLAIN.replace("\t", " "),
        PLAIN.rstrip("\n"),
        "\n" + PLAIN.replace("\n", "\n\n"),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        gzip.compress(b"\xef\xbb\xbf" + PLAIN.encode(), mtime=0),
        gzip.compress(PLAIN[:20].encode(), mtime=0) + gzip.compress(PLAIN[20:].encode(), mtime=0),
        PLAIN.removeprefix("gene_id\t"),
        PLAIN.removeprefix("gene_id"),
        '"","A","B"\n"g1",1,2\n"g2",3,4\n',
        '"A" "B"\n"g1" 1 2\n"g2" "3" 4.0\n',
        "gene_id\tA\tB\ng1\t 1\t2 \n g2 \t3e0\t4.\n",
        PLAIN + "\t\t\n",
        PLAIN + "N_unmapped\t9\t9\nN_noFeature\t9\t9\n__no_feature\t9\t9\nno_feature\t9\t9\n",
        "gene_id\tA\tB\nN_multimapping\t7\t7\nN_ambiguous\t7\t7\ng1\t1\t2\ng2\t3\t4\n",
        "# Program:featureCounts v2.0.1; Command:x\nGeneid\tChr\tStart\tEnd\tStrand\tLength\t"
        "out/A.bam\tout/B.bam\ng1\t1;1\t5;9\t6;10\t+;+\t3\t1\t2\ng2\tX\t1\t2\t-\t2\t3\t4\n",
    ],
)
def test_one_table_is_read_alike_in_every_dialect(tmp_path: Path, content: str | bytes) -> None:
    table = _read(tmp_path, content)
    assert table.ids == ["g1", "g2"]
    assert table.samples == ["A", "B"]
    assert table.counts.dtype == np.float64
    np.testing.assert_array_equal(table.counts, [[1, 3], [2, 4]])


def test_ids_stay_as_they_came_even_repeated_or_empty(tmp_path: Path) -> None:
    table = _read(tmp_path, "id\tA\nENSMUSG00000000001.4 Gnai3\t1\ng|x\t2\ng|x\t3\n\t4\n")
    assert table.ids == ["ENSMUSG00000000001.4 Gnai3", "g|x", "g|x", ""]
    np.testing.assert_array_equal(table.counts, [[1, 2, 3, 4]])


def test_fractional_counts_are_kept_and_samples_without_counts_too(tmp_path: Path) -> None:
    table = _read(tmp_path, "id\tA\tB\ng1\t1.25\t0\ng2\t0.5\t0\n")
    np.testing.assert_array_equal(table.counts, [[1.25, 0.5], [0, 0]])


def test_sample_names_may_hold_signs_separators_and_any_letters(tmp_path: Path) -> None:
    table = _read(tmp_path, '"id","a, b","IL-4 (5 µg)",73494\n"g1",1,2,3\n')
    assert table.samples == ["a, b", "IL-4 (5 µg)", "73494"]


def test_a_table_of_some_samples_keeps_their_order(tmp_path: Path) -> None:
    table = _read(tmp_path, PLAIN).select(["B"])
    assert table.samples == ["B"]
    np.testing.assert_array_equal(table.counts, [[2, 4]])


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        ("", "empty_table", "is empty"),
        (" \n\n", "empty_table", "is empty"),
        (gzip.compress(b"", mtime=0), "empty_table", "is empty"),
        ("gene_id\tA\tB\n", "empty_table", "a header and no rows"),
        ("gene_id\tA\nN_unmapped\t5\n", "empty_table", "no rows of genes"),
        ("gene_id\ng1\ng2\n", "no_samples", "one column, 'gene_id'"),
        ("gene_id|A|B\ng1|1|2\n", "no_samples", "separate columns by tabs or commas"),
        (
            "Geneid\tChr\tStart\tEnd\tStrand\tLength\ng1\t1\t5\t6\t+\t2\n",
            "no_samples",
            "no column of counts",
        ),
        ("gene_id\tA\t\ng1\t1\t2\n", "unnamed_column", "sample 2 has no name"),
        ("gene_id\tA\tB\tA\ng1\t1\t2\t3\n", "duplicate_samples", "two columns 'A'"),
        ("N_unmapped\t5\t5\t5\ng1\t1\t2\t3\n", "no_header", "begins with 'N_unmapped'"),
        ("ENSMUSG00000000001\t5\t6\ng1\t1\t2\n", "no_header", "add a header line"),
        (
            "gene_id\tA\tB\ng1\t1\t2\t3\t4\n",
            "ragged_row",
            "'g1' has 5 fields where the header has 3",
        ),
        (PLAIN + "g3\t5\n", "ragged_row", "row 'g3' has 2 fields where the header has 3"),
        (PLAIN + "g3\t5\t6\t7\n", "ragged_row", "row 'g3' has 4 fields where the header has 3"),
        (PLAIN + "g3\t-5\t6\n", "negative_count", "row 'g3', column 'A' is -5"),
        (PLAIN + "g3\t5\t\n", "missing_count", "row 'g3', column 'B' has no count ('')"),
        (PLAIN + "g3\tNA\t6\n", "missing_count", "row 'g3', column 'A' has no count ('NA')"),
        (PLAIN + "g3\t5\tNaN\n", "missing_count", "row 'g3', column 'B' has no count ('NaN')"),
        (PLAIN + "g3\t5\tInf\n", "bad_count", "row 'g3', column 'B' is 'Inf', not a count"),
        (PLAIN + "g3\t5\t-inf\n", "bad_count", "row 'g3', column 'B' is '-inf', not a count"),
        (PLAIN + "g3\t5\tmany\n", "bad_count", "row 'g3', column 'B' is 'many', not a count"),
        (PLAIN + 'g3\t"1,234"\t5\n', "bad_count", "row 'g3', column 'A' is '1,234', not a count"),
        (PLAIN + "g3\tx\t5\ng4\t5\t-1\n", "bad_count", "row 'g3', column 'A' is 'x'"),
        (
            "id\tsymbol\tA\ng1\tGnai3\t1\ng2\tPbsn\t2\n",
            "annotation_column",
            "column 'symbol' holds text such as 'Gnai3'",
        ),
        ("a\0b\tA\ng1\t1\n", "not_text", "is binary"),
        (bytes(range(256)) * 9, "not_text", "is binary"),
        ("gene\tÄ\ng1\t1\n".encode("latin-1"), "not_text", "not UTF-8 at byte 5"),
        (PLAIN.encode("utf-16"), "not_text", "is UTF-16"),
        (b"PK\x03\x04" + bytes(40), "excel_file", "save the table as TSV or CSV"),
        (b"\xd0\xcf\x11\xe0" + bytes(40), "excel_file", "save the table as TSV or CSV"),
        (gzip.compress(PLAIN.encode() * 99, mtime=0)[:-9], "damaged_gzip", "copy it again"),
        (gzip.compress(PLAIN.encode(), mtime=0)[:-4] + b"abcd", "damaged_gzip", "copy it again"),
        (gzip.compress(PLAIN.encode(), mtime=0) + b"rest", "damaged_gzip", "copy it again"),
        (b"\x1f\x8b\x08garbage", "damaged_gzip", "copy it again"),
    ],
)
def test_a_fault_is_refused_with_its_place(
    tmp_path: Path, content: str | bytes, code: str, says: str
) -> None:
    refusal = _refused(tmp_path, content)
    assert (refusal.code, says in refusal.message) == (code, True), refusal.message
    assert "\n" not in refusal.message


def test_a_table_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="No such file") as caught:
        read_count_table(tmp_path / "counts.tsv")
    assert caught.value.code == "unreadable"
    assert not isinstance(caught.value, CountTableError)


def test_a_fault_far_below_the_first_block_is_found(tmp_path: Path) -> None:
    rows = "".join(f"g{i}\t{i}\t{'x' * (i == 150_000)}{i}\n" for i in range(200_000))
    refusal = _refused(tmp_path, "id\tA\tB\n" + rows)
    assert refusal.code == "bad_count"
    assert "row 'g150000', column 'B' is 'x150000'" in refusal.message


def test_values_far_below_may_turn_fractional(tmp_path: Path) -> None:
    rows = "".join(f"g{i}\t{i}{'.5' * (i > 150_000)}\n" for i in range(200_000))
    counts = _read(tmp_path, "id\tA\n" + rows).counts
    assert counts[0, 0] == 0
    assert counts[0, -1] == 199_999.5


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None
)
@given(data=st.data())
def test_what_is_written_is_read_back(tmp_path: Path, data: st.DataObject) -> None:
    name = st.text(
        st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=6
    )
    plain = name.filter(lambda text: not set(text) & set("\"'#") and not text.startswith("N_"))
    samples = data.draw(st.lists(plain, min_size=1, max_size=4, unique=True))
    ids = data.draw(st.lists(plain.map("g".__add__), min_size=1, max_size=6))
    shape = (len(samples), len(ids))
    counts = np.array(
        data.draw(
            st.lists(
                st.one_of(st.integers(0, 2**53).map(float), st.floats(0, 1e9, width=32)),
                min_size=shape[0] * shape[1],
                max_size=shape[0] * shape[1],
            )
        )
    ).reshape(shape)
    lines = ["\t".join(["id", *samples])]
    lines += ["\t".join([g, *map(repr, c)]) for g, c in zip(ids, counts.T.tolist(), strict=True)]
    table = _read(tmp_path, "\n".join(lines))
    assert table.samples == samples
    assert table.ids == ids
    np.testing.assert_array_equal(table.counts, counts)


pieces = st.sampled_from(
    [
        b"g",
        b"\t",
        b"\n",
        b"\r",
        b",",
        b'"',
        b" ",
        b"1",
        b"-",
        b"NA",
        b"e400",
        b"# ",
        b"\xef\xbb\xbf",
        b"\0",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(start=st.sampled_from(["", PLAIN]), rest=st.lists(pieces, max_size=12).map(b"".join))
def test_any_bytes_are_a_table_or_refused_in_one_line(
    tmp_path: Path, start: str, rest: bytes
) -> None:
    message = ""
    try:
        table = _read(tmp_path, start.encode() + rest)
    except Refusal as refusal:
        message = refusal.message
    else:
        assert table.counts.shape == (len(table.samples), len(table.ids))
        assert (table.counts >= 0).all()
    assert len(message.splitlines()) <= 1


def _write_big(path: Path) -> npt.NDArray[np.int64]:
    counts = np.random.default_rng(0).negative_binomial(0.3, 0.001, size=(55_000, 12))
    rows = (f"ENSMUSG{i:011d}\t" + "\t".join(map(str, row)) for i, row in enumerate(counts))
    header = "gene_id\t" + "\t".join(f"s{i}" for i in range(12))
    path.write_bytes(gzip.compress("\n".join([header, *rows]).encode(), 1))
    return counts


def test_a_table_of_55000_by_12_is_read_in_full(tmp_path: Path) -> None:
    counts = _write_big(tmp_path / "counts.tsv.gz")
    np.testing.assert_array_equal(read_count_table(tmp_path / "counts.tsv.gz").counts, counts.T)
