"""The halves of one study of a compendium: analysed twice over, into a part, once."""

import logging
import time
from dataclasses import dataclass, field

import numpy as np
from threadpoolctl import threadpool_limits

from pipeline.dea.design import Contrast
from pipeline.dea.errors import NotAnalysableError
from pipeline.dea.study import analyse_study as analyse
from pipeline.sources.refusal import Refusal
from pipeline.stages.deal_halves import MAKE, generator_of
from pipeline.stages.prepare import Prepared, contrast_rows, prepare_study
from pipeline.stages.record import unknown_failure
from pipeline.stages.task import StudyTask
from storage.errors import InputError, StoreError
from storage.halves_parts import HalvesPart, find_halves, halves_part_key, write_halves_part
from storage.halves_schema import HALVED, HALVES, HALVES_LABELS, HALVES_STATISTICS, KINDS, LEFT_OUT
from storage.hashing import hash_json
from storage.schema import SCHEMA_VERSION

log = logging.getLogger(__name__)

# Bump when the halves of an unchanged study would come out otherwise.
HALVES_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class HalvesTask:
    """One study: its task, and the key of its result in the compendium."""

    task: StudyTask
    part: str

    @property
    def key(self) -> str:
        """Key of its halves: the study's result depends on all that they do."""
        return hash_json([SCHEMA_VERSION, HALVES_VERSION, self.part])


@dataclass(frozen=True, kw_only=True, slots=True)
class HalvesReceipt:
    """What the driver hears of a study: contrasts halved and left out of each kind, never an array.

    `halved` and `reasons` (contrasts by reason) are by kind; `failed` is why a study has no part.
    """

    study: str
    key: str
    halved: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, dict[str, int]] = field(default_factory=dict)
    failed: str = ""
    known: bool = False
    seconds: float = 0.0


def halve_planned(item: HalvesTask) -> HalvesReceipt:
    """Make the halves of one study, or find them made already.

    A study whose task fails leaves nothing, and is tried again by the next run.
    """
    task, started = item.task, time.perf_counter()
    part = find_halves(task.disk, task.study, item.key)
    known = part is not None
    try:
        if part is None:
            prepared = prepare_study(task)
            if prepared.part != item.part:
                raise Refusal(
                    "changed",
                    "its files or settings changed after it was compiled; run `dexome run` first",
                )
            part = make_halves(item, prepared)
            write_halves_part(task.disk, part)
    except (StoreError, InputError):
        # The workspace's trouble, not the study's: the stage ends.
        raise
    except Refusal as error:
        return HalvesReceipt(study=task.study, key=item.key, failed=str(error))
    except Exception as error:
        log.debug("%s failed", task.study, exc_info=True)
        return HalvesReceipt(study=task.study, key=item.key, failed=unknown_failure(error).message)
    return _receipt(part, known, time.perf_counter() - started)


def fetch_to_halve(item: HalvesTask) -> None:
    """Bring the files of a study here, unless its halves are made already."""
    task = item.task
    if task.disk.size(halves_part_key(task.study, item.key)) is None:
        task.fetch()


def make_halves(item: HalvesTask, prepared: Prepared) -> HalvesPart:
    """Both kinds of halves, each analysed as the study was, with one BLAS thread."""
    task = item.task
    contrasts = [
        Contrast(test=planned.test, reference=planned.reference)
        for planned in prepared.curation.contrasts
    ]
    shape = (len(contrasts), len(KINDS), len(HALVES), prepared.counts.shape[1])
    statistics = {v.name: np.full(shape, np.nan, np.float32) for v in HALVES_STATISTICS}
    labels = {v.name: [[""] * len(KINDS) for _ in contrasts] for v in HALVES_LABELS}
    for place, kind in enumerate(KINDS):
        two = MAKE[kind](prepared, contrasts, generator_of(task.study, kind))
        rows, left_out = list(two.contrasts), dict(two.left_out)
        try:
            with threadpool_limits(limits=1, user_api="blas"):
                results = [
                    analyse(counts, design, [contrasts[i] for i in rows], task.dea)
                    for counts, design in two.halves
                ]
        except NotAnalysableError as error:
            left_out |= dict.fromkeys(rows, (error.code, f"a half: {error}"))
            rows, results = [], []
        for half, result in enumerate(results):
            for variable in HALVES_STATISTICS:
                statistics[variable.name][rows, place, half] = getattr(result, variable.name)
        for i in range(len(contrasts)):
            reason, message = left_out.get(i, ("", ""))
            status = LEFT_OUT if reason else HALVED
            for name, value in (("status", status), ("reason", reason), ("message", message)):
                labels[name][i][place] = value
    return HalvesPart(
        study=task.study,
        key=item.key,
        gene_list_sha256=task.gene_list_sha256,
        contrasts=[row["contrast"] for row in contrast_rows(task, prepared.curation)],
        labels=labels,
        statistics=statistics,
    )


def _receipt(part: HalvesPart, known: bool, seconds: float) -> HalvesReceipt:
    halved, reasons = {}, {}
    for place, kind in enumerate(KINDS):
        told = [row[place] for row in part.labels["reason"]]
        halved[kind] = told.count("")
        reasons[kind] = {reason: told.count(reason) for reason in sorted({*told} - {""})}
    return HalvesReceipt(
        study=part.study,
        key=part.key,
        halved=halved,
        reasons=reasons,
        known=known,
        seconds=seconds,
    )
