"""From runs to samples: which sample a run is of, which runs count, and what a study says of itself."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.sources.archive import header_runs, open_archive
from pipeline.sources.dee2 import Dee2Source
from pipeline.sources.geo_file import GeoSeries
from pipeline.sources.geo_table import GeoSamples, make_geo_samples
from pipeline.sources.qc import Qc, QcSettings
from pipeline.sources.receipt import (
    RawFile,
    Receipt,
    decode_receipt,
    encode_receipt,
    receipt_key,
)
from pipeline.sources.refusal import Refusal
from pipeline.sources.run_list import Run
from pipeline.sources.runs import make_sample_table, name_samples, sum_runs, use_runs
from pipeline.sources.table import CountTable
from tests.support.dee2_files import members, write, zip_of

GENES = [f"ENSMUSG{i:011d}" for i in range(4)]


def run_of(number: int, experiment: int | None = None, **fields: str) -> Run:
    given = {
        "qc": "PASS",
        "experiment": f"SRX{number if experiment is None else experiment}",
        "sample": "SRS1",
        "title": "",
        "geo_sample": "",
        **fields,
    }
    return Run(run=f"SRR{number}", project="SRP1", series=("GSE9",), **given)


def geo_of(
    relations: dict[str, list[str]], accession: str = "GSE9", **fields: list[str]
) -> GeoSamples:
    samples = {
        name: {
            "title": [f"title of {name}"],
            "relation": [f"SRA: https://www.ncbi.nlm.nih.gov/sra?term={x}" for x in experiments],
            **fields,
        }
        for name, experiments in relations.items()
    }
    return make_geo_samples([GeoSeries(accession=accession, samples=samples)])


def test_a_run_is_of_the_sample_whose_relation_names_its_experiment() -> None:
    runs = [run_of(1, 1, geo_sample="GSM9"), run_of(2, 1), run_of(3, 2)]
    geo = geo_of({"GSM1": ["SRX1"], "GSM2": ["SRX2", "SRX3"]})
    assert name_samples(runs, geo) == {"SRR1": "GSM1", "SRR2": "GSM1", "SRR3": "GSM2"}


def test_without_a_relation_the_title_tells_and_else_the_sample_is_sra_s() -> None:
    runs = [
        run_of(1, 1),
        run_of(2, 1, geo_sample="GSM7"),
        run_of(3, 3),
        run_of(4, experiment=4)._replace(experiment=""),
        run_of(5)._replace(experiment="", sample=""),
    ]
    named = name_samples(runs, None)
    assert named == {"SRR1": "GSM7", "SRR2": "GSM7", "SRR3": "SRX3", "SRR4": "SRS1", "SRR5": "SRR5"}
    assert name_samples(runs[::-1], geo_of({"GSM1": ["SRX8"]})) == named


def test_runs_count_by_the_stricter_flag_and_what_is_left_out_says_why() -> None:
    runs = [
        run_of(1, 1),
        run_of(2, 1, qc="FAIL(1,5)"),
        run_of(3, 2, qc="WARN(3)"),
        run_of(4, 3),
        run_of(5, 4),
        run_of(6, 5, qc="FAIL(1)"),
    ]
    named = {run.run: run.experiment for run in runs}
    present = ["SRR1", "SRR2", "SRR3", "SRR4"]
    measured = {"SRR4": Qc("FAIL", (6,)), "SRR1": Qc("PASS")}
    used = use_runs(runs, named, present, measured, QcSettings())
    assert used.runs == {"SRX1": ("SRR1",), "SRX2": ("SRR3",)}
    assert used.left_out == {
        "SRX3": "quality FAIL(6)",
        "SRX4": "not in DEE2",
        "SRX5": "quality FAIL(1)",
    }
    assert used.flags == ("qc_warn:1", "runs_missing:1")
    lenient = use_runs(runs, named, present, measured, QcSettings(fail="keep"))
    assert lenient.runs["SRX1"] == ("SRR1", "SRR2")
    assert lenient.flags == ("qc_warn:1", "qc_fail:2", "runs_missing:2")
    strict = use_runs(runs, named, present, measured, QcSettings(warn="drop"))
    assert list(strict.runs) == ["SRX1"]
    assert strict.left_out["SRX2"] == "quality WARN(3)"


def test_runs_of_a_sample_are_summed_whatever_their_order() -> None:
    table = CountTable(["a", "b"], ["r3", "r1", "r2"], np.array([[1.0, 2], [10, 20], [100, 200]]))
    summed = sum_runs(table, {"s": ("r1", "r3"), "t": ("r2",)})
    assert summed.samples == ["s", "t"]
    np.testing.assert_array_equal(summed.counts, [[11, 22], [100, 200]])


def test_samples_that_geo_does_not_know_have_sra_s_title() -> None:
    runs = [
        run_of(1),
        run_of(2, title="GSM5: wt, rep 1; Mus musculus; RNA-Seq"),
        run_of(3, title="x; y"),
    ]
    named = {"SRR1": "GSM1", "SRR2": "GSM5", "SRR3": "SRX3"}
    table = make_sample_table(["GSM1", "GSM5", "SRX3"], runs, named, geo_of({"GSM1": ["SRX1"]}))
    assert list(table["title"]) == ["title of GSM1", "wt, rep 1", "x; y"]
    assert table["organism"].to_list()[1] == "Mus musculus"
    assert table["library_strategy"].isna().to_list() == [True, False, True]
    bare = make_sample_table(["SRX1"], runs[:1], {"SRR1": "SRX1"}, None)
    assert bare.shape == (1, 0)
    assert isinstance(bare, pd.DataFrame)


@pytest.fixture
def source(tmp_path: Path) -> Dee2Source:
    return Dee2Source(
        raw=tmp_path, selection="x", species="mmusculus", layer="star", qc=QcSettings()
    )


def fetched(source: Dee2Source, runs: list[Run], *archives: bytes, geo: str = "") -> Receipt:
    """A study whose archives hold the runs that they name."""
    files = []
    for i, data in enumerate(archives):
        path = write(source.raw / f"{i}.zip", data)
        with open_archive(path) as archive:
            there = header_runs(archive, "star", path.name)
        named = [run.run for run in runs if run.run in there]
        files.append(RawFile(key=path.name, sha256="", size=len(data), runs=tuple(named)))
    series = []
    if geo:
        path = write(source.raw / "GSE9_series_matrix.txt", geo)
        series.append(RawFile(key=path.name, sha256="", size=1))
    receipt = Receipt(
        study="SRP1", wanted="w", runs=tuple(runs), counts=tuple(files), geo=tuple(series)
    )
    write(source.raw / receipt_key("SRP1"), encode_receipt(receipt))
    return receipt


def matrix_of(samples: dict[str, dict[str, str]]) -> str:
    keys = list(next(iter(samples.values())))
    rows = ["\t".join(["!Sample_geo_accession", *(f'"{name}"' for name in samples)])]
    rows += [
        "\t".join([f"!Sample_{key.rstrip('_')}", *(f'"{f[key]}"' for f in samples.values())])
        for key in keys
    ]
    return '!Series_geo_accession\t"GSE9"\n' + "\n".join(rows) + "\n"


def sample_of(experiment: str, **changed: str) -> dict[str, str]:
    return {
        "taxid_ch1": "10090",
        "library_strategy": "RNA-Seq",
        "relation": f"SRA: https://www.ncbi.nlm.nih.gov/sra?term={experiment}",
        **changed,
    }


def test_archives_of_one_study_are_joined_and_other_samples_left_out_with_their_reason(
    source: Dee2Source,
) -> None:
    runs = [run_of(i, i) for i in range(1, 6)]
    first = zip_of(members({"SRR2": (1, 2, 3, 4), "SRR1": (5, 6, 7, 8)}, GENES))
    # Genes in another order, and a run whose flag the list does not know.
    second = zip_of(
        members(
            {"SRR4": (4, 3, 2, 1), "SRR3": (8, 7, 6, 5)},
            GENES[::-1],
            {"SRR4": "PASS", "SRR3": "FAIL(2)"},
        ),
        "SRP1_GSE77/",
    )
    geo = matrix_of(
        {
            "GSM1": sample_of("SRX1"),
            "GSM2": sample_of("SRX2", taxid_ch1="9606"),
            "GSM4": sample_of("SRX4"),
            "GSM8": sample_of("SRX8"),
        }
    )
    fetched(source, runs, first, second, geo=geo)
    given = source.read("SRP1")
    assert given.counts.samples == list(given.samples.index) == ["GSM1", "GSM4"]
    np.testing.assert_array_equal(given.counts.counts, [[5, 6, 7, 8], [1, 2, 3, 4]])
    assert given.left_out == {
        "GSM2": "other organism: 9606",
        "SRX3": "quality FAIL(2)",
        "SRX5": "not in DEE2",
    }
    assert given.unmatched_rows == ["GSM8"]
    assert given.runs == {"GSM1": ("SRR1",), "GSM4": ("SRR4",)}
    assert given.flags == ("runs_missing:1",)


def test_a_study_of_which_nothing_is_left_is_refused_with_the_reason(source: Dee2Source) -> None:
    archive = zip_of(members({"SRR1": (1, 2, 3, 4)}, GENES))
    fetched(source, [run_of(1, qc="FAIL(1)")], archive)
    with pytest.raises(Refusal, match=r"quality FAIL\(1\)") as caught:
        source.read("SRP1")
    assert caught.value.code == "no_runs"
    fetched(
        source,
        [run_of(1)],
        archive,
        geo=matrix_of({"GSM1": sample_of("SRX1", library_strategy="ChIP-Seq")}),
    )
    with pytest.raises(Refusal, match="other assay: ChIP-Seq") as caught:
        source.read("SRP1")
    assert caught.value.code == "no_rna_seq"


def test_archives_that_count_other_genes_are_refused(source: Dee2Source) -> None:
    one = zip_of(members({"SRR1": (1, 2, 3, 4)}, GENES))
    other = zip_of(members({"SRR2": (1, 2, 3)}, GENES[:3]))
    fetched(source, [run_of(1), run_of(2)], one, other)
    with pytest.raises(Refusal, match="count 4 and 3 genes") as caught:
        source.read("SRP1")
    assert caught.value.code == "archives_differ"


def test_a_receipt_reads_back_and_one_that_is_damaged_is_none(source: Dee2Source) -> None:
    receipt = fetched(source, [run_of(1)], zip_of(members({"SRR1": (1, 2, 3, 4)}, GENES)))
    data = encode_receipt(receipt)
    assert decode_receipt(data) == receipt
    assert decode_receipt(data[:-2]) is None
    assert decode_receipt(None) is None
    before = source.fingerprint("SRP1")
    write(source.raw / receipt_key("SRP1"), data[:-2])
    assert source.fingerprint("SRP1") != before
    with pytest.raises(Refusal) as caught:
        source.read("SRP1")
    assert caught.value.code == "not_fetched"


RUN_TABLE = (
    "Run,Assay Type,BioSample,Experiment,GEO_Accession (exp),Instrument,Sample Name,treatment,Bytes\n"
    "SRR1,RNA-Seq,SAMN1,SRX1,GSM4,Illumina HiSeq,GSM4,vehicle,5\n"
    'SRR2,RNA-Seq,SAMN2,SRX2,,Illumina HiSeq,mouse 2,"LPS, 1 h",6\n'
)


def test_a_run_table_of_sra_tells_what_geo_does_not_know(
    source: Dee2Source, tmp_path: Path
) -> None:
    tables = tmp_path / "tables"
    archive = zip_of(members({"SRR1": (1, 2, 3, 4), "SRR2": (5, 6, 7, 8)}, GENES))
    fetched(source, [run_of(1), run_of(2, title="mouse 2")], archive)
    with_tables = replace(source, run_tables=tables)
    before = with_tables.fingerprint("SRP1")
    write(tables / "SRP1.csv", RUN_TABLE)
    assert with_tables.fingerprint("SRP1") != before
    given = with_tables.read("SRP1")
    assert list(given.samples.index) == ["GSM4", "SRX2"]
    assert list(given.samples["treatment"]) == ["vehicle", "LPS, 1 h"]
    assert list(given.samples["biosample"]) == ["SAMN1", "SAMN2"]
    assert set(given.samples.columns) == {"title", "treatment", "biosample", "platform"}
    write(tables / "SRP1.csv", "a,b\n1,2\n")
    with pytest.raises(Refusal, match="has no column 'Run'") as caught:
        with_tables.read("SRP1")
    assert caught.value.code == "bad_run_table"
