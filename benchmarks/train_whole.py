"""Training as a whole: loader only, compute only and both together; and the memory of a full-size one."""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import psutil

from benchmarks.our_step import make_step
from benchmarks.own_process import figures_of
from benchmarks.report import Bar, ratio_bar
from model.batches.batch import Loader
from model.batches.rows import epoch_rows
from model.batches.streamed import StreamedLoader
from model.fit_model import fit_model
from model.networks.autoencoder import count_parameters
from model.networks.settings import LINEAR_NETWORK, PAPER_NETWORK
from model.recipe import Recipe
from model.task import Task, make_task
from model.training import loop
from model.training.checkpoints import Checkpoints
from model.training.settings import TrainSettings
from storage.disk import Disk
from storage.split import read_split
from storage.training_copy import TrainingCopy, copy_manifest_path, copy_path

BATCH = 128
END_LIMIT = 1.05
SPARE_BYTES = 1.5e9
MORE_ROWS = 4
STEADY_BYTES = 200e6
# Width of the code at which all rows are trained on: what grows with the rows shows there, and it is quick.
SMALL = 16
Run = Callable[[], None]


def measure_end_to_end(
    copy: TrainingCopy,
    codes: tuple[int, ...],
    *,
    steps: int,
    repeats: int,
    threads: int,
    judged: bool,
) -> list[Bar]:
    """Wall time of a step: loader only, compute only on one fixed batch, end to end; least of `repeats`."""
    return [_end_to_end(copy, code, steps, repeats, threads, judged) for code in codes]


def _end_to_end(
    copy: TrainingCopy, code: int, steps: int, repeats: int, threads: int, judged: bool
) -> Bar:
    step = make_step(replace(LINEAR_NETWORK, code=code), copy.n_genes, BATCH)
    epochs = -(-steps * BATCH // copy.n_rows)
    rows = np.concatenate(
        [epoch_rows(np.arange(copy.n_rows), BATCH, 0, e, pad=True) for e in range(epochs)]
    )
    with StreamedLoader(copy, BATCH, threads=threads) as loader:
        # A copy of its own, so that no buffer of the loader is held.
        fixed = jnp.array(next(iter(loader.batches(rows[:1]))).logfc)
        sides: dict[str, Run] = {
            "loader": lambda: _drain(loader, rows[:steps]),
            "compute": lambda: _finish(step(fixed) for _ in range(steps)),
            "end to end": lambda: _finish(step(b.logfc) for b in loader.batches(rows[:steps])),
        }
        step(fixed).block_until_ready()
        best = dict.fromkeys(sides, float("inf"))
        for _ in range(repeats):
            for name, run in sides.items():
                started = time.perf_counter()
                run()
                best[name] = min(best[name], (time.perf_counter() - started) / steps)
    told = ", ".join(f"{name} {1e3 * seconds:.2f} ms" for name, seconds in best.items())
    ratio = best["end to end"] / max(best["loader"], best["compute"])
    return ratio_bar(
        f"step of code {code}, end to end / the larger of loader and compute",
        told,
        ratio,
        END_LIMIT,
        judged=judged,
    )


def _drain(loader: Loader, rows: np.ndarray) -> None:
    for batch in loader.batches(rows):
        batch.logfc.block_until_ready()


def _finish(losses: Iterator[jax.Array]) -> None:
    """Queue all steps, and wait for the last loss, as the loop of training does."""
    jax.block_until_ready(list(losses))


def measure_memory(workspace: Path, units: int, steps: int, *, judged: bool) -> list[Bar]:
    """Peak RSS of streamed trainings, each in a process: begun, resumed, and of all rows, once and 4 ×."""
    one, resumed = (_run_side(workspace, units, steps, 1, epochs) for epochs in (2, 3))
    whole, more = (_run_side(workspace, SMALL, 0, times, 1) for times in (1, MORE_ROWS))
    parameters = one["parameters"]
    limits = (
        ("between checkpoints", max(one["between"], resumed["between"]), 4),
        ("while one is saved", max(one["saving"], resumed["saving"]), 7),
        ("while one is read", resumed["reading"], 7),
    )
    bars = []
    for label, peak, copies in limits:
        limit = copies * parameters * 4 + SPARE_BYTES
        bars.append(
            Bar(
                f"peak RSS {label}, {units:,} units, {parameters:,.0f} parameters",
                f"{peak / 1e9:.2f} GB",
                f"≤ {limit / 1e9:.2f} GB",
                peak <= limit if judged else None,
            )
        )
    apart = abs(more["between"] - whole["between"])
    bars.append(
        Bar(
            f"peak RSS of an epoch of {MORE_ROWS} × the rows less that of 1 ×, {SMALL} units",
            f"{apart / 1e6:.0f} MB ({whole['trained']:,.0f} and {more['trained']:,.0f} rows)",
            f"≤ {STEADY_BYTES / 1e6:.0f} MB",
            apart <= STEADY_BYTES if judged else None,
        )
    )
    return bars


def _run_side(workspace: Path, units: int, steps: int, times: int, epochs: int) -> dict[str, float]:
    sizes = [str(size) for size in (units, steps, times, epochs)]
    return figures_of("benchmarks.train_whole", [str(workspace), *sizes])


def _train_watched(
    workspace: Path, units: int, steps: int, times: int, epochs: int
) -> dict[str, float]:
    """Train to the end of so many epochs, from the last checkpoint on if there is one; peak RSS by phase."""
    task = _task(workspace, units, steps, times, epochs)
    watch = _Watch()
    with (
        watch.running(),
        watch.told_of(Checkpoints, "save", "saving"),
        watch.told_of(loop, "restore_into", "reading"),
    ):
        fit_model(task)
    n = int(task.scaling.mask.sum())
    parameters = float(count_parameters(task.recipe.network, n))
    return {**watch.peaks, "parameters": parameters, "trained": float(len(task.training))}


class _Watch:
    """The process' peak RSS in each of its states, looked at 50 times a second."""

    def __init__(self) -> None:
        self.state = "between"
        self.peaks = {"between": 0.0, "saving": 0.0, "reading": 0.0}
        self._ended = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._look, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    @contextmanager
    def told_of(self, owner: object, name: str, state: str) -> Iterator[None]:
        """Be in `state` while `owner`'s function `name` runs."""
        function = getattr(owner, name)

        def watched(*arguments: object, **named: object) -> object:
            self.state = state
            try:
                return function(*arguments, **named)
            finally:
                self.state = "between"

        setattr(owner, name, watched)
        try:
            yield
        finally:
            setattr(owner, name, function)

    def _look(self) -> None:
        process = psutil.Process()
        while not self._ended.wait(0.02):
            state, rss = self.state, float(process.memory_info().rss)
            self.peaks[state] = max(self.peaks[state], rss)


def _task(workspace: Path, units: int, steps: int, times: int, epochs: int) -> Task:
    """The paper's network with so many units on a copy, or on its rows several times.

    An epoch is of so many steps, on rows from all over the copy; with 0 of all of them.
    """
    recipe = Recipe(
        network=replace(PAPER_NETWORK, code=units), fit=TrainSettings(epochs=epochs), memory_gib=0.0
    )
    task = make_task(
        Disk(workspace),
        workspace,
        f"memory-{units}-{steps}-{times}",
        read_split(Disk(workspace)),
        recipe,
    )
    copy = task.copy if times == 1 else _repeated(workspace, task.copy, times)
    n_rows = steps * BATCH or copy.n_rows
    rows = np.linspace(0, copy.n_rows - 1, n_rows).astype(np.int64)
    return replace(task, copy=copy, training=rows, validation=np.arange(BATCH))


def _repeated(workspace: Path, copy: TrainingCopy, times: int) -> TrainingCopy:
    """A copy whose chunk files are links to those of `copy`, several times."""
    key = f"{copy.manifest.key}x{times}"
    full = copy.n_rows // copy.chunk_rows
    manifest = replace(
        copy.manifest,
        key=key,
        contrasts=copy.manifest.contrasts[: full * copy.chunk_rows] * times,
        files={},
    )
    disk = Disk(workspace)
    target = TrainingCopy(disk.path(copy_path(key)), manifest)
    for name in copy.arrays:
        for i in range(full * times):
            path = target.chunk_file(name, i)
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                os.link(copy.chunk_file(name, i % full), path)
    disk.put(copy_manifest_path(key), manifest.encode())
    return target


if __name__ == "__main__":
    folder, sizes = Path(sys.argv[1]), [int(size) for size in sys.argv[2:]]
    print(json.dumps(_train_watched(folder, *sizes)))
