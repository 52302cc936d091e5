"""Settings of the prepare stage, and those of the paper."""

import math
from dataclasses import dataclass, field
from typing import Literal

Observed = Literal["tested", "measured"]


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitSettings:
    """How contrasts are dealt out to train, validation and test, and to folds.

    `by` is "component": studies that share a run, a sample, a super-series or a near-duplicate contrast are
    placed together; or "row": each contrast alone, as the paper did. Contrasts of two studies are
    near-duplicates where |correlation of t| over the genes tested in both, at least `duplicate_genes` of
    them, is above `duplicate_correlation` (1 turns it off). `super_series` names a table of study and
    super-series, relative to the workspace.
    """

    by: Literal["component", "row"] = "component"
    train: float = 0.70
    validation: float = 0.15
    folds: int = 4
    seed: int = 0
    duplicate_correlation: float = 0.95
    duplicate_genes: int = 100
    super_series: str | None = None

    def __post_init__(self) -> None:
        if not (self.train > 0 and self.validation >= 0 and self.train + self.validation <= 1):
            raise ValueError(
                f"train and validation must be shares that sum to 1 at most, got {self.train} and "
                f"{self.validation}"
            )
        if self.folds < 2:
            raise ValueError(f"folds must be at least 2, got {self.folds}")
        if not 0 < self.duplicate_correlation <= 1:
            raise ValueError(
                f"duplicate_correlation must be above 0 and at most 1, got {self.duplicate_correlation}"
            )
        if self.duplicate_genes < 3:
            raise ValueError(f"duplicate_genes must be at least 3, got {self.duplicate_genes}")


@dataclass(frozen=True, kw_only=True, slots=True)
class GeneSettings:
    """Which genes are learned from.

    An entry counts where the gene is "tested", or where it is "measured". A gene needs `min_contrasts`
    tested training contrasts from `min_studies` studies, and a variance above `min_variance`; with `keep`
    only the so many of highest variance are left.
    """

    observed: Observed = "tested"
    min_contrasts: int = 50
    min_studies: int = 10
    min_variance: float = 0.0
    keep: int | None = None

    def __post_init__(self) -> None:
        if self.min_contrasts < 0 or self.min_studies < 0:
            raise ValueError(
                f"min_contrasts and min_studies must not be negative, got {self.min_contrasts} and "
                f"{self.min_studies}"
            )
        if not (self.min_variance >= 0 and math.isfinite(self.min_variance)):
            raise ValueError(f"min_variance must not be negative, got {self.min_variance}")
        if self.keep is not None and self.keep < 1:
            raise ValueError(f"keep must be at least 1, got {self.keep}")


@dataclass(frozen=True, kw_only=True, slots=True)
class CopySettings:
    """What the training copy holds: standard errors too, and all genes or only the selected ones."""

    se: bool = False
    genes: Literal["all", "selected"] = "all"


@dataclass(frozen=True, kw_only=True, slots=True)
class PrepareSettings:
    """`[prepare]`: split, genes, copy.

    `scaling` is "rms" (division by the root mean square, so that −x stays −x) or "standard" (centring, and
    division by the standard deviation). With `weigh_studies` a study's contrasts in a part share one unit
    of weight.
    """

    split: SplitSettings = field(default_factory=SplitSettings)
    genes: GeneSettings = field(default_factory=GeneSettings)
    copy: CopySettings = field(default_factory=CopySettings)
    scaling: Literal["rms", "standard"] = "rms"
    weigh_studies: bool = True


PAPER = PrepareSettings(
    split=SplitSettings(by="row"),
    genes=GeneSettings(observed="measured", min_contrasts=0, min_studies=0, keep=21_953),
    copy=CopySettings(genes="selected"),
    scaling="standard",
    weigh_studies=False,
)
