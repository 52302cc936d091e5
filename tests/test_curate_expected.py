"""The written table of what the real studies compare: consistent in itself, and with the files."""

import csv
import gzip
from pathlib import Path

import pytest

from pipeline.simulate.metadata.answer import Contrast
from tests.golden.curate.expected import ExpectedStudy, Verdict
from tests.golden.curate.real_studies import (
    GLAND,
    INFLUENZA_ALL,
    IRRADIATED,
    RESPONSE,
    STUDIES,
)

SHARED = Path(__file__).parents[2] / "shared" / "data" / "studies"


def name_of(study: ExpectedStudy) -> str:
    return study.study


@pytest.mark.parametrize("expected", STUDIES, ids=name_of)
def test_a_named_contrast_has_two_disjoint_groups_of_at_least_two_samples(
    expected: ExpectedStudy,
) -> None:
    named = [*expected.essential, *expected.beyond, *expected.acceptable]
    named += [n for other in expected.instead for n in other]
    for contrast in map(expected.contrast, named):
        assert not contrast.test & contrast.reference
        assert min(len(contrast.test), len(contrast.reference)) >= 2
    for a, b in expected.wrong:
        assert not expected.samples(a) & expected.samples(b)
    pairs = [frozenset(expected.contrast(n)[:2]) for n in named]
    assert len(set(pairs)) == len(pairs), "a contrast is listed twice"
    assert expected.essential or expected.refusals


@pytest.mark.parametrize("expected", STUDIES, ids=name_of)
def test_every_contrast_of_the_table_gets_its_own_verdict(expected: ExpectedStudy) -> None:
    for named in expected.essential:
        contrast = expected.contrast(named)
        assert expected.verdict(contrast) is Verdict.ESSENTIAL
        turned = Contrast(contrast.reference, contrast.test, contrast.directed)
        wanted = Verdict.REVERSED if contrast.directed else Verdict.ESSENTIAL
        assert expected.verdict(turned) is wanted
    for named in (*expected.beyond, *expected.acceptable):
        assert expected.verdict(expected.contrast(named)) is Verdict.ACCEPTABLE
    for a, b in expected.wrong:
        sides = (expected.samples(a), expected.samples(b))
        assert expected.verdict(Contrast(*sides, True)) is Verdict.WRONG
    assert all(expected.found([expected.contrast(n) for n in expected.essential]))


def test_two_factors_between_the_sides_are_mixed() -> None:
    mixed = Contrast(GLAND.samples("luminal.lactate"), GLAND.samples("basal.virgin"), True)
    assert GLAND.verdict(mixed) is Verdict.MIXED
    mixed = Contrast(IRRADIATED.samples("null.IR"), IRRADIATED.samples("p53.mock"), True)
    assert IRRADIATED.verdict(mixed) is Verdict.MIXED


def test_a_contrast_that_claims_no_direction_may_turn_only_what_is_not_essential() -> None:
    genotypes = (IRRADIATED.samples("p53.IR"), IRRADIATED.samples("null.IR"))
    assert IRRADIATED.verdict(Contrast(*genotypes, False)) is Verdict.ACCEPTABLE
    assert IRRADIATED.verdict(Contrast(*genotypes, True)) is Verdict.REVERSED
    doses = (IRRADIATED.samples("p53.mock"), IRRADIATED.samples("p53.IR"))
    assert IRRADIATED.verdict(Contrast(*doses, False)) is Verdict.REVERSED


def test_responders_over_all_days_stand_for_those_of_each_day() -> None:
    pooled = Contrast(RESPONSE.samples("NR"), RESPONSE.samples("R"), False)
    assert RESPONSE.found([pooled]) == [True] * 4
    one_day = Contrast(RESPONSE.samples("R.9"), RESPONSE.samples("NR.9"), True)
    assert RESPONSE.found([one_day]) == [False, True, False, False]


def columns_of(study: str) -> list[str]:
    """Names of the samples in the count table."""
    with gzip.open(SHARED / study / "counts.tsv.gz", "rt") as file:
        return file.readline().rstrip("\n").split("\t")[1:]


@pytest.mark.skipif(not SHARED.exists(), reason="the shared studies are not here")
@pytest.mark.parametrize("expected", STUDIES, ids=name_of)
def test_the_samples_of_the_table_are_those_of_the_files(expected: ExpectedStudy) -> None:
    listed = {sample for group in expected.groups.values() for sample in group.split()}
    if expected is INFLUENZA_ALL:
        lines = (SHARED / "GSE96870" / "coldata_all.csv").read_text().splitlines()
        assert listed == {row[0] for row in csv.reader(lines)} - {"sample"}
    elif expected is RESPONSE:
        path = SHARED / expected.study / "GSE299686_series_matrix.txt.gz"
        with gzip.open(path, "rt") as file:
            ids = next(line for line in file if line.startswith("!Sample_geo_accession"))
        assert listed == {cell.strip('"') for cell in ids.strip().split("\t")[1:]}
    elif expected.groups:
        assert listed == set(columns_of(expected.study.partition(":")[0]))
        if expected.aliases:
            assert set(expected.aliases.values()) == listed


@pytest.mark.skipif(not SHARED.exists(), reason="the shared studies are not here")
def test_every_shared_study_has_its_expectation() -> None:
    assert {s.study.partition(":")[0] for s in STUDIES} == {p.name for p in SHARED.iterdir()}
