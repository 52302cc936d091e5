"""The whole job on a tiny workspace, in this process, and its compendium as plain arrays."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from cluster.connect import connect
from pipeline.progress import Progress
from pipeline.run import run_analyse, run_compile, run_plan
from pipeline.run_enrich import Enriched, run_enrich
from pipeline.workspace import Workspace
from storage.generation import Current
from storage.lease import Lease
from storage.open import contrasts_of, enrichment_of, open_compendium, samples_of, studies_of
from tests.support.workspaces import IN_PROCESS, TINY_LAYOUT


def silent(progress: Progress) -> None:
    """Report nothing."""
    del progress


def run_whole(workspace: Workspace) -> Current:
    """Plan, analyse and compile as `dexome run` does."""
    genes = workspace.read_genes()
    with Lease(workspace.disk) as lease, connect(IN_PROCESS) as client:
        plan = run_plan(workspace, genes, client, lease, silent)
        run_analyse(workspace, genes, plan, client, silent)
        return run_compile(workspace, genes, plan, client, lease, silent, layout=TINY_LAYOUT)[0]


def run_enrichment(workspace: Workspace, *, rebuild: bool = False) -> Enriched:
    """Enrich as `dexome enrich` does."""
    genes = workspace.read_genes()
    with Lease(workspace.disk) as lease, connect(IN_PROCESS) as client:
        told = (workspace, genes, client, lease, silent)
        return run_enrich(*told, layout=TINY_LAYOUT, rebuild=rebuild)


def content(tree: xr.DataTree) -> dict[str, Any]:
    """Every array of a compendium, in full."""
    datasets = {
        "contrasts": contrasts_of(tree),
        "studies": studies_of(tree),
        "samples": samples_of(tree),
        **{n: enrichment_of(tree, n) for n in tree.children if n.startswith("enrichment-")},
    }
    return {
        f"{name}/{variable}": dataset[variable].values
        for name, dataset in datasets.items()
        for variable in dataset.variables
    }


def content_hash(tree: xr.DataTree) -> str:
    """One hash of all labels and of the bits of all values."""
    digest = hashlib.sha256()
    for name, values in sorted(content(tree).items()):
        array = np.asarray(values)
        data = array.tobytes() if array.dtype.kind in "ifb" else "\0".join(map(str, array)).encode()
        digest.update(f"{name}{array.shape}".encode() + data)
    return digest.hexdigest()


def compendium_hash(root: Path) -> str:
    """The hash of the newest compendium of a workspace."""
    return content_hash(open_compendium(root))
