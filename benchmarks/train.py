"""Training, measured: print a table and exit 1 if a bar is missed.

    python -m benchmarks.train [--contrasts 7130] [--genes 48978] [--repeats 3] [--units 2000] [--in DIR]

A compendium of simulated contrasts is compiled and prepared; the loaders read its training copy, from the
page cache, beside plain reads of the same rows and zarr's reads of the compressed store. Then whole
trainings: loader, compute and both together, and the memory of the paper's network. Bars are judged
at 48,978 genes, whatever the number of contrasts; those of memory at 2,000 units.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.build import compile_parts, store_of, write_parts
from benchmarks.loader_cost import measure_loaders
from benchmarks.report import Bar, format_table
from benchmarks.synthetic import POOL_CONTRASTS, make_genes_and_pool, plan_studies
from benchmarks.train_whole import measure_end_to_end, measure_memory
from cluster.connect import connect
from cluster.profile import ClusterProfile
from pipeline.config import Config, GenesConfig
from pipeline.prepare.settings import CopySettings, GeneSettings, PrepareSettings, SplitSettings
from pipeline.run_prepare import run_prepare
from pipeline.sources.settings import SourceConfig
from pipeline.workspace import Workspace
from storage.disk import Disk
from storage.lease import Lease
from storage.training_copy import TrainingCopy

N_GENES = 48_978
UNITS = 2000
# Widths of the code at which a step is timed with its loader, and steps of a whole training.
CODES = (16, 256)
STEPS = 8
# Beyond the pool's size synthetic contrasts are near-duplicates, which would be placed in one part together.
SETTINGS = PrepareSettings(
    split=SplitSettings(by="row"),
    # A gene counts where it was measured: all are selected, and the network is as large as it gets.
    genes=GeneSettings(observed="measured", min_contrasts=0, min_studies=0),
    copy=CopySettings(se=True),
)


def main() -> None:
    """Build, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contrasts", type=int, default=7130)
    parser.add_argument("--genes", type=int, default=N_GENES)
    parser.add_argument("--steps", type=int, default=220)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--units", type=int, default=2000)
    parser.add_argument("--in", dest="folder", type=Path, help="a folder on the disk to measure")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=told.folder) as folder:
        copy, store, bars = build(Path(folder), told.contrasts, told.genes)
        whole = told.genes == N_GENES
        bars += measure_loaders(
            copy,
            store,
            steps=told.steps,
            repeats=told.repeats,
            threads=told.threads,
            judged=whole,
        )
        bars += measure_end_to_end(
            copy, CODES, steps=STEPS, repeats=told.repeats, threads=told.threads, judged=whole
        )
        judged = whole and told.units == UNITS
        bars += measure_memory(Path(folder) / "work", told.units, STEPS, judged=judged)
    sys.stdout.write(f"load of the machine {os.getloadavg()[0]:.1f}\n{format_table(bars)}\n")
    sys.exit(any(bar.met is False for bar in bars))


def build(root: Path, n_contrasts: int, n_genes: int) -> tuple[TrainingCopy, Path, list[Bar]]:
    """A prepared compendium: its training copy, its contrasts store, and what preparing took."""
    pool = root / "pool.npy"
    genes = make_genes_and_pool(pool, n_genes, min(POOL_CONTRASTS, n_contrasts))
    work = root / "work"
    config = Config(genes=GenesConfig(list=root), source=SourceConfig(path=root))
    workspace = Workspace(work, config)
    with connect(ClusterProfile(kind="local", workers=2, memory_gib=4.0)) as client:
        entries = write_parts(plan_studies(work, pool, genes, n_contrasts), client)
        compile_parts(Disk(work), genes, entries, client)
        pool.unlink()
        with Lease(workspace.disk) as lease:
            started = time.perf_counter()
            done = run_prepare(workspace, client, lease, lambda _: None, SETTINGS)
            took = time.perf_counter() - started
    copy = TrainingCopy.open(work, Path(done.copy).stem)
    size = copy.n_bytes * len(copy.arrays) / 1e6
    links = done.audit["links"]["duplicate"]
    bars = [
        Bar("prepare: split, moments, copy", f"{took:.1f} s for {n_contrasts} contrasts"),
        Bar("size of the copy, with standard errors", f"{size:.0f} MB"),
        Bar("near-duplicate links found between the synthetic studies", str(links)),
    ]
    return copy, store_of(work), bars


if __name__ == "__main__":
    main()
