"""Making a split on Dask: near-duplicate contrasts, places, and the moments of the genes."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from distributed import Client

from pipeline.inflight import gather_in_order
from pipeline.prepare.audit import audit_split
from pipeline.prepare.components import Link, components
from pipeline.prepare.duplicates import candidates
from pipeline.prepare.moments import Moments, concatenate, select_genes
from pipeline.prepare.placement import Conflict, place_rows, place_studies, study_weights
from pipeline.prepare.settings import GeneSettings, PrepareSettings
from pipeline.progress import Report
from pipeline.stages.prepare_blocks import (
    correlate_pairs,
    gene_moments,
    moments_tasks,
    pair_tasks,
    sketch_rows,
    sketch_tasks,
)
from pipeline.stages.prepare_links import Labels, known_links
from pipeline.write_copy import copy_key_of
from storage.compile_split import SplitContent
from storage.errors import InputError
from storage.files import Files
from storage.hashing import hash_json
from storage.placements import read_placement
from storage.split_schema import TRAIN


def make_split(
    disk: Files,
    client: Client,
    report: Report,
    generation: str,
    tree: xr.DataTree,
    labels: Labels,
    settings: PrepareSettings,
    series: list[tuple[str, str]],
    inputs: str,
    *,
    fresh: bool,
) -> SplitContent:
    """All that a split store holds.

    Raises
    ------
    InputError
        There is no training contrast, or no gene that is tested often enough.
    """
    links = known_links(tree, labels, series)
    links += find_duplicates(disk, client, report, generation, labels, links, settings)
    component_of = components(labels.studies.tolist(), links)
    placement_key = hash_json(asdict(settings.split))
    placed = {} if fresh else read_placement(disk, placement_key)
    parts, folds, conflicts = _places(labels, component_of, settings, placed)
    rows = np.flatnonzero(parts == TRAIN)
    if not len(rows):
        raise InputError(
            f"none of the {len(parts)} contrasts is in train; give [prepare.split] another seed, or a "
            "larger train"
        )
    weights = (
        study_weights(labels.studies, parts)
        if settings.weigh_studies
        else np.ones(len(parts), np.float32)
    )
    moments, n_studies = take_moments(
        disk, client, report, generation, labels, settings.genes.observed, rows, weights
    )
    selected = select_genes(moments, n_studies, settings.genes)
    if not selected.any():
        raise InputError(_none_selected(moments, n_studies, settings.genes))
    audit = audit_split(labels.studies, parts, folds, links, conflicts, settings.split.folds)
    return SplitContent(
        generation=generation,
        contrasts=labels.contrasts.tolist(),
        studies=labels.studies.tolist(),
        genes=labels.genes.tolist(),
        inputs=inputs,
        arrays={
            "part": parts,
            "fold": folds,
            "component": np.array([component_of[study] for study in labels.studies.tolist()]),
            "weight": weights,
            "n_tested": moments.n_tested,
            "n_studies": n_studies,
            "n_observed": moments.n_observed,
            "mean": np.where(moments.weight > 0, moments.mean, np.nan),
            "variance": moments.variance,
            "rms": moments.rms,
            "selected": selected,
        },
        attributes={
            "settings": asdict(settings),
            "placement_key": placement_key,
            "scaling": settings.scaling,
            "observed": settings.genes.observed,
            "copy": copy_key_of(disk, generation, labels, settings, selected),
            "audit": asdict(audit),
        },
    )


def find_duplicates(
    disk: Files,
    client: Client,
    report: Report,
    generation: str,
    labels: Labels,
    links: Sequence[Link],
    settings: PrepareSettings,
) -> list[Link]:
    """Links between studies with near-duplicate contrasts, unless they are joined already."""
    limit = settings.split.duplicate_correlation
    if limit >= 1:
        return []
    joined = components(labels.studies.tolist(), links)
    _, group = np.unique([joined[s] for s in labels.studies.tolist()], return_inverse=True)
    sketches = gather_in_order(
        client,
        partial(sketch_rows, disk),
        sketch_tasks(generation, len(labels.contrasts)),
        "compare",
        report,
    )
    if not sketches:
        return []
    found = np.concatenate(list(candidates(np.concatenate(sketches), group, limit)))
    tasks = pair_tasks(generation, found, settings.split.duplicate_genes)
    correlations = gather_in_order(
        client, partial(correlate_pairs, disk), tasks, "duplicates", report
    )
    new: list[Link] = []
    for task, values in zip(tasks, correlations, strict=True):
        for (a, b), r in zip(
            task.pairs[abs(values) > limit], values[abs(values) > limit], strict=True
        ):
            what = f"{labels.contrasts[a]} and {labels.contrasts[b]}: {r:.3f}"
            new.append(Link(str(labels.studies[a]), str(labels.studies[b]), "duplicate", what))
    return sorted(new, key=lambda link: (link.first, link.second, link.what))


def take_moments(
    disk: Files,
    client: Client,
    report: Report,
    generation: str,
    labels: Labels,
    observed: str,
    rows: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float32],
) -> tuple[Moments, npt.NDArray[np.int64]]:
    """Moments of all genes over some rows, and the studies in which each is tested."""
    _, codes = np.unique(labels.studies, return_inverse=True)
    tasks = moments_tasks(
        generation, len(labels.genes), observed, rows, weights[rows].astype(np.float64), codes[rows]
    )
    found = gather_in_order(client, partial(gene_moments, disk), tasks, "moments", report)
    return concatenate([m for m, _ in found]), np.concatenate([n for _, n in found])


def _places(
    labels: Labels,
    component_of: dict[str, str],
    settings: PrepareSettings,
    placed: dict[str, tuple[str, int]],
) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.int32], list[Conflict]]:
    """Part and fold of each contrast, and the components that would join two parts."""
    conflicts: list[Conflict] = []
    if settings.split.by == "row":
        places = place_rows(labels.contrasts.tolist(), settings.split)
    else:
        of_study, conflicts = place_studies(component_of, settings.split, placed)
        places = [of_study[study] for study in labels.studies.tolist()]
    return (
        np.array([part for part, _ in places], dtype=str),
        np.array([fold for _, fold in places], dtype=np.int32),
        conflicts,
    )


def _none_selected(moments: Moments, n_studies: Any, settings: GeneSettings) -> str:
    best = int(np.argmax(moments.n_tested))
    return (
        f"no gene has {settings.min_contrasts} tested training contrasts from {settings.min_studies} studies "
        f"and a variance above {settings.min_variance:g}: the most often tested has {moments.n_tested[best]} "
        f"from {n_studies[best]}; lower min_contrasts and min_studies in [prepare.genes], or add studies "
        "with genes in common"
    )
