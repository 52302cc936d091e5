"""Writing the training copy on Dask, one task for each chunk of rows."""

from functools import partial

import numpy as np
import numpy.typing as npt
from distributed import Client

from pipeline.inflight import gather_in_order
from pipeline.prepare.settings import PrepareSettings
from pipeline.progress import Report
from pipeline.stages.prepare_links import Labels
from storage.errors import InputError, StoreError
from storage.files import Files
from storage.generation import clear_builds, read_manifest
from storage.lease import Lease
from storage.training_copy import ARRAYS, FOLDER, check_copy, copy_key
from storage.write_copy import CopyPlan, begin_copy, publish_copy, write_copy_chunk


def copy_key_of(
    disk: Files,
    generation: str,
    labels: Labels,
    settings: PrepareSettings,
    selected: npt.NDArray[np.bool_],
) -> str:
    """Key of the copy that a split asks for."""
    return _plan(disk, generation, labels, settings, selected).key


def write_copy(
    disk: Files,
    client: Client,
    lease: Lease,
    report: Report,
    generation: str,
    labels: Labels,
    settings: PrepareSettings,
    selected: npt.NDArray[np.bool_],
    *,
    rebuild: bool,
) -> tuple[str, bool]:
    """Write the copy that a split asks for, unless it is there and whole; its key, and whether it is new."""
    plan = _plan(disk, generation, labels, settings, selected)
    if not rebuild:
        try:
            check_copy(disk, plan.key)
        except (InputError, StoreError):
            pass
        else:
            # Its writer may have been killed between publishing it and clearing up.
            clear_builds(disk, FOLDER, None)
            return plan.key, False
    chunks = begin_copy(disk, plan)
    receipts = gather_in_order(client, partial(write_copy_chunk, disk), chunks, "copy", report)
    publish_copy(disk, plan, receipts, lease)
    return plan.key, True


def _plan(
    disk: Files,
    generation: str,
    labels: Labels,
    settings: PrepareSettings,
    selected: npt.NDArray[np.bool_],
) -> CopyPlan:
    all_genes = settings.copy.genes == "all"
    columns = np.arange(len(selected)) if all_genes else np.flatnonzero(selected)
    arrays = ARRAYS if settings.copy.se else ARRAYS[:1]
    sha256 = read_manifest(disk, generation).gene_list_sha256
    contrasts, genes = tuple(labels.contrasts.tolist()), tuple(labels.genes[columns].tolist())
    observed = settings.genes.observed
    return CopyPlan(
        key=copy_key(generation, sha256, contrasts, genes, observed, arrays),
        generation=generation,
        gene_list_sha256=sha256,
        observed=observed,
        arrays=arrays,
        rows=np.arange(len(contrasts)),
        columns=columns,
        all_genes=all_genes,
        contrasts=contrasts,
        genes=genes,
    )
