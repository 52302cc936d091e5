"""`dexome dea`: what it writes, what it says, and how it refuses."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner, Result

from pipeline.commands.dea import dea
from pipeline.commands.dea_inputs import choose_contrasts
from pipeline.dea.design import Contrast
from storage.errors import DexomeError
from tests.golden.dea.oracle import read_golden, read_study
from tests.golden.dea.real import STUDIES

app = typer.Typer()
app.command()(dea)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def refusal(*arguments: object) -> str:
    result = run(*arguments)
    assert isinstance(result.exception, DexomeError), result.output
    return str(result.exception)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """A study of three groups and two batches (the golden d15), as files."""
    kept = read_study("d15")
    keys = read_golden("d15.counts").keys
    groups, batch = keys["group"].split(","), keys["batch"].split(",")
    names = [f"s{i}" for i in range(len(groups))]
    genes = [f"g{i}" for i in range(kept.counts.shape[1])]
    counts = pd.DataFrame(kept.counts.T.astype(int), index=genes, columns=names)
    counts.to_csv(tmp_path / "counts.tsv", sep="\t", index_label="gene")
    rows = pd.DataFrame({"sample": names, "group": groups, "batch": batch})
    rows.to_csv(tmp_path / "samples.tsv", sep="\t", index=False)
    return tmp_path


def edit(study: Path, **columns: list[str]) -> None:
    rows = pd.read_csv(study / "samples.tsv", sep="\t", dtype=str)
    rows.assign(**columns).to_csv(study / "samples.tsv", sep="\t", index=False)


def base(study: Path, out: str = "out.tsv") -> list[object]:
    return [study / "counts.tsv", study / "samples.tsv", "--group", "group", "--out", study / out]


def test_the_table_is_rs_answer_in_full_precision(study: Path) -> None:
    contrasts = ["--contrast", "B-A", "--contrast", "C-A", "--contrast", "C-B"]
    done = run(*base(study), "--covariate", "batch", *contrasts)
    assert done.exit_code == 0, done.output
    assert "method voom, filter expressed, tested study, deviations parity" in done.output
    table = pd.read_csv(study / "out.tsv", sep="\t")
    assert list(table.columns) == [
        "contrast",
        "gene",
        "logfc",
        "ave_expr",
        "t",
        "p_value",
        "neg_log10_p",
        "adj_p_value",
        "lods",
        "tested",
    ]
    assert list(table["contrast"].unique()) == ["B_vs_A", "C_vs_A", "C_vs_B"]
    theirs = read_golden("d15-voom").arrays
    for k, contrast in enumerate(table["contrast"].unique()):
        ours = table[table["contrast"] == contrast].reset_index(drop=True)
        some = np.flatnonzero(theirs["keep"].astype(bool))[::6]
        for name in ("logfc", "t", "p_value", "lods"):
            want = theirs[name].reshape(3, -1)[k]
            np.testing.assert_allclose(ours.loc[some, name], want, rtol=1e-7, atol=1e-9)
    tested = table["tested"]
    assert table.loc[tested, "p_value"].notna().all()
    assert table.loc[~tested, "p_value"].isna().all()
    np.testing.assert_allclose(
        table.loc[tested, "neg_log10_p"], -np.log10(table.loc[tested, "p_value"]), atol=1e-9
    )


def test_every_ending_holds_the_same_table(study: Path) -> None:
    for out in ("a.tsv", "a.tsv.gz", "a.parquet"):
        assert run(*base(study, out)).exit_code == 0
    plain = pd.read_csv(study / "a.tsv", sep="\t")
    with gzip.open(study / "a.tsv.gz", "rt") as lines:
        zipped = pd.read_csv(lines, sep="\t")
    pd.testing.assert_frame_equal(plain, zipped)
    columns = pd.read_parquet(study / "a.parquet")
    np.testing.assert_allclose(columns["t"], plain["t"], rtol=1e-14)
    assert list(columns["gene"]) == list(plain["gene"])
    assert not list(study.glob(".tmp-*"))


def test_every_option_reaches_the_statistics(study: Path) -> None:
    options = ["--method", "trend", "--filter", "none", "--tested", "contrast"]
    options += ["--deviations", "exact", "--robust", "--weights", "--reference", "C"]
    done = run(*base(study), *options, "--covariate", "batch")
    assert done.exit_code == 0, done.output
    assert "method trend, filter none, tested contrast, deviations exact" in done.output
    assert "A_vs_C" in done.output
    assert "B_vs_C" in done.output


def test_plots_stand_beside_the_table(study: Path) -> None:
    for method in ("voom", "trend"):
        folder = study / "plots" / method
        done = run(*base(study), "--method", method, "--plots", folder)
        assert done.exit_code == 0, done.output
        names = sorted(path.name for path in folder.iterdir())
        assert names == ["mean-variance.png", "volcano-B_vs_A.png", "volcano-C_vs_A.png"]
        assert all(path.read_bytes()[:4] == b"\x89PNG" for path in folder.iterdir())


def test_the_reference_is_the_first_group_of_the_sample_table(study: Path) -> None:
    rows = pd.read_csv(study / "samples.tsv", sep="\t", dtype=str)
    rows[::-1].to_csv(study / "samples.tsv", sep="\t", index=False)
    done = run(*base(study))
    assert "B_vs_C" in done.output
    assert "A_vs_C" in done.output


def test_rows_of_one_id_are_added(study: Path) -> None:
    counts = pd.read_csv(study / "counts.tsv", sep="\t", dtype=str)
    again = counts.iloc[[5, 7]]
    pd.concat([counts, again]).to_csv(study / "counts.tsv", sep="\t", index=False)
    done = run(*base(study))
    assert "2 rows repeat an id" in done.output
    table = pd.read_csv(study / "out.tsv", sep="\t")
    assert len(table) == 2 * len(counts)


def test_samples_without_group_or_counts_are_left_out_with_a_note(study: Path) -> None:
    counts = pd.read_csv(study / "counts.tsv", sep="\t", dtype=str)
    counts["s1"] = "0"
    counts.to_csv(study / "counts.tsv", sep="\t", index=False)
    rows = pd.read_csv(study / "samples.tsv", sep="\t", dtype=str)
    rows.loc[6, "group"] = ""
    rows.to_csv(study / "samples.tsv", sep="\t", index=False)
    done = run(*base(study))
    assert done.exit_code == 0, done.output
    assert "sample 's1' is left out: it has no counts" in done.output
    assert "sample 's6' is left out: no value in column 'group'" in done.output
    assert "8 residual degrees of freedom" in done.output


def test_blocks_that_are_not_complete_are_correlated(study: Path) -> None:
    edit(study, animal=["1", "2", "3", "4", "5", "1", "2", "3", "4", "1", "2", "3", "6"])
    done = run(*base(study), "--block", "animal")
    assert done.exit_code == 0, done.output
    assert "consensus correlation within blocks" in done.output


def test_a_confounded_contrast_is_refused_or_noted(study: Path) -> None:
    edit(study, batch=["1", "2", "1", "2", "1", "1", "2", "1", "2", "3", "3", "3", "3"])
    only = [*base(study), "--covariate", "batch", "--contrast", "C-A"]
    assert "C_vs_A is confounded with batch: the data can't tell them apart" in refusal(*only)
    done = run(*base(study), "--covariate", "batch")
    assert "note: C_vs_A is confounded with batch" in done.output
    table = pd.read_csv(study / "out.tsv", sep="\t")
    assert table.loc[table["contrast"] == "C_vs_A", "logfc"].isna().all()


def test_without_replicates_there_is_a_note_and_no_test(study: Path) -> None:
    edit(study, group=["A", "B", *[""] * 11])
    done = run(*base(study))
    assert done.exit_code == 0, done.output
    assert "no group has replicates: there are fold changes, and no tests" in done.output
    table = pd.read_csv(study / "out.tsv", sep="\t")
    assert table["p_value"].isna().all()
    assert table["logfc"].notna().any()


def test_bad_input_is_refused_in_one_sentence(study: Path) -> None:
    counts, samples = study / "counts.tsv", study / "samples.tsv"
    group, out = ["--group", "group"], ["--out", study / "o.tsv"]
    assert refusal(study / "no.tsv", samples, *group, *out).endswith(
        "no.tsv is no file; give the path of a table"
    )
    assert "samples.tsv has no column 'kind'; it has sample, group, batch" in refusal(
        counts, samples, "--group", "kind", *out
    )
    assert "must end in .tsv, .tsv.gz, .csv, .csv.gz, .parquet" in refusal(
        counts, samples, *group, "--out", study / "o.xlsx"
    )
    assert "does not exist; make it first" in refusal(
        counts, samples, *group, "--out", study / "no" / "o.tsv"
    )
    assert refusal(*base(study), "--reference", "D") == (
        "reference 'D' is no group; groups are A, B, C"
    )
    assert "counts.tsv: no gene passes the expression filter" in refusal(
        _tiny(study), samples, *group, *out
    )
    edit(study, group=["A"] * 13)
    assert refusal(*base(study)) == "the samples are all in group 'A'; two groups are needed"


def _tiny(study: Path) -> Path:
    table = pd.DataFrame({f"s{i}": [1, 2] for i in range(13)}, index=["a", "b"])
    (study / "tiny").mkdir()
    table.to_csv(study / "tiny" / "counts.tsv", sep="\t", index_label="gene")
    return study / "tiny" / "counts.tsv"


def test_a_contrast_is_split_where_both_halves_are_groups() -> None:
    levels = ["wild-type", "knock-out", "type", "x"]
    assert choose_contrasts(levels, None, ["knock-out-wild-type", "x-type"]) == [
        Contrast(test="knock-out", reference="wild-type"),
        Contrast(test="x", reference="type"),
    ]
    assert choose_contrasts(["b", "a"], None, []) == [Contrast(test="a", reference="b")]


@pytest.mark.parametrize(
    ("levels", "asked", "message"),
    [
        (
            ["a", "a-b", "b-c", "c"],
            "a-b-c",
            "contrast 'a-b-c' can be read as 'a' against 'b-c' or 'a-b' against 'c'",
        ),
        (["a", "b"], "a-z", "contrast 'a-z' is not TEST-REFERENCE of two groups; groups are a, b"),
        (["a", "b"], "a-a", "contrast 'a-a' has the same group on both sides"),
    ],
)
def test_a_contrast_that_can_not_be_split_is_refused(
    levels: list[str], asked: str, message: str
) -> None:
    with pytest.raises(DexomeError, match=message):
        choose_contrasts(levels, None, [asked])


@pytest.mark.skipif(not STUDIES.is_dir(), reason="no real studies at ../shared/data/studies")
def test_a_real_study_goes_from_files_to_table(tmp_path: Path) -> None:
    folder = STUDIES / "PTH_Alekos2023"
    out = tmp_path / "pth.parquet"
    done = run(
        folder / "counts.tsv.gz", folder / "samples.tsv", "--group", "Condition", "--out", out
    )
    assert done.exit_code == 0, done.output
    table = pd.read_parquet(out)
    assert table["tested"].sum() > 10_000
    assert "ENSMUSG00000051056|Gja10" in set(table["gene"])
