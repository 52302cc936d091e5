"""DEE2's lists, flags and archives: what is read of them, and what is refused."""

import dataclasses
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.sources import archive as archive_module
from pipeline.sources.archive import read_archive
from pipeline.sources.project_table import read_project_table
from pipeline.sources.qc import Qc, QcSettings, parse_qc, stricter
from pipeline.sources.refusal import Refusal
from pipeline.sources.run_list import Run, by_project, read_run_list
from pipeline.sources.settings import Layer
from storage.errors import InputError
from tests.support.dee2_files import CUT, OF_2018, TSV, members, table, write, zip_of

GENES = [f"ENSMUSG{i:011d}" for i in (5, 3, 9)]
COUNTS = {"SRR3": (1, 0, 4), "SRR1": (2, 8, 0)}
CELLS = {
    "SRR_accession": "SRR1",
    "QC_summary": "WARN(3,4)",
    "SRX_accession": "SRX1",
    "SRS_accession": "SRS1",
    "SRP_accession": "SRP1",
    "Experiment_title": "GSM7: liver #2, \"5' end; Mus musculus; RNA-Seq",
    "GEO_series": "GSE9;GSE10",
    "GSE_accession": "GSE9",
    "GSM_accession": "GSM7",
}


@pytest.mark.parametrize("columns", [CUT, TSV, OF_2018, ("left", *CUT[::-1])])
def test_columns_of_the_run_list_are_found_by_name(
    tmp_path: Path, columns: tuple[str, ...]
) -> None:
    row = [CELLS.get(name, "x") for name in columns]
    path = write(tmp_path / "list.tsv", table(columns, [row]))
    (run,) = read_run_list(path)
    assert run[:5] == ("SRR1", "WARN(3,4)", "SRX1", "SRS1", "SRP1")
    assert run.geo_sample == "GSM7"
    assert set(run.series) == ({"GSE9"} if columns is OF_2018 else {"GSE9", "GSE10"})
    if columns is not OF_2018:
        assert run.title == CELLS["Experiment_title"]


def test_a_row_of_another_width_is_made_to_fit(tmp_path: Path) -> None:
    path = tmp_path / "list.tsv"
    for columns in (CUT, TSV):
        cells = {**CELLS, "Experiment_title": "a\ttitle\twith tabs"}
        rows = [[cells[name] for name in columns], ["SRR2", "PASS", "SRX2", "SRS2", "SRP1"], [""]]
        write(path, table(columns, rows))
        first, second = read_run_list(path)
        assert first.title == "a title with tabs"
        assert first.series == ("GSE10", "GSE9")
        assert second == Run("SRR2", "PASS", "SRX2", "SRS2", "SRP1", "", (), "")


def test_of_two_flags_and_of_two_lines_the_stricter_counts(tmp_path: Path) -> None:
    header = ("SRR_accession", "QC_summary", "SRP_accession", "QC_SUMMARY")
    rows = [("SRR1", "PASS", "SRP1", "FAIL(1)"), ("SRR2", "PASS", "SRP1", "PASS")]
    rows.append(("SRR2", "WARN(2)", "SRP1", "PASS"))
    runs = by_project(read_run_list(write(tmp_path / "list.tsv", table(header, rows))))
    assert [run.qc for run in runs["SRP1"]] == ["FAIL(1)", "WARN(2)"]


def test_projects_are_chosen_by_their_own_accession_or_their_series() -> None:
    runs = [
        Run("SRR3", "", "", "", "SRP2", "", ("GSE2", "GSE4"), ""),
        Run("SRR2", "", "", "", "SRP1", "", ("GSE1",), ""),
        Run("SRR1", "", "", "", "SRP1", "", ("GSE1",), ""),
        Run("SRR4", "", "", "", "", "", ("GSE1",), ""),
    ]
    assert list(by_project(iter(runs))) == ["SRP1", "SRP2"]
    assert [run.run for run in by_project(iter(runs), ["SRP1"])["SRP1"]] == ["SRR1", "SRR2"]
    assert list(by_project(iter(runs), ["GSE4"])) == ["SRP2"]
    assert by_project(iter(runs), ["GSE9"]) == {}


@pytest.mark.parametrize("text", ["", "<html></html>", "SRR_accession\tx\nSRR1\ty\n"])
def test_what_is_no_run_list_is_an_error_in_a_sentence(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "list.tsv", text)
    with pytest.raises(InputError, match="is no DEE2 run list") as error:
        list(read_run_list(path))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "qc"),
    [
        ("PASS", Qc("PASS")),
        ("WARN(3,4)", Qc("WARN", (3, 4))),
        ("FAIL(5, 1)", Qc("FAIL", (1, 5))),
        ("warn(2)", Qc("WARN", (2,))),
        ("", Qc("")),
        ("NA", Qc("")),
        ("BROKEN(1)", Qc("")),
    ],
)
def test_flags_are_parsed(text: str, qc: Qc) -> None:
    assert parse_qc(text) == qc
    assert parse_qc(str(qc)) == qc


def test_the_stricter_flag_wins_and_settings_say_what_is_kept() -> None:
    assert stricter(Qc("PASS"), Qc("FAIL", (1,)), Qc("WARN")) == Qc("FAIL", (1,))
    assert stricter(Qc(""), Qc("PASS")) == Qc("PASS")
    kept = {level: QcSettings().keeps(level) for level in ("PASS", "WARN", "FAIL", "")}
    assert kept == {"PASS": True, "WARN": True, "FAIL": False, "": True}
    assert not QcSettings(warn="drop").keeps("WARN")
    assert QcSettings(fail="keep").keeps("FAIL")


def test_the_project_table_is_read_with_its_repeated_header(tmp_path: Path) -> None:
    header = ["query_accession", "study_accession", "title", "abstract", "study_type", "GSE", "URL"]
    quoted = "\t".join(f'"{name}"' for name in header)
    text = (
        f'{quoted}\n"1"\t"SRP1"\t"SRP1"\t"A \\"quoted\\" title\twith tab"\t"two\nlines"\t"RNA"\t"GSE1"\t"u"\n'
        f'{quoted}\n"1"\t"SRP2"\t"SRP2"\tNA\tNA\tNA\tNA\t"u"\n"2"\t"SRP1"\t"SRP1"\t"late"\tNA\tNA\tNA\t"u"\n'
    )
    projects = read_project_table(write(tmp_path / "srp.tsv", text))
    assert projects["SRP1"].title == 'A "quoted" title\twith tab'
    assert (projects["SRP1"].series, projects["SRP1"].kind) == ("GSE1", "RNA")
    assert (projects["SRP2"].title, projects["SRP2"].series) == ("", "")
    with pytest.raises(InputError, match="is no DEE2 project table"):
        read_project_table(write(tmp_path / "x.tsv", "<html>"))


@pytest.mark.parametrize("folder", ["", "SRP1_GSE9/"])
@pytest.mark.parametrize("layer", ["star", "kallisto"])
def test_an_archive_gives_each_run_its_own_counts_and_flag(
    tmp_path: Path, folder: str, layer: Layer
) -> None:
    qc = {"SRR1": "WARN(3)", "SRR3": "PASS"}
    path = write(tmp_path / "a.zip", zip_of(members(COUNTS, GENES, qc), folder))
    given = read_archive(path, layer)
    assert given.qc == {"SRR1": Qc("WARN", (3,)), "SRR3": Qc("PASS")}
    assert given.counts.ids == GENES
    for run, counts in COUNTS.items():
        np.testing.assert_array_equal(given.counts.select([run]).counts, [counts])


def test_an_archive_without_metrics_has_no_flags(tmp_path: Path) -> None:
    without = members(COUNTS, GENES)
    del without["QC_Matrix.tsv"]
    assert read_archive(write(tmp_path / "a.zip", zip_of(without)), "star").qc == {}
    headless = members(COUNTS, GENES)
    headless["QC_Matrix.tsv"] = headless["QC_Matrix.tsv"].partition("\n")[2] + "x\t1\n"
    assert "SRR1" not in read_archive(write(tmp_path / "b.zip", zip_of(headless)), "star").qc


def _damaged() -> dict[str, bytes]:
    good = members(COUNTS, GENES)
    data = bytearray(zip_of(good))
    place = zipfile.ZipFile(io.BytesIO(bytes(data))).getinfo("GeneCountMatrix.tsv").header_offset
    data[place + 60] ^= 0xFF
    twice = zip_of(good) and _twice(good)
    return {
        "is no zip archive": b"<html>No datasets selected</html>",
        "is no zip archive ": zip_of(good)[:-40],
        "has a damaged table GeneCountMatrix.tsv": bytes(data),
        "has 0 tables GeneCountMatrix.tsv": zip_of({"README.md": "x"}),
        "has 2 tables GeneCountMatrix.tsv": twice,
        "has a header and no rows": zip_of({**good, "GeneCountMatrix.tsv": "gene\tSRR1\n"}),
        "is empty": zip_of({**good, "GeneCountMatrix.tsv": ""}),
        "has two columns 'SRR1'": zip_of(
            {**good, "GeneCountMatrix.tsv": "g\tSRR1\tSRR1\na\t1\t2\n"}
        ),
    }


def _twice(good: dict[str, str]) -> bytes:
    return zip_of({**good, "other/GeneCountMatrix.tsv": "g\tSRR1\na\t1\n"})


@pytest.mark.parametrize("says", _damaged())
def test_an_archive_that_is_damaged_or_empty_is_refused_in_a_sentence(
    tmp_path: Path, says: str
) -> None:
    path = write(tmp_path / "a.zip", _damaged()[says])
    with pytest.raises(Refusal) as caught:
        read_archive(path, "star")
    assert says.strip() in caught.value.message
    assert "\n" not in caught.value.message


def test_a_member_that_is_too_large_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.zip", zip_of(members(COUNTS, GENES)))
    monkeypatch.setattr(archive_module, "MAX_MEMBER_BYTES", 20)
    with pytest.raises(Refusal, match="which is too large"):
        read_archive(path, "star")


def test_kallisto_needs_to_know_the_gene_of_a_transcript(tmp_path: Path) -> None:
    good = members(COUNTS, GENES)
    for text, says in (
        ("TxID\tGeneID\nother\tg\n", "has no transcript of"),
        ("a\tb\n1\t2\n", "without columns TxID and GeneID"),
    ):
        path = write(tmp_path / "a.zip", zip_of({**good, "TxInfo.tsv": text}))
        with pytest.raises(Refusal, match=says):
            read_archive(path, "kallisto")


def test_the_settings_of_quality_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        QcSettings().fail = "keep"  # type: ignore[misc]


def test_a_matrix_that_says_to_be_too_large_for_its_runs_is_refused_before_it_is_read(
    tmp_path: Path,
) -> None:
    rows = "".join(f"{gene}\t1\n" for gene in ["g" * 4000] * 20_000)
    bomb = zip_of({**members(COUNTS, GENES), "GeneCountMatrix.tsv": f"gene\tSRR1\n{rows}"})
    assert len(bomb) < 1 << 20
    with pytest.raises(Refusal, match=r"GeneCountMatrix\.tsv has 80060010 bytes for 1 runs"):
        read_archive(write(tmp_path / "a.zip", bomb), "star")


@given(st.data())
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_an_archive_of_which_a_byte_is_wrong_gives_the_same_counts_or_a_sentence(
    tmp_path: Path, data: st.DataObject
) -> None:
    good = zip_of(members(COUNTS, GENES))
    at = data.draw(st.integers(0, len(good) - 1))
    byte = data.draw(st.integers(0, 255))
    path = write(tmp_path / "a.zip", good[:at] + bytes([byte]) + good[at + 1 :])
    told, given_counts = "", None
    try:
        given_counts = read_archive(path, "star").counts
    except Refusal as refusal:
        told = refusal.message
    assert "\n" not in told
    assert bool(told) != (given_counts is not None)
    if given_counts is not None:
        assert given_counts.ids == GENES
        for run, counts in COUNTS.items():
            np.testing.assert_array_equal(given_counts.select([run]).counts, [counts])


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=30), max_size=20
    )
)
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_line_of_a_run_list_is_a_run_or_nothing(tmp_path: Path, lines: list[str]) -> None:
    path = write(tmp_path / "list.tsv", "\n".join(["\t".join(CUT), *lines, ""]))
    for run in read_run_list(path):
        assert run.run
        assert "\t" not in run.title
        assert all(series.startswith("GSE") for series in run.series)
