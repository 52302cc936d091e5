"""Covariates and subjects enter a model only where the samples tell them from the groups."""

import pandas as pd
import pytest

from pipeline.curate.curate import curate
from pipeline.curate.curation import Curation
from pipeline.curate.settings import CurateSettings
from pipeline.sources.refusal import Refusal


def _curated(**columns: list[str]) -> Curation:
    n = len(next(iter(columns.values())))
    return curate(pd.DataFrame(columns, index=[f"GSM{i}" for i in range(n)]), CurateSettings())


TWO = ["ctrl"] * 4 + ["drug"] * 4


def test_sex_and_batch_are_adjusted_for_where_three_degrees_of_freedom_are_left() -> None:
    curation = _curated(treatment=TWO, sex=["F", "M"] * 4, batch=["1", "1", "2", "2"] * 2)
    assert list(curation.covariates) == ["sex", "batch"]
    assert curation.covariates["sex"]["GSM1"] == "M"
    small = _curated(treatment=["ctrl"] * 2 + ["drug"] * 2, sex=["F", "M"] * 2)
    assert (small.covariates, small.flags) == ({}, ("not_adjusted:sex",))


def test_a_batch_for_each_group_refuses_the_study() -> None:
    with pytest.raises(Refusal) as caught:
        _curated(treatment=TWO, batch=["1"] * 4 + ["2"] * 4)
    assert caught.value.code == "confounded"
    assert "can't be told from 'batch'" in caught.value.message
    with pytest.raises(Refusal) as caught:
        _curated(treatment=TWO, sex=["M"] * 4 + ["F"] * 4)
    assert caught.value.code == "confounded"


def test_a_batch_for_one_level_takes_only_its_contrast() -> None:
    three = [*TWO, *["other"] * 4]
    curation = _curated(treatment=three, batch=["1", "2"] * 4 + ["3"] * 4)
    assert [c.test for c in curation.contrasts] == ["drug"]
    assert "confounded_contrasts" in curation.flags


def test_days_of_work_are_no_batches() -> None:
    dates = [f"2020-01-{d:02d}" for d in (1, 1, 2, 2, 3, 3, 4, 4)]
    assert _curated(treatment=TWO, **{"isolation date": dates}).covariates == {}


def test_an_animal_with_all_groups_is_a_block() -> None:
    mice = ["m1", "m2", "m3", "m4"] * 2
    curation = _curated(treatment=TWO, mouse=mice)
    assert curation.block_name == "mouse"
    assert curation.block["GSM5"] == "m2"
    assert _curated(treatment=TWO, mouse=[f"m{i}" for i in range(8)]).block_name == ""


def test_animals_measured_more_than_once_in_one_group_are_a_block() -> None:
    mice = ["m1", "m1", "m2", "m2", "m3", "m3", "m4", "m4"]
    assert _curated(treatment=TWO, mouse=mice).block_name == "mouse"


def test_a_cell_line_with_one_sample_of_each_group_is_a_block() -> None:
    lines = ["N1", "N2", "N3", "N4"] * 2
    curation = _curated(treatment=TWO, **{"cell line": lines})
    assert (curation.factor, curation.block_name) == ("treatment", "cell line")


def test_pairs_in_titles_are_found() -> None:
    titles = [f"mouse_{m}_{t}" for t in ("ctrl", "drug") for m in (110, 148, 158, 183)]
    curation = _curated(title=titles)
    assert [(c.test, c.reference) for c in curation.contrasts] == [("drug", "ctrl")]
    assert curation.block_name == "title[subject]"


def test_ages_that_differ_a_little_change_nothing() -> None:
    ages = ["57 days", "58 days", "63 days", "57 days"] * 2
    curation = _curated(treatment=TWO, age=ages)
    assert (curation.factor, curation.covariates) == ("treatment", {})


def test_animals_that_each_genotype_numbers_anew_are_no_pairs() -> None:
    genotype, mice = ["WT"] * 4 + ["KO"] * 4, ["1", "2", "3", "4"] * 2
    assert _curated(genotype=genotype, mouse=mice).block_name == ""
    tissues = ["liver"] * 8 + ["lung"] * 8
    curation = _curated(genotype=genotype * 2, mouse=mice * 2, tissue=tissues)
    blocks = set(curation.block.values())
    assert curation.block_name == "mouse"
    assert blocks == {f"{i} of {g}" for i in "1234" for g in ("WT", "KO")}
    # A litter may have both.
    assert _curated(genotype=genotype, litter=mice).block_name == "litter"
