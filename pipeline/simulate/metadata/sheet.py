"""A sample table in the making: factors crossed, columns shown, and what else stands in a GEO record."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd

from pipeline.simulate.metadata.answer import Drawn, Truth
from pipeline.simulate.metadata.crossing import Cell, crossed_truth
from pipeline.simulate.metadata.draw import Draw
from pipeline.simulate.metadata.levels import Levels
from pipeline.simulate.metadata.titles import replicate_numbers, write_codes, write_titles
from pipeline.simulate.metadata.words_biology import (
    AGES,
    CELLS,
    MOLECULES,
    PLATFORMS,
    SEXES,
    STRAINS,
    TISSUES,
)
from pipeline.simulate.metadata.words_keys import KEYS

Cells = Sequence[str | None]


class Sheet:
    """The samples of one study, one cell of levels each, and the columns written so far."""

    def __init__(self, draw: Draw, factors: Sequence[Levels], cells: Iterable[Cell]) -> None:
        self.draw = draw
        self.factors = tuple(factors)
        self.cells = list(cells)
        self.columns: dict[str, list[str | None]] = {}
        self.title: list[str] | None = None
        self.source: list[str] | None = None
        self.descriptions: list[list[str]] = []
        self.strategy = ["RNA-Seq"] * len(self.cells)
        self.organism = ["Mus musculus"] * len(self.cells)
        self.biosample: list[str] | None = None
        # What the samples were made from: an organ, or cells.
        self.organ = draw.pick(TISSUES)
        self.cell_short, self.cell_type = draw.pick(CELLS)
        self.cultured = draw.maybe(0.4)

    def __len__(self) -> int:
        return len(self.cells)

    def level(self, axis: int, *, short: bool = False) -> list[str]:
        """The level of one factor, of each sample."""
        factor = self.factors[axis]
        texts = factor.shorts if short else factor.values
        return [texts[cell[axis]] for cell in self.cells]

    def put(self, key: str, values: Cells) -> str:
        """Add a characteristic; its key gets a number if it is taken."""
        name, n = key.lower(), 1
        while name in self.columns:
            n += 1
            name = f"{key.lower()} {n}"
        self.columns[name] = list(values)
        return name

    def show(self, *axes: int) -> "Sheet":
        """Add factors as characteristics: all of them, or those named."""
        for axis in axes or range(len(self.factors)):
            self.put(self.factors[axis].key, self.level(axis))
        return self

    def put_kind(self, kind: str, values: Cells) -> str:
        """Add a characteristic under one of the keys of its kind that is not taken."""
        free = [k for k in KEYS[kind] if k.lower() not in self.columns]
        return self.put(self.draw.pick(free or KEYS[kind]), values)

    def parts(self, *axes: int) -> list[list[str]]:
        """Short forms of all factors of each sample, or of those named."""
        chosen = axes or tuple(range(len(self.factors)))
        return [[self.factors[a].shorts[cell[a]] for a in chosen] for cell in self.cells]

    def tell(self, *axes: int) -> "Sheet":
        """Write titles that tell these factors, with a constant part now and then."""
        parts = self.parts(*axes)
        if self.draw.maybe(0.25) and not any(f.stratum for f in self.factors):
            word = self.cell_short if self.cultured else self.organ
            parts = [[word, *p] for p in parts]
        self.title = write_titles(self.draw, parts)
        return self

    def replicate(self) -> list[int]:
        """The number of each sample in its group."""
        return replicate_numbers(self.cells)

    def furnish(self, *, sparse: bool = False) -> "Sheet":
        """Add characteristics that tell nothing: constants, identifiers."""
        draw, n = self.draw, len(self.cells)
        constants: list[tuple[str, Sequence[str]]] = [
            ("strain", STRAINS),
            ("sex", SEXES),
            ("age", AGES),
            ("tissue", (self.organ,)),
        ]
        if self.cultured:
            constants[-1] = ("cell", (self.cell_type,))
        taken = " ".join(self.columns)
        for kind, words in draw.some(constants, draw.between(0, 1 if sparse else 4)):
            if any(key.lower() in taken for key in KEYS[kind]):
                continue
            self.put(draw.pick(KEYS[kind]), [draw.pick(words)] * n)
        if draw.maybe(0.15):
            start = draw.between(100, 4000)
            self.put_kind("id", [str(start + i) for i in draw.shuffled(range(n))])
        return self

    def finish(self) -> tuple[pd.DataFrame, list[str]]:
        """The table as the GEO reader gives it, and the name of each sample, in the order of `cells`."""
        draw, n = self.draw, len(self.cells)
        start = draw.between(900_000, 8_900_000)
        rows = draw.shuffled(range(n)) if draw.maybe(0.3) else list(range(n))
        names = [f"GSM{start + rows.index(i)}" for i in range(n)]
        title = self.title or write_codes(draw, n)
        source = self.source or self._source(title)
        characteristics = list(self.columns.items())
        if draw.maybe(0.7):
            characteristics = draw.shuffled(characteristics)
        descriptions = self.descriptions or self._descriptions(title)
        samn = draw.between(2_000_000, 39_000_000)
        biosample = self.biosample or [f"SAMN{samn + n - i:08d}" for i in range(n)]
        columns: dict[str, Cells] = {"title": title, "source_name": source}
        columns |= dict(characteristics)
        columns |= {
            f"description.{i}" if i else "description": d for i, d in enumerate(descriptions)
        }
        columns |= {
            "organism": self.organism,
            "molecule": [draw.pick(MOLECULES)] * n,
            "library_strategy": self.strategy,
            "platform": [draw.pick(PLATFORMS)] * n,
            "biosample": biosample,
        }
        table = pd.DataFrame(columns, index=pd.Index(names), dtype=object).iloc[rows]
        return table.where(table.notna(), np.nan), names

    def _source(self, title: Sequence[str]) -> list[str]:
        """Mostly the tissue or the cells; now and then the title again."""
        strata = [axis for axis, factor in enumerate(self.factors) if factor.stratum]
        if strata:
            return self.level(strata[0])
        if self.draw.maybe(0.12):
            return list(title)
        return [self.cell_type if self.cultured else self.organ] * len(title)

    def _descriptions(self, title: Sequence[str]) -> list[list[str]]:
        """Mostly none; else file names, the title again, or a word for all."""
        draw, n = self.draw, len(title)
        kinds: list[Callable[[], list[str]]] = [
            lambda: [f"Library name: {t}" for t in title],
            lambda: [f"{t.replace(' ', '_')}.counts.txt" for t in title],
            lambda: [draw.pick(("RNA-seq", "bulk RNA-seq", "polyA selected", "counts.xlsx"))] * n,
        ]
        return [kind() for kind in draw.some(kinds, draw.pick((0, 0, 0, 1, 1, 2)))]

    def study(self, truth: Callable[[list[str]], Truth] | None = None) -> Drawn:
        """The finished study; its truth, unless given, is that of the crossed factors."""
        table, names = self.finish()
        if truth is None:
            return Drawn(table=table, truth=crossed_truth(names, self.cells, self.factors))
        return Drawn(table=table, truth=truth(names))


def cross(draw: Draw, factors: Sequence[Levels], low: int = 2, high: int = 6) -> Sheet:
    """A full crossing of the factors, with as many replicates in each cell, or nearly."""
    cells: list[Cell] = [()]
    for factor in factors:
        cells = [(*cell, i) for cell in cells for i in range(len(factor.values))]
    n, uneven = draw.replicates(low, high), draw.maybe(0.3)
    rows = []
    for cell in cells:
        rows += [cell] * (max(low, n + draw.between(-1, 1)) if uneven else n)
    return Sheet(draw, factors, rows)
