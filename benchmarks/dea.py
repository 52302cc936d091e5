"""The statistics against R, side by side: CPU seconds on one core, and where the time goes.

`python -m benchmarks.dea [--quick]` needs Rscript with limma, edgeR and statmod; R's start-up and its
expression filter are left out of R's time, and nothing is left out of ours.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

import pipeline.dea.model
import pipeline.dea.moderated
import pipeline.dea.study
import pipeline.dea.voom
from pipeline.dea.design import Contrast, make_design
from pipeline.dea.settings import DeaSettings
from pipeline.dea.study import analyse_study
from tests.golden.dea.bars import compare
from tests.golden.dea.oracle import FOLDER, Study, ask_r, why_no_r, write_study
from tests.golden.dea.real import SOURCES, STUDIES, real_study
from tests.golden.dea.simulated import simulate_counts

N_GENES = 48_978
SILENT = 0.45
# What is timed: stage → functions, where their callers look them up.
STAGES: dict[str, tuple[tuple[Any, str], ...]] = {
    "filter": ((pipeline.dea.study, "is_expressed"),),
    "TMM": ((pipeline.dea.study, "norm_factors"),),
    "log": ((pipeline.dea.voom, "voom_log_cpm"), (pipeline.dea.model, "log_cpm")),
    "lowess": ((pipeline.dea.voom, "fit_lowess"),),
    "weights+fit": ((pipeline.dea.model, "_weighted_fit"),),
    "blocks": ((pipeline.dea.model, "consensus_correlation"),),
    "quality": ((pipeline.dea.model, "genewise_quality_weights"),),
    "untested": ((pipeline.dea.study, "_describe_untested"),),
    "p": ((pipeline.dea.moderated, "p_values"), (pipeline.dea.moderated, "make_tail_table")),
    "prior": ((pipeline.dea.study, "fit_variance_prior"),),
    "BH": ((pipeline.dea.moderated, "neg_log10_adjusted"),),
    "lods": ((pipeline.dea.moderated, "log_odds"),),
}


@dataclass(frozen=True)
class Case:
    """One row of the table; `bar` is the least ratio to R that issue 3 asks for."""

    name: str
    study: Callable[[], Study]
    settings: DeaSettings
    bar: float | None = None
    r_repeats: int = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only up to 24 samples, no blocks")
    parser.add_argument("--peak", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peak:
        print(_peak_gib(Path(arguments.peak)))
        return
    if why_no_r():
        sys.exit(f"R can't be asked: {why_no_r()}")
    print("CPU seconds, warm, one core; R without start-up and filter, ours with everything")
    print(
        f"{'study':26}{'n':>4}{'contr.':>7}{'genes':>7}{'R':>8}{'ours':>8}{'ratio':>7}{'bar':>5}"
        f"{'worst t':>9}{'worst p':>9}  where the time goes (%)"
    )
    with threadpool_limits(limits=1, user_api="blas"):
        for case in _cases(quick=arguments.quick):
            _print_row(case)
    if not arguments.quick:
        print(
            f"peak memory at 300 samples, {N_GENES} genes, 15 contrasts: {_measure_peak():.2f} GiB"
        )


def _cases(*, quick: bool) -> Iterator[Case]:
    voom = DeaSettings(tested="study", deviations="parity")
    trend = DeaSettings(method="trend", tested="study", deviations="parity")
    small = {
        "3v3": (3, 3),
        "2v2": (2, 2),
        "4x3": (3, 3, 3, 3),
        "12v12": (12, 12),
        "2+7+1": (2, 7, 1),
        "4v4": (4, 4),
    }
    for name, sizes in small.items():
        study = _grouped(sizes)
        yield Case(f"{name} voom", study, voom, 12)
        yield Case(f"{name} trend", study, trend, 4)
    batch = ["1", "1", "2", "1", "2", "2", "1", "2", "2", "1", "1", "2"]
    yield Case("4x3 + batch voom", _grouped((3, 3, 3, 3), {"batch": batch}), voom, 12)
    yield Case("4x3 + batch trend", _grouped((3, 3, 3, 3), {"batch": batch}), trend, 4)
    confounded = ["1", "1", "2", "1", "2", "2", "3", "3", "3"]
    yield Case("3x3 rank-deficient voom", _grouped((3, 3, 3), {"batch": confounded}), voom, 12)
    yield Case("6 pairs, fixed, voom", _paired(tuple("aabbccddeeff")), voom, 12)
    if STUDIES.is_dir():
        for name in ("GSE60450", "GSE63310", "GSE96870", "CCBR_nidap", "PTH_Alekos2023"):
            assert name in SOURCES
            yield Case(f"{name} voom", partial(real_study, name), voom, 12)
            yield Case(f"{name} trend", partial(real_study, name), trend, 4)
    if quick:
        return
    yield Case("5x20 voom", _grouped((20,) * 5), voom, 10, 1)
    yield Case("5x20 trend", _grouped((20,) * 5), trend, 4, 1)
    yield Case("6x50 voom", _grouped((50,) * 6), voom, 8, 1)
    yield Case("6x50 trend", _grouped((50,) * 6), trend, 4, 1)
    weights = DeaSettings(tested="study", deviations="parity", sample_weights=True)
    yield Case("4v4 quality weights", _grouped((4, 4)), weights, None, 1)
    robust = DeaSettings(tested="study", deviations="parity", robust=True)
    yield Case("3v3 robust", _grouped((3, 3)), robust, None, 1)
    yield Case("6 pairs, correlated", _paired(tuple("aabbccddefgh")), voom, None, 1)


def _print_row(case: Case) -> None:
    study = case.study()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        theirs = ask_r(folder, study, case.settings)
        r_seconds = _time_r(folder, study, case)
    result = analyse_study(study.counts, study.design, study.contrasts, case.settings)
    errors = compare(result, theirs)
    seconds = _time_ours(study, case.settings)
    shares = _where_the_time_goes(study, case.settings)
    text = " ".join(f"{stage} {share:.0f}" for stage, share in shares.items() if share >= 1)
    print(
        f"{case.name:26}{study.design.n_samples:4}{len(study.contrasts):7}{result.n_tested:7}"
        f"{r_seconds:8.2f}{seconds:8.3f}{r_seconds / seconds:6.1f}x"
        f"{'' if case.bar is None else f'{case.bar:.0f}x':>5}"
        f"{errors['t']:9.0e}{errors['p_value']:9.0e}  {text}",
        flush=True,
    )


def _time_r(folder: Path, study: Study, case: Case) -> float:
    write_study(folder, study, case.settings)
    script = Path(__file__).with_suffix(".R")
    command = ["Rscript", script, FOLDER / "oracle.R", folder, str(case.r_repeats)]
    subprocess.run([str(part) for part in command], check=True)
    return float(np.fromfile(folder / "R_seconds.f64", "<f8")[0])


def _time_ours(study: Study, settings: DeaSettings, repeats: int = 3) -> float:
    best = np.inf
    for _ in range(repeats):
        before = time.process_time()
        analyse_study(study.counts, study.design, study.contrasts, settings)
        best = min(best, time.process_time() - before)
    return best


def _where_the_time_goes(study: Study, settings: DeaSettings) -> dict[str, float]:
    """Percent of the CPU time in each stage; the rest is what no stage has."""
    spent = dict.fromkeys(STAGES, 0.0)
    with _timed(spent):
        before = time.process_time()
        analyse_study(study.counts, study.design, study.contrasts, settings)
        total = time.process_time() - before
    shares = {stage: 100 * seconds / total for stage, seconds in spent.items()}
    return dict(sorted(shares.items(), key=lambda item: -item[1])) | {
        "rest": 100 - sum(shares.values())
    }


@contextmanager
def _timed(spent: dict[str, float]) -> Iterator[None]:
    """Put clocks around the functions of each stage."""
    before = [
        (module, name, getattr(module, name)) for fs in STAGES.values() for module, name in fs
    ]
    try:
        for stage, functions in STAGES.items():
            for module, name in functions:
                setattr(module, name, _clocked(getattr(module, name), stage, spent))
        yield
    finally:
        for module, name, function in before:
            setattr(module, name, function)


def _clocked(
    function: Callable[..., Any], stage: str, spent: dict[str, float]
) -> Callable[..., Any]:
    def clocked(*arguments: Any, **options: Any) -> Any:
        before = time.process_time()
        result = function(*arguments, **options)
        spent[stage] += time.process_time() - before
        return result

    return clocked


def _grouped(
    sizes: tuple[int, ...], covariates: dict[str, list[str]] | None = None
) -> Callable[[], Study]:
    groups = [f"g{i}" for i, size in enumerate(sizes) for _ in range(size)]
    return lambda: _simulated(groups, covariates, None)


def _paired(block: tuple[str, ...]) -> Callable[[], Study]:
    return lambda: _simulated(["g0", "g1"] * (len(block) // 2), None, list(block))


def _simulated(
    groups: list[str], covariates: dict[str, list[str]] | None, block: list[str] | None
) -> Study:
    counts, _ = simulate_counts(
        20231123, groups, n_genes=N_GENES, planted=0.08, silent={"g": SILENT}
    )
    design = make_design(groups, covariates, block)
    contrasts = [
        Contrast(test=test, reference=reference)
        for i, reference in enumerate(design.levels)
        for test in design.levels[i + 1 :]
    ]
    return Study(counts, design, tuple(c for c in contrasts if design.is_estimable(c)))


def _measure_peak() -> float:
    """Peak memory of a process of its own, which only loads the counts and analyses them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "counts.npy"
        np.save(path, _grouped((50,) * 6)().counts)
        command = [sys.executable, "-m", "benchmarks.dea", "--peak", str(path)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


def _peak_gib(path: Path) -> float:
    groups = [f"g{i}" for i in range(6) for _ in range(50)]
    design = make_design(groups)
    contrasts = [
        Contrast(test=b, reference=a)
        for i, a in enumerate(design.levels)
        for b in design.levels[i + 1 :]
    ]
    analyse_study(np.load(path), design, contrasts, DeaSettings())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
