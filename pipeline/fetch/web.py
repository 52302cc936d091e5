"""One transfer: a server's bytes, or a mirror folder's, appended to a partial file that can be resumed."""

import http.client
import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from storage.errors import StoreError

_BLOCK = 1 << 20
_AGENT = "dexome (compendium of differential expression)"
# The server's trouble: asked again. Any other error of the client's kind is final.
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_NOWHERE = frozenset({404, 410})


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
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": validator.strong}
    elif known is not None and known.etag:
        headers["If-None-Match"] = known.etag
    elif known is not None and known.modified:
        headers["If-Modified-Since"] = known.modified
    try:
        with urllib.request.urlopen(
            urllib.request.Request(address, headers=headers), timeout=timeout_s
        ) as response:
            return _receive(response, partial, have, max_bytes, tick)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 304:
            return None
        if error.code in _NOWHERE:
            raise NotThereError(f"{address} does not exist ({error.code})") from error
        if error.code == 416:
            # What is here is not a beginning of what is there.
            discard(partial)
            raise TransferError(f"{address} can't be resumed", again=True) from error
        again = error.code in _AGAIN
        asked = error.headers.get("Retry-After") if again else None
        raise TransferError(
            f"{address} answers {error.code} {error.reason}",
            again=again,
            asked=asked,
            status=error.code,
        ) from error
    except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise TransferError(f"{address} does not answer: {reason}", again=True) from error


def discard(partial: Path) -> None:
    """Forget what was transferred."""
    partial.unlink(missing_ok=True)
    _note(partial).unlink(missing_ok=True)


def _receive(
    response: http.client.HTTPResponse,
    partial: Path,
    have: int,
    max_bytes: int,
    tick: Callable[[int, int], None] | None,
) -> Validator:
    address = response.url
    resumed = response.status == 206
    if resumed and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
        discard(partial)
        raise TransferError(f"{address} sends another part than was asked for", again=True)
    have = have if resumed else 0
    length = response.headers.get("Content-Length")
    total = have + int(length) if length and length.isdigit() else None
    if (total or 0) > max_bytes:
        raise TransferError(
            f"{address} has {total} bytes, more than the {max_bytes} that are expected", again=False
        )
    validator = Validator(
        response.headers.get("ETag", ""), response.headers.get("Last-Modified", "")
    )
    if not resumed:
        _write(partial, b"", "wb")
        _write(_note(partial), json.dumps(asdict(validator)).encode(), "wb")
    while block := response.read(_BLOCK):
        have += len(block)
        if tick is not None:
            tick(have, total or 0)
        if have > max_bytes:
            discard(partial)
            raise TransferError(f"{address} sends more than {max_bytes} bytes", again=False)
        _write(partial, block, "ab")
    if total is not None and have != total:
        raise TransferError(f"{address} was cut off after {have} of {total} bytes", again=True)
    return validator


def _write(path: Path, data: bytes, mode: str) -> None:
    """Write to a partial file; a disk that is full is the workspace's trouble, not the server's."""
    try:
        with path.open(mode) as file:
            file.write(data)
    except OSError as error:
        raise StoreError(
            f"cannot write {path}: {error.strerror}; see to it and run the same command again"
        ) from error


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
                raise StoreError(f"cannot write {partial}: {error.strerror}") from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotThereError(f"{source} does not exist") from error
    except OSError as error:
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
