"""How studies are curated, and what a person may say of one study."""

from dataclasses import dataclass, field, fields


@dataclass(frozen=True, kw_only=True, slots=True)
class CurateSettings:
    """Rules for every study.

    Parameters
    ----------
    factor, reference
        Column to compare and its reference level, for every study that does not say otherwise.
    min_replicates
        Samples that a group must have to be compared.
    max_groups
        A study with more groups is refused.
    all_pairs
        Where no level is a reference, compare all pairs instead of each with the first.
    organism
        Samples of another one are left out, where the table tells the organism; empty: any will do. None: the
        species of the source, or else the one that the Ensembl ids of the gene axis are of, if any.
    """

    factor: str | None = None
    reference: str | None = None
    min_replicates: int = 2
    max_groups: int = 48
    all_pairs: bool = False
    organism: str | None = None

    def __post_init__(self) -> None:
        if self.min_replicates < 1:
            raise ValueError(f"min_replicates must be at least 1, got {self.min_replicates}")
        if self.max_groups < 2:
            raise ValueError(f"max_groups must be at least 2, got {self.max_groups}")


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyDesign:
    """What a person says of one study; what is not said is found by the rules.

    Parameters
    ----------
    factor
        One column to compare, or several whose levels are crossed.
    reference
        The level that the others are compared with; for several factors one each, by factor.
    contrasts
        Groups to compare, each `TEST vs REFERENCE`, in place of those that the rules make.
    leave_out
        Samples that play no part.
    covariates
        Columns to adjust for; an empty list for none.
    block
        Column of the subject; empty for none.
    groups
        Samples of each group, where no column of the table tells them.
    """

    factor: str | list[str] | None = None
    reference: str | dict[str, str] | None = None
    contrasts: list[str] = field(default_factory=list)
    leave_out: list[str] = field(default_factory=list)
    covariates: list[str] | None = None
    block: str | None = None
    groups: dict[str, list[str]] = field(default_factory=dict)
    min_replicates: int | None = None
    max_groups: int | None = None
    all_pairs: bool | None = None

    def __post_init__(self) -> None:
        if self.factor is not None and self.groups:
            raise ValueError("give factor or groups, not both")
        if isinstance(self.factor, list) and not self.factor:
            raise ValueError("factor names no column")
        for name, value in (("min_replicates", 1), ("max_groups", 2)):
            given = getattr(self, name)
            if given is not None and given < value:
                raise ValueError(f"{name} must be at least {value}, got {given}")

    @property
    def factors(self) -> list[str]:
        """The columns that are named, none where the rules choose."""
        if self.factor is None:
            return []
        return [self.factor] if isinstance(self.factor, str) else list(self.factor)

    @property
    def said(self) -> tuple[str, ...]:
        """Names of what is said, in the order above."""
        return tuple(
            name
            for name in (item.name for item in fields(self))
            if getattr(self, name) is not None and getattr(self, name) not in ([], {})
        ) + (("covariates",) if self.covariates == [] else ())
