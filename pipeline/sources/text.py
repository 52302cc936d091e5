"""Bytes of a text table: unzipped, without byte-order mark, UTF-8, or a refusal that says what it is."""

import csv
import gzip
import re
import zlib
from pathlib import Path

from pipeline.sources.refusal import Refusal

GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_EXCEL = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_LINE_END = re.compile(rb"\r\n|\n|\r")


def read_text(path: Path) -> bytes:
    """Content of a text file, gzipped or not (told by its first bytes), as UTF-8 without a BOM.

    Raises
    ------
    Refusal
        `unreadable`, `damaged_gzip`, `excel_file`, `not_text` or `empty_table`.
    """
    name = short_name(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Refusal("unreadable", f"{name} can't be read: {error.strerror}") from error
    if data.startswith(GZIP):
        try:
            data = gzip.decompress(data)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise Refusal(
                "damaged_gzip", f"{name} is a damaged gzip file ({error}); copy it again"
            ) from error
    return plain_text(data, name)


def plain_text(data: bytes, name: str) -> bytes:
    """The same of bytes that are unzipped already; messages call them `name`."""
    if data.startswith(_EXCEL):
        raise Refusal("excel_file", f"{name} is an Excel or zip file; save the table as TSV or CSV")
    if data.startswith(_UTF16):
        raise Refusal("not_text", f"{name} is UTF-16; save it as UTF-8")
    if b"\0" in data:
        raise Refusal("not_text", f"{name} is binary; give a TSV or CSV, gzipped or not")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise Refusal(
            "not_text", f"{name} is not UTF-8 at byte {error.start}; save it as UTF-8 text"
        ) from error
    data = data.removeprefix(_BOM)
    if not data.strip():
        raise Refusal("empty_table", f"{name} is empty; give a table with a header and rows")
    return data


def short_name(path: Path) -> str:
    """Folder and name of a file, for messages."""
    return f"{path.parent.name}/{path.name}"


def next_line(data: bytes, start: int) -> tuple[str, int]:
    """The first line from `start` that is not blank, and where the one after it starts."""
    while start < len(data):
        found = _LINE_END.search(data, start)
        stop, after = (found.start(), found.end()) if found else (len(data), len(data))
        line = data[start:stop]
        start = after
        if line.strip():
            return line.decode(), start
    return "", start


def separator(header: str) -> str:
    """Separator of a table, told by its header: tab, else comma, semicolon or blank outside quotes."""
    bare = re.sub(r'"[^"]*"', "", header)
    return next((mark for mark in "\t,; " if mark in bare), "\t")


def cells(line: str, delimiter: str) -> list[str]:
    """Cells of one line, quotes resolved."""
    return next(csv.reader([line], delimiter=delimiter))
