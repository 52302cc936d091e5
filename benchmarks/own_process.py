"""One side of a benchmark in a process of its own, which finds no memory taken and no library loaded."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from typing import Any


def figures_of(module: str, arguments: Iterable[str], **environment: str) -> dict[str, Any]:
    """What `python -m module` prints as JSON on its last line."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures
