"""What all figures share: colours that colour-blind readers can tell apart, a canvas, and a file's bytes."""

from io import BytesIO
from typing import Literal

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Of Okabe and Ito's palette (2008); these also differ in lightness, for print without colour.
BLUE, VERMILION, SKY, GREY = "#0072B2", "#D55E00", "#56B4E9", "#B3B3B3"

Kind = Literal["png", "svg"]
KINDS: tuple[Kind, ...] = ("png", "svg")
_DPI = 200


def new_figure(width: float = 6.0, height: float = 4.5) -> tuple[Figure, Axes]:
    """An empty figure of so many inches, without pyplot: nothing of it outlives the caller."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def encode_figure(figure: Figure, kind: Kind) -> bytes:
    """The figure as a file of this kind, the same bytes when it is drawn again."""
    file = BytesIO()
    # SVG has the date and random ids otherwise.
    with rc_context({"svg.hashsalt": "dexome"}):
        metadata = {"Date": None} if kind == "svg" else None
        figure.savefig(file, format=kind, dpi=_DPI, metadata=metadata)
    return file.getvalue()
