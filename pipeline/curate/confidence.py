"""How sure a curation is, from 0 to 1, as a product of shares that each can be looked at."""

from collections.abc import Sequence

from pipeline.curate.adjust import Adjustment
from pipeline.curate.axes import Axes
from pipeline.curate.column_words import GROUP, OTHER, TEXT
from pipeline.curate.contrasts import Grid
from pipeline.curate.table import COLUMN, DESCRIPTION, NAME, SOURCE_NAME, TITLE
from pipeline.curate.variables import Variable

_SOURCES = {COLUMN: 1.0, SOURCE_NAME: 0.95, DESCRIPTION: 0.85, TITLE: 0.85, NAME: 0.85}


def weigh(
    merged: Sequence[Variable], grid: Grid, coverage: float, axes: Axes, adjusted: Adjustment
) -> dict[str, float]:
    """Ingredients of the confidence: where factors were read, what told the reference, who is left out."""
    return {
        "source": min(_SOURCES[v.source] for v in merged),
        "kind": min(
            0.8 if v.kind in (OTHER, TEXT) else 0.95 if v.kind == GROUP else 1.0 for v in merged
        ),
        "reference": grid.certainty,
        "coverage": round(coverage**0.5, 4),
        "left over": 0.9 if any(v.source == COLUMN for v in axes.left) else 1.0,
        "confounding": 0.7 if any(f.startswith("confounded:") for f in adjusted.flags) else 1.0,
    }
