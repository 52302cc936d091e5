"""Measure the compendium: queries, writing, size, damage; print a table and exit 1 if a bar is missed.

    python -m benchmarks.storage

docs/benchmarks.md says how to read the table.
"""

import argparse
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from distributed import Client

from benchmarks.bit_flips import measure_flips
from benchmarks.build import compile_parts, run_folder, write_parts
from benchmarks.lost_rows import measure_lost_rows
from benchmarks.plain_xarray import measure_plain
from benchmarks.query_cost import Axis, QueryCost, measure_command, measure_query
from benchmarks.report import Bar, format_table
from benchmarks.store_size import measure_size
from benchmarks.synthetic import POOL_CONTRASTS, make_genes_and_pool, plan_studies
from benchmarks.tsv_cost import measure_tsv
from benchmarks.write_cost import measure_writing
from cluster.connect import connect
from cluster.profile import ClusterProfile
from storage.disk import Disk
from storage.layout import Layout

DATA = Path(__file__).parents[2] / "shared/data"
STUDIES = DATA / "studies"
GENE_LIST = DATA / "reference/mouse_ensembl_gene_annotation.tsv.gz"
WRITERS = ClusterProfile(kind="local", workers=2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """How much to measure; the times of a run that is not `judged` are told, and no bar."""

    contrasts: int = 7130
    genes: int = 48_978
    written_contrasts: int = 2048
    tsv_contrasts: int = 1024
    repeats: int = 15
    write_repeats: int = 3
    runs: int = 20
    flips: int = 30
    judged: bool = True

    def __post_init__(self) -> None:
        if min(self.contrasts, self.genes) < 100:
            raise ValueError(
                f"at least 100 contrasts and genes, got {self.contrasts} and {self.genes}"
            )

    @property
    def needed_bytes(self) -> int:
        """Free disk for the parts, the generation, a part of another one, and a TSV."""
        rows = 2 * self.contrasts + POOL_CONTRASTS + self.written_contrasts
        return 4 * self.genes * (5 * rows + 2 * self.tsv_contrasts)


def main() -> None:
    """Measure, print the table, and exit 1 if a bar is missed."""
    arguments = _parse()
    sizes = Sizes(contrasts=arguments.contrasts, genes=arguments.genes)
    if arguments.quick:
        sizes = Sizes(
            contrasts=400,
            genes=2000,
            written_contrasts=300,
            write_repeats=1,
            runs=2,
            flips=10,
            judged=False,
        )
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="dexome-bench-", dir=arguments.work) as name:
        folder = Path(name)
        free = shutil.disk_usage(folder).free
        if free < sizes.needed_bytes:
            sys.exit(
                f"{folder.parent} has {free / 1e9:.0f} GB free and {sizes.needed_bytes / 1e9:.0f} GB are "
                "needed; give another folder with --work, or fewer contrasts with --contrasts"
            )
        real: list[Bar] = []
        if sizes.judged and arguments.studies.is_dir() and arguments.gene_list.is_file():
            run_folder(folder / "real", arguments.gene_list, arguments.studies)
            real = measure_size(folder / "real", "real studies")
            _tell(started, "real studies measured")
        with connect(WRITERS) as client:
            exact = measure_exactness(
                folder / "exact", client, n_runs=sizes.runs, n_flips=sizes.flips
            )
            _tell(started, "exactness measured")
            writing = make_large(folder / "large", sizes, client)
            _tell(started, "compendium written")
        # From here without the cluster, whose scheduler would add its own CPU to this process's.
        bars = measure_large(folder / "large", sizes) + writing + real + exact
    print(format_table(bars))
    _tell(started, "done")
    if any(bar.met is False for bar in bars):
        sys.exit(1)


def measure_exactness(
    folder: Path, client: Client, *, n_runs: int = 20, n_flips: int = 30
) -> list[Bar]:
    """What must hold at any size: no row lost, no flipped bit unseen, plain xarray reads it."""
    folder.mkdir()
    lost = measure_lost_rows(folder / "lost", client, n_runs)
    workspace, pool = folder / "small", folder / "pool.npy"
    genes = make_genes_and_pool(pool, 1000, 60)
    entries = write_parts(plan_studies(workspace, pool, genes, 60), client)
    layout = Layout(chunk_rows=8, chunk_columns=256, shard_rows=16)
    compile_parts(Disk(workspace), genes, entries, client, layout)
    return [lost, *measure_flips(workspace, n_flips), measure_plain(workspace)]


def make_large(workspace: Path, sizes: Sizes, client: Client) -> list[Bar]:
    """Publish a compendium of the full size; measure on some of its parts what writing costs."""
    pool = workspace / "pool.npy"
    workspace.mkdir()
    genes = make_genes_and_pool(pool, sizes.genes, min(POOL_CONTRASTS, sizes.contrasts))
    studies = plan_studies(workspace, pool, genes, sizes.contrasts)
    entries = write_parts(studies, client)
    some = [
        entry
        for entry, study in zip(entries, studies, strict=True)
        if study.first + study.n_contrasts <= sizes.written_contrasts
    ]
    disk = Disk(workspace)
    bars = measure_writing(
        disk, genes, some, client, repeats=sizes.write_repeats, judged=sizes.judged
    )
    compile_parts(disk, genes, entries, client)
    return bars


def measure_large(workspace: Path, sizes: Sizes) -> list[Bar]:
    """Queries, and size, of a published compendium."""
    bars: list[Bar] = []
    costs: dict[Axis, QueryCost] = {}
    axes: tuple[Axis, ...] = ("gene", "contrast")
    for axis in axes:
        costs[axis] = measure_query(workspace, axis, repeats=sizes.repeats, judged=sizes.judged)
        bars += costs[axis].bars
        if sizes.judged:
            bars += measure_command(workspace, axis)
    n_tsv = min(sizes.tsv_contrasts, sizes.contrasts)
    bars += measure_tsv(workspace, workspace, costs, n_tsv, judged=sizes.judged)
    return bars + measure_size(workspace, "simulated statistics")


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure the compendium against its bars.")
    parser.add_argument("--contrasts", type=int, default=Sizes().contrasts)
    parser.add_argument("--genes", type=int, default=Sizes().genes)
    parser.add_argument("--studies", type=Path, default=STUDIES, help="folder of real studies")
    parser.add_argument("--gene-list", type=Path, default=GENE_LIST, help="their gene axis")
    parser.add_argument("--work", type=Path, help="where to work; what is written is deleted")
    parser.add_argument("--quick", action="store_true", help="small, and no time is judged")
    return parser.parse_args()


def _tell(started: float, what: str) -> None:
    print(f"{time.perf_counter() - started:6.0f} s  {what}", file=sys.stderr)


if __name__ == "__main__":
    main()
