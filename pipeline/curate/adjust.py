"""What the model adjusts for: sex, batch and subject, where the samples can tell them from the groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from pipeline.curate.curation import ContrastPlan, Journal
from pipeline.curate.variables import Variable, codes_of, determines
from pipeline.dea.design import Contrast, make_design

MIN_DF = 3
_TOO_FEW = f"fewer than {MIN_DF} residual degrees of freedom would be left"


@dataclass(slots=True)
class Adjustment:
    """Covariates (name → (sample,) levels), the block, contrasts that a batch forbids, and cautions."""

    covariates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    block_name: str = ""
    block: tuple[str, ...] = ()
    confounded: dict[ContrastPlan, str] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)


def choose_adjustment(
    groups: Sequence[str],
    contrasts: Sequence[ContrastPlan],
    covariates: Sequence[tuple[Variable, bool]],
    blocks: Sequence[Variable],
    journal: Journal,
) -> Adjustment:
    """Take covariates in their order, then one block, each if it can be estimated with enough samples left.

    Parameters
    ----------
    groups
        (sample,) groups.
    covariates
        Variables on the same samples, and whether one forbids contrasts that it can't be told from.
    blocks
        Candidates for the subject.
    """
    found = Adjustment()
    group_codes = codes_of(groups)
    for variable, forbids in covariates:
        if variable.n_missing or len(variable.levels) < 2:
            continue
        name = variable.name
        if forbids:
            for contrast in contrasts:
                if contrast not in found.confounded and not _estimable(groups, contrast, variable):
                    found.confounded[contrast] = name
        if determines(group_codes, variable.codes):
            found.flags.append(f"confounded:{_word(name)}")
            journal.add(
                "covariates",
                f"{name!r} is the same in all samples of every group; it can't be adjusted for",
            )
            continue
        trial = {**found.covariates, name: variable.values}
        if _df_left(groups, trial) < MIN_DF or not _adds(groups, found.covariates, name, variable):
            found.flags.append(f"not_adjusted:{_word(name)}")
            journal.add(
                "covariates",
                f"{name!r} is not adjusted for: {_TOO_FEW}",
            )
            continue
        left = [c for c in contrasts if c not in found.confounded]
        if left and not all(_estimable(groups, c, variable) for c in left):
            found.flags.append(f"not_adjusted:{_word(name)}")
            journal.add(
                "covariates",
                f"{name!r} is not adjusted for: a contrast could then not be estimated",
            )
            continue
        journal.add("covariates", f"{name!r} ({', '.join(variable.levels)}) is adjusted for")
        found.covariates = trial
    for variable in blocks:
        if variable.name not in found.covariates and _take_block(groups, found, variable, journal):
            break
    return found


def _take_block(
    groups: Sequence[str], found: Adjustment, variable: Variable, journal: Journal
) -> bool:
    """Take a subject as block where some have several samples and it does not stand for the group."""
    n = len(groups)
    if variable.n_missing or not 1 < len(variable.levels) < n:
        return False
    design = make_design(groups, found.covariates, variable.values)
    if design.block_role == "none" or determines(codes_of(groups), variable.codes):
        return False
    if design.block_role == "fixed" and design.df_residual < MIN_DF:
        found.flags.append(f"not_adjusted:{_word(variable.name)}")
        journal.add(
            "blocks",
            f"{variable.name!r} is not adjusted for: {_TOO_FEW}",
        )
        return False
    role = "paired" if design.block_role == "fixed" else "correlated samples"
    journal.add("blocks", f"{variable.name!r} is the subject ({len(variable.levels)}), {role}")
    found.block_name, found.block = variable.name, variable.values
    return True


def _estimable(groups: Sequence[str], contrast: ContrastPlan, variable: Variable) -> bool:
    design = make_design(groups, {variable.name: variable.values})
    return design.is_estimable(Contrast(test=contrast.test, reference=contrast.reference))


def _df_left(groups: Sequence[str], covariates: Mapping[str, Sequence[str]]) -> int:
    return make_design(groups, covariates).df_residual


def _adds(
    groups: Sequence[str], before: Mapping[str, Sequence[str]], name: str, variable: Variable
) -> bool:
    """Whether every level of the covariate can be told from groups and covariates before it."""
    design = make_design(groups, {**before, name: variable.values})
    return bool(np.all(design.kept))


def _word(name: str) -> str:
    return name.replace(",", " ")
