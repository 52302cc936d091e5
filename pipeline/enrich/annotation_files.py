"""The formats of annotation: GAF 2, gene2go, GMT, and a table of gene and term, told apart by content."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from pipeline.enrich.annotation import EvidenceRules, Row, Rows
from storage.errors import InputError

_Lines = Iterator[str]
_COLUMNS = "columns missing"
_MAX_HEADER = 50
# NCBI's header is a comment: as it is now, and as it was.
_GENE2GO_HEADERS = ("#tax_id", "#Format: tax_id")
# Reasons that are named where no row is left: gene2go may have those of a thousand taxa.
_NAMED_REASONS = 5


def parse_annotation(lines: Iterable[str], source: str, rules: EvidenceRules | None = None) -> Rows:
    """Read annotations of any of the formats.

    Parameters
    ----------
    source
        Name of the file: GMT is told by its ending, the others by their first line that is no comment.

    Raises
    ------
    InputError
        The format is none of these, or no row is left.
    """
    left = iter(lines)
    first = next((line for line in left if line.strip() and not _is_comment(line)), "")
    width = first.count("\t") + 1
    name = source.removesuffix(".gz")
    parse: Callable[[_Lines, EvidenceRules], Rows]
    if name.endswith(".gmt"):
        parse = _parse_gmt
    elif first.startswith("!") or width in (15, 16, 17):
        parse = _parse_gaf
    elif first.startswith(_GENE2GO_HEADERS) or (width == 8 and first.split("\t")[0].isdigit()):
        parse = _parse_gene2go
    elif width == 2:
        parse = _parse_pairs
    else:
        raise InputError(
            f"{source} is no annotation: its first line has {width} columns; give GAF 2, gene2go, "
            "GMT, or two columns, gene and term, separated by tabs"
        )
    rows = parse(chain([first], left), rules or EvidenceRules())
    if not rows.rows:
        often = Counter(rows.dropped).most_common(_NAMED_REASONS)
        why = ", ".join(f"{n} {reason}" for reason, n in often) or "it is empty"
        raise InputError(f"{source} has no annotation that counts: {why}")
    return rows


def _is_comment(line: str) -> bool:
    return line.startswith("#") and not line.startswith(_GENE2GO_HEADERS)


def _fields(lines: _Lines, comment: str) -> Iterator[list[str]]:
    for line in lines:
        text = line.rstrip("\r\n")
        if text.strip() and not (comment and text.startswith(comment)):
            yield [cell.strip() for cell in text.split("\t")]


def _parse_gaf(lines: _Lines, rules: EvidenceRules) -> Rows:
    """Columns: database, id, symbol, qualifier, term, reference, evidence, …, 13: taxon."""
    rows, dropped, taxa = [], Counter[str](), Counter[str]()
    header: dict[str, str] = {}
    for cells in _fields(_without_header(lines, header), "!"):
        if len(cells) < 15:
            dropped[_COLUMNS] += 1
            continue
        # Two taxa are those of the gene and of an organism that it acts upon.
        taxon = cells[12].split("|")[0].removeprefix("taxon:")
        if reason := rules.refuse(cells[6], cells[3].split("|"), taxon):
            dropped[reason] += 1
        else:
            # A GAF writes MGI:12345 as the id of database MGI, P12345 as that of UniProtKB, and 12345 as
            # RGD's, which is no Entrez id.
            bare = cells[1].isdecimal() and "ncbi" not in cells[0].lower()
            name = f"{cells[0]}:{cells[1]}" if bare else cells[1]
            rows.append(Row({"symbol": cells[2], "id": name}, cells[4]))
            taxa[taxon] += 1
    return Rows(rows, dropped, header=header, taxa=taxa)


def _without_header(lines: _Lines, header: dict[str, str]) -> _Lines:
    """The lines; `!key: value` ones go into `header`, the first of each key."""
    for line in lines:
        key, found, value = line.partition(":")
        if line.startswith("!") and found and len(header) < _MAX_HEADER:
            header.setdefault(key.lstrip("!").strip(), value.strip())
        yield line


def _parse_gene2go(lines: _Lines, rules: EvidenceRules) -> Rows:
    """Columns: taxon, gene, term, evidence, qualifier, …; one file has all organisms."""
    rows, dropped, taxa = [], Counter[str](), Counter[str]()
    for cells in _fields(lines, "#"):
        if len(cells) < 5:
            dropped[_COLUMNS] += 1
        elif reason := rules.refuse(cells[3], cells[4].split(), cells[0]):
            dropped[reason] += 1
        else:
            rows.append(Row({"id": cells[1]}, cells[2]))
            taxa[cells[0]] += 1
    return Rows(rows, dropped, taxa=taxa)


def _parse_gmt(lines: _Lines, _: EvidenceRules) -> Rows:
    """One set a line: id, description, genes."""
    rows, dropped, names = [], Counter[str](), {}
    for cells in _fields(lines, ""):
        if len(cells) < 3:
            dropped[_COLUMNS] += 1
            continue
        description = "" if "://" in cells[1] else cells[1]
        names[cells[0]] = description or cells[0]
        rows += [Row({"id": gene}, cells[0]) for gene in cells[2:] if gene]
    return Rows(rows, dropped, names)


def _parse_pairs(lines: _Lines, _: EvidenceRules) -> Rows:
    """Gene and term; a header is a first line whose term has no colon where the others do."""
    rows, dropped = [], Counter[str]()
    for cells in _fields(lines, "#"):
        if len(cells) < 2 or not all(cells[:2]):
            dropped[_COLUMNS] += 1
        else:
            rows.append(Row({"id": cells[0]}, cells[1]))
    if len(rows) > 1 and ":" in rows[1].term and ":" not in rows[0].term:
        dropped["header"] += 1
        rows = rows[1:]
    return Rows(rows, dropped)
