"""One transfer: a server's bytes, or a mirror folder's, appended to a partial file that can be resumed."""

import errno
import http.client
import json
import re
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from io import FileIO
from pathlib import Path
from typing import Any

from storage.errors import StoreError

_BLOCK = 1 << 20
_AGENT = "dexome (compendium of differential expression)"
# The server's trouble: asked again. Any other error of the client's kind is final.
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_NOWHERE = frozenset({404, 410})
_PART = re.compile(r"bytes (\d+)-\d+/(?:(\d+)|\*)", re.ASCII)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Python's, which leaves the connection open where a server sends us on to what is no address."""

    def http_error_302(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any) -> Any:
        try:
            return super().http_error_302(req, fp, code, msg, headers)
        except ValueError:
            fp.close()
            raise

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


class TransferError(Exception):
    """A transfer that did not end. `again`: it may if it is tried again, after `asked` if told so.

    `status` is the server's, 0 without an answer.
    """

    def __init__(
        self, message: str, *, again: bool, asked: str | None = None, status: int = 0
    ) -> None:
        super().__init__(message)
        self.again = again
        self.asked = asked
        self.status = status


class NotThereError(Exception):
    """The server has no such file."""


@dataclass(frozen=True, slots=True)
class Validator:
    """What tells one content of an address from the next; empty: nothing does."""

    etag: str = ""
    modified: str = ""

    @property
    def strong(self) -> str:
        """What `If-Range` may name."""
        weak = self.etag.startswith("W/")
        return self.etag if self.etag and not weak else self.modified


def transfer(
    address: str,
    partial: Path,
    *,
    max_bytes: int,
    timeout_s: float,
    known: Validator | None = None,
    tick: Callable[[int, int], None] | None = None,
) -> Validator | None:
    """Bring the content of an address into `partial`, going on where an earlier transfer stopped.

    Parameters
    ----------
    max_bytes
        More than that is refused, before it is read where the server says how much it will be.
    known
        The content that is here already: None is returned if the server still has that.
    tick
        Called for each block, with the bytes that are here and of all (0: unknown); may raise to end it.

    Raises
    ------
    NotThereError, TransferError
    """
    if "://" not in address:
        # A listing is a file of its own in a folder that a mirroring tool has made.
        path = Path(f"{address}index.html" if address.endswith("/") else address)
        return _copy(path, partial, max_bytes, known)
    have, validator = _resumable(partial)
    headers = {"User-Agent": _AGENT, "Accept-Encoding": "identity"}
    asked_whether_newer = False
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": validator.strong}
    elif known is not None and (known.etag or known.modified):
        asked_whether_newer = True
        name = "If-None-Match" if known.etag else "If-Modified-Since"
        headers[name] = known.etag or known.modified
    try:
        opener = urllib.request.build_opener(_Redirects)
        request = urllib.request.Request(address, headers=headers)
        with opener.open(request, timeout=timeout_s) as response:
            return _receive(response, partial, (have, validator), max_bytes, tick)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 304 and asked_whether_newer:
            return None
        if error.code in _NOWHERE:
            raise NotThereError(f"{address} does not exist ({error.code})") from error
        if error.code == 416:
            if error.headers.get("Content-Range", "").strip() == f"bytes */{have}":
                # All of it is here: a fetch was killed before it had verified it.
                return validator
            # What is here is not a beginning of what is there.
            discard(partial)
            raise TransferError(f"{address} can't be resumed", again=True) from error
        again = error.code in _AGAIN or error.code == 304
        raise TransferError(
            f"{address} answers {error.code} {_on_one_line(error.reason)}",
            again=again,
            asked=error.headers.get("Retry-After") if again else None,
            status=error.code,
        ) from error
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        reason = _on_one_line(getattr(error, "reason", None) or error)
        raise TransferError(f"{address} does not answer: {reason}", again=True) from error
    except ValueError as error:
        # The server may have sent us on to what is no address.
        reason = _on_one_line(error)
        raise TransferError(f"{address} can't be asked for: {reason}", again=False) from error


def discard(partial: Path) -> None:
    """Forget what was transferred."""
    partial.unlink(missing_ok=True)
    _note(partial).unlink(missing_ok=True)


def _receive(
    response: http.client.HTTPResponse,
    partial: Path,
    begun: tuple[int, Validator],
    max_bytes: int,
    tick: Callable[[int, int], None] | None,
) -> Validator:
    """Append an answer to the partial file; `begun` is how much of which content that has."""
    address = response.url
    have, noted = begun
    length = response.headers.get("Content-Length", "")
    validator = Validator(
        response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
    )
    if response.status == 206:
        part = _PART.fullmatch(response.headers.get("Content-Range", ""))
        if part is None or int(part[1]) != have or not _may_be_same(noted, validator):
            discard(partial)
            raise TransferError(f"{address} sends another part than was asked for", again=True)
        # A part need not say again which content it is of.
        validator = Validator(validator.etag or noted.etag, validator.modified or noted.modified)
        total = int(part[2]) if part[2] else None
    else:
        have, total = 0, None
    if total is None and length.isdecimal():
        total = have + int(length)
    if (total or 0) > max_bytes:
        raise TransferError(
            f"{address} has {total} bytes, more than the {max_bytes} that are expected", again=False
        )
    with _opened(partial, "ab" if response.status == 206 else "wb") as file:
        if response.status != 206:
            with _opened(_note(partial), "wb") as note:
                _write(note, json.dumps(asdict(validator)).encode())
        # What a read gives, not whole blocks: a connection that stalls or breaks costs nothing that came.
        while block := response.read1(_BLOCK):
            have += len(block)
            if tick is not None:
                tick(have, total or 0)
            if have > max_bytes:
                discard(partial)
                raise TransferError(f"{address} sends more than {max_bytes} bytes", again=False)
            _write(file, block)
    if total is not None and have != total:
        if have > total:
            discard(partial)
        raise TransferError(f"{address} was cut off after {have} of {total} bytes", again=True)
    return validator


def _may_be_same(a: Validator, b: Validator) -> bool:
    """Whether two answers may be of one content, by what both tell."""
    if a.etag and b.etag:
        return a.etag == b.etag
    return not (a.modified and b.modified) or a.modified == b.modified


def _opened(path: Path, mode: str) -> FileIO:
    """A file without a buffer, in which nothing is lost when its writer is killed."""
    try:
        return FileIO(path, mode)
    except OSError as error:
        raise _cannot_write(path, error) from error


def _write(file: FileIO, data: bytes) -> None:
    """Write to a partial file; a disk that is full is the workspace's trouble, not the server's."""
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except OSError as error:
        raise _cannot_write(file.name, error) from error


def _cannot_write(path: object, error: OSError) -> StoreError:
    return StoreError(
        f"cannot write {path}: {error.strerror}; see to it and run the same command again"
    )


def _on_one_line(reason: object) -> str:
    return " ".join(str(reason).split())


def _copy(source: Path, partial: Path, max_bytes: int, known: Validator | None) -> Validator | None:
    try:
        state = source.stat()
        validator = Validator(modified=str(state.st_mtime_ns))
        if known == validator:
            return None
        if not source.is_file():
            raise NotThereError(f"{source} is no file")
        if state.st_size > max_bytes:
            raise TransferError(f"{source} has {state.st_size} bytes, too many", again=False)
        with source.open("rb") as file:
            try:
                with partial.open("wb") as copy:
                    shutil.copyfileobj(file, copy, _BLOCK)
            except OSError as error:
                raise _cannot_write(partial, error) from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotThereError(f"{source} does not exist") from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            # A request of many runs: no mirror can have a file of that name.
            raise NotThereError(f"{source.parent} can't have a file of such a name") from error
        raise TransferError(f"{source} can't be read: {error.strerror}", again=False) from error
    return validator


def _note(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.json")


def _resumable(partial: Path) -> tuple[int, Validator]:
    """How much of a content is here, and of which; nothing without a way to tell."""
    try:
        validator = Validator(**json.loads(_note(partial).read_bytes()))
        have = partial.stat().st_size
    except (OSError, ValueError, TypeError):
        return 0, Validator()
    return (have, validator) if validator.strong else (0, validator)
