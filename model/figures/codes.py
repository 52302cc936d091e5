"""Figures 2a and 2b of the paper: latent codes in the plane, coloured by a term of their contrasts."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from model.figures.canvas import BLUE, GREY, SKY, VERMILION, new_figure
from model.figures.layouts import Layout

# Labels as an enrichment has them, with their colours.
GROUPS = ((1, "enriched", VERMILION), (0, "not enriched", SKY), (-1, "not testable", GREY))

_MANY = 1000


@dataclass(frozen=True, slots=True)
class TermColours:
    """What a term says of each contrast: (contrast,) 1 enriched, 0 not, −1 not testable; and its name."""

    term: str
    label: npt.NDArray[np.int8]


def draw_codes(layout: Layout, colours: TermColours | None, title: str) -> Figure:
    """Contrasts as points; with `colours` by label, each with its count, else all in one colour."""
    figure, axes = new_figure(6.4, 5.6)
    n = len(layout.points)
    size = float(np.clip(6000 / n, 5, 36))
    groups = [(np.ones(n, bool), "contrasts", BLUE)]
    if colours is not None:
        groups = [(colours.label == label, name, colour) for label, name, colour in GROUPS]
    for rows, name, colour in groups:
        x, y = layout.points[rows].T
        axes.scatter(
            x,
            y,
            s=size,
            color=colour,
            alpha=0.85,
            # A rim parts points that overlap; among thousands it would be all that is seen.
            edgecolors="white",
            linewidths=0.4 if n < _MANY else 0,
            # What says nothing lies below the rest, and the rarest on top, or it would be hidden.
            zorder=2 if colour == GREY else 3 - len(x) / (n + 1),
            label=f"{name} ({len(x):,})",
        )
    axes.set_title(f"{title}\n{layout.method}, {n:,} contrasts", parse_math=False, fontsize=11)
    axes.set_xlabel(layout.axes[0])
    axes.set_ylabel(layout.axes[1])
    axes.set_aspect("equal", adjustable="datalim")
    if layout.method.startswith("t-SNE"):
        # Its units mean nothing.
        axes.set_xticks([])
        axes.set_yticks([])
    legend = figure.legend(
        loc="outside lower center",
        ncols=len(groups),
        title=None if colours is None else colours.term,
        frameon=False,
        handletextpad=0.2,
    )
    legend.get_title().set_parse_math(False)
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set_sizes([36.0])  # type: ignore[attr-defined]
    return figure
