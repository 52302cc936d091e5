"""The numbered steps of a job: which there are, which to try, and how to die at one. Syncs are no steps."""

import os
import re
import signal
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

import storage.disk
from tests.support.in_forks import answer

# Of the steps that are like others, one in so many.
_OTHERS = 24
# An array of a store, or the metadata of one; its groups have metadata too.
_ARRAY = re.compile(r"/(?!studies/|samples/)[a-z0-9_]+/(zarr\.json|c/[\d/]+)$")
_NUMBER = re.compile(r"[0-9a-f]{8,}|\d+")


def record_steps(job: Callable[[], object]) -> list[str]:
    """Do a job in a fork; its steps in their order, as what is done and with which file."""
    steps: list[str] = []

    def recorded() -> str:
        _at_each_step(steps.append)
        job()
        return "\n".join(steps)

    return answer(recorded).split("\n")


def die_at_step(number: int) -> None:
    """Kill this process before its step of that number."""
    numbered = count()

    def die(step: str) -> None:
        del step
        if next(numbered) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    _at_each_step(die)


def _at_each_step(tell: Callable[[str], None]) -> None:
    def hook(kind: str, path: Path) -> None:
        # Who is killed before a sync leaves what is there after it too: it is the next step's trial.
        if kind != "sync":
            tell(f"{kind} {path}")

    storage.disk.step_hook = hook


def wanted_steps(steps: Sequence[str], which: str) -> Sequence[int]:
    """The numbers that `FIRST:STRIDE` or `kinds` asks for."""
    if which == "kinds":
        return _some_of_each_kind(steps)
    first, stride = map(int, which.split(":"))
    return range(first, len(steps), stride)


def _some_of_each_kind(steps: Sequence[str]) -> Sequence[int]:
    """The first step of each kind, and some others: most arrays of a compendium are written alike."""
    first: dict[str, int] = {}
    for number, step in enumerate(steps):
        kind = _NUMBER.sub("#", _ARRAY.sub(r"/*/\1", step))
        first.setdefault(kind, number)
    return sorted({*first.values(), *range(0, len(steps), _OTHERS)})
