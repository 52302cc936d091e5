"""Training as a whole: loader only, compute only and both together; and the memory of a full-size one."""

import json
import os
import subprocess
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
from flax import nnx

from benchmarks.report import Bar, ratio_bar
from model.batches.batch import Loader
from model.batches.rows import epoch_rows
from model.batches.streamed import StreamedLoader
from model.fit_model import Task, fit_model, make_task
from model.networks.autoencoder import Autoencoder, count_parameters
from model.networks.settings import LINEAR_NETWORK, PAPER_NETWORK
from model.recipe import Recipe
from model.training.adam import keras_adam
from model.training.checkpoints import Checkpoints
from model.training.gene_columns import make_gene_columns
from model.training.settings import LossSettings, TrainSettings
from model.training.step import Batch, train_step
from storage.disk import Disk
from storage.split import read_split
from storage.training_copy import TrainingCopy, copy_manifest_path, copy_path

BATCH = 128
END_LIMIT = 1.05
SPARE_BYTES = 1.5e9
MORE_ROWS = 4
STEADY_BYTES = 200e6
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
    n_genes = copy.n_genes
    net = Autoencoder(replace(LINEAR_NETWORK, code=code), n_genes, seed=0)
    optimizer = nnx.Optimizer(net, keras_adam(1e-3), wrt=nnx.Param)
    columns = make_gene_columns(np.zeros(n_genes), np.ones(n_genes), np.ones(n_genes, np.bool_))
    weight = jnp.ones(BATCH)
    epochs = -(-steps * BATCH // copy.n_rows)
    rows = np.concatenate(
        [epoch_rows(np.arange(copy.n_rows), BATCH, 0, e, pad=True) for e in range(epochs)]
    )
    with StreamedLoader(copy, BATCH, threads=threads) as loader:
        # A copy of its own, so that no buffer of the loader is held.
        fixed = jnp.array(next(iter(loader.batches(rows[:1]))).logfc)

        def step(raw: jax.Array) -> jax.Array:
            batch = Batch(raw, weight)
            return train_step(net, optimizer, batch, columns, settings=LossSettings(), seed=0)

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
    """Peak RSS of streamed trainings in processes of their own, at 1 × and 4 × the rows."""
    sides = {times: _run_side(workspace, units, steps, times) for times in (1, MORE_ROWS)}
    one, more = sides[1], sides[MORE_ROWS]
    parameters = one["parameters"]
    between, saving = (k * parameters * 4 + SPARE_BYTES for k in (4, 7))
    limits = (("between checkpoints", "between", between), ("while one is saved", "saving", saving))
    bars = [
        Bar(
            f"peak RSS {label}, {units:,} units, {parameters:,.0f} parameters",
            f"{one[key] / 1e9:.2f} GB",
            f"≤ {limit / 1e9:.2f} GB",
            one[key] <= limit if judged else None,
        )
        for label, key, limit in limits
    ]
    apart = abs(more["between"] - one["between"])
    bars.append(
        Bar(
            f"peak RSS at {MORE_ROWS} × the rows less that at 1 ×",
            f"{apart / 1e6:.0f} MB ({one['rows']:,.0f} and {more['rows']:,.0f} rows)",
            f"≤ {STEADY_BYTES / 1e6:.0f} MB",
            apart <= STEADY_BYTES if judged else None,
        )
    )
    return bars


def _run_side(workspace: Path, units: int, steps: int, times: int) -> dict[str, float]:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks.train_whole",
            str(workspace),
            str(units),
            str(steps),
            str(times),
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _train_watched(workspace: Path, units: int, steps: int, times: int) -> dict[str, float]:
    """Train some steps, save, go on from there; peak RSS outside saving, and while saving."""
    task = _task(workspace, units, times)
    watch = _Watch()
    left = steps

    def stop() -> bool:
        nonlocal left
        left -= 1
        return left <= 0

    with watch.running(), _told_of_saving(watch):
        for _ in range(2):
            left = steps
            fit_model(task, stop)
    n = int(task.scaling.mask.sum())
    return {
        **watch.peaks,
        "parameters": float(count_parameters(task.recipe.network, n)),
        "rows": float(task.copy.n_rows),
    }


class _Watch:
    """The process' peak RSS in each of two states, looked at 50 times a second."""

    def __init__(self) -> None:
        self.state = "between"
        self.peaks = {"between": 0.0, "saving": 0.0}
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

    def _look(self) -> None:
        process = psutil.Process()
        while not self._ended.wait(0.02):
            state, rss = self.state, float(process.memory_info().rss)
            self.peaks[state] = max(self.peaks[state], rss)


@contextmanager
def _told_of_saving(watch: _Watch) -> Iterator[None]:
    save = Checkpoints.save

    def watched(self: Checkpoints, *arguments: object) -> object:
        watch.state = "saving"
        try:
            return save(self, *arguments)  # type: ignore[arg-type]
        finally:
            watch.state = "between"

    Checkpoints.save = watched  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        Checkpoints.save = save  # type: ignore[method-assign]


def _task(workspace: Path, units: int, times: int) -> Task:
    """The paper's network with so many units on all rows of the copy, or on them several times."""
    recipe = Recipe(
        network=replace(PAPER_NETWORK, code=units), fit=TrainSettings(epochs=1000), memory_gib=0.0
    )
    task = make_task(workspace, f"memory-{units}-{times}", read_split(Disk(workspace)), recipe)
    copy = task.copy if times == 1 else _repeated(workspace, task.copy, times)
    # Rows above those of the split have no label there; weights are taken by label.
    return replace(task, copy=copy, training=np.arange(copy.n_rows), validation=np.arange(BATCH))


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
    _, folder, n_units, n_steps, n_times = sys.argv
    print(json.dumps(_train_watched(Path(folder), int(n_units), int(n_steps), int(n_times))))
