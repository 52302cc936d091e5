"""Settings of the enrichment of a study's contrasts."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class EnrichSettings:
    """How candidates are chosen and terms labelled; the defaults are those of the compendium.

    A label of 1 means a rate (or, in the paper's labels, a raw p) below `alpha`.

    Candidates have adjusted p below `candidate_alpha` and at least `min_logfc` (log2) of change. With
    fewer than `min_candidates` in a domain its terms are not testable. A family-wise error rate from
    `random_sets` random sets has a standard error of √(f (1 − f) / sets): 0.007 at 0.05 with 1,000.
    """

    candidate_alpha: float = 0.05
    min_logfc: float = 0.0
    min_candidates: int = 5
    random_sets: int = 1000
    alpha: float = 0.05
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("candidate_alpha", "alpha"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} must be between 0 and 1, got {getattr(self, name)}")
        for name in ("min_candidates", "random_sets"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.min_logfc < 0:
            raise ValueError(f"min_logfc must not be negative, got {self.min_logfc}")
