"""Files below raw/: fetched once, verified before they have their name, known by their content."""

import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.fetch.host import Host, StoppedError, WebSettings, seconds_asked
from pipeline.fetch.web import NotThereError, TransferError, Validator, discard, transfer
from pipeline.sources.receipt import RawFile
from pipeline.sources.refusal import Refusal
from storage.disk import Disk

log = logging.getLogger(__name__)

# Called with a complete file before it gets its name; raises a `Refusal` if it is not what was asked for.
Check = Callable[[Path], None]

_PARTIAL = ".partial"
_NOTE = ".fetched"


class FinalRefusal(Refusal):
    """What came is whole, and will not be another thing if it is asked for again."""


@dataclass(frozen=True, slots=True)
class _Note:
    """What is known of a file that is here, beside it."""

    sha256: str
    size: int
    validator: Validator


class Downloads:
    """Gets files for many threads.

    `offline`: nothing is asked of anybody; a file that is here is verified and used.
    """

    def __init__(self, disk: Disk, settings: WebSettings, *, offline: bool = False) -> None:
        self.disk = disk
        self.offline = offline
        self.stop = threading.Event()
        self.n_bytes = 0
        self._settings = settings
        self._hosts: dict[str, Host] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(
        self,
        address: str,
        key: str,
        check: Check,
        *,
        max_bytes: int,
        renew: bool = False,
        tell: Callable[[int, int], None] | None = None,
    ) -> RawFile:
        """The file of an address, as `key`: the one that is here, or else a new one.

        `renew`: if it is here, ask whether there is a newer one; if there is no answer, what is here does.
        `tell` is called with the bytes that are here, and of all.

        Raises
        ------
        Refusal
            `not_on_server`; `not_downloaded`: the server gives nothing; `damaged_download`: it gives
            something else; `not_fetched`: it is not here, and this is offline.
        """
        # Two studies of one series want one file.
        with self._lock_of(key):
            note = self._known(key, check)
            if note is None and self.offline:
                raise Refusal(
                    "not_fetched",
                    f"{key} is not in {self.disk.root}, and offline is set in [source]",
                )
            if note is None or (renew and not self.offline):
                try:
                    note = self._fetch(address, key, check, max_bytes, note, tell)
                except Refusal as refusal:
                    if note is None:
                        raise
                    log.warning("%s is as it was: %s", key, refusal)
        return RawFile(key=key, sha256=note.sha256, size=note.size)

    def is_here(self, file: RawFile) -> bool:
        """Whether a file of a receipt is here, by its size."""
        try:
            return self.disk.path(file.key).stat().st_size == file.size
        except OSError:
            return False

    def forget(self, key: str) -> None:
        """Delete a file that is kept elsewhere, and what is noted of it."""
        for name in (key, f"{key}{_NOTE}"):
            if self.disk.path(name).is_file():
                self.disk.delete(name)

    def forget_partials(self) -> None:
        """Delete what was begun and is not wanted any more."""
        self.disk.delete(_PARTIAL)

    def _fetch(
        self,
        address: str,
        key: str,
        check: Check,
        max_bytes: int,
        known: _Note | None,
        tell: Callable[[int, int], None] | None,
    ) -> _Note:
        """Transfer, verify, and name a file; try again as long as there is hope."""
        part = self._partial(address)
        host = self._host(address)
        problem = Refusal("not_downloaded", f"{address} was not tried")
        cause: Exception | None = None
        for attempt in range(self._settings.tries):
            told = None
            try:
                with host.slot():
                    validator = transfer(
                        address,
                        part,
                        max_bytes=max_bytes,
                        timeout_s=self._settings.timeout_s,
                        known=known.validator if known else None,
                        tick=partial(self._tick, tell),
                    )
                if validator is None and known is not None:
                    return known
                check(part)
                return self._take(part, key, validator or Validator())
            except NotThereError as error:
                raise Refusal("not_on_server", f"{error}; the next fetch asks again") from error
            except TransferError as error:
                problem = Refusal("not_downloaded", f"{error}; the next fetch tries again")
                told, cause = seconds_asked(error.asked), error
                if told is not None and told > self._settings.max_wait_s:
                    problem = Refusal(
                        "not_downloaded",
                        f"{error}, and asks to be left alone for {told:.0f} s; run the same command "
                        "after that",
                    )
                    break
                if not error.again:
                    break
            except Refusal as refusal:
                # Whole, but not what was asked for: an error page, say. What is here is of no use.
                discard(part)
                cause = refusal
                problem = Refusal(
                    "damaged_download", f"{address}: {refusal.message}; the next fetch tries again"
                )
                if "://" not in address or isinstance(refusal, FinalRefusal):
                    break
            if attempt + 1 < self._settings.tries:
                host.pause(attempt, told)
        raise problem from cause

    def _take(self, part: Path, key: str, validator: Validator) -> _Note:
        """Give a verified file its name, and note beside it what it is."""
        with part.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = part.stat().st_size
        note = _Note(digest, size, validator)
        self.disk.delete(f"{key}{_NOTE}")
        self.disk.adopt(part, key)
        discard(part)
        self._write_note(key, note)
        with self._lock:
            self.n_bytes += size
        return note

    def _known(self, key: str, check: Check) -> _Note | None:
        """What is known of a file that is here; one that nobody noted (copied here by hand) is verified."""
        path = self.disk.path(key)
        if not path.is_file():
            return None
        note = self._read_note(key)
        if note is not None and note.size == path.stat().st_size:
            return note
        try:
            check(path)
        except Refusal:
            return None
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        note = _Note(digest, path.stat().st_size, Validator())
        self._write_note(key, note)
        return note

    def _read_note(self, key: str) -> _Note | None:
        try:
            fields = json.loads(self.disk.read(f"{key}{_NOTE}") or b"")
            return _Note(fields["sha256"], fields["size"], Validator(*fields["validator"]))
        except (ValueError, KeyError, TypeError):
            return None

    def _write_note(self, key: str, note: _Note) -> None:
        validator = [note.validator.etag, note.validator.modified]
        fields = {"sha256": note.sha256, "size": note.size, "validator": validator}
        fields["at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.disk.put(f"{key}{_NOTE}", json.dumps(fields).encode())

    def _partial(self, address: str) -> Path:
        return self.disk.make_folder(_PARTIAL) / hashlib.sha256(address.encode()).hexdigest()[:24]

    def _lock_of(self, key: str) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(key, threading.Lock())

    def _host(self, address: str) -> Host:
        name = urlsplit(address).netloc if "://" in address else ""
        with self._lock:
            if name not in self._hosts:
                self._hosts[name] = Host(self._settings, self.stop)
            return self._hosts[name]

    def _tick(self, tell: Callable[[int, int], None] | None, have: int, total: int) -> None:
        if self.stop.is_set():
            raise StoppedError
        if tell is not None:
            tell(have, total)
