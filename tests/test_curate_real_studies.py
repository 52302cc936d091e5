"""Every study of the shared folder, from its files to its contrasts, against what was written down before."""

from collections import Counter
from functools import cache

import pytest

from benchmarks.curation_real import GOOD, STUDIES_FOLDER, measure, sample_table
from pipeline.curate.curate import curate
from pipeline.curate.settings import CurateSettings, StudyDesign
from pipeline.sources.folder import FolderSource
from tests.golden.curate.expected import ExpectedStudy, Verdict
from tests.golden.curate.real_studies import STUDIES

pytestmark = pytest.mark.skipif(
    not STUDIES_FOLDER.is_dir(), reason="the shared studies are not here"
)
BY_NAME = {study.study: study for study in STUDIES}


@cache
def _measured(name: str) -> tuple[list[bool], Counter[Verdict], str]:
    return measure(BY_NAME[name], STUDIES_FOLDER)


def test_every_folder_is_accounted_for() -> None:
    named = {study.study.partition(":")[0] for study in STUDIES}
    assert set(FolderSource(STUDIES_FOLDER).studies()) == named


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.study)
def test_the_contrasts_of_the_authors_are_found(study: ExpectedStudy) -> None:
    found, _, told = _measured(study.study)
    assert all(found), told


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.study)
def test_no_contrast_is_given_that_an_expert_would_not_let_stand(study: ExpectedStudy) -> None:
    _, verdicts, told = _measured(study.study)
    assert set(verdicts) <= set(GOOD), told


def test_the_model_of_each_study_is_the_authors() -> None:
    for study, model in {
        "CCBR_nidap": {"Batch"},
        "GSE63310": {"lane"},
        "GSE96870": {"sex"},
        "PRJNA481474_DSS": set(),
        "human_airway_GSE52778:typed": set(),
    }.items():
        curation = curate(sample_table(study, STUDIES_FOLDER), CurateSettings(organism=""))
        assert set(curation.covariates) == model, study
    assert curation.block_name == "cell line"


def test_a_person_overrules_what_was_found() -> None:
    table = sample_table("GSE198862", STUDIES_FOLDER)
    design = StudyDesign(factor="treatment:ch1", reference="PCI")
    curation = curate(table, CurateSettings(), design=design)
    assert [(c.test, c.reference) for c in curation.contrasts] == [("sham", "PCI")]
    assert len(curation.groups) == 14
    assert curation.overruled == ("factor", "reference")
