"""A sample table as plain texts: what curation works on."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from pipeline.curate.text import tidy


@dataclass(frozen=True, slots=True)
class Sheet:
    """Names of samples, and columns of (sample,) cells; an empty cell tells nothing."""

    names: tuple[str, ...]
    columns: dict[str, tuple[str, ...]]

    def select(self, names: Iterable[str]) -> "Sheet":
        """The rows of these samples, in their order."""
        place = {name: i for i, name in enumerate(self.names)}
        rows = [place[name] for name in names]
        return Sheet(
            tuple(self.names[i] for i in rows),
            {name: tuple(cells[i] for i in rows) for name, cells in self.columns.items()},
        )

    def row(self, place: int) -> dict[str, str]:
        """The cells of one sample."""
        return {name: cells[place] for name, cells in self.columns.items()}


def read_sheet(samples: pd.DataFrame) -> Sheet:
    """The table as texts, its rows sorted by the names of the samples.

    Raises
    ------
    ValueError
        Two rows have one name.
    """
    if not samples.index.is_unique:
        raise ValueError("the index of samples must name each sample once")
    names = [str(name) for name in samples.index.tolist()]
    order = sorted(range(len(names)), key=names.__getitem__)
    cells = samples.to_numpy(dtype=object)
    columns: dict[str, tuple[str, ...]] = {}
    for place, name in enumerate(samples.columns.tolist()):
        column = cells[:, place].tolist()
        columns[_unique(str(name), columns)] = tuple(_told(column[i]) for i in order)
    return Sheet(tuple(names[i] for i in order), columns)


def _told(cell: object) -> str:
    if isinstance(cell, str):
        return tidy(cell)
    return "" if cell is None or cell is pd.NA or cell != cell else tidy(str(cell))


def _unique(name: str, taken: dict[str, tuple[str, ...]]) -> str:
    found, n = name, 0
    while found in taken:
        n += 1
        found = f"{name}.{n}"
    return found
