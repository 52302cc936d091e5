"""Writing the truth of simulated studies, one after the other, into `truth/*.parquet`."""

from dataclasses import asdict
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.simulate.files import replacing, temporary
from pipeline.simulate.programs import Programs
from pipeline.simulate.study import SimulatedStudy

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


class TruthWriter:
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
                temporary(self._path / name).rename(self._path / name)

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
            target = temporary(self._path / name)
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


def write_programs(path: Path, programs: Programs) -> None:
    entries = programs.loadings.tocoo()
    table = {
        "program": np.arange(len(programs), dtype=np.int32),
        "parent": programs.parents.astype(np.int32),
        "n_genes": np.diff(programs.loadings.indptr).astype(np.int32),
        "popularity": programs.popularity,
    }
    loadings = (entries.row, entries.col, entries.data)
    arrays = [pa.array(v, t) for v, t in zip(loadings, LOADINGS.types, strict=True)]
    with replacing(path / "programs.parquet") as file:
        pq.write_table(pa.table(table), file, compression="zstd")
    with replacing(path / "loadings.parquet") as file:
        pq.write_table(pa.table(arrays, LOADINGS), file, compression="zstd")
