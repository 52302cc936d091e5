"""Plots beside the table of one study: a volcano for each contrast, and the mean-variance curve."""

from pathlib import Path
from urllib.parse import quote

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipeline.dea.result import StudyResult
from storage.errors import InputError

ALPHA = 0.05
GREY, BLUE, RED = "0.6", "tab:blue", "tab:red"


def write_plots(result: StudyResult, folder: Path) -> list[Path]:
    """Write `volcano-CONTRAST.png` and `mean-variance.png`; make the folder if need be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--plots {folder}: {error.strerror}; give another folder") from error
    written = []
    for k, contrast in enumerate(result.contrasts):
        if result.tested[k].any():
            figure, axes = _figure()
            _draw_volcano(axes, result, k)
            written.append(folder / f"volcano-{quote(contrast.name, safe=' +,()')}.png")
            figure.savefig(written[-1], dpi=150)
    if result.df_residual > 0:
        figure, axes = _figure()
        _draw_mean_variance(axes, result)
        written.append(folder / "mean-variance.png")
        figure.savefig(written[-1], dpi=150)
    return written


def _figure() -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6, 4.5), layout="constrained")
    return figure, figure.add_subplot()


def _draw_volcano(axes: Axes, result: StudyResult, k: int) -> None:
    used = result.tested[k]
    logfc, p = result.logfc[k, used], result.neg_log10_p[k, used]
    called = result.adj_p_value[k, used] < ALPHA
    for mask, colour, label in (
        (~called, GREY, "not called"),
        (called & (logfc > 0), RED, "up"),
        (called & (logfc < 0), BLUE, "down"),
    ):
        axes.scatter(
            logfc[mask], p[mask], s=4, color=colour, linewidths=0, label=f"{label} ({mask.sum()})"
        )
    contrast = result.contrasts[k]
    axes.set_title(f"{contrast.test} against {contrast.reference}", parse_math=False)
    axes.set_xlabel("log2 fold change")
    axes.set_ylabel("−log10 p")
    axes.legend(title=f"adjusted p < {ALPHA}")


def _draw_mean_variance(axes: Axes, result: StudyResult) -> None:
    if result.curve is not None and result.trend_x is not None and result.trend_y is not None:
        axes.scatter(result.trend_x, result.trend_y, s=3, color=GREY, linewidths=0)
        axes.plot(result.curve.x, result.curve.y, color=RED, label="lowess")
        axes.set_xlabel("mean log2 count")
        axes.set_ylabel("square root of the residual standard deviation")
    else:
        x, y = result.ave_expr[result.filtered], np.sqrt(result.sigma[result.filtered])
        prior = np.broadcast_to(result.s2_prior, result.ave_expr.shape)[result.filtered]
        order = np.argsort(x)
        axes.scatter(x, y, s=3, color=GREY, linewidths=0)
        axes.plot(x[order], prior[order] ** 0.25, color=RED, label="prior")
        axes.set_xlabel("mean log2 CPM")
        axes.set_ylabel("square root of the residual standard deviation")
    axes.legend()
