"""Every study of the shared folder, from its files to its contrasts: what a biologist would expect."""

from functools import cache
from pathlib import Path

import pytest

from pipeline.curate.curate import CurateSettings, Curation, curate
from pipeline.sources.folder import FolderSource
from pipeline.sources.genes import GeneIndex, map_counts
from pipeline.sources.refusal import Refusal
from storage.genes import read_gene_list

SHARED = Path(__file__).parents[2] / "shared" / "data"
pytestmark = pytest.mark.skipif(not SHARED.exists(), reason="the shared studies are not here")

GOOD: dict[str, tuple[str, str | None, list[tuple[str, str, str]]]] = {
    "CCBR_nidap": ("Group", None, [("B", "A", "arbitrary"), ("C", "A", "arbitrary")]),
    "GSE60450": (
        "group",
        None,
        [
            (f"{cell}.{stage}", "basal.virgin", "arbitrary")
            for cell, stage in (
                ("basal", "lactate"),
                ("basal", "pregnant"),
                ("luminal", "lactate"),
                ("luminal", "pregnant"),
                ("luminal", "virgin"),
            )
        ],
    ),
    "GSE63310": ("group", None, [("LP", "Basal", "arbitrary"), ("ML", "Basal", "arbitrary")]),
    "GSE96870": ("time", "Day0", [("Day4", "Day0", "ordered"), ("Day8", "Day0", "ordered")]),
    "PRJNA481474_DSS": ("agent", "Water", [("DSS", "Water", "reference")]),
    "PTH_Alekos2023": ("Condition", "control", [("treatment", "control", "reference")]),
}
REFUSED = {
    "GRN_Leavitt": "no_factor",
    "GSE198862": "several_factors",
    "GSE299686_meta": "no_counts",
    "GSE71176": "no_factor",
    "RAW264_EV": "no_factor",
    "SchwannC_EV": "no_factor",
    "UCD_miR150_monocytes": "no_factor",
    "human_GSE37704": "ids_lost",
    "human_airway_GSE52778": "ids_lost",
}


@cache
def _index() -> GeneIndex:
    path = SHARED / "reference" / "mouse_ensembl_gene_annotation.tsv.gz"
    return GeneIndex.from_list(read_gene_list(path))


def _curate(study: str, settings: CurateSettings | None = None) -> Curation:
    given = FolderSource(SHARED / "studies").read(study)
    mapped = map_counts(given.counts, _index())
    assert mapped.samples == list(given.samples.index)
    assert (given.unmatched_counts, given.unmatched_rows) == ([], [])
    return curate(
        given.samples,
        settings or CurateSettings(),
        dict.fromkeys(mapped.empty_samples, "no counts"),
    )


def test_every_folder_is_accounted_for() -> None:
    assert FolderSource(SHARED / "studies").studies() == sorted([*GOOD, *REFUSED])


@pytest.mark.parametrize("study", GOOD)
def test_a_study_with_a_sample_table_comes_through(study: str) -> None:
    curation = _curate(study)
    factor, reference, contrasts = GOOD[study]
    assert (curation.factor, curation.reference) == (factor, reference)
    assert [(c.test, c.reference, c.direction) for c in curation.contrasts] == contrasts
    assert curation.unused == {}


@pytest.mark.parametrize("study", REFUSED)
def test_a_study_that_lacks_something_is_refused_with_its_code(study: str) -> None:
    with pytest.raises(Refusal) as caught:
        _curate(study)
    assert caught.value.code == REFUSED[study], caught.value.message


@pytest.mark.parametrize(
    ("factor", "reference", "test"),
    [("treatment:ch1", "sham", "PCI"), ("time:ch1", "3 days", "20 days")],
)
def test_a_crossed_study_comes_through_when_its_factor_is_named(
    factor: str, reference: str, test: str
) -> None:
    curation = _curate("GSE198862", CurateSettings(factor=factor))
    assert curation.reference == reference
    assert [c.test for c in curation.contrasts] == [test]
    assert len(curation.groups) == 14
