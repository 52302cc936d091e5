"""What curation finds in a study: factors, groups, contrasts, and what they are adjusted for."""

from dataclasses import dataclass, field

REFERENCE, ORDERED, ARBITRARY = "reference", "ordered", "arbitrary"


@dataclass(frozen=True, kw_only=True, slots=True)
class Factor:
    """One variable whose levels are compared, or held equal.

    `levels` are in natural order. `direction` says what `reference` is: a control (reference), the
    smallest quantity (ordered), or merely the first level (arbitrary); `word` is what told it.
    """

    name: str
    kind: str
    levels: tuple[str, ...]
    reference: str
    direction: str
    word: str
    same_as: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ContrastPlan:
    """One comparison of two groups: logfc is test − reference.

    `factor` is what varies between them, `stratum` what is held equal, empty where there is nothing else.
    """

    test: str
    reference: str
    direction: str
    factor: str = ""
    stratum: str = ""
    reference_word: str = ""
    confidence: float = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Curation:
    """What is compared in a study, and why.

    `groups` gives the group of each used sample, `unused` the reason of each other one; `summed` names,
    for a used sample, the technical replicates whose counts are added to it, itself among them.
    `covariates` (name → sample → level) and `block` (sample → subject) are what the model adjusts for.
    `confidence` is the product of `ingredients`; `overruled` is what a person said.
    """

    factors: tuple[Factor, ...]
    groups: dict[str, str]
    unused: dict[str, str]
    contrasts: tuple[ContrastPlan, ...]
    summed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    covariates: dict[str, dict[str, str]] = field(default_factory=dict)
    block_name: str = ""
    block: dict[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    ingredients: dict[str, float] = field(default_factory=dict)
    overruled: tuple[str, ...] = ()

    @property
    def factor(self) -> str:
        """Names of the factors that are compared."""
        compared = {name for c in self.contrasts for name in c.factor.split(" + ")}
        names = [f.name for f in self.factors if f.name in compared]
        return " × ".join(names or [f.name for f in self.factors])

    @property
    def reference(self) -> str | None:
        """The reference of the factors that have one; None where none has."""
        known = [f.reference for f in self.factors if f.direction != ARBITRARY]
        return " × ".join(known) or None

    @property
    def reference_word(self) -> str:
        """What told the references."""
        return " × ".join(f.word for f in self.factors if f.direction != ARBITRARY)

    @property
    def confidence(self) -> float:
        """From 0 to 1."""
        product = 1.0
        for share in self.ingredients.values():
            product *= share
        return round(product, 4)


@dataclass(slots=True)
class Journal:
    """The reasoning, a topic and a sentence a step, in the order it was done."""

    steps: list[tuple[str, str]] = field(default_factory=list)

    def add(self, topic: str, sentence: str) -> None:
        """Write one step down."""
        self.steps.append((topic, sentence))
