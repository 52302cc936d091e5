"""Whether two writers lose a row where studies and shards do not fit each other."""

from pathlib import Path

import numpy as np
from distributed import Client

from benchmarks.build import compile_parts
from benchmarks.report import Bar
from benchmarks.synthetic import make_genes_and_pool, plan_studies, write_synthetic_part
from storage.compile import StudyEntry
from storage.disk import Disk
from storage.genes import GeneList
from storage.layout import Layout
from storage.open import contrasts_of, open_compendium, studies_of
from storage.parts import read_part
from storage.schema import CONTRAST, STATISTICS, STUDY, STUDY_STATISTICS

N_GENES = 300


def measure_lost_rows(folder: Path, client: Client, n_runs: int) -> Bar:
    """Compile `n_runs` small compendia on the workers of `client`; compare all rows with the parts."""
    folder.mkdir()
    pool = folder / "pool.npy"
    genes = make_genes_and_pool(pool, N_GENES, 150)
    checked = lost = 0
    for run in range(n_runs):
        rows, bad = compile_and_compare(folder / f"run-{run}", pool, genes, client, seed=run)
        checked += rows
        lost += bad
    return Bar(
        f"rows lost or wrong by 2 writers in {n_runs} runs, 1–9 contrasts a study",
        f"{lost} of {checked:,}",
        "0",
        lost == 0,
    )


def compile_and_compare(
    workspace: Path, pool: Path, genes: GeneList, client: Client, seed: int
) -> tuple[int, int]:
    """Rows that a compendium should have, and how many of them it lacks or has otherwise."""
    rng = np.random.default_rng([16, seed])
    chunk_rows = int(rng.integers(1, 6))
    layout = Layout(
        chunk_rows=chunk_rows,
        chunk_columns=int(rng.integers(40, 400)),
        shard_rows=chunk_rows * int(rng.integers(1, 4)),
    )
    workspace.mkdir()
    studies = plan_studies(workspace, pool, genes, int(rng.integers(40, 90)), seed)
    entries = [write_synthetic_part(study) for study in studies]
    refused = [StudyEntry(study=f"SRP9{i:05d}") for i in range(int(rng.integers(4)))]
    compile_parts(Disk(workspace), genes, [*entries, *refused], client, layout)
    return compare_with_parts(workspace, entries)


def compare_with_parts(workspace: Path, entries: list[StudyEntry]) -> tuple[int, int]:
    """Compare every value of a compendium with the parts, bit by bit."""
    tree = open_compendium(workspace)
    contrasts, studies = contrasts_of(tree), studies_of(tree)
    statistics = {v.name: contrasts[v.name].values for v in STATISTICS}
    of_studies = {v.name: studies[v.name].values for v in STUDY_STATISTICS}
    row_of = {str(name): row for row, name in enumerate(contrasts.indexes[CONTRAST])}
    study_row_of = {str(name): row for row, name in enumerate(studies.indexes[STUDY])}
    rows = lost = 0
    for entry in entries:
        assert entry.part is not None
        part, _ = read_part(Disk(workspace), entry.study, entry.part)
        place = study_row_of.pop(entry.study, None)
        rows += 1
        lost += place is None or any(
            found[place].tobytes() != part.study_statistics[name].tobytes()
            for name, found in of_studies.items()
        )
        for index, contrast in enumerate(part.contrasts):
            place = row_of.pop(contrast["contrast"], None)
            rows += 1
            lost += place is None or any(
                found[place].tobytes() != part.statistics[name][index].tobytes()
                for name, found in statistics.items()
            )
    # A row that no part has would be wrong too; only studies without a part may have an empty one.
    extra = [
        place for place in study_row_of.values() if np.isfinite(of_studies["ave_expr"][place]).any()
    ]
    return rows, lost + len(row_of) + len(extra)
