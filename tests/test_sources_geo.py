"""GEO's two formats: one table from either, cell by cell, and what is wrong said in a sentence."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.sources.geo_file import read_geo
from pipeline.sources.geo_table import make_geo_samples, why_not_ours
from pipeline.sources.refusal import Refusal
from pipeline.sources.species import SPECIES

SHARED = Path(__file__).parents[2] / "shared" / "data" / "studies"

# Three samples, the second without a sex: GEO moves its dose up into the row of the others' sex.
SAMPLES = {
    "GSM1": {
        "title": ["wt, rep 1"],
        "characteristics_ch1": ["genotype: WT", "Sex: F", "dose: 1:2, ratio: 3"],
        "description": ["library 1", "Responder"],
    },
    "GSM2": {
        "title": ["wt, rep 2"],
        "characteristics_ch1": ["genotype: WT", "dose: 0", "dose: twice"],
        "description": ["", "NonResponder"],
    },
    "GSM3": {
        "title": ['the "5\' end" sample # 3'],
        "characteristics_ch1": ["genotype: Tet2-/- α", "no key here", "title: shadow"],
        "description": ["library 3"],
    },
}
SHARED_FIELDS = {
    "source_name_ch1": "liver",
    "organism_ch1": "Mus musculus",
    "taxid_ch1": "10090",
    "molecule_ch1": "polyA RNA",
    "type": "SRA",
    "library_strategy": "RNA-Seq",
    "platform_id": "GPL1",
}


def fields_of(number: int, name: str) -> dict[str, list[str]]:
    return {
        "geo_accession": [name],
        **{key: [value] for key, value in SHARED_FIELDS.items()},
        "relation": [
            f"BioSample: https://www.ncbi.nlm.nih.gov/biosample/SAMN{number}",
            f"SRA: https://www.ncbi.nlm.nih.gov/sra?term=SRX{number}",
        ],
        **SAMPLES[name],
    }


def as_soft() -> str:
    lines = [
        "^DATABASE = GeoMiame",
        "!Database_name = GEO",
        "^SERIES = GSE9",
        "!Series_title = t = 1",
    ]
    lines += ["!Series_relation = SuperSeries of: GSE8", "^PLATFORM = GPL1"]
    lines += ["!platform_table_begin", "ID\tGB", "!Sample_title = a trap", "!platform_table_end"]
    for number, name in enumerate(SAMPLES):
        lines.append(f"^SAMPLE = {name}")
        for key, values in fields_of(number, name).items():
            lines += [f"!Sample_{key} = {value}" for value in values]
        lines += ["!sample_table_begin", "ID_REF\tVALUE", "!Sample_title = 7", "!sample_table_end"]
    return "\n".join(lines) + "\n"


def as_matrix() -> str:
    lines = ['!Series_geo_accession\t"GSE9"', '!Series_relation\t"SuperSeries of: GSE8"', ""]
    told = {name: fields_of(number, name) for number, name in enumerate(SAMPLES)}
    for key in told["GSM1"]:
        for row in range(max(len(fields[key]) for fields in told.values())):
            cells = [fields[key][row] if row < len(fields[key]) else "" for fields in told.values()]
            lines.append("\t".join([f"!Sample_{key}", *(f'"{cell}"' for cell in cells)]))
    lines += ["!series_matrix_table_begin", '"ID_REF"\t"GSM1"', '"!Sample_title"\t"1"']
    return "\n".join([*lines, "!series_matrix_table_end"]) + "\n"


@pytest.fixture(params=["soft", "matrix"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    text = as_soft() if request.param == "soft" else as_matrix()
    path = tmp_path / "GSE9.txt.gz"
    path.write_bytes(gzip.compress(text.encode()))
    return path


def test_both_formats_give_the_same_table(path: Path) -> None:
    given = make_geo_samples([read_geo(path)])
    table = given.table
    assert list(table.index) == ["GSM1", "GSM2", "GSM3"]
    assert list(table.columns) == [
        "title", "source_name", "genotype", "sex", "dose", "characteristics", "title.1",
        "description", "description.1", "organism", "molecule", "library_strategy", "platform",
        "biosample",
    ]  # fmt: skip
    assert table["title"].iloc[2] == 'the "5\' end" sample # 3'
    assert list(table["genotype"]) == ["WT", "WT", "Tet2-/- α"]
    assert table["sex"].to_list()[0] == "F"
    assert table["sex"].isna().to_list() == [False, True, True]
    assert table["dose"].to_list()[:2] == ["1:2, ratio: 3", "0; twice"]
    assert table.loc["GSM3", "characteristics"] == "no key here"
    assert table.loc["GSM3", "title.1"] == "shadow"
    assert table["description.1"].fillna("-").to_list() == ["Responder", "NonResponder", "-"]
    assert table["description"].fillna("-").to_list() == ["library 1", "-", "library 3"]
    assert list(table["biosample"]) == ["SAMN0", "SAMN1", "SAMN2"]
    assert given.experiments == {"GSM1": ("SRX0",), "GSM2": ("SRX1",), "GSM3": ("SRX2",)}
    assert given.flags == ("super_series:GSE9",)


def test_samples_of_two_series_are_taken_once(path: Path) -> None:
    series = read_geo(path)
    twice = make_geo_samples([series, series])
    pd.testing.assert_frame_equal(twice.table, make_geo_samples([series]).table)


def test_no_series_gives_an_empty_table() -> None:
    given = make_geo_samples([])
    assert given.table.shape == (0, 0)
    assert given.experiments == {}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({}, ""),
        ({"taxid_ch1": ["9606"], "organism_ch1": ["Homo sapiens"]}, "other organism: Homo sapiens"),
        ({"taxid_ch1": ["10090", "9606"]}, "other organism: 10090 and 9606"),
        ({"taxid_ch1": [], "organism_ch1": ["Rattus norvegicus"]}, "other organism: Rattus"),
        ({"taxid_ch1": ["9606"], "organism_ch1": []}, "other organism: 9606"),
        ({"library_strategy": ["ChIP-Seq"]}, "other assay: ChIP-Seq"),
        ({"library_strategy": ["ncRNA-Seq"]}, "other assay: ncRNA-Seq"),
        ({"library_strategy": ["RNA-seq"]}, ""),
        ({"library_strategy": [], "type": ["RNA"]}, "other assay: array of RNA"),
        ({"library_source": ["transcriptomic single cell"]}, "other assay: single cell"),
        ({"library_strategy": [""], "type": [], "taxid_ch1": [""], "organism_ch1": []}, ""),
    ],
)
def test_a_sample_of_another_organism_or_assay_is_told(
    changed: dict[str, list[str]], why: str
) -> None:
    told = why_not_ours(fields_of(0, "GSM1") | changed, "10090", "Mus musculus")
    assert told.startswith(why)
    assert bool(told) == bool(why)


@pytest.mark.parametrize(
    ("species", "taxid", "name"),
    [
        ("osativa", "39947", "Oryza sativa Japonica Group"),
        ("ecoli", "511145", "Escherichia coli str. K-12 substr. MG1655"),
        ("scerevisiae", "559292", "Saccharomyces cerevisiae S288C"),
        ("hvulgare", "112509", "Hordeum vulgare subsp. vulgare"),
        ("mmusculus", "10091", "Mus musculus castaneus"),
    ],
)
def test_strains_and_subspecies_are_of_the_organism(species: str, taxid: str, name: str) -> None:
    ours = SPECIES[species]
    sample = fields_of(0, "GSM1") | {"taxid_ch1": [taxid], "organism_ch1": [name]}
    assert why_not_ours(sample, ours.taxid, ours.organism) == ""


@pytest.mark.parametrize(
    "name", ["Mus musculus x Mus spretus", "Mus musculusque", "Mus", "Rattus norvegicus"]
)
def test_a_cross_and_a_name_that_is_alike_are_of_another_organism(name: str) -> None:
    sample = fields_of(0, "GSM1") | {"organism_ch1": [name]}
    assert why_not_ours(sample, "10090", "Mus musculus") == f"other organism: {name}"


@pytest.mark.parametrize(
    ("content", "code", "says"),
    [
        (b"", "bad_geo", "begins with ''"),
        (b"<html>error</html>", "bad_geo", "begins with '<html>"),
        (as_matrix().encode()[:60], "bad_geo", "has no samples"),
        (gzip.compress(as_soft().encode(), mtime=0)[:-9], "damaged_gzip", "fetch it again"),
        (
            gzip.compress(as_soft().encode(), mtime=0)[:40] + b"rubbish",
            "damaged_gzip",
            "fetch it again",
        ),
        (as_matrix().replace('"GSM2"', '"GSM1"', 1).encode(), "bad_geo", "has a sample twice"),
        (as_matrix().replace('"SRA"\t', "", 1).encode(), "bad_geo", "2 cells for 3 samples"),
    ],
)
def test_what_is_no_geo_file_is_refused_in_a_sentence(
    tmp_path: Path, content: bytes, code: str, says: str
) -> None:
    path = tmp_path / "GSE9_series_matrix.txt.gz"
    path.write_bytes(content)
    with pytest.raises(Refusal) as caught:
        read_geo(path)
    assert caught.value.code == code
    assert says in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("study", "n", "factor"), [("GSE60450", 12, 3), ("GSE299686_meta", 178, 2)]
)
def test_real_series_give_every_sample_its_words(study: str, n: int, factor: int) -> None:
    found = sorted((SHARED / study).glob("*_series_matrix.txt.gz"))
    if not found:
        pytest.skip("needs the shared data")
    given = make_geo_samples(read_geo(path) for path in found)
    assert given.table.shape[0] == n
    assert given.table["title"].is_unique
    assert given.table["biosample"].is_unique
    assert all(len(experiments) == 1 for experiments in given.experiments.values())
    column = {"GSE60450": "developmental stage", "GSE299686_meta": "description.1"}[study]
    assert given.table[column].nunique() == factor
    assert np.all([why_not_ours(f, "10090", "Mus musculus") == "" for f in given.fields.values()])


@given(st.data(), st.sampled_from(["soft", "matrix"]))
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_damaged_gzip_of_geo_is_the_same_table_or_a_sentence(
    tmp_path: Path, data: st.DataObject, kind: str
) -> None:
    good = gzip.compress((as_soft() if kind == "soft" else as_matrix()).encode(), mtime=0)
    at = data.draw(st.integers(10, len(good) - 1))
    path = tmp_path / "x.txt.gz"
    path.write_bytes(good[:at] + bytes([data.draw(st.integers(0, 255))]) + good[at + 1 :])
    refused = None
    table = pd.DataFrame()
    try:
        table = make_geo_samples([read_geo(path)]).table
    except Refusal as refusal:
        refused = refusal
    if refused is not None:
        assert refused.code in ("damaged_gzip", "bad_geo")
        assert "\n" not in refused.message
        return
    path.write_bytes(good)
    pd.testing.assert_frame_equal(table, make_geo_samples([read_geo(path)]).table)
