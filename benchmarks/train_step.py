"""The training step: its time beside the same network in Keras (JAX) and PyTorch, and its memory.

`python -m benchmarks.train_step` takes the full gene axis; `--genes` and `--units` make it smaller. Each side
runs in a process of its own, in turns, on the same cores. A peer that is not installed is named and left out.
"""

import argparse
import importlib.util
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from benchmarks.own_process import figures_of
from benchmarks.report import Bar, format_table, ratio_bar

BATCH = 128
LIMIT = 1.15
PEERS = {"keras": "Keras (JAX)", "torch": "PyTorch"}


def main() -> int:
    """Print the table; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--genes", type=int, default=48_978)
    parser.add_argument("--units", type=int, default=2_000)
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--side", choices=["ours", *PEERS])
    options = parser.parse_args()
    if options.side:
        print(json.dumps(measure(options.side, options.genes, options.units, options.steps)))
        return 0
    found = [peer for peer in PEERS if importlib.util.find_spec(peer)]
    best: dict[str, dict[str, float]] = {}
    for _ in range(options.repeats):
        for side in ("ours", *found):
            got = run_side(side, options)
            if side not in best or got["step_s"] < best[side]["step_s"]:
                best[side] = got
    bars = make_bars(best, options)
    print(format_table(bars))
    return 1 if any(bar.met is False for bar in bars) else 0


def run_side(side: str, options: argparse.Namespace) -> dict[str, float]:
    """One side's figures, from a new process."""
    sizes = [f"--{name}={getattr(options, name)}" for name in ("genes", "units", "steps")]
    return figures_of("benchmarks.train_step", [f"--side={side}", *sizes], KERAS_BACKEND="jax")


def make_bars(best: dict[str, dict[str, float]], options: argparse.Namespace) -> list[Bar]:
    """Step time against each peer, and peak memory against its limit."""
    judged = options.genes >= 48_978 and options.units >= 2_000
    ours = best["ours"]
    bars = []
    for peer, label in PEERS.items():
        if peer not in best:
            bars.append(Bar(f"step, ours / {label}", f"{label} is not installed: left out"))
            continue
        theirs = best[peer]["step_s"]
        told = f"{ours['step_s']:.3f} s / {theirs:.3f} s"
        bars.append(
            ratio_bar(f"step, ours / {label}", told, ours["step_s"] / theirs, LIMIT, judged=judged)
        )
    limit = 4 * ours["parameters"] * 4 + 1.5e9
    bars.append(
        Bar(
            "peak memory, ours",
            f"{ours['peak_bytes'] / 1e9:.2f} GB",
            f"≤ {limit / 1e9:.2f} GB",
            ours["peak_bytes"] <= limit if judged else None,
        )
    )
    return bars


def measure(side: str, n_genes: int, units: int, steps: int) -> dict[str, float]:
    """Least wall seconds of a step after a warm-up, and the process' peak memory."""
    x = np.random.default_rng(0).standard_normal((BATCH, n_genes), np.float32)
    makers = {"ours": ours_step, "keras": keras_step, "torch": torch_step}
    step = makers[side](x, units)
    step()
    best = float("inf")
    for _ in range(steps):
        started = time.perf_counter()
        step()
        best = min(best, time.perf_counter() - started)
    return {
        "step_s": best,
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0,
        "parameters": 2.0 * n_genes * units + units + n_genes,
    }


def ours_step(x: np.ndarray, units: int) -> Callable[[], float]:
    """A step of the paper's network on a raw float16 batch."""
    import jax.numpy as jnp

    from benchmarks.our_step import make_step
    from model.networks.settings import LINEAR_NETWORK

    settings = replace(
        LINEAR_NETWORK, code=units, activation="relu", code_activation="relu", output="sigmoid"
    )
    step = make_step(settings, x.shape[1], BATCH)
    raw = jnp.asarray(x, jnp.float16)
    return lambda: float(step(raw))


def keras_step(x: np.ndarray, units: int) -> Callable[[], float]:
    """A step of the same network in Keras."""
    keras = importlib.import_module("keras")
    model = keras.Sequential(
        [
            keras.Input((x.shape[1],)),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dense(x.shape[1], activation="sigmoid"),
        ]
    )
    model.compile(optimizer=keras.optimizers.Adam(1e-3), loss="mse")
    return lambda: float(model.train_on_batch(x, x))


def torch_step(x: np.ndarray, units: int) -> Callable[[], float]:
    """A step of the same network in PyTorch."""
    torch = importlib.import_module("torch")
    n_genes = x.shape[1]
    net = torch.nn.Sequential(
        torch.nn.Linear(n_genes, units),
        torch.nn.ReLU(),
        torch.nn.Linear(units, n_genes),
        torch.nn.Sigmoid(),
    )
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    batch = torch.from_numpy(x)

    def step() -> float:
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(net(batch), batch)
        loss.backward()
        optimizer.step()
        return float(loss)

    return step


if __name__ == "__main__":
    sys.exit(main())
