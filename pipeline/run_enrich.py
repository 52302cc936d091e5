"""The enrichment stage on Dask: every contrast of the newest generation, into one more store of it."""

import logging
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from distributed import Client

from pipeline.config import CONFIG_NAME, EnrichConfig
from pipeline.enrich.fwer import standard_error
from pipeline.enrich.settings import EnrichSettings
from pipeline.enrich.term_axis import TermAxis
from pipeline.inflight import results
from pipeline.progress import Progress, Report
from pipeline.share import Share
from pipeline.stages.enrich_study import (
    ENRICH_VERSION,
    EnrichTask,
    enrich_planned,
    enrichment_key,
    store_key,
)
from pipeline.stages.record import unknown_failure
from pipeline.stages.terms import prepare_terms, term_labels
from pipeline.workspace import Workspace
from pipeline.write_shards import write_all_shards
from storage.compile_enrichment import (
    LAYOUT,
    enrichment_store,
    plan_enrichment,
    publish_enrichment,
)
from storage.errors import InputError
from storage.generation import FOLDER, clear_builds, read_current, read_manifest
from storage.genes import GeneList
from storage.layout import Layout
from storage.lease import Lease
from storage.open import contrasts_of, open_compendium
from storage.schema import CONTRAST

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Enriched:
    """What the stage came to: studies, `known` of them done before, those that `failed` with the message."""

    studies: int
    known: int
    failed: dict[str, str]
    terms: int
    address: str
    new: bool


def run_enrich(
    workspace: Workspace,
    genes: GeneList,
    client: Client,
    lease: Lease,
    report: Report,
    *,
    layout: Layout = LAYOUT,
    rebuild: bool = False,
) -> Enriched:
    """Test the terms of every contrast of the newest generation, one task a study, and publish them.

    A study whose task fails is written down as not testable, and is tried again by the next run.
    """
    disk = workspace.disk
    disk.sweep("")
    work = _plan(workspace, genes)
    config, axis, tasks = work.config, work.axis, work.tasks
    failed, known = _enrich_all(client, tasks, report)
    store = enrichment_store(store_key(axis.sha256, config.tests))
    build = plan_enrichment(
        disk,
        work.generation,
        store,
        _contrasts(workspace),
        {task.study: task.key for task in tasks if task.study not in failed},
        term_labels(axis),
        {"enrich_version": ENRICH_VERSION, "tests": asdict(config.tests), **axis.sources},
        dict.fromkeys(("fwer", "rank_fwer"), _monte_carlo(config.tests)),
        layout=layout,
        rebuild=rebuild,
    )
    clear_builds(disk, FOLDER, build.building if build else None)
    if build is not None:
        receipts = write_all_shards(disk, client, build.tasks, store, "assemble", report)
        publish_enrichment(disk, build, receipts, lease)
        log.info("published %s of %s", store, work.generation)
    return Enriched(
        studies=len(tasks),
        known=known,
        failed=failed,
        terms=len(axis.ids),
        address=disk.address(f"{FOLDER}/{work.generation}/{store}"),
        new=build is not None,
    )


def run_enrich_share(
    workspace: Workspace,
    genes: GeneList,
    client: Client | None,
    report: Report,
    share: Share,
) -> dict[str, Any]:
    """Test the terms of one share of the studies, and publish nothing: `run_enrich` finds them done.

    Returns
    -------
    told
        studies of the share, `known` of them done before, and those that `failed` with the message.
    """
    tasks = [task for task in _plan(workspace, genes).tasks if share.has(task.study)]
    failed, known = _enrich_all(client, tasks, report)
    return {"studies": len(tasks), "known": known, "failed": failed}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Work:
    """What there is to do for the newest generation."""

    generation: str
    config: EnrichConfig
    axis: TermAxis
    tasks: list[EnrichTask]


def _plan(workspace: Workspace, genes: GeneList) -> _Work:
    """The terms of the workspace, and one task for each study of its newest generation."""
    config = workspace.config.enrich
    if config is None:
        raise InputError(
            f"{workspace.root / CONFIG_NAME} has no [enrich]; give it an annotation and an ontology"
        )
    disk = workspace.disk
    current = read_current(disk)
    if current is None:
        raise InputError(
            f"{workspace.disk.address()} has no compendium yet; run `dexome run` first"
        )
    terms, axis = prepare_terms(disk, genes, config)
    manifest = read_manifest(disk, current.generation, current.manifest_sha256)
    if manifest.gene_list_sha256 != genes.sha256:
        raise InputError(
            f"{current.generation} was compiled on another gene list; run `dexome run` first"
        )
    tasks = [
        EnrichTask(
            disk=disk,
            study=study,
            part=part["key"],
            digest=part["sha256"],
            key=enrichment_key(part["sha256"], axis.sha256, config.tests),
            terms=terms,
            settings=config.tests,
        )
        for study, part in sorted(manifest.parts.items())
    ]
    return _Work(generation=current.generation, config=config, axis=axis, tasks=tasks)


def _enrich_all(
    client: Client | None, tasks: list[EnrichTask], report: Report
) -> tuple[dict[str, str], int]:
    """Messages of the studies that failed, and how many were done before."""
    failed: dict[str, str] = {}
    known = 0
    report(Progress(stage="enrich", done=0, total=len(tasks)))
    for done, (task, result) in enumerate(results(client, enrich_planned, tasks), start=1):
        if isinstance(result, BaseException):
            failed[task.study] = unknown_failure(result).message
        else:
            known += result.known
        refused = Counter({"failed": len(failed)} if failed else {})
        report(Progress(stage="enrich", done=done, total=len(tasks), known=known, refused=refused))
    log.info("enriched %d studies, %d of them before, %d failed", len(tasks), known, len(failed))
    return failed, known


def _monte_carlo(settings: EnrichSettings) -> dict[str, Any]:
    """How exact a family-wise error rate is."""
    at = float(standard_error(np.array(settings.alpha), settings.random_sets))
    return {
        "random_sets": settings.random_sets,
        "monte_carlo_standard_error": "sqrt(fwer * (1 - fwer) / random_sets)",
        f"monte_carlo_standard_error_at_{settings.alpha:g}": at,
    }


def _contrasts(workspace: Workspace) -> list[tuple[str, str]]:
    """Id and study of every contrast of the newest generation."""
    contrasts = contrasts_of(open_compendium(workspace.disk, beside=""))
    ids, studies = contrasts.indexes[CONTRAST], contrasts["study"].values
    return [(str(i), str(study)) for i, study in zip(ids, studies, strict=True)]
