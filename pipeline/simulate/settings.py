"""What to simulate: how many studies, over which genes, from which seed."""

from dataclasses import dataclass

SEED_LIMIT = 2**32  # a seed is one 32-bit word, so that seeds never run into the stream keys
MAX_STUDIES = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulationSettings:
    """Size and habits of a simulated collection of studies.

    Study k depends on all settings but `n_studies`: a larger collection begins with the smaller one.
    `effect_size` scales every planted log2 fold change (0: nothing is differentially expressed).
    The shares are of studies: `batch_share` have two batches, `second_share` a second variable,
    `messy_share` further columns that say nothing, and `unusable_share`, evenly spaced, have no
    contrast to give.
    """

    n_studies: int = 24
    n_genes: int = 48_978
    seed: int = 0
    n_programs: int = 240
    n_tissues: int = 12
    effect_size: float = 1.0
    batch_share: float = 0.15
    second_share: float = 0.2
    messy_share: float = 0.3
    unusable_share: float = 0.0625

    def __post_init__(self) -> None:
        for name, low, high in (
            ("n_studies", 1, MAX_STUDIES),
            ("n_genes", 100, 10_000_000),
            ("seed", 0, SEED_LIMIT - 1),
            ("n_programs", 1, 100_000),
            ("n_tissues", 1, 1_000),
            ("effect_size", 0, 4),
            ("batch_share", 0, 1),
            ("second_share", 0, 1),
            ("messy_share", 0, 1),
            ("unusable_share", 0, 1),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} must be from {low} to {high}, got {value}")
        if self.batch_share + self.second_share > 1:
            raise ValueError(
                "batch_share + second_share must be at most 1 (a study has one or the other),"
                f" got {self.batch_share} + {self.second_share}"
            )
