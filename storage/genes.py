"""The gene axis: one ordered list of unique gene ids, what is known of its genes, and its hash."""

import csv
import gzip
import hashlib
import io
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from storage.errors import InputError
from storage.hashing import hash_json

# Names of columns after lower-casing and turning all but letters and digits into `_`; the first that
# a table has is taken, so names that may also head symbols ("gene", "id") come last.
ID_COLUMNS = (
    "ensgene",
    "ensembl",
    "ensembl_gene_id",
    "ensembl_id",
    "gene_stable_id",
    "gene_stable_id_version",
    "gene_id",
    "geneid",
    "gene",
    "genes",
    "id",
)
SYMBOL_COLUMNS = (
    "symbol",
    "gene_symbol",
    "genesymbol",
    "gene_name",
    "mgi_symbol",
    "hgnc_symbol",
    "external_gene_name",
)
BIOTYPE_COLUMNS = ("biotype", "gene_biotype", "gene_type")
ENTREZ_COLUMNS = (
    "entrez",
    "entrez_id",
    "entrezid",
    "entrezgene",
    "entrezgene_id",
    "ncbi_gene_id",
    "ncbi_gene_formerly_entrezgene_id",
)
MGI_COLUMNS = ("mgi", "mgi_id", "mgi_accession_id", "mgi_gene_id")

_ENSEMBL_VERSION = re.compile(r"^(ENS[A-Z]*G\d{11})\.\d+$")
_ENTREZ = re.compile(r"(\d+)(?:\.0)?")
_MGI = re.compile(r"MGI:\d+")
_NONE = frozenset({"", "NA", "NaN", "nan", "NULL", "None", "-"})


@dataclass(frozen=True, slots=True)
class GeneList:
    """The gene axis and what is known of its genes.

    `ids` are unique, in the axis' order, Ensembl ids without version; `symbols` and `biotypes` are
    aligned to them (empty string: unknown). `entrez` holds (gene id, Entrez id) pairs: a gene may have
    many Entrez ids, and an Entrez id many genes; `mgi` the same with ids of Mouse Genome Informatics.
    """

    ids: tuple[str, ...]
    symbols: tuple[str, ...]
    biotypes: tuple[str, ...]
    entrez: tuple[tuple[str, str], ...]
    mgi: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not len(self.ids) == len(self.symbols) == len(self.biotypes):
            raise ValueError(
                f"a gene list needs one symbol and one biotype for each id, got {len(self.ids)} ids, "
                f"{len(self.symbols)} symbols and {len(self.biotypes)} biotypes"
            )
        if len(set(self.ids)) != len(self.ids):
            raise ValueError("the ids of a gene list must be unique")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def sha256(self) -> str:
        """Hash of the ids in order: two stores with one hash have the same gene axis."""
        return hashlib.sha256("\n".join(self.ids).encode()).hexdigest()

    @property
    def names_sha256(self) -> str:
        """Hash of all that count tables may call its genes: with one hash, rows go to the same genes."""
        return hash_json([self.ids, self.symbols, self.entrez, self.mgi])


def read_gene_list(path: Path) -> GeneList:
    """Read the gene axis from a table with a header, or from a file of one id a line.

    The table is TSV or CSV, gzipped or not; its columns are known by name (`ID_COLUMNS` and so on) and
    all but the ids may be absent. Rows that repeat an id add their Entrez id to it, and nothing else.

    Raises
    ------
    InputError
        The file can't be read, is no text, has no ids, or no column that is known to hold them.
    """
    rows = _read_rows(path)
    names = [_column_name(cell) for cell in rows[0]]
    id_at = _find(names, ID_COLUMNS)
    if id_at is None:
        if len(names) > 1:
            raise InputError(
                f"{path} has no column of gene ids among {', '.join(map(repr, rows[0][:8]))}; "
                "name one of them gene_id"
            )
        id_at, names = 0, ["gene_id"]
    else:
        rows = rows[1:]
    return _collect(path, rows, names, id_at)


def _collect(path: Path, rows: list[list[str]], names: list[str], id_at: int) -> GeneList:
    """The gene list of the table's rows, each of them as long as the header."""
    symbol_at = _find(names, SYMBOL_COLUMNS)
    biotype_at = _find(names, BIOTYPE_COLUMNS)
    entrez_at = _find(names, ENTREZ_COLUMNS)
    symbols: dict[str, str] = {}
    biotypes: dict[str, str] = {}
    mgi_at = _find(names, MGI_COLUMNS)
    entrez: dict[tuple[str, str], None] = {}
    mgi: dict[tuple[str, str], None] = {}
    for number, row in enumerate(rows, start=1):
        if len(row) != len(names):
            raise InputError(
                f"{path}: gene {number} ({row[0]!r}) has {len(row)} fields where the header has "
                f"{len(names)}; mend the file"
            )
        gene = _ENSEMBL_VERSION.sub(r"\1", row[id_at].strip())
        if gene in _NONE:
            continue
        if any(c.isspace() for c in gene):
            raise InputError(f"{path}: {gene!r} is no gene id; give one id a line, or a TSV or CSV")
        if gene not in symbols:
            symbols[gene] = _cell(row, symbol_at)
            biotypes[gene] = _cell(row, biotype_at)
        for found in _ENTREZ.findall(_cell(row, entrez_at)):
            entrez[gene, found] = None
        for found in _MGI.findall(_cell(row, mgi_at)):
            mgi[gene, found] = None
    if not symbols:
        raise InputError(f"{path} holds no gene ids; give a gene list with at least one")
    return GeneList(
        tuple(symbols),
        tuple(symbols.values()),
        tuple(biotypes.values()),
        tuple(entrez),
        tuple(mgi),
    )


def _read_rows(path: Path) -> list[list[str]]:
    """Rows of cells, blank lines left out; at least one."""
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        text = data.decode("utf-8-sig")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"{path} is a damaged gzip file ({error}); copy it again") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no UTF-8 text; save the gene list as TSV or CSV") from error
    except OSError as error:
        raise InputError(f"the gene list {path} can't be read: {error.strerror}") from error
    if "\0" in text:
        raise InputError(f"{path} is no text; save the gene list as TSV or CSV")
    # newline=None: only the line ends of a file end a row, not those of Unicode.
    lines = [line for line in io.StringIO(text, newline=None) if line.strip()]
    if not lines:
        raise InputError(f"{path} is empty; give a gene list with at least one id")
    delimiter = "\t" if "\t" in lines[0] else ","
    try:
        return list(csv.reader(lines, delimiter=delimiter))
    except csv.Error as error:
        raise InputError(f"{path} is no table ({error}); save it as TSV or CSV") from error


def _column_name(cell: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", cell.lower()).strip("_")


def _find(names: list[str], known: tuple[str, ...]) -> int | None:
    """Position of the first known column."""
    return next((names.index(name) for name in known if name in names), None)


def _cell(row: list[str], at: int | None) -> str:
    value = "" if at is None else row[at].strip()
    return "" if value in _NONE else value
