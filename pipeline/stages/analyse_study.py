"""The analysis of one planned study: from its files to its part, once."""

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.dea.design import Contrast
from pipeline.dea.errors import NotAnalysableError
from pipeline.dea.settings import ENGINE_VERSION
from pipeline.sources.refusal import Refusal
from pipeline.stages.prepare import (
    Prepared,
    contrast_rows,
    prepare_study,
    sample_rows,
    study_columns,
)
from pipeline.stages.record import (
    Outcome,
    Status,
    outcome_key,
    read_outcome,
    unknown_failure,
    write_outcome,
)
from pipeline.stages.task import StudyTask
from storage.errors import InputError, StoreError
from storage.parts import Part, part_digest, part_key, write_part
from storage.schema import STATISTICS

if TYPE_CHECKING:
    from pipeline.dea.result import StudyResult

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class AnalysisTask:
    """One planned study: its task, and the key of the part to make.

    `new` says that neither part nor outcome was there when the stage began: most likely there is none now.
    """

    task: StudyTask
    part: str
    new: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class AnalysisReceipt:
    """What the driver hears of an analysed study: a few numbers, never an array."""

    study: str
    part: str
    status: str
    reason: str = ""
    message: str = ""
    n_contrasts: int = 0
    n_tested: int = 0
    seconds: float = 0.0
    known: bool = False


def analyse_planned(item: AnalysisTask) -> AnalysisReceipt:
    """Analyse one planned study, or find its part made already; write part or outcome."""
    started = time.perf_counter()
    # In a bucket an answer takes its time: while one is waited for, a new study is read.
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(_find_done, item)
        if not item.new and (receipt := asked.result()):
            return receipt
        return _analyse(item, started, asked)


def _find_done(item: AnalysisTask) -> AnalysisReceipt | None:
    """The receipt of a study that is done already, or refused."""
    task = item.task
    if part_digest(task.disk, task.study, item.part) is not None:
        return AnalysisReceipt(study=task.study, part=item.part, status="analysed", known=True)
    if item.new:
        return None
    outcome = read_outcome(task.disk, outcome_key(task.study, item.part))
    if outcome is not None and outcome.status == "refused":
        return AnalysisReceipt(study=task.study, part=item.part, known=True, **asdict(outcome))
    return None


def _analyse(
    item: AnalysisTask, started: float, asked: "Future[AnalysisReceipt | None]"
) -> AnalysisReceipt:
    task = item.task
    try:
        prepared = prepare_study(task)
        if receipt := asked.result():
            return receipt
        if prepared.part != item.part:
            raise Refusal(
                "changed", f"the files of {task.study} changed after the plan; plan again"
            )
        part = make_part(task, prepared)
    except (StoreError, InputError):
        # The workspace's trouble, not the study's: the stage ends.
        raise
    except (Refusal, NotAnalysableError) as error:
        status: Status = "failed" if error.code == "changed" else "refused"
        return _write_failure(
            item, Outcome(status=status, reason=error.code, message=str(error)), started
        )
    except Exception as error:
        log.debug("%s failed", task.study, exc_info=True)
        return _write_failure(item, unknown_failure(error), started)
    write_part(task.disk, part)
    return AnalysisReceipt(
        study=task.study,
        part=item.part,
        status=str(part.columns["status"]),
        n_contrasts=len(part.contrasts),
        n_tested=int(part.columns["n_tested"]),
        seconds=time.perf_counter() - started,
    )


def fetch_to_analyse(item: AnalysisTask) -> None:
    """Bring the files of a study here, unless its part is made already, or refused."""
    task = item.task
    if task.disk.size(part_key(task.study, item.part)) is not None:
        return
    outcome = read_outcome(task.disk, outcome_key(task.study, item.part))
    if outcome is None or outcome.status != "refused":
        task.fetch()


def make_part(task: StudyTask, prepared: Prepared) -> Part:
    """The result of one study, computed with one BLAS thread: the same bytes wherever it runs."""
    # The statistics take numba and SciPy, a second of imports: a driver, which makes no part, does without.
    from pipeline.dea.study import analyse_study as analyse
    from pipeline.one_thread import one_blas_thread

    curation = prepared.curation
    design = prepared.make_design()
    contrasts = [
        Contrast(test=planned.test, reference=planned.reference) for planned in curation.contrasts
    ]
    with one_blas_thread():
        result = analyse(prepared.counts, design, contrasts, task.dea)
    return Part(
        study=task.study,
        key=prepared.part,
        gene_list_sha256=task.gene_list_sha256,
        contrasts=_contrasts(task, prepared, result),
        samples=_samples(prepared, result),
        columns={
            **study_columns(prepared),
            "status": result.status,
            "n_measured": int(result.measured.sum()),
            "n_tested": result.n_tested,
            "df_residual": result.df_residual,
            "s2_prior": _constant(result.s2_prior),
            "df_prior": _constant(result.df_prior),
            "design": ",".join(design.columns),
            "engine_version": ENGINE_VERSION,
            "flags": ",".join((*prepared.flags, *curation.flags, *result.flags)),
        },
        statistics={v.name: getattr(result, v.name).astype(np.float32) for v in STATISTICS},
        study_statistics={
            "ave_expr": result.ave_expr.astype(np.float32),
            "s2_prior_by_gene": _by_gene(result.s2_prior, result.ave_expr.size),
            "df_prior_by_gene": _by_gene(result.df_prior, result.ave_expr.size),
        },
    )


def record_lost(item: AnalysisTask, error: BaseException) -> AnalysisReceipt:
    """Record, from outside, a study whose worker did not live to do it."""
    return _write_failure(item, unknown_failure(error), time.perf_counter())


def record_too_large(item: AnalysisTask, message: str) -> AnalysisReceipt:
    """Record a study that a worker of this cluster has no memory for; the next run looks again."""
    outcome = Outcome(status="failed", reason="too_large", message=message)
    return _write_failure(item, outcome, time.perf_counter())


def record_killer(item: AnalysisTask, deaths: int) -> AnalysisReceipt:
    """Record a study that so many processes died of, one after the other; the next run tries it again."""
    message = (
        f"{deaths} processes died of it, one after the other; most likely for want of memory: give the job "
        "more, and run it again"
    )
    outcome = Outcome(status="failed", reason="worker_died", message=message)
    return _write_failure(item, outcome, time.perf_counter())


def _write_failure(item: AnalysisTask, outcome: Outcome, started: float) -> AnalysisReceipt:
    task = item.task
    write_outcome(task.disk, outcome_key(task.study, item.part), outcome)
    seconds = time.perf_counter() - started
    return AnalysisReceipt(study=task.study, part=item.part, seconds=seconds, **asdict(outcome))


def _contrasts(task: StudyTask, prepared: Prepared, result: "StudyResult") -> list[dict[str, Any]]:
    return [
        {
            **row,
            "n_tested_genes": int(result.tested[place].sum()),
            "df_total": float(result.df_total[place]),
            "flags": ",".join(result.contrast_flags[place]),
        }
        for place, row in enumerate(contrast_rows(task, prepared.curation))
    ]


def _samples(prepared: Prepared, result: "StudyResult") -> list[dict[str, Any]]:
    place = {name: i for i, name in enumerate(prepared.samples)}
    rows = sample_rows(prepared)
    for row in rows:
        if row["used"]:
            i = place[row["sample"]]
            row["library_size"] = float(result.library_sizes[i])
            row["norm_factor"] = float(result.norm_factors[i])
            row["weight"] = float(result.sample_weights[i])
    return rows


def _by_gene(values: np.ndarray, n_genes: int) -> np.ndarray:
    """A prior that each gene has of its own; NaN where all share one."""
    return np.full(n_genes, np.nan, np.float32) if values.ndim == 0 else values.astype(np.float32)


def _constant(values: np.ndarray) -> float:
    """A prior that all genes share; NaN where each has its own."""
    return float(values) if values.ndim == 0 else float("nan")
