"""Training on a GPU: streamed beside resident, a step beside its floor, and what `--deterministic` costs.

    python -m benchmarks.gpu [--contrasts 7130] [--genes 48978] [--units 2000] [--epochs 50] [--in DIR]

The paper's network on a training copy of random values. Each side is a process of its own, so that none
finds the memory of another taken. Bars are judged on a GPU at the full size, and the table is then kept in
`benchmarks/results/`. On a CPU the full size is not measured, which would take hours; a smaller one is.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.our_step import make_step
from benchmarks.own_process import figures_of
from benchmarks.report import Bar, format_table, ratio_bar
from model.batches.batch import Loader
from model.batches.resident import ResidentLoader
from model.batches.rows import epoch_rows
from model.batches.streamed import StreamedLoader
from model.networks.settings import PAPER_NETWORK
from model.training.environment import DETERMINISTIC, describe_environment
from storage.training_copy import CHUNK_ROWS, CopyManifest, TrainingCopy

BATCH = 128
NOT_TESTED = 0.4
MIN_RATE, MAX_FLOOR = 0.9, 2.0
# Sizes of what the device's own rates are measured with.
_SQUARE, _FLOATS = 8192, 2**28
_REPEATS = 20
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sizes:
    """What is trained: rows and columns of the copy, units of the network, passes over the rows."""

    contrasts: int = 7130
    genes: int = 48_978
    units: int = 2000
    epochs: int = 50

    @property
    def parameters(self) -> int:
        """Weights and biases of the paper's network."""
        return 2 * self.genes * self.units + self.units + self.genes

    @property
    def step_flops(self) -> float:
        """Arithmetic of a step: two products forward, three backward (none for the input's gradient)."""
        return 5 * 2.0 * BATCH * self.genes * self.units

    @property
    def step_bytes(self) -> float:
        """Memory traffic of a step that can't be avoided.

        All weights forward and the decoder's backward; Adam reads and writes weights and both moments.
        Gradients and activations count nothing, as if they never left the chip.
        """
        return (1 + 0.5 + 6) * 4.0 * self.parameters


def main() -> None:
    """Print the table; exit 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, value in asdict(Sizes()).items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--in", dest="folder", type=Path, help="a folder on the disk to measure")
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    told = parser.parse_args()
    sizes = Sizes(**{name: getattr(told, name) for name in asdict(Sizes())})
    if told.side:
        print(json.dumps(SIDES[told.side](told.folder, sizes)))
        return
    with tempfile.TemporaryDirectory(dir=told.folder) as folder:
        if sizes == Sizes() and run_side("where", Path(folder), sizes)["platform"] == "cpu":
            print("no GPU is here: nothing is measured; smaller sizes are, on a CPU too")
            return
        environment, bars = measure(Path(folder), sizes)
    text = describe(environment, sizes, bars)
    sys.stdout.write(text)
    if any(bar.met is not None for bar in bars):
        RESULTS.mkdir(exist_ok=True)
        name = str(environment["device"]).replace(" ", "-")
        (RESULTS / f"gpu-{name}-{datetime.now(UTC):%Y-%m-%d}.md").write_text(text)
    sys.exit(any(bar.met is False for bar in bars))


def describe(environment: dict[str, object], sizes: Sizes, bars: list[Bar]) -> str:
    """What was measured, where and when."""
    told = "".join(f"- {name}: {value}\n" for name, value in environment.items())
    of = ", ".join(f"{value:,} {name}" for name, value in asdict(sizes).items())
    return f"{datetime.now(UTC):%Y-%m-%d}: {of}\n\n{told}\n{format_table(bars)}\n"


def measure(folder: Path, sizes: Sizes) -> tuple[dict[str, object], list[Bar]]:
    """The environment, and all bars."""
    write_copy(folder, sizes)
    resident, streamed, step, rates = (
        run_side(side, folder, sizes) for side in ("resident", "streamed", "step", "rates")
    )
    fixed = run_side("step", folder, sizes, deterministic=True)
    environment = rates["environment"]
    judged = environment["platform"] == "gpu" and sizes == Sizes()
    rate = streamed["rows_per_s"] / resident["rows_per_s"]
    arithmetic = sizes.step_flops / rates["flops"]
    traffic = sizes.step_bytes / rates["bytes_per_s"]
    step_s, fixed_s = step["step_s"], fixed["step_s"]
    bars = [
        Bar(
            f"contrasts a second, {sizes.epochs} epochs, streamed / resident",
            f"{streamed['rows_per_s']:,.0f} / {resident['rows_per_s']:,.0f}: {rate:.2f}",
            f"≥ {MIN_RATE}",
            rate >= MIN_RATE if judged else None,
        ),
        ratio_bar(
            "step / the larger of its arithmetic and its memory traffic at the device's own rates",
            f"{1e3 * step_s:.2f} ms / max({1e3 * arithmetic:.2f}, {1e3 * traffic:.2f}) ms",
            step_s / max(arithmetic, traffic),
            MAX_FLOOR,
            judged=judged,
        ),
        Bar(
            "– rates of the device: a product of float32 matrices; read and written memory",
            f"{rates['flops'] / 1e12:.1f} TFLOP/s; {rates['bytes_per_s'] / 1e9:,.0f} GB/s",
        ),
        Bar(
            "step with deterministic operations / without",
            f"{1e3 * fixed_s:.2f} ms / {1e3 * step_s:.2f} ms: {fixed_s / step_s:.2f}",
        ),
    ]
    return environment, bars


def run_side(
    side: str, folder: Path, sizes: Sizes, *, deterministic: bool = False
) -> dict[str, Any]:
    """One side's figures, from a new process."""
    flags = os.environ.get("XLA_FLAGS", "") + (f" {DETERMINISTIC}" if deterministic else "")
    given = [f"--{name}={value}" for name, value in asdict(sizes).items()]
    told = [f"--side={side}", f"--in={folder}", *given]
    return figures_of("benchmarks.gpu", told, XLA_FLAGS=flags)


def write_copy(folder: Path, sizes: Sizes) -> None:
    """The chunk files of a copy of random values."""
    rng = np.random.default_rng(0)
    copy = open_copy(folder, sizes)
    for i in range(copy.n_chunks):
        rows = rng.standard_normal((CHUNK_ROWS, sizes.genes), np.float32)
        rows[rng.random(rows.shape, np.float32) < NOT_TESTED] = np.nan
        path = copy.chunk_file("logfc", i)
        path.parent.mkdir(parents=True)
        path.write_bytes(rows.astype("<f2").tobytes())


def open_copy(folder: Path, sizes: Sizes) -> TrainingCopy:
    """That copy, which is of no compendium."""
    manifest = CopyManifest(
        key="random",
        generation="none",
        gene_list_sha256="none",
        observed="tested",
        arrays=("logfc",),
        chunk_rows=CHUNK_ROWS,
        contrasts=tuple(map(str, range(sizes.contrasts))),
        genes=tuple(map(str, range(sizes.genes))),
        files={},
    )
    return TrainingCopy(folder / "random.zarr", manifest)


def make_paper_step(sizes: Sizes) -> Callable[[jax.Array], jax.Array]:
    """A step of the paper's network."""
    return make_step(replace(PAPER_NETWORK, code=sizes.units), sizes.genes, BATCH)


def train_through(loader: Loader, sizes: Sizes) -> dict[str, float]:
    """Rows a second over all epochs but the first, which compiles; losses are read once an epoch."""
    step = make_paper_step(sizes)
    steps = 0
    started = time.perf_counter()
    for epoch in range(sizes.epochs + 1):
        rows = epoch_rows(np.arange(sizes.contrasts), BATCH, 0, epoch)
        losses = [float(loss) for loss in [step(b.logfc) for b in loader.batches(rows)]]
        if not np.isfinite(losses).all():
            raise FloatingPointError(f"a loss of epoch {epoch} is not finite")
        if epoch == 0:
            started = time.perf_counter()
        else:
            steps += len(losses)
    return {"rows_per_s": BATCH * steps / (time.perf_counter() - started)}


def resident_side(folder: Path, sizes: Sizes) -> dict[str, float]:
    """A training whose copy lies on the device."""
    with ResidentLoader(open_copy(folder, sizes), BATCH) as loader:
        return train_through(loader, sizes)


def streamed_side(folder: Path, sizes: Sizes) -> dict[str, float]:
    """A training whose batches are read from the disk."""
    with StreamedLoader(open_copy(folder, sizes), BATCH) as loader:
        return train_through(loader, sizes)


def step_side(folder: Path, sizes: Sizes) -> dict[str, float]:
    """Seconds of a step on one fixed batch, many of them queued."""
    with ResidentLoader(open_copy(folder, sizes), BATCH) as loader:
        raw = next(iter(loader.batches(np.arange(BATCH)[None]))).logfc
        step = make_paper_step(sizes)
        return {"step_s": _seconds(lambda: step(raw))}


def rates_side(folder: Path, sizes: Sizes) -> dict[str, object]:
    """What the device itself reaches: floating point operations and bytes a second; and what it is."""
    del folder
    # On a CPU such sizes would take minutes, and nothing is judged.
    scale = 1 if sizes == Sizes() else 8
    side, n = _SQUARE // scale, _FLOATS // scale**2
    a, b = jnp.ones((side, side)), jnp.ones((side, side))
    product = jax.jit(jnp.matmul)
    added = jax.jit(lambda x: x + 1)
    values = jnp.zeros(n)
    return {
        "flops": 2.0 * side**3 / _seconds(lambda: product(a, b)),
        "bytes_per_s": 8.0 * n / _seconds(lambda: added(values)),
        "environment": describe_environment(),
    }


def where_side(folder: Path, sizes: Sizes) -> dict[str, object]:
    """What the device is: asked in a process that ends, for the first that asks takes the device's memory."""
    del folder, sizes
    return {**describe_environment()}


def _seconds(function: Callable[[], jax.Array]) -> float:
    """Mean time of a call when many are queued, after one that compiles; the least of three."""
    function().block_until_ready()
    best = float("inf")
    for _ in range(3):
        started = time.perf_counter()
        for _ in range(_REPEATS):
            last = function()
        last.block_until_ready()
        best = min(best, (time.perf_counter() - started) / _REPEATS)
    return best


SIDES: dict[str, Callable[[Path, Sizes], dict[str, Any]]] = {
    "resident": resident_side,
    "streamed": streamed_side,
    "step": step_side,
    "rates": rates_side,
    "where": where_side,
}

if __name__ == "__main__":
    main()
