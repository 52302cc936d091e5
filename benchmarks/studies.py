"""Simulated studies of one size, as a folder source: what the machines are measured with."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

from pipeline.simulate.files import genes_tsv, gzip_bytes, replacing
from pipeline.simulate.folder import write_study
from pipeline.simulate.settings import SimulationSettings
from pipeline.simulate.study import simulate_study, study_layout
from pipeline.simulate.universe import Universe, make_universe
from pipeline.workspace import create_workspace

N_GENES = 48_978
N_SAMPLES = 12


def write_studies(folder: Path, n_studies: int, n_genes: int, n_samples: int = N_SAMPLES) -> None:
    """Write `genes.tsv.gz` and `studies/` with `n_studies` studies of `n_samples` samples each."""
    universe = make_universe(SimulationSettings(n_genes=n_genes, seed=17))
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "genes.tsv.gz") as file:
        file.write(gzip_bytes(genes_tsv(universe.genes)))
    for _, k in zip(range(n_studies), _of_size(universe, n_samples), strict=False):
        study = simulate_study(universe, k)
        write_study(folder / "studies" / study.name, universe.genes, study)


def make_workspace_of(folder: Path, workspace: Path, more: str = "") -> None:
    """A workspace of the studies in `folder`; `more` ends its configuration."""
    create_workspace(workspace, folder / "genes.tsv.gz", folder / "studies", more=more)


def _of_size(universe: Universe, n_samples: int) -> Iterator[int]:
    """Numbers of the usable studies that have so many samples."""
    for k in count():
        layout = study_layout(universe, k)
        if layout.n_samples == n_samples and not layout.unusable:
            yield k
