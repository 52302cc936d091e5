"""Writing simulated studies as a folder source: count tables, sample tables, gene list, truth."""

import gzip
import io
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from pipeline.simulate.genes import SimulatedGenes, Strings
from pipeline.simulate.programs import Programs
from pipeline.simulate.settings import SimulationSettings
from pipeline.simulate.study import SimulatedStudy, simulate_study
from pipeline.simulate.universe import make_universe
from storage.errors import InputError

FINISHED = "settings.json"
UNFINISHED = "unfinished.json"  # its renaming is the last thing done
Matrix = npt.NDArray[np.float32] | npt.NDArray[np.float64]

# Genes and contrasts are positions: in genes.tsv.gz, and in contrasts.parquet.
LOGFC = pa.schema([("contrast", pa.int32()), ("gene", pa.int32()), ("logfc", pa.float32())])
ACTIVITIES = pa.schema(
    [("contrast", pa.int32()), ("program", pa.int32()), ("activity", pa.float64())]
)
LOADINGS = pa.schema([("program", pa.int32()), ("gene", pa.int32()), ("loading", pa.float64())])
CONTRASTS = pa.schema(
    [
        ("contrast", pa.int32()),
        *((name, pa.string()) for name in ("study", "factor", "test", "reference")),
        ("n_test", pa.int32()),
        ("n_reference", pa.int32()),
        ("perturbation", pa.string()),
        ("dose", pa.float64()),
    ]
)
STUDIES = pa.schema(
    [
        *((name, pa.string()) for name in ("study", "kind", "factor", "reference")),
        *((name, pa.int32()) for name in ("n_samples", "n_levels", "n_contrasts")),
        *((name, pa.string()) for name in ("tissue", "id_style", "batch", "second")),
        ("messy", pa.bool_()),
        ("unusable", pa.string()),
    ]
)


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
        Holds `genes.tsv.gz`, `studies/STUDY/counts.tsv.gz` and `samples.tsv`, and `truth/` afterwards.
    progress
        Called with the number of studies written and of all studies.

    Raises
    ------
    InputError
        If `path` holds anything else.
    """
    finished, unfinished = (path / "truth" / name for name in (FINISHED, UNFINISHED))
    text = json.dumps(asdict(settings), indent=1, sort_keys=True) + "\n"
    if finished.is_file() and finished.read_text() == text:
        return
    if not (unfinished.is_file() and unfinished.read_text() == text):
        if path.exists() and any(path.iterdir()):
            raise InputError(f"{path} is not empty; pass a new path or delete it first")
        (path / "truth").mkdir(parents=True)
        with _replacing(unfinished) as file:
            file.write(text.encode())
    universe = make_universe(settings)
    with _replacing(path / "genes.tsv.gz") as file:
        file.write(_gzip(_genes_tsv(universe.genes)))
    _write_programs(path / "truth", universe.programs)
    with _TruthWriter(path / "truth") as truth:
        for k in range(settings.n_studies):
            study = simulate_study(universe, k)
            write_study(path / "studies" / study.name, universe.genes, study)
            truth.add(study, universe.tissues[study.layout.tissue])
            if progress is not None:
                progress(k + 1, settings.n_studies)
    unfinished.rename(finished)


def write_study(path: Path, genes: SimulatedGenes, study: SimulatedStudy) -> None:
    """Write one study's `counts.tsv.gz` (gene rows, sample columns) and `samples.tsv` into `path`."""
    path.mkdir(parents=True, exist_ok=True)
    rows, ids = row_ids(genes, study.layout.id_style)
    columns = {"gene_id": pa.array(ids)}
    for name, counts in zip(study.samples.index, study.counts, strict=True):
        columns[name] = pa.array(counts[rows])
    with _replacing(path / "counts.tsv.gz") as file:
        file.write(_gzip(_tsv(pa.table(columns))))
    samples = study.samples
    if study.layout.messy:
        samples = samples.iloc[::-1]  # as in GEO, the rows need not be in the order of the counts
    with _replacing(path / "samples.tsv") as file:
        file.write(_tsv(pa.Table.from_pandas(samples.reset_index(), preserve_index=False)))


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


class _TruthWriter:
    """Streams the truth of one study after the other into `truth/*.parquet`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._n_contrasts = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        for name, writer in self._writers.items():
            writer.close()
            if error is None:
                _temporary(self._path / name).rename(self._path / name)

    def add(self, study: SimulatedStudy, tissue: str) -> None:
        """Append one study's rows to every table."""
        first = self._n_contrasts
        self._n_contrasts += len(study.contrasts)
        rows = [{"contrast": first + i, **asdict(c)} for i, c in enumerate(study.contrasts)]
        self._write("contrasts.parquet", pa.Table.from_pylist(rows, schema=CONTRASTS))
        self._write("logfc.parquet", _triplets(study.true_logfc, first, LOGFC))
        self._write("activities.parquet", _triplets(study.activities, first, ACTIVITIES))
        self._write("studies.parquet", pa.Table.from_pylist([_describe(study, tissue)], STUDIES))
        samples = {"study": [study.name] * len(study.groups), "sample": list(study.samples.index)}
        self._write("samples.parquet", pa.table({**samples, "level": list(study.groups)}))

    def _write(self, name: str, table: pa.Table) -> None:
        if name not in self._writers:
            target = _temporary(self._path / name)
            self._writers[name] = pq.ParquetWriter(target, table.schema, compression="zstd")
        self._writers[name].write_table(table)


def _describe(study: SimulatedStudy, tissue: str) -> dict[str, object]:
    layout = study.layout
    return {
        "study": study.name,
        "kind": layout.kind,
        "factor": layout.factor,
        "reference": layout.levels[0],
        "n_samples": layout.n_samples,
        "n_levels": len(set(study.groups)),
        "n_contrasts": layout.n_contrasts,
        "tissue": tissue,
        "id_style": layout.id_style,
        "batch": layout.batch.column if layout.batch else "",
        "second": layout.second.column if layout.second else "",
        "messy": layout.messy,
        "unusable": layout.unusable,
    }


def _triplets(matrix: Matrix, first_row: int, schema: pa.Schema) -> pa.Table:
    """The entries of `matrix` that are not 0, as rows (row, column, value)."""
    rows, columns = np.nonzero(matrix)
    values = (rows + first_row, columns, matrix[rows, columns])
    return pa.table([pa.array(v, t) for v, t in zip(values, schema.types, strict=True)], schema)


def _write_programs(path: Path, programs: Programs) -> None:
    entries = programs.loadings.tocoo()
    table = {
        "program": np.arange(len(programs), dtype=np.int32),
        "parent": programs.parents.astype(np.int32),
        "n_genes": np.diff(programs.loadings.indptr).astype(np.int32),
        "popularity": programs.popularity,
    }
    loadings = (entries.row, entries.col, entries.data)
    arrays = [pa.array(v, t) for v, t in zip(loadings, LOADINGS.types, strict=True)]
    with _replacing(path / "programs.parquet") as file:
        pq.write_table(pa.table(table), file, compression="zstd")
    with _replacing(path / "loadings.parquet") as file:
        pq.write_table(pa.table(arrays, LOADINGS), file, compression="zstd")


def _genes_tsv(genes: SimulatedGenes) -> bytes:
    columns = {"gene_id": genes.ids, "symbol": genes.symbols}
    columns |= {"biotype": genes.biotypes, "entrez": genes.entrez}
    return _tsv(pa.table({name: pa.array(values) for name, values in columns.items()}))


def _tsv(table: pa.Table) -> bytes:
    """Tab-separated text; the header is ours, because pyarrow quotes names."""
    buffer = io.BytesIO()
    buffer.write(("\t".join(table.column_names) + "\n").encode())
    options = pa_csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
    pa_csv.write_csv(table, buffer, options)
    return buffer.getvalue()


def _gzip(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=1, mtime=0) as file:
        file.write(data)
    return buffer.getvalue()


@contextmanager
def _replacing(path: Path) -> Iterator[io.BufferedWriter]:
    """A file that appears under its name once it is whole."""
    temporary = _temporary(path)
    with temporary.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.tmp")
