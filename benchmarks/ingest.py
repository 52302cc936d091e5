"""What a study's files cost to read and map, beside pandas on the same files.

`python -m benchmarks.ingest [--studies FOLDER --gene-list FILE]`; without real studies, simulated ones.
"""

import argparse
import tempfile
from functools import partial
from pathlib import Path

import pandas as pd

from benchmarks.report import best_cpu_s
from pipeline.simulate.folder import write_folder
from pipeline.simulate.settings import SimulationSettings
from pipeline.sources.folder import FolderSource
from pipeline.sources.genes import GeneIndex, map_counts
from pipeline.sources.refusal import Refusal
from pipeline.sources.table import read_count_table
from storage.genes import read_gene_list

REPEATS = 5


def measure(studies: Path, gene_list: Path) -> list[str]:
    """Rows of the table: CPU seconds to read, to map, and pandas' to read."""
    index = GeneIndex.from_list(read_gene_list(gene_list))
    rows = []
    for study in FolderSource(studies).studies():
        path = studies / study / "counts.tsv.gz"
        if not path.exists():
            continue
        table = read_count_table(path)
        try:
            map_counts(table, index)
        except Refusal:
            rows.append(f"| {study} | of another organism | | | |")
            continue
        read, mapped, pandas = best_cpu_s(
            (
                partial(read_count_table, path),
                partial(map_counts, table, index),
                partial(pd.read_csv, path, sep="\t", index_col=0),
            ),
            REPEATS,
        )
        size = f"{len(table.ids)} × {len(table.samples)}"
        rows.append(f"| {study} | {size} | {read:.3f} | {mapped:.3f} | {pandas:.3f} |")
    return rows


def main() -> None:
    """Print the table."""
    shared = Path(__file__).parents[2] / "shared" / "data"
    annotation = shared / "reference" / "mouse_ensembl_gene_annotation.tsv.gz"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=Path, default=shared / "studies")
    parser.add_argument("--gene-list", type=Path, default=annotation)
    given = parser.parse_args()
    print("| study | genes × samples | read, CPU s | map, CPU s | pandas, CPU s |")
    print("|---|---|---|---|---|")
    if given.studies.is_dir():
        print("\n".join(measure(given.studies, given.gene_list)))
        return
    with tempfile.TemporaryDirectory() as folder:
        write_folder(Path(folder), SimulationSettings(n_studies=4))
        print("\n".join(measure(Path(folder) / "studies", Path(folder) / "genes.tsv.gz")))


if __name__ == "__main__":
    main()
