"""How simulated files are written: tables as text, whole or not at all, the same bytes each time."""

import gzip
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv

from pipeline.simulate.genes import SimulatedGenes
from pipeline.simulate.settings import SimulationSettings
from pipeline.simulate.terms import make_terms, to_gaf, to_obo
from pipeline.simulate.universe import Universe
from storage.errors import InputError

FINISHED = "settings.json"
UNFINISHED = "unfinished.json"  # its renaming is the last thing done


def begin_collection(path: Path, settings: SimulationSettings, **more: object) -> bool:
    """Make `path` ready for a collection; False if it holds the finished one of these settings.

    `more` belongs to the settings. One that was cut short with the same settings is written again.

    Raises
    ------
    InputError
        If `path` holds anything else.
    """
    finished, unfinished = (path / "truth" / name for name in (FINISHED, UNFINISHED))
    text = json.dumps({**asdict(settings), **more}, indent=1, sort_keys=True) + "\n"
    if finished.is_file() and finished.read_text() == text:
        return False
    if not (unfinished.is_file() and unfinished.read_text() == text):
        if path.exists() and any(path.iterdir()):
            raise InputError(f"{path} is not empty; pass a new path or delete it first")
        (path / "truth").mkdir(parents=True)
        with replacing(unfinished) as file:
            file.write(text.encode())
    return True


def finish_collection(path: Path) -> None:
    """Say that the collection at `path` is whole."""
    (path / "truth" / UNFINISHED).rename(path / "truth" / FINISHED)


def genes_tsv(genes: SimulatedGenes) -> bytes:
    """The table of the gene axis."""
    columns = {"gene_id": genes.ids, "symbol": genes.symbols}
    columns |= {"biotype": genes.biotypes, "entrez": genes.entrez}
    return tsv(pa.table({name: pa.array(values) for name, values in columns.items()}))


def write_terms(path: Path, universe: Universe) -> None:
    """Write the ontology and the annotation of a universe: `terms.obo`, `annotation.gaf.gz`."""
    terms = make_terms(universe)
    with replacing(path / "terms.obo") as file:
        file.write("".join(to_obo(terms)).encode())
    with replacing(path / "annotation.gaf.gz") as file:
        file.write(gzip_bytes("".join(to_gaf(terms, universe)).encode()))


def tsv(table: pa.Table) -> bytes:
    """Tab-separated text; the header is ours, because pyarrow quotes names."""
    buffer = io.BytesIO()
    buffer.write(("\t".join(table.column_names) + "\n").encode())
    options = pa_csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
    pa_csv.write_csv(table, buffer, options)
    return buffer.getvalue()


def gzip_bytes(data: bytes) -> bytes:
    """Gzipped, the same bytes each time."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=1, mtime=0) as file:
        file.write(data)
    return buffer.getvalue()


@contextmanager
def replacing(path: Path) -> Iterator[io.BufferedWriter]:
    """A file that appears under its name once it is whole."""
    part = temporary(path)
    with part.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)


def temporary(path: Path) -> Path:
    """Where a file is until it is whole."""
    return path.with_name(f".{path.name}.tmp")
