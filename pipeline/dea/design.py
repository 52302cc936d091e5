"""The design matrix of a study: groups, covariates, blocks, and the contrasts between groups."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from pipeline.dea.arrays import Bools, Floats, Ints
from pipeline.dea.rank import estimable_columns, is_estimable

BlockRole = Literal["none", "fixed", "random"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Contrast:
    """The difference of two groups: `test` minus `reference`."""

    test: str
    reference: str

    @property
    def name(self) -> str:
        """The contrast in a table of one study."""
        return f"{self.test}_vs_{self.reference}"


@dataclass(frozen=True, kw_only=True)
class Design:
    """Design of a study: the first columns are its groups, one each; then covariates.

    Parameters
    ----------
    matrix, columns
        (sample, coef) and the names of its columns.
    levels
        The groups, in the order of the first columns.
    group
        (sample,) index into `levels`.
    block_role, block
        Blocks in the model: none, as columns, or as (sample,) indices of correlated samples.
    """

    matrix: Floats
    columns: tuple[str, ...]
    levels: tuple[str, ...]
    group: Ints
    block_role: BlockRole = "none"
    block: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @cached_property
    def kept(self) -> Bools:
        """(coef,) which columns get a coefficient; the others are aliased with earlier ones."""
        return estimable_columns(self.matrix)

    @property
    def n_samples(self) -> int:
        """Samples in the model."""
        return len(self.group)

    @property
    def rank(self) -> int:
        """Coefficients that can be estimated together."""
        return int(self.kept.sum())

    @property
    def df_residual(self) -> int:
        """Samples less the rank."""
        return self.n_samples - self.rank

    @property
    def not_estimable(self) -> tuple[str, ...]:
        """Names of the aliased columns."""
        return tuple(c for c, kept in zip(self.columns, self.kept, strict=True) if not kept)

    def group_sizes(self, contrast: Contrast) -> tuple[int, int]:
        """Samples of the test and of the reference group."""
        test, reference = self.members(contrast)
        return int(test.sum()), int(reference.sum())

    def members(self, contrast: Contrast) -> tuple[Bools, Bools]:
        """(sample,) masks of the test and of the reference group."""
        return (
            self.group == self._level(contrast.test),
            self.group == self._level(contrast.reference),
        )

    def vector(self, contrast: Contrast) -> Floats:
        """(coef,) the contrast over all columns.

        Raises
        ------
        ValueError
            A side is no group of the design, or both are the same.
        """
        if contrast.test == contrast.reference:
            raise ValueError(f"a contrast needs two groups, got {contrast.test!r} on both sides")
        vector = np.zeros(len(self.columns))
        vector[self._level(contrast.test)] = 1.0
        vector[self._level(contrast.reference)] = -1.0
        return vector

    def is_estimable(self, contrast: Contrast) -> bool:
        """Whether the data tell the two groups apart; if not, a covariate is confounded."""
        return is_estimable(self.matrix, self.vector(contrast))

    def _level(self, level: str) -> int:
        if level not in self.levels:
            raise ValueError(f"{level!r} is not a group of the design: {', '.join(self.levels)}")
        return self.levels.index(level)


def make_design(
    groups: Sequence[str],
    covariates: Mapping[str, Sequence[str]] | None = None,
    block: Sequence[str] | None = None,
) -> Design:
    """Make the design `~ 0 + group + covariates (+ block)`.

    Levels are sorted by code point. Covariates and blocks are columns against their first level.
    Blocks are columns where every block holds every group; otherwise they are correlated samples.
    Blocks of one sample each are left out, and so are a single block, and blocks that groups and covariates
    tell already.

    Parameters
    ----------
    groups
        (sample,) level of each sample.
    covariates
        Name → (sample,) levels.
    block
        (sample,) block of each sample, for example the animal.

    Raises
    ------
    ValueError
        Fewer than two groups, or a covariate of another length.
    """
    levels, group = _codes(groups)
    if len(levels) < 2:
        raise ValueError(f"a design needs two groups or more, got {list(levels)}")
    n_samples = len(groups)
    columns = [f"group[{level}]" for level in levels]
    parts = [np.eye(len(levels))[group]]
    for name, values in (covariates or {}).items():
        if len(values) != n_samples:
            raise ValueError(f"covariate {name} has {len(values)} values for {n_samples} samples")
        _add_treatment(name, values, columns, parts)
    role: BlockRole = "none"
    block_codes = np.zeros(0, dtype=np.int64)
    if block is not None:
        if len(block) != n_samples:
            raise ValueError(f"block has {len(block)} values for {n_samples} samples")
        blocks, codes = _codes(block)
        if 1 < len(blocks) < n_samples and _adds_rank(parts, np.eye(len(blocks))[codes]):
            block_codes = codes
            seen = {(int(g), int(b)) for g, b in zip(group, codes, strict=True)}
            complete = len(seen) == len(levels) * len(blocks)
            role = "fixed" if complete else "random"
            if complete:
                _add_treatment("block", block, columns, parts)
    return Design(
        matrix=np.hstack(parts),
        columns=tuple(columns),
        levels=levels,
        group=group,
        block_role=role,
        block=block_codes,
    )


def _codes(values: Sequence[str]) -> tuple[tuple[str, ...], Ints]:
    levels = tuple(sorted(set(values)))
    place = {level: i for i, level in enumerate(levels)}
    return levels, np.array([place[v] for v in values], dtype=np.int64)


def _adds_rank(parts: Sequence[Floats], more: Floats) -> bool:
    return bool(estimable_columns(np.hstack([*parts, more]))[-more.shape[1] :].any())


def _add_treatment(
    name: str, values: Sequence[str], columns: list[str], parts: list[Floats]
) -> None:
    levels, codes = _codes(values)
    columns += [f"{name}[{level}]" for level in levels[1:]]
    parts.append(np.eye(len(levels))[codes][:, 1:])
