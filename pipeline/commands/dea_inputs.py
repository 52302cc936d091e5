"""What `dexome dea` reads: one study from two tables, and the contrasts asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from pipeline.sources.join import join_samples
from pipeline.sources.samples import read_sample_table
from pipeline.sources.table import CountTable, read_count_table
from storage.errors import InputError

if TYPE_CHECKING:
    from pipeline.dea.design import Contrast


@dataclass(frozen=True, slots=True)
class Inputs:
    """One study as read: `counts` (sample, gene) of `ids`, and `rows`, the samples' own table rows."""

    ids: list[str]
    samples: list[str]
    counts: np.ndarray
    rows: pd.DataFrame
    notes: list[str]


def read_inputs(counts: Path, samples: Path, needed: Sequence[str]) -> Inputs:
    """Join both tables; leave out, with a note, samples without group or without counts."""
    for path in (counts, samples):
        if not path.is_file():
            raise InputError(f"{path} is no file; give the path of a table")
    table, rows = read_count_table(counts), read_sample_table(samples)
    for column in needed:
        if column not in rows.columns:
            known = ", ".join(map(str, rows.columns))
            raise InputError(f"{samples.name} has no column {column!r}; it has {known}")
    join = join_samples(table.samples, rows)
    notes = [f"sample {name!r} has no row in {samples.name}" for name in join.unmatched_counts]
    notes += [f"row {name!r} has no counts in {counts.name}" for name in join.unmatched_rows]
    empty = {s for s, y in zip(table.samples, table.counts, strict=True) if not y.any()}
    chosen = []
    # The order of the sample table: its first group is the reference.
    for name, row in sorted(join.rows.items(), key=lambda pair: pair[1]):
        missing = [column for column in needed if not str(rows.at[row, column]).strip()]
        if missing:
            notes.append(f"sample {name!r} is left out: no value in column {missing[0]!r}")
        elif name in empty:
            notes.append(f"sample {name!r} is left out: it has no counts")
        else:
            chosen.append(name)
    if not chosen:
        raise InputError(f"{samples.name} leaves no sample to analyse; mend its columns {needed}")
    ids, summed = _sum_repeated(table.select(chosen))
    if len(ids) < len(table.ids):
        notes.append(f"{len(table.ids) - len(ids)} rows repeat an id and are added to its first")
    return Inputs(ids, chosen, summed, rows.loc[[join.rows[name] for name in chosen]], notes)


def _sum_repeated(table: CountTable) -> tuple[list[str], np.ndarray]:
    """Ids in the order they came, and counts with rows of one id added."""
    place = {name: i for i, name in enumerate(dict.fromkeys(table.ids))}
    if len(place) == len(table.ids):
        return table.ids, table.counts
    summed = np.zeros((len(table.samples), len(place)))
    np.add.at(summed.T, np.array([place[name] for name in table.ids]), table.counts.T)
    return list(place), summed


def choose_contrasts(
    levels: Sequence[str], reference: str | None, asked: Sequence[str]
) -> "list[Contrast]":
    """The contrasts asked for as TEST-REFERENCE; without, every level against the reference.

    Raises
    ------
    InputError
        A level is not known, or a contrast can be read in two ways.
    """
    from pipeline.dea.design import Contrast

    if len(levels) < 2:
        raise InputError(f"the samples are all in group {levels[0]!r}; two groups are needed")
    if reference is not None and reference not in levels:
        raise InputError(f"reference {reference!r} is no group; groups are {', '.join(levels)}")
    if not asked:
        first = levels[0] if reference is None else reference
        return [Contrast(test=level, reference=first) for level in levels if level != first]
    return [_read_contrast(text, levels) for text in dict.fromkeys(asked)]


def _read_contrast(text: str, levels: Sequence[str]) -> "Contrast":
    from pipeline.dea.design import Contrast

    cuts = [i for i, sign in enumerate(text) if sign == "-"]
    halves = [(text[:i], text[i + 1 :]) for i in cuts]
    known = [(a, b) for a, b in halves if a in levels and b in levels]
    if len(known) > 1:
        readings = " or ".join(f"{a!r} against {b!r}" for a, b in known)
        raise InputError(f"contrast {text!r} can be read as {readings}; rename a group")
    if not known:
        raise InputError(
            f"contrast {text!r} is not TEST-REFERENCE of two groups; groups are {', '.join(levels)}"
        )
    test, reference = known[0]
    if test == reference:
        raise InputError(f"contrast {text!r} has the same group on both sides; name two groups")
    return Contrast(test=test, reference=reference)
