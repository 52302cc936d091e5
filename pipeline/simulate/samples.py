"""The sample table of a study as submitters fill it in: the factor, and columns that say little."""

import re

import numpy as np
import pandas as pd

from pipeline.simulate.layout import Layout

NAME_STYLES = ("accession", "level", "number")
GRADED = ("time", "dose")  # kinds whose levels do not say what was done
INSTRUMENTS = ("Illumina NovaSeq 6000", "Illumina HiSeq 2500", "NextSeq 500", "Illumina HiSeq 4000")


def draw_samples(rng: np.random.Generator, layout: Layout, study: str, tissue: str) -> pd.DataFrame:
    """Draw the sample table.

    Returns
    -------
    DataFrame
        One row a sample in the order of the counts, indexed by sample name (`sample`); all strings.
    """
    n = layout.n_samples
    replicate = np.arange(n) - np.searchsorted(layout.groups, layout.groups) + 1
    levels = [layout.levels[group] for group in layout.groups]
    columns: dict[str, list[str]] = {layout.factor: levels}
    for covariate in (layout.batch, layout.second):
        if covariate is not None:
            columns[covariate.column] = [covariate.levels[code] for code in covariate.codes]
    if layout.kind in GRADED:
        columns["treatment"] = [layout.perturbations[0]] * n
    columns["tissue"] = [tissue] * n
    columns["organism"] = ["Mus musculus"] * n
    if layout.messy:
        columns |= _draw_mess(rng, layout, replicate)
    order = list(columns)
    rng.shuffle(order)
    names = _sample_names(NAME_STYLES[rng.integers(len(NAME_STYLES))], study, levels, replicate)
    table = pd.DataFrame({name: columns[name] for name in order}, dtype="str")
    table.index = pd.Index(names, name="sample", dtype="str")
    return table


def _draw_mess(
    rng: np.random.Generator, layout: Layout, replicate: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> dict[str, list[str]]:
    """Columns that no contrast should be made of: technical, constant, numbered, or all different."""
    n = layout.n_samples
    days = rng.integers(1, 29, 2)
    choices = {
        "replicate": [str(r) for r in replicate],
        "RIN": [f"{rin:.1f}" for rin in rng.uniform(7.0, 10.0, n)],
        "instrument": [INSTRUMENTS[rng.integers(len(INSTRUMENTS))]] * n,
        "lane": [f"L{lane:03d}" for lane in rng.integers(1, 4, n)],
        "description": [f"library {i + 1}" for i in range(n)],
        "rna_isolation_date": [f"2019-03-{days[i]:02d}" for i in rng.integers(0, 2, n)],
        "library_layout": ["PAIRED"] * n,
        "title": [
            f"{layout.levels[g]}, rep {r}" for g, r in zip(layout.groups, replicate, strict=True)
        ],
    }
    kept = rng.permutation(len(choices))[: rng.integers(2, 6)]
    return {name: values for i, (name, values) in enumerate(choices.items()) if i in kept}


def _sample_names(
    style: str, study: str, levels: list[str], replicate: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> list[str]:
    if style == "number":
        return [f"S{i + 1}" for i in range(len(levels))]
    if style == "level":
        slugs = [re.sub(r"[^A-Za-z0-9]+", "_", level).strip("_") or "ctrl" for level in levels]
        return [f"{slug}_{r}" for slug, r in zip(slugs, replicate, strict=True)]
    return [f"{study}S{i + 1:03d}" for i in range(len(levels))]
