"""A zip archive of DEE2, of a project or of a request: its tables, read in memory, never unpacked.

A bundle has its members in a folder, a request's archive has not: members are found by their base name.
The matrix's columns and the rows of the metadata are in orders of their own; everything is by run.
"""

import lzma
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv as pa_csv

from pipeline.sources.qc import Qc, parse_qc
from pipeline.sources.refusal import Refusal
from pipeline.sources.settings import Layer
from pipeline.sources.table import CountTable, parse_count_table
from pipeline.sources.text import next_line, plain_text

GENE_COUNTS, TX_COUNTS = "GeneCountMatrix.tsv", "TxCountMatrix.tsv"
TX_INFO, QC_MATRIX = "TxInfo.tsv", "QC_Matrix.tsv"
COUNTS: dict[str, str] = {"star": GENE_COUNTS, "kallisto": TX_COUNTS}
NEEDED: dict[str, tuple[str, ...]] = {"star": (GENE_COUNTS,), "kallisto": (TX_COUNTS, TX_INFO)}
# Unzipped: an archive that says more is none of DEE2's. A run has at most a few 100,000 rows of some bytes.
MAX_MEMBER_BYTES = 4 << 30
_BYTES_OF_RUN, _BYTES_OF_IDS = 8 << 20, 64 << 20
_SUMMARY = "QC_SUMMARY"
# What the library raises for an archive that is damaged: there is a place for each in the format.
DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    OSError,
)


@dataclass(frozen=True, slots=True)
class Archive:
    """Counts of an archive's runs by gene, (run, gene), and their flags where it has them."""

    counts: CountTable
    qc: dict[str, Qc]


def read_archive(path: Path, layer: Layer) -> Archive:
    """Read the counts of every run of an archive.

    Raises
    ------
    Refusal
        `damaged_download`: it is no sound zip, or lacks a table; or what is wrong with the table.
    """
    name = path.name
    with open_archive(path) as archive:
        check_size(archive, layer, name)
        table = parse_count_table(
            plain_text(read_member(archive, COUNTS[layer], name), name), f"{name}/{COUNTS[layer]}"
        )
        if layer == "kallisto":
            table = sum_transcripts(table, read_member(archive, TX_INFO, name), name)
        qc = _read_qc(archive, name)
    return Archive(table, qc)


def open_archive(path: Path) -> zipfile.ZipFile:
    """Open an archive; see `read_archive`."""
    try:
        return zipfile.ZipFile(path)
    except (FileNotFoundError, PermissionError) as error:
        raise Refusal("unreadable", f"{path.name} can't be read: {error.strerror}") from error
    except DAMAGE as error:
        raise _damaged(path.name, f"is no zip archive ({error})") from error


def find_member(archive: zipfile.ZipFile, member: str, name: str) -> zipfile.ZipInfo:
    """The one member of that base name, of a size that can be read."""
    found = [info for info in archive.infolist() if info.filename.rpartition("/")[2] == member]
    if len(found) != 1:
        raise _damaged(name, f"has {len(found)} tables {member} where one is needed")
    if found[0].file_size > MAX_MEMBER_BYTES:
        raise _damaged(
            name, f"has a table {member} of {found[0].file_size} bytes, which is too large"
        )
    return found[0]


def read_member(archive: zipfile.ZipFile, member: str, name: str) -> bytes:
    """Content of a member; its size is known and bounded, its CRC checked."""
    info = find_member(archive, member, name)
    try:
        return archive.read(info)
    except DAMAGE as error:
        raise _damaged(name, f"has a damaged table {member} ({error})") from error


def header_runs(archive: zipfile.ZipFile, layer: Layer, name: str) -> list[str]:
    """Runs that the header of the count table names, without reading the rest."""
    info = find_member(archive, COUNTS[layer], name)
    try:
        with archive.open(info) as file:
            line = file.readline(1 << 24)
    except DAMAGE as error:
        raise _damaged(name, f"has a damaged table {COUNTS[layer]} ({error})") from error
    return [cell.strip().strip('"') for cell in line.decode("utf-8", "replace").split("\t")[1:]]


def check_size(archive: zipfile.ZipFile, layer: Layer, name: str) -> None:
    """Refuse a count table that says to be larger than any of its number of runs."""
    info = find_member(archive, COUNTS[layer], name)
    n_runs = len(header_runs(archive, layer, name))
    if info.file_size > _BYTES_OF_IDS + n_runs * _BYTES_OF_RUN:
        raise _damaged(
            name, f"says that {COUNTS[layer]} has {info.file_size} bytes for {n_runs} runs"
        )


def sum_transcripts(table: CountTable, tx_info: bytes, name: str) -> CountTable:
    """Sum counts of transcripts to genes; versions of ids are left out.

    `tx_info` has the columns TxID and GeneID. Transcripts that it does not know are left out.
    """
    genes_of = _genes_of(tx_info, name)
    place: dict[str, int] = {}
    at = np.full(len(table.ids), -1)
    for i, transcript in enumerate(table.ids):
        gene = genes_of.get(_unversioned(transcript))
        if gene is not None:
            at[i] = place.setdefault(gene, len(place))
    if not place:
        raise _damaged(name, f"has no transcript of {TX_COUNTS} in {TX_INFO}")
    known = at >= 0
    counts = np.empty((len(table.samples), len(place)))
    for out, row in zip(counts, table.counts, strict=True):
        out[:] = np.bincount(at[known], weights=row[known], minlength=len(place))
    return CountTable(list(place), table.samples, counts)


def _genes_of(tx_info: bytes, name: str) -> dict[str, str]:
    data = plain_text(tx_info, name)
    header, start = next_line(data, 0)
    columns = [cell.strip().strip('"') for cell in header.split("\t")]
    if not {"TxID", "GeneID"} <= set(columns):
        raise _damaged(name, f"has a {TX_INFO} without columns TxID and GeneID")
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(pa.py_buffer(data)[start:]),
            read_options=pa_csv.ReadOptions(column_names=columns, use_threads=False),
            parse_options=pa_csv.ParseOptions(
                delimiter="\t", quote_char=False, invalid_row_handler=lambda _: "skip"
            ),
            convert_options=pa_csv.ConvertOptions(
                include_columns=["TxID", "GeneID"],
                column_types={"TxID": pa.string(), "GeneID": pa.string()},
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        raise _damaged(name, f"has a {TX_INFO} that can't be parsed") from error
    pairs = zip(table["TxID"].to_pylist(), table["GeneID"].to_pylist(), strict=True)
    return {_unversioned(transcript): _unversioned(gene) for transcript, gene in pairs if gene}


def _unversioned(name: str) -> str:
    stem, dot, version = name.strip().strip('"').rpartition(".")
    return stem if dot and version.isdigit() else name.strip().strip('"')


def _read_qc(archive: zipfile.ZipFile, name: str) -> dict[str, Qc]:
    """Flags by run, from the last row of the matrix of metrics; empty where there is none (as in 2019)."""
    try:
        data = read_member(archive, QC_MATRIX, name)
    except Refusal:
        return {}
    lines = data.decode("utf-8", "replace").splitlines()
    runs = lines[0].split("\t")[1:] if lines else []
    flags = next((line.split("\t")[1:] for line in lines if line.startswith(_SUMMARY)), [])
    if len(flags) != len(runs):
        return {}
    return {run.strip().strip('"'): parse_qc(flag) for run, flag in zip(runs, flags, strict=True)}


def _damaged(name: str, what: str) -> Refusal:
    return Refusal("damaged_download", f"{name} {what}; delete it and run `dexome fetch`")
