"""A folder of studies: what is a study, when it has changed, and what is read of it."""

import gzip
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from pipeline.sources.folder import FolderSource
from pipeline.sources.refusal import REASONS, Refusal
from pipeline.sources.samples import read_sample_table
from storage.errors import InputError

COUNTS = "gene_id\tA\tB\tC\ng1\t1\t2\t3\ng2\t4\t5\t6\n"
SAMPLES = "sample\tgroup\nC\tx\nA\ty\nB\tx\n"


def _study(root: Path, **files: str | bytes) -> FolderSource:
    """A folder with the study S1 of these files; `_` in a file's name is its dot."""
    folder = root / "S1"
    folder.mkdir(exist_ok=True)
    for file, content in files.items():
        path = folder / file.replace("_", ".")
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return FolderSource(root)


def _refusal(source: FolderSource, study: str = "S1") -> Refusal:
    with pytest.raises(Refusal) as caught:
        source.read(study)
    return caught.value


def test_a_folder_whose_name_is_no_utf_8_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "good").mkdir()
    os.mkdir(os.fsencode(tmp_path) + b"/M\xfcller")  # noqa: PTH102
    with pytest.raises(InputError, match=r"the folder b'M.xfcller' in .* is not UTF-8; rename it"):
        FolderSource(tmp_path).studies()


def test_every_folder_that_is_not_hidden_is_a_study_whatever_its_name(tmp_path: Path) -> None:
    for name in ("b", "GSE1 (mouse)", "Ä:%", ".cache"):
        (tmp_path / name).mkdir()
    (tmp_path / "README.md").write_text("no study")
    assert FolderSource(tmp_path).studies() == ["GSE1 (mouse)", "b", "Ä:%"]


def test_a_folder_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere"):
        FolderSource(tmp_path / "nowhere").studies()


def test_samples_come_in_the_order_of_the_counts(tmp_path: Path) -> None:
    given = _study(tmp_path, counts_tsv=COUNTS, samples_tsv=SAMPLES).read("S1")
    assert given.counts.samples == list(given.samples.index) == ["A", "B", "C"]
    assert list(given.samples["group"]) == ["y", "x", "x"]
    assert (given.unmatched_counts, given.unmatched_rows) == ([], [])


@pytest.mark.parametrize("ending", ["tsv", "csv", "txt", "tsv.gz", "csv.gz", "txt.gz"])
def test_tables_may_end_in_any_usual_way(tmp_path: Path, ending: str) -> None:
    pack = gzip.compress if ending.endswith("gz") else bytes
    counts, samples = (pack(text.encode()) for text in (COUNTS, SAMPLES))
    source = _study(tmp_path, **{f"counts.{ending}": counts, f"samples.{ending}": samples})
    np.testing.assert_array_equal(source.read("S1").counts.counts, [[1, 4], [2, 5], [3, 6]])


def test_samples_that_only_one_table_has_are_left_out_and_told(tmp_path: Path) -> None:
    source = _study(tmp_path, counts_tsv=COUNTS, samples_tsv="sample\tgroup\nC\tx\nA\ty\n")
    given = source.read("S1")
    assert given.counts.samples == list(given.samples.index) == ["A", "C"]
    np.testing.assert_array_equal(given.counts.counts, [[1, 4], [3, 6]])
    assert (given.unmatched_counts, given.unmatched_rows) == (["B"], [])
    given = _study(tmp_path, samples_tsv=SAMPLES + "D\tx\n").read("S1")
    assert (given.unmatched_counts, given.unmatched_rows) == ([], ["D"])


@pytest.mark.parametrize(
    ("files", "code", "says"),
    [
        ({}, "no_counts", "S1 has no count table; add counts.tsv"),
        ({"samples.tsv": SAMPLES}, "no_counts", "S1 has no count table"),
        (
            {"counts.tsv": COUNTS, "counts.csv.gz": b"", "samples.tsv": SAMPLES},
            "several_tables",
            "counts.tsv and counts.csv.gz; keep one count table",
        ),
        ({"counts.tsv": "", "samples.tsv": SAMPLES}, "empty_table", "S1/counts.tsv is empty"),
        ({"counts.tsv": COUNTS, "samples.tsv": ""}, "empty_table", "S1/samples.tsv is empty"),
        ({"counts.tsv": COUNTS, "samples.tsv": "sample\tgroup\n"}, "empty_table", "no rows"),
        (
            {"counts.tsv": COUNTS, "samples.tsv": SAMPLES + "D\n"},
            "ragged_row",
            "row 'D' has 1 fields where the header has 2",
        ),
        ({"counts.tsv": COUNTS, "samples.tsv": 's\tg\n"A\tx\n'}, "ragged_row", "can't be parsed"),
        ({"counts.tsv": COUNTS, "samples.csv": b"PK\x03\x04"}, "excel_file", "Excel"),
        ({"counts.tsv": COUNTS, "samples.tsv": "s\tg\nX\t1\nY\t2\n"}, "samples_mismatch", "'X'"),
    ],
)
def test_a_study_that_can_not_be_read_is_refused_with_a_reason(
    tmp_path: Path, files: dict[str, str | bytes], code: str, says: str
) -> None:
    refusal = _refusal(_study(tmp_path, **files))
    assert (refusal.code, says in refusal.message) == (code, True), refusal.message


def test_the_fingerprint_changes_with_the_tables_and_with_nothing_else(tmp_path: Path) -> None:
    source = _study(tmp_path, counts_tsv=COUNTS, samples_tsv=SAMPLES)
    first = source.fingerprint("S1")
    _study(tmp_path, notes_txt="anything")
    assert source.fingerprint("S1") == first
    os.utime(tmp_path / "S1" / "samples.tsv", ns=(1, 2))
    second = source.fingerprint("S1")
    _study(tmp_path, samples_csv=SAMPLES)
    third = source.fingerprint("S1")
    (tmp_path / "S1" / "counts.tsv").unlink()
    assert len({first, second, third, source.fingerprint("S1")}) == 4


def test_a_sample_table_is_read_as_text_in_every_dialect(tmp_path: Path) -> None:
    path = tmp_path / "samples.tsv"
    for text in (
        "\ufeff\tgroup\tdose (µg)\ngroup\nS1\tIL-4, low\t010\n\nS2\tNA\t\n".replace("\ngroup", ""),
        'group\tdose (µg)\r\n"S1"\t"IL-4, low"\t010\r\nS2\tNA\t\r\n',
        '"",group,dose (µg)\nS1,"IL-4, low",010\nS2,NA,\n',
        "row;group;dose (µg)\nS1;IL-4, low;010\nS2;NA;\n",
    ):
        path.write_text(text, encoding="utf-8")
        table = read_sample_table(path)
        assert list(table.columns) == ["row", "group", "dose (µg)"]
        assert table.to_numpy().tolist() == [["S1", "IL-4, low", "010"], ["S2", "NA", ""]]


def test_signs_that_end_a_line_for_unicode_alone_stay_in_their_cell(tmp_path: Path) -> None:
    path = tmp_path / "samples.tsv"
    path.write_text("sample\tnote\nA\tx\u2028y\x0bz\n", encoding="utf-8")
    assert read_sample_table(path).to_numpy().tolist() == [["A", "x\u2028y\x0bz"]]


def test_names_of_columns_are_made_unique(tmp_path: Path) -> None:
    path = tmp_path / "samples.csv"
    path.write_text("s,c,c,c.1,,c\n1,2,3,4,5,6\n")
    assert list(read_sample_table(path).columns) == ["s", "c", "c.1", "c.1.1", "row", "c.2"]


def test_a_refusal_survives_the_way_between_processes_and_knows_its_code() -> None:
    refusal = pickle.loads(pickle.dumps(Refusal("no_counts", "S1 has none")))
    assert (refusal.code, refusal.message, str(refusal)) == (
        "no_counts",
        "S1 has none",
        "S1 has none",
    )
    with pytest.raises(ValueError, match="no reason code"):
        Refusal("nonsense", "x")


def test_every_reason_code_is_raised_somewhere_and_stands_in_the_docs() -> None:
    root = Path(__file__).parents[1]
    code = "".join(path.read_text() for path in (root / "pipeline").rglob("*.py"))
    docs = (root / "docs" / "input.md").read_text()
    for reason, meaning in REASONS.items():
        assert code.count(f'"{reason}"') >= 2, f"{reason} is never raised"
        assert f"| `{reason}` | {meaning} |" in docs, f"{reason} is not in docs/input.md"


MATRIX = (
    '!Series_geo_accession\t"GSE9"\n\n'
    '!Sample_title\t"one"\t"two"\t"three"\n'
    '!Sample_geo_accession\t"GSM1"\t"GSM2"\t"GSM3"\n'
    '!Sample_characteristics_ch1\t"diet: chow"\t"diet: fat"\t"diet: fat"\n'
    '!Sample_description\t"A"\t"B"\t"C"\n'
)


def test_a_study_with_counts_alone_has_a_sample_table_without_columns(tmp_path: Path) -> None:
    given = _study(tmp_path, counts_tsv=COUNTS).read("S1")
    assert list(given.samples.index) == given.counts.samples == ["A", "B", "C"]
    assert given.samples.shape == (3, 0)


@pytest.mark.parametrize("names", ["A\tB\tC", "GSM1\tGSM2\tGSM3", "three\ttwo\tone"])
def test_a_series_matrix_beside_the_counts_is_their_sample_table(
    tmp_path: Path, names: str
) -> None:
    counts = COUNTS.replace("A\tB\tC", names)
    source = _study(tmp_path, counts_tsv=counts, GSE9_series_matrix_txt="")
    path = tmp_path / "S1" / "GSE9_series_matrix.txt.gz"
    path.write_bytes(gzip.compress(MATRIX.encode()))
    (tmp_path / "S1" / "GSE9.series.matrix.txt").unlink()
    given = source.read("S1")
    assert list(given.samples.index) == given.counts.samples == names.split("\t")
    by_title = dict(zip(given.samples["title"], given.samples["diet"], strict=True))
    assert by_title == {"one": "chow", "two": "fat", "three": "fat"}
    before = source.fingerprint("S1")
    path.write_bytes(gzip.compress(MATRIX.replace("chow", "starved").encode()))
    assert source.fingerprint("S1") != before


def test_a_sample_table_of_the_owner_comes_before_geo_s(tmp_path: Path) -> None:
    source = _study(tmp_path, counts_tsv=COUNTS, samples_tsv=SAMPLES)
    (tmp_path / "S1" / "GSE9_series_matrix.txt").write_text(MATRIX)
    assert list(source.read("S1").samples.columns) == ["sample", "group"]


def test_series_of_several_platforms_are_joined_and_other_assays_left_out(tmp_path: Path) -> None:
    source = _study(tmp_path, counts_tsv=COUNTS.replace("A\tB\tC", "GSM1\tGSM2\tGSM3"))
    for platform, names in (("GPL1", ("GSM1", "GSM2")), ("GPL2", ("GSM3",))):
        cells = {"geo_accession": names, "platform_id": [platform] * len(names)}
        cells["library_strategy"] = ["ChIP-Seq" if name == "GSM2" else "RNA-Seq" for name in names]
        rows = ["\t".join([f"!Sample_{k}", *(f'"{v}"' for v in vs)]) for k, vs in cells.items()]
        text = '!Series_geo_accession\t"GSE9"\n' + "\n".join(rows) + "\n"
        (tmp_path / "S1" / f"GSE9-{platform}_series_matrix.txt").write_text(text)
    given = source.read("S1")
    assert list(given.samples["platform"]) == ["GPL1", "GPL2"]
    assert given.counts.samples == list(given.samples.index) == ["GSM1", "GSM3"]
    assert given.left_out == {"GSM2": "other assay: ChIP-Seq"}
