"""The lease: one driver at a time plans, compiles and publishes in a workspace."""

import json
import logging
import os
import socket
import threading
import time
import uuid
from typing import Any, Self

import psutil

from storage.errors import LockedError, StoreError
from storage.files import Files

log = logging.getLogger(__name__)

LEASE_KEY = "lease.json"
RENEW_S = 20.0
MISSED_RENEWALS = 3


class Lease:
    """Hold the workspace's lease from `with` to its end; `check` before each commit.

    The lease of a dead process of this host is taken over at once; another host's after three missed
    renewals, or at once with `take_over`.
    """

    def __init__(self, disk: Files, *, take_over: bool = False, renew_s: float = RENEW_S) -> None:
        self._disk = disk
        self._take_over = take_over
        self._renew_s = renew_s
        self._identity = {**this_process(), "run": uuid.uuid4().hex}
        self._held = b""
        # What a renewal wrote that ended in an error: it may be there, or not.
        self._offered = b""
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._renewer = threading.Thread(target=self._renew, name="lease", daemon=True)

    def __enter__(self) -> Self:
        wanted = self._stamped()
        while not self._disk.create(LEASE_KEY, wanted):
            found = self._disk.read(LEASE_KEY)
            if found is None:
                continue
            if not (self._take_over or is_stale(_parsed(found), time.time(), self._renew_s)):
                holder = _parsed(found)
                raise LockedError(
                    f"the workspace is in use by process {holder.get('pid')} on {holder.get('host')}; "
                    "wait for it to end, or, if you know that it is dead, add --take-over"
                )
            if self._disk.swap(LEASE_KEY, wanted, found):
                break
        self._held = wanted
        self._renewer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._renewer.join()
        try:
            if not self._offered or self._is_held():
                self._disk.swap(LEASE_KEY, None, self._held)
        except (OSError, StoreError) as error:
            # What the run came to is told, be it done or failed; the lease goes stale by itself.
            log.warning(
                "cannot give back the lease of the workspace: %s; the next run on this host takes it over, "
                "one on another host after %g s",
                *(error, MISSED_RENEWALS * self._renew_s),
            )

    def check(self) -> None:
        """Raise `LockedError` if another driver has taken the lease over: nothing may be committed."""
        with self._lock:
            if not self._is_held():
                holder = _parsed(self._disk.read(LEASE_KEY) or b"{}")
                raise LockedError(
                    f"the lease of the workspace was taken over by process {holder.get('pid')} on "
                    f"{holder.get('host')}; nothing was published by this run"
                )

    def _stamped(self) -> bytes:
        return json.dumps({**self._identity, "renewed_at": time.time()}).encode()

    def _is_held(self) -> bool:
        """Whether the lease is what this process wrote last, a renewal without an answer included."""
        found = self._disk.read(LEASE_KEY)
        if found is None or found not in (self._held, self._offered):
            return False
        self._held = found
        return True

    def _renew(self) -> None:
        """Renew until the end, or until another has the lease; what goes wrong once is tried again."""
        while not self._ended.wait(self._renew_s):
            try:
                if not self._renew_once():
                    return
            except (OSError, StoreError) as error:
                log.warning(
                    "cannot renew the lease of the workspace: %s; trying again in %g s",
                    *(error, self._renew_s),
                )

    def _renew_once(self) -> bool:
        with self._lock:
            if self._offered and not self._is_held():
                return False
            self._offered = self._stamped()
            if not self._disk.swap(LEASE_KEY, self._offered, self._held):
                return False
            self._held, self._offered = self._offered, b""
            return True


def this_process() -> dict[str, Any]:
    """What tells this process from any other, on any host, before and after it."""
    pid = os.getpid()
    return {"host": socket.gethostname(), "pid": pid, "started": psutil.Process(pid).create_time()}


def is_alive(holder: dict[str, Any]) -> bool | None:
    """Whether the process of a lease lives; None where another host would have to tell."""
    if holder.get("host") != socket.gethostname():
        return None
    try:
        return bool(abs(psutil.Process(holder["pid"]).create_time() - holder["started"]) < 1)
    except (psutil.NoSuchProcess, KeyError, TypeError, ValueError):
        return False


def is_stale(holder: dict[str, Any], now: float, renew_s: float = RENEW_S) -> bool:
    """Whether a lease may be taken over without being told to."""
    alive = is_alive(holder)
    if alive is None:
        return now - float(holder.get("renewed_at", 0)) > MISSED_RENEWALS * renew_s
    return not alive


def _parsed(data: bytes) -> dict[str, Any]:
    """The lease in `data`; one that cannot be read belongs to nobody."""
    try:
        parsed = json.loads(data)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
