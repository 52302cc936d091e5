"""The halves store's schema: held-out contrasts twice over, from halves that do not share their noise."""

from storage.schema import CONTRAST, GENE, Variable

KIND = "kind"
HALF = "half"

REPLICATE, THINNED = "replicate", "thinned"
KINDS = (REPLICATE, THINNED)
HALVES = ("A", "B")

HALVED, LEFT_OUT, FAILED = "halved", "left_out", "failed"

_ROWS = (CONTRAST, KIND, HALF, GENE)

# (contrast, kind, half, gene): as in contrasts.zarr, NaN too where the contrast has no halves of the kind.
HALVES_STATISTICS = (
    Variable("logfc", _ROWS, "float32", "log2", "log fold change in the half; NaN: not measured"),
    Variable("se", _ROWS, "float32", "log2", "standard error of logfc; NaN: not tested"),
)

HALVES_LABELS = (
    Variable("status", (CONTRAST, KIND), "string", "1", "halved, left_out or failed"),
    Variable("reason", (CONTRAST, KIND), "string", "1", "reason code where not halved"),
    Variable("message", (CONTRAST, KIND), "string", "1", "the reason in a sentence"),
)
