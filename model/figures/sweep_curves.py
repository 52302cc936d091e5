"""Figures of sweeps: loss against neurons or layers, and R² against rank beside the baselines."""

import re
from collections.abc import Sequence
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from model.evaluation.intervals import Interval
from model.figures.canvas import BLUE, GREY, SKY, VERMILION, new_figure
from model.figures.write_figure import write_figure
from model.recipe import MODELS
from model.sweeps.settings import Kind
from model.sweeps.summary import Point
from model.training.settings import LossSettings
from storage.disk import Disk

_COLOURS = {
    "model": BLUE,
    "PCA, zeros for missing": VERMILION,
    "PCA, observed entries": "#E69F00",
    "PCA, shrunken": "#CC79A7",
    "random": GREY,
}
_GROUPS = (BLUE, VERMILION, SKY, GREY)


def draw_sweep(
    disk: Disk,
    name: str,
    kind: Kind,
    points: Sequence[Point],
    ceiling: Interval | None,
    n_genes: int,
    loss: LossSettings,
) -> list[str]:
    """Draw a sweep's figure into `models/NAME/figures/`, as PNG and SVG; return their keys.

    Folds and draws of a random search have no order, and no figure.
    """
    if kind not in ("neurons", "layers", "ranks") or not any(p.model == "model" for p in points):
        return []
    figure = (
        plot_ranks(points, ceiling) if kind == "ranks" else plot_losses(points, kind, n_genes, loss)
    )
    return write_figure(disk, f"{MODELS}/{name}/figures/sweep-{kind}", figure)


def plot_losses(points: Sequence[Point], kind: Kind, n_genes: int, loss: LossSettings) -> Figure:
    """Loss against neurons or layers, of training and validation, as the paper's figures 2c and 2d.

    Beside them, where the loss is the mean square of all entries alike, what a random subspace leaves of unit
    variance, 1 − rank / genes, and what the best PCA of the same rank leaves of the judging contrasts.
    """
    figure, axes = new_figure(7.2, 4.6)
    model = [point for point in points if point.model == "model"]
    # "2,000 units" before "500 units".
    groups = sorted({p.group for p in model}, key=lambda g: -int(re.sub(r"\D", "", g) or 0))
    for colour, group in zip(cycle(_GROUPS), groups, strict=False):
        those = [point for point in model if point.group == group]
        at = [point.at for point in those]
        label = f", {group}" if group else ""
        axes.plot(
            at, [p.validation_loss for p in those], "o-", color=colour, label=f"validation{label}"
        )
        axes.plot(
            at,
            [p.train_loss for p in those],
            "o--",
            color=colour,
            mfc="white",
            label=f"training{label}",
        )
    if kind == "neurons":
        ranks = np.array(sorted({point.rank for point in model}))
        axes.set_xscale("log")
        axes.set_xticks(ranks, [str(rank) for rank in ranks])
        axes.minorticks_off()
        if loss.kind == "mse" and not loss.weight_by_se:
            _plot_peers(axes, points, ranks, n_genes)
    else:
        axes.set_xticks(sorted({point.at for point in model}))
    axes.set_xlabel(
        "neurons in the code" if kind == "neurons" else "layers between input and output"
    )
    axes.set_ylabel("loss (standardised units)")
    axes.legend(frameon=False, fontsize=8)
    return figure


def _plot_peers(axes: Axes, points: Sequence[Point], ranks: np.ndarray, n_genes: int) -> None:
    axes.plot(
        ranks,
        1 - ranks / n_genes,
        ":",
        color=_COLOURS["random"],
        label="random subspace: 1 − rank / genes",
    )
    best = _best_by_rank(points)
    axes.plot(
        list(best),
        [p.mse for p in best.values()],
        "s-",
        color=_COLOURS["PCA, zeros for missing"],
        ms=4,
        label="best PCA, judging contrasts",
    )


def plot_ranks(points: Sequence[Point], ceiling: Interval | None) -> Figure:
    """R² on held-out contrasts against rank: of entries that the model saw, and of entries hidden from it.

    With halves a third panel has R² of other replicates than the input's, and the ceiling.
    The band is the model's 95 % interval by bootstrap over studies; the baselines' are in the table.
    """
    panels = [("r2", "entries that the input has"), ("hidden_r2", "entries hidden from the input")]
    if any(point.replicate_r2 is not None for point in points):
        panels.append(("replicate_r2", "other replicates than the input's"))
    figure = Figure(figsize=(4.8 * len(panels), 4.6), layout="constrained")
    all_axes = figure.subplots(1, len(panels), sharex=True)
    for axes, (field, title) in zip(all_axes, panels, strict=True):
        for model, colour in _COLOURS.items():
            those = [p for p in points if p.model == model and getattr(p, field) is not None]
            those.sort(key=lambda p: p.rank)
            if not those:
                continue
            found = [getattr(point, field) for point in those]
            at = [p.rank for p in those]
            axes.plot(at, [i.value for i in found], "o-", ms=4, lw=1.3, color=colour, label=model)
            if model == "model":
                low, high = [i.low for i in found], [i.high for i in found]
                axes.fill_between(at, low, high, color=colour, alpha=0.12, lw=0)
        if field == "replicate_r2" and ceiling is not None:
            axes.axhline(
                ceiling.value, color="black", ls="--", lw=1, label="ceiling: the truth itself"
            )
            axes.axhspan(ceiling.low, ceiling.high, color="black", alpha=0.08, lw=0)
        axes.axhline(0, color="#cccccc", lw=0.8)
        axes.set_xscale("log", base=2)
        ranks = sorted({p.rank for p in points if p.rank})
        axes.set_xticks(ranks, [str(rank) for rank in ranks])
        axes.set_xlabel("rank (numbers in the code)")
        axes.set_title(title, fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    all_axes[0].set_ylabel("R² on held-out contrasts")
    lines = {str(line.get_label()): line for axes in all_axes for line in axes.lines}
    named = {name: line for name, line in lines.items() if not name.startswith("_")}
    figure.legend(
        named.values(), named.keys(), loc="outside lower center", ncols=6, frameon=False, fontsize=8
    )
    return figure


def _best_by_rank(points: Sequence[Point]) -> dict[int, Point]:
    best: dict[int, Point] = {}
    for point in sorted(points, key=lambda p: p.rank):
        if point.model.startswith("PCA") and (
            point.rank not in best or point.mse < best[point.rank].mse
        ):
            best[point.rank] = point
    return best
