"""A polite end: SIGTERM and SIGINT ask the loop to save and stop, a second one stops at once."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopAskedError(Exception):
    """The end was asked for in the middle of what will be done again as a whole."""


class StopRequest:
    """Whether someone asked for the end."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        return self.asked


@contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """While inside, the first SIGTERM or SIGINT only sets the request."""
    request = StopRequest()
    before = {kind: signal.getsignal(kind) for kind in (signal.SIGTERM, signal.SIGINT)}

    def ask(number: int, frame: FrameType | None) -> None:
        del frame
        request.asked = True
        signal.signal(number, before[signal.Signals(number)])

    for kind in before:
        signal.signal(kind, ask)
    try:
        yield request
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
