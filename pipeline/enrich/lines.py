"""Lines of a text file, gzipped or not, read one by one; the only module here that sees a path."""

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path

from storage.errors import InputError

_GZIP = b"\x1f\x8b"


def read_lines(path: Path) -> Iterator[str]:
    """Lines of a UTF-8 text with their ends, without a byte-order mark, as they are needed.

    Raises
    ------
    InputError
        There is no such file, it is damaged, binary, or an HTML page in the place of a text.
    """
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == _GZIP
            raw.seek(0)
            binary = gzip.GzipFile(fileobj=raw) if zipped else raw
            text = io.TextIOWrapper(io.BufferedReader(binary), encoding="utf-8-sig")
            for number, line in enumerate(text):
                if number == 0 and line.lstrip().lower().startswith(
                    ("<!doctype", "<html", "<?xml")
                ):
                    raise InputError(f"{path.name} is a web page or XML; download the file again")
                if "\0" in line:
                    raise InputError(f"{path.name} is binary; give a text file, gzipped or not")
                yield line
    except OSError as error:
        # A damaged gzip file is an OSError without a number.
        reason = (
            f"is a damaged gzip file ({error})"
            if error.errno is None
            else f"can't be read: {error.strerror}"
        )
        raise InputError(f"{path.name} {reason}; check the path, or copy the file again") from error
    except (EOFError, zlib.error) as error:
        raise InputError(f"{path.name} is truncated or damaged ({error}); copy it again") from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path.name} is not UTF-8 ({error.reason}); save it as UTF-8 text"
        ) from error
