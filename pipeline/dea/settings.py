"""Settings of the statistics, and the version of what they compute."""

from dataclasses import dataclass
from typing import Literal, get_args

# Bump by hand when a number of `analyse_study` changes; a golden test fails if it was forgotten.
ENGINE_VERSION: int = 1

Method = Literal["voom", "trend"]
Filter = Literal["expressed", "none"]
Tested = Literal["contrast", "study"]
Deviations = Literal["exact", "parity"]


@dataclass(frozen=True, kw_only=True, slots=True)
class DeaSettings:
    """How one study is analysed.

    The defaults are the compendium's; R's own answer is `tested="study", deviations="parity"`.

    Parameters
    ----------
    method
        `voom` weighs each observation by the study's mean-variance curve; `trend` puts the trend
        into the prior variance.
    filter
        `expressed` fits genes with enough counts in enough samples; `none` fits every gene.
    tested
        `study`: a gene that passed the filter is tested in every contrast; `contrast`: only where
        it is also expressed in the contrast's own two groups.
    deviations
        Standard errors of contrasts: `exact`, or `parity` with limma's approximation, which
        depends on the parametrisation when weights and covariates meet.
    span
        Share of the genes in each window of voom's curve, or `adaptive` to their number.
    robust
        Whether hypervariable genes get a smaller prior of their own (Phipson 2016).
    sample_weights
        Whether each sample gets a weight for its quality (Ritchie 2006, Liu 2015).
    """

    method: Method = "voom"
    filter: Filter = "expressed"
    tested: Tested = "contrast"
    deviations: Deviations = "exact"
    span: float | Literal["adaptive"] = 0.5
    robust: bool = False
    sample_weights: bool = False

    def __post_init__(self) -> None:
        for name, value, known in (
            ("method", self.method, get_args(Method)),
            ("filter", self.filter, get_args(Filter)),
            ("tested", self.tested, get_args(Tested)),
            ("deviations", self.deviations, get_args(Deviations)),
        ):
            if value not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {value!r}")
        if isinstance(self.span, str):
            if self.span != "adaptive":
                raise ValueError(f"span must be a number or 'adaptive', got {self.span!r}")
        elif not 0 < self.span <= 1:
            raise ValueError(f"span must be over 0 and at most 1, got {self.span}")
