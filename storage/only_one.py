"""A folder that one process at a time works in: whoever comes second waits."""

import contextlib
import fcntl
import logging
from collections.abc import Iterator
from pathlib import Path

log = logging.getLogger(__name__)

LOCK = ".lock"


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, which is made if there is none; wait while another process or thread does.

    The lock ends with whoever holds it, however that ends. A file system without locks has none to wait for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("%s is being worked on: waiting", folder)
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            log.debug("%s can't be locked: %s", folder, error)
        yield
