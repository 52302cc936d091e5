"""The lease: one driver at a time plans, compiles and publishes in a workspace."""

import json
import logging
import threading
import time
import uuid
from typing import Any, Self

from storage.errors import LockedError, StoreError
from storage.files import Files
from storage.process import is_alive, this_process

log = logging.getLogger(__name__)

LEASE_KEY = "lease.json"
RENEW_S = 20.0
MISSED_RENEWALS = 3
# For so many renewals a lease is looked at that seems given up: the clock of its host may be slow.
WATCHED_RENEWALS = 1.5


class Lease:
    """Hold the workspace's lease from `with` to its end; `check` before each commit.

    The lease of a dead process of this host is taken over at once; another host's after three missed
    renewals, and a while in which it stays as it is, or at once with `take_over`.
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
            if not (self._take_over or self._is_given_up(found)):
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

    def _is_given_up(self, lease: bytes) -> bool:
        """Whether a lease may be taken over, or is no longer there to be taken."""
        holder = _parsed(lease)
        renewed_at = holder.get("renewed_at")
        if not isinstance(renewed_at, int | float):
            return True
        if (alive := is_alive(holder)) is not None:
            return not alive
        if time.time() - renewed_at <= MISSED_RENEWALS * self._renew_s:
            return False
        watch_s = WATCHED_RENEWALS * self._renew_s
        log.info(
            "the lease of process %s on %s was last renewed long ago; watching it for %g s",
            *(holder.get("pid"), holder.get("host"), watch_s),
        )
        end = time.monotonic() + watch_s
        while time.monotonic() < end:
            time.sleep(watch_s / 20)
            if (found := self._disk.read(LEASE_KEY)) != lease:
                return found is None
        return True

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


def read_lease(disk: Files) -> dict[str, Any] | None:
    """What the lease of a workspace says; None where there is none, empty where it cannot be read."""
    data = disk.read(LEASE_KEY)
    return None if data is None else _parsed(data)


def _parsed(data: bytes) -> dict[str, Any]:
    """The lease in `data`; one that cannot be read belongs to nobody."""
    try:
        parsed = json.loads(data)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
