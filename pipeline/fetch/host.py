"""Politeness: how many connections a host gets, and when it asked to be left alone."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime


class StoppedError(Exception):
    """The fetch is to end: an interrupt, or an error elsewhere."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WebSettings:
    """How a server is asked.

    At most `per_host` connections at a time, `tries` for each file; the pause before the second try is
    `wait_s`, then twice that and so on, up to `max_wait_s`, and no less than the server asks for. A file
    whose server asks for more than `max_wait_s` is given up for now.
    """

    per_host: int = 4
    tries: int = 5
    wait_s: float = 2.0
    max_wait_s: float = 300.0
    timeout_s: float = 60.0


class Host:
    """One server: a limited number of slots, and a time before which nobody asks it."""

    def __init__(self, settings: WebSettings, stop: threading.Event) -> None:
        self._settings = settings
        self._stop = stop
        self._slots = threading.Semaphore(settings.per_host)
        self._not_before = 0.0

    @contextmanager
    def slot(self) -> Iterator[None]:
        """One connection, when there is one to be had."""
        while not self._slots.acquire(timeout=0.2):
            self._check()
        try:
            while (left := self._not_before - time.monotonic()) > 0:
                self._stop.wait(min(left, 0.2))
                self._check()
            self._check()
            yield
        finally:
            self._slots.release()

    def pause(self, attempt: int, told: float | None) -> None:
        """Wait before the next try of one file; a pause that the server told is for all its files."""
        settings = self._settings
        if told is not None:
            self._not_before = max(
                self._not_before, time.monotonic() + min(told, settings.max_wait_s)
            )
        self._stop.wait(min(settings.wait_s * 2**attempt, settings.max_wait_s))
        self._check()

    def _check(self) -> None:
        if self._stop.is_set():
            raise StoppedError


def seconds_asked(value: str | None) -> float | None:
    """Seconds of a `Retry-After` header: a number, or a date; None: there is none that makes sense."""
    if value is None:
        return None
    if re.fullmatch(r"\s*[0-9]+\s*", value):
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None
