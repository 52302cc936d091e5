"""Curation of sample tables as submitters write them, against what each of them means."""

from functools import cache

import numpy as np
import pytest

from benchmarks.curation import Tally, judge, order_matters
from pipeline.simulate.metadata.registry import TEMPLATES, draw_metadata

# Each template five times, from another seed than those on which the rules were made.
N = 5 * len(TEMPLATES)
SEED = 77


@cache
def tallies() -> dict[str, Tally]:
    found: dict[str, Tally] = {template.name: Tally() for template in TEMPLATES}
    for number in range(N):
        study = draw_metadata(SEED, number)
        judge(study, found[study.template])
    return found


def test_at_least_19_in_20_studies_are_answered_exactly() -> None:
    assert np.mean([tally.share for tally in tallies().values()]) >= 0.95


def test_every_refusal_is_right() -> None:
    wrong = {name: t.verdicts["refused wrongly"] for name, t in tallies().items()}
    assert sum(wrong.values()) <= 0.005 * N, wrong


def test_what_must_be_refused_is_refused() -> None:
    for name in ("batch_confounded", "no_replicates", "too_few_samples", "one_condition"):
        assert tallies()[name].verdicts["refused rightly"] == tallies()[name].n, name


def test_of_the_contrasts_given_hardly_one_is_mixed_or_turned_round() -> None:
    counts = sum((tally.contrasts for tally in tallies().values()), start=Tally().contrasts)
    assert counts["acceptable"] >= 0.98 * counts.total()
    assert counts["wrong reference"] + counts["mixed or other groups"] <= 0.01 * counts.total()


def test_the_model_has_the_covariates_and_blocks_that_it_should() -> None:
    given = [
        t.n - t.verdicts["refused rightly"] - t.verdicts["refused wrongly"]
        for t in tallies().values()
    ]
    assert sum(t.model for t in tallies().values()) >= 0.95 * sum(given)


def test_the_answer_is_the_same_whatever_the_order_of_rows_and_columns() -> None:
    assert order_matters(len(TEMPLATES), SEED) == []


@pytest.mark.slow
def test_all_2000_studies_of_the_benchmark_are_answered_as_well() -> None:
    tally = Tally()
    for number in range(2000):
        judge(draw_metadata(1, number), tally)
    assert tally.share >= 0.98
    assert tally.verdicts["refused wrongly"] <= 5
