"""Writing simulated studies as a folder source: count tables, sample tables, gene list, truth."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from pipeline.simulate.files import (
    begin_collection,
    finish_collection,
    genes_tsv,
    gzip_bytes,
    replacing,
    tsv,
    write_terms,
)
from pipeline.simulate.genes import SimulatedGenes, Strings
from pipeline.simulate.settings import SimulationSettings
from pipeline.simulate.study import SimulatedStudy, simulate_study
from pipeline.simulate.truth_writer import TruthWriter, write_programs
from pipeline.simulate.universe import make_universe


def write_folder(
    path: Path,
    settings: SimulationSettings,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write `settings.n_studies` studies and their truth as a folder source.

    The same settings give the same bytes. A folder that holds them already is left alone, one that was
    cut short with the same settings is written again.

    Parameters
    ----------
    path
        Holds `genes.tsv.gz`, `terms.obo`, `annotation.gaf.gz`, `studies/STUDY/counts.tsv.gz` and
        `samples.tsv`, and `truth/` afterwards.
    progress
        Called with the number of studies written and of all studies.

    Raises
    ------
    InputError
        If `path` holds anything else.
    """
    if not begin_collection(path, settings):
        return
    universe = make_universe(settings)
    with replacing(path / "genes.tsv.gz") as file:
        file.write(gzip_bytes(genes_tsv(universe.genes)))
    write_terms(path, universe)
    write_programs(path / "truth", universe.programs)
    with TruthWriter(path / "truth") as truth:
        for k in range(settings.n_studies):
            study = simulate_study(universe, k)
            write_study(path / "studies" / study.name, universe.genes, study)
            truth.add(study, universe.tissues[study.layout.tissue])
            if progress is not None:
                progress(k + 1, settings.n_studies)
    finish_collection(path)


def write_study(path: Path, genes: SimulatedGenes, study: SimulatedStudy) -> None:
    """Write one study's `counts.tsv.gz` (gene rows, sample columns) and `samples.tsv` into `path`."""
    path.mkdir(parents=True, exist_ok=True)
    rows, ids = row_ids(genes, study.layout.id_style)
    columns = {"gene_id": pa.array(ids)}
    for name, counts in zip(study.samples.index, study.counts, strict=True):
        columns[name] = pa.array(counts[rows])
    with replacing(path / "counts.tsv.gz") as file:
        file.write(gzip_bytes(tsv(pa.table(columns))))
    samples = study.samples
    if study.layout.messy:
        samples = samples.iloc[::-1]  # as in GEO, the rows need not be in the order of the counts
    with replacing(path / "samples.tsv") as file:
        file.write(tsv(pa.Table.from_pandas(samples.reset_index(), preserve_index=False)))


def row_ids(genes: SimulatedGenes, style: str) -> tuple[np.ndarray, Strings]:
    """Genes of a count table's rows, as positions in the gene list, and what the table calls them."""
    ids = genes.ids
    if style == "entrez":
        rows = np.flatnonzero(genes.entrez != "")
        rows = rows[np.argsort(genes.entrez[rows])]
        return rows, genes.entrez[rows]
    if style == "symbol":
        rows = np.argsort(genes.symbols)
        return rows, genes.symbols[rows]
    if style == "ensembl_version":
        ids = np.char.add(np.char.add(ids, "."), genes.versions)
    elif style == "ensembl_symbol":
        ids = np.char.add(np.char.add(ids, "|"), genes.symbols)
    return np.arange(len(ids)), ids
