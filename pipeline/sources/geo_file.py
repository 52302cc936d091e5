"""GEO's two text formats, family SOFT and series matrix, streamed into one shape: fields by sample.

Nothing is held but the fields: tables of values (arrays, platforms) are passed over line by line. A cell
of a series matrix belongs to its sample alone, since samples that lack a characteristic have the next one
moved up into the row: keys are therefore told cell by cell, by whoever reads the fields.
"""

import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.sources.refusal import Refusal
from pipeline.sources.text import GZIP, short_name

Fields = dict[str, list[str]]

# A series matrix of 10,000 samples repeats a protocol in each; platform tables are long, and not kept.
_MAX_LINE = 256 << 20
_MAX_BYTES = 16 << 30
_MAX_KEPT = 1 << 30
_ACCESSION = re.compile(r"GSE\d+")


@dataclass(slots=True)
class GeoSeries:
    """One series: its own fields, and those of each sample, by accession in the order of the file.

    A field's name is GEO's without `!Series_` or `!Sample_`; a field has a value for each of its lines, and
    in a series matrix an empty one where the sample's cell is.
    """

    accession: str = ""
    fields: Fields = field(default_factory=dict)
    samples: dict[str, Fields] = field(default_factory=dict)


def read_geo(path: Path) -> GeoSeries:
    """Read a family SOFT file or a series matrix, gzipped or not, told by its content.

    Raises
    ------
    Refusal
        `bad_geo`: neither of the two, without samples, or with a row that does not fit them;
        `damaged_gzip`, `unreadable`.
    """
    name = short_name(path)
    lines = _lines(path, name)
    first = next((line for line in lines if line.strip()), "")
    if first.startswith("^"):
        series = _read_soft(_outside_tables(first, lines, name))
    elif first.startswith("!Series_"):
        series = _read_matrix(_outside_tables(first, lines, name), name)
    else:
        raise Refusal(
            "bad_geo",
            f"{name} is no GEO file: it begins with {first.strip()[:40]!r}, not with ^ or !Series_; "
            "fetch it again",
        )
    if not series.samples:
        raise Refusal("bad_geo", f"{name} has no samples: it is cut short or empty; fetch it again")
    return series


def _lines(path: Path, name: str) -> Iterator[str]:
    """Lines of a text file without their ends; what is not UTF-8 is replaced."""
    total = 0
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == GZIP
            raw.seek(0)
            with gzip.GzipFile(fileobj=raw) if zipped else raw as file:
                while line := file.readline(_MAX_LINE):
                    total += len(line)
                    if total > _MAX_BYTES or len(line) == _MAX_LINE:
                        raise Refusal("bad_geo", f"{name} is larger than any GEO file; remove it")
                    yield line.decode("utf-8", "replace").rstrip("\r\n")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Refusal(
            "damaged_gzip", f"{name} is a damaged gzip file ({error}); fetch it again"
        ) from error
    except OSError as error:
        raise Refusal("unreadable", f"{name} can't be read: {error.strerror}") from error


def _read_soft(lines: Iterator[str]) -> GeoSeries:
    series = GeoSeries()
    fields: Fields = {}
    for line in lines:
        key, mark, value = line.partition(" = ")
        if line.startswith("^"):
            kind = key[1:].strip().upper()
            fields = {}
            if kind == "SERIES":
                series.accession, fields = value.strip(), series.fields
            elif kind == "SAMPLE":
                fields = series.samples.setdefault(value.strip(), {})
        elif mark and line.startswith(("!Series_", "!Sample_")):
            fields.setdefault(key[8:], []).append(value.strip())
    return series


def _outside_tables(first: str, lines: Iterator[str], name: str) -> Iterator[str]:
    yield first
    inside, kept = False, 0
    for line in lines:
        if line.startswith("!") and line.rstrip().endswith(("_table_begin", "_table_end")):
            inside = line.rstrip().endswith("_begin")
        elif not inside:
            kept += len(line)
            if kept > _MAX_KEPT:
                raise Refusal("bad_geo", f"{name} says more of its samples than fits; remove it")
            yield line


def _read_matrix(lines: Iterator[str], name: str) -> GeoSeries:
    series = GeoSeries()
    rows: list[tuple[str, list[str]]] = []
    for line in lines:
        key, _, rest = line.partition("\t")
        if key.startswith("!Series_"):
            series.fields.setdefault(key[8:], []).extend(_cells(rest))
        elif key.startswith("!Sample_"):
            rows.append((key[8:], _cells(rest)))
    names = next((row for key, row in rows if key == "geo_accession"), [])
    if len(set(names)) < len(names):
        raise Refusal("bad_geo", f"{name} has a sample twice; fetch it again")
    for key, row in rows:
        if len(row) != len(names):
            raise Refusal(
                "bad_geo",
                f"{name}: row !Sample_{key} has {len(row)} cells for {len(names)} samples; "
                "fetch it again",
            )
        for sample, cell in zip(names, row, strict=True):
            series.samples.setdefault(sample, {}).setdefault(key, []).append(cell)
    told = _ACCESSION.findall(" ".join(series.fields.get("geo_accession", [])))
    series.accession = told[0] if told else ""
    return series


def _cells(text: str) -> list[str]:
    """Cells of a row: in quotes, with whatever is between them, or bare."""
    if text.startswith('"') and text.rstrip().endswith('"') and len(text) > 1:
        return [cell.strip() for cell in text.rstrip()[1:-1].split('"\t"')]
    return [cell.strip().strip('"').strip() for cell in text.split("\t")]
