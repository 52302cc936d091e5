"""The split store's schema: which contrast serves what, and what the training rows say of each gene."""

from storage.schema import CONTRAST, GENE, Variable

TRAIN, VALIDATION, TEST = "train", "validation", "test"
PARTS = (TRAIN, VALIDATION, TEST)

SPLIT_CONTRASTS = (
    Variable("part", (CONTRAST,), "string", "1", "part of the split: train, validation or test"),
    Variable("fold", (CONTRAST,), "int32", "1", "fold of the cross-validation, from 0"),
    Variable(
        "component",
        (CONTRAST,),
        "string",
        "1",
        "first study of those that are placed together with the contrast's",
    ),
    Variable(
        "weight",
        (CONTRAST,),
        "float32",
        "1",
        "weight in scaler, loss and metrics: 1 over the contrasts of its study in its part, or 1",
    ),
)

_OVER = "over the observed training entries"
SPLIT_GENES = (
    Variable("n_tested", (GENE,), "int32", "1", "training contrasts in which the gene is tested"),
    Variable("n_studies", (GENE,), "int32", "1", "studies of those contrasts"),
    Variable(
        "n_observed", (GENE,), "int32", "1", "observed training entries: see attribute observed"
    ),
    Variable("mean", (GENE,), "float64", "log2", f"weighted mean of logfc {_OVER}; NaN: none"),
    Variable("variance", (GENE,), "float64", "log2^2", f"weighted variance {_OVER}; NaN: none"),
    Variable("rms", (GENE,), "float64", "log2", f"weighted root mean square {_OVER}; NaN: none"),
    Variable("selected", (GENE,), "bool", "1", "the gene is learned from"),
)
