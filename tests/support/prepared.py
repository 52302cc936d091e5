"""Tiny compendia to learn from: studies that share things on purpose, prepared in this process."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from cluster.connect import connect
from pipeline.prepare.settings import GeneSettings, PrepareSettings
from pipeline.run_prepare import Prepared, run_prepare
from pipeline.workspace import Workspace
from storage.disk import Disk
from storage.genes import GeneList
from storage.layout import Layout
from storage.lease import Lease
from storage.parts import Part, write_part
from storage.schema import STATISTICS
from storage.split import Split, read_split
from tests.support.parts import compile_entries, entry, make_genes, make_part
from tests.support.whole_run import silent
from tests.support.workspaces import IN_PROCESS, tiny_config, write_genes

LAYOUT = Layout(chunk_rows=16, chunk_columns=64, shard_rows=32)
# What a gene of a tiny compendium must have.
FEW = GeneSettings(min_contrasts=2, min_studies=2)


def named_part(
    study: str, n_contrasts: int, genes: GeneList, samples: Sequence[str] = (), flags: str = ""
) -> Part:
    """A part of random statistics whose samples have these names."""
    part = make_part(study, n_contrasts, genes)
    part.columns["flags"] = flags
    if samples:
        part.samples[:] = [{"sample": s, "runs": s, "used": True, "group": "a"} for s in samples]
    return part


def publish(root: Path, parts: Sequence[Part], genes: GeneList) -> Workspace:
    """A workspace whose newest compendium is made of these parts."""
    write_genes(root / "genes.tsv", len(genes))
    disk = Disk(root / "work")
    for part in parts:
        write_part(disk, part)
    compile_entries(disk, genes, [entry(part) for part in parts], LAYOUT)
    return Workspace(disk.root, tiny_config(root))


def random_workspace(
    root: Path,
    sizes: Mapping[str, int],
    n_genes: int = 150,
    samples: Mapping[str, Sequence[str]] | None = None,
) -> Workspace:
    """A workspace of random studies, with the contrasts and sample names given by study."""
    genes = make_genes(n_genes)
    parts = [named_part(s, n, genes, (samples or {}).get(s, ())) for s, n in sizes.items()]
    return publish(root, parts, genes)


def prepare(
    workspace: Workspace,
    settings: PrepareSettings | None = None,
    *,
    fresh: bool = False,
    rebuild: bool = False,
) -> tuple[Prepared, Split]:
    """Prepare as `dexome prepare` does; returns the split too."""
    settings = settings or PrepareSettings(genes=FEW)
    with Lease(workspace.disk) as lease, connect(IN_PROCESS) as client:
        done = run_prepare(workspace, client, lease, silent, settings, fresh=fresh, rebuild=rebuild)
    return done, read_split(workspace.disk, Path(done.split).name)


def set_t(part: Part, row: int, t: np.ndarray) -> None:
    """Give a contrast these t (gene,), and the other statistics NaN in the same places."""
    part.statistics["t"][row] = t
    for variable in STATISTICS:
        if variable.name != "t":
            values = part.statistics[variable.name][row]
            filled = np.where(np.isnan(values), np.float32(0.5), values)
            part.statistics[variable.name][row] = np.where(np.isnan(t), np.float32(np.nan), filled)
