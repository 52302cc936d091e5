"""Progress for whoever looks on: a bar on a terminal, plain lines in a log."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as RichBars

from pipeline.progress import Progress, Report

LINE_EVERY_S = 5.0


class Clock:
    """Rate and time left of a stage, from what this run did itself."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._stage = ""
        self._started = 0.0

    def describe(self, progress: Progress) -> str:
        """Rate, time left and refusals, in words."""
        if progress.stage != self._stage:
            self._stage, self._started = progress.stage, self._now()
        elapsed = max(self._now() - self._started, 1e-9)
        rate = (progress.done - progress.known) / elapsed
        words = []
        if progress.known:
            words.append(f"{progress.known} done before")
        if rate > 0 and progress.done < progress.total:
            words.append(f"{rate:.1f}/s, {_duration((progress.total - progress.done) / rate)} left")
        if progress.refused:
            reasons = ", ".join(f"{reason} {n}" for reason, n in sorted(progress.refused.items()))
            words.append(f"refused: {reasons}")
        return "; ".join(words)


@contextmanager
def progress_report() -> Iterator[Report]:
    """A reporter for the stages: bars on a terminal, otherwise a line now and then, on stderr."""
    clock = Clock()
    if not sys.stderr.isatty():
        yield _plain_lines(clock)
        return
    columns = (
        TextColumn("{task.description:<8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[words]}"),
    )
    with RichBars(*columns, console=Console(stderr=True)) as bars:
        tasks = {}

        def report(progress: Progress) -> None:
            if progress.stage not in tasks:
                tasks[progress.stage] = bars.add_task(
                    progress.stage, total=progress.total, words=""
                )
            words = clock.describe(progress)
            bars.update(tasks[progress.stage], completed=progress.done, words=words)

        yield report


def _plain_lines(clock: Clock) -> Report:
    last: dict[str, float] = {}

    def report(progress: Progress) -> None:
        words = clock.describe(progress)
        now = time.monotonic()
        ended = progress.done == progress.total
        if ended or now - last.setdefault(progress.stage, now) >= LINE_EVERY_S:
            last[progress.stage] = now
            line = f"{progress.stage:<8} {progress.done}/{progress.total}"
            typer.echo(f"{line}  {words}".rstrip(), err=True)

    return report


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
