"""The statistics against R, asked live: real studies, and what goldens are too small for."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.dea.design import Contrast, make_design
from pipeline.dea.settings import DeaSettings, Method
from pipeline.dea.study import analyse_study
from tests.golden.dea.bars import check, compare, error
from tests.golden.dea.oracle import Study, ask_r, why_no_r
from tests.golden.dea.real import SOURCES, STUDIES, real_study

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(why_no_r()), reason=why_no_r() or "R is here"),
]
needs_studies = pytest.mark.skipif(
    not STUDIES.is_dir(), reason="no real studies at ../shared/data/studies"
)


@needs_studies
@pytest.mark.parametrize("method", ["voom", "trend"])
@pytest.mark.parametrize("name", [name for name in SOURCES if name != "UCD_miR150_monocytes"])
def test_a_real_study_is_within_every_bar_of_limma(
    name: str, method: Method, tmp_path: Path
) -> None:
    study = real_study(name)
    settings = DeaSettings(method=method, tested="study", deviations="parity")
    result = analyse_study(study.counts, study.design, study.contrasts, settings)
    theirs = ask_r(tmp_path, study, settings)
    check(compare(result, theirs))
    log_p = theirs["log_p"].reshape(len(study.contrasts), -1) / -np.log(10)
    ours = result.neg_log10_p[:, result.filtered]
    np.testing.assert_allclose(ours, log_p, rtol=1e-7, atol=1e-9)


@needs_studies
@pytest.mark.parametrize("method", ["voom", "trend"])
def test_a_real_study_of_paired_samples_has_limmas_consensus_correlation(
    method: Method, tmp_path: Path
) -> None:
    study = real_study("UCD_miR150_monocytes", every=20)
    assert study.design.block_role == "random"
    settings = DeaSettings(method=method, tested="study", deviations="parity")
    result = analyse_study(study.counts, study.design, study.contrasts, settings)
    assert result.flags == ("incomplete_blocks",)
    check(compare(result, ask_r(tmp_path, study, settings)), loose=True)


@needs_studies
@pytest.mark.parametrize("method", ["voom", "trend"])
@pytest.mark.parametrize("what", ["robust", "sample_weights"])
def test_robust_priors_and_quality_weights_of_a_real_study_are_limmas(
    what: str, method: Method, tmp_path: Path
) -> None:
    study = real_study("GSE60450", every=2)
    settings = DeaSettings(
        method=method,
        tested="study",
        deviations="parity",
        robust=what == "robust",
        sample_weights=what == "sample_weights",
    )
    result = analyse_study(study.counts, study.design, study.contrasts, settings)
    check(compare(result, ask_r(tmp_path, study, settings)), loose=True)


@needs_studies
@pytest.mark.parametrize("name", ["CCBR_nidap", "GSE96870", "human_airway_GSE52778"])
def test_exact_deviations_of_a_real_study_are_those_of_a_refit(name: str, tmp_path: Path) -> None:
    study = real_study(name, every=3)
    settings = DeaSettings(tested="study", deviations="exact")
    result = analyse_study(study.counts, study.design, study.contrasts, settings)
    theirs = ask_r(tmp_path, study, settings, exact=True)
    shape = (len(study.contrasts), -1)
    kept = result.filtered
    assert error("se", result.se[:, kept], theirs["exact_se"].reshape(shape)) < 1e-8
    assert error("t", result.t[:, kept], theirs["exact_t"].reshape(shape)) < 1e-7


def _random_study(seed: int) -> Study:
    """A study of a random design: unequal groups, perhaps a batch, many ties of small counts."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 7, rng.integers(2, 5))
    sizes[0] += 2
    groups = [chr(65 + level) for level, size in enumerate(sizes) for _ in range(size)]
    n = len(groups)
    covariates = {}
    if seed % 2 and n > len(sizes) + 3:
        covariates["batch"] = [str(b) for b in rng.integers(0, 2, n)]
    design = make_design(groups, covariates)
    base = rng.gamma(0.3, 1.0, 4000)
    mean = base / base.sum() * rng.uniform(2e5, 4e6, n)[:, None]
    size = 1 / (0.05 + rng.gamma(1, 0.1, 4000))
    counts = rng.negative_binomial(size, size / (size + mean)).astype(float)
    contrasts = [
        Contrast(test=b, reference=a)
        for i, a in enumerate(design.levels)
        for b in design.levels[i + 1 :]
    ]
    return Study(counts, design, tuple(c for c in contrasts if design.is_estimable(c)))


@pytest.mark.parametrize("seed", range(8))
def test_a_random_design_is_within_every_bar_of_limma(seed: int, tmp_path: Path) -> None:
    study = _random_study(seed)
    settings = DeaSettings(
        method="trend" if seed % 3 == 0 else "voom", tested="study", deviations="parity"
    )
    result = analyse_study(study.counts, study.design, study.contrasts, settings)
    check(compare(result, ask_r(tmp_path, study, settings)))
