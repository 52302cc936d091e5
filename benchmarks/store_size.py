"""How many bytes a compendium takes, beside its numbers as plain float32."""

from pathlib import Path

import numpy as np

from benchmarks.build import store_of
from benchmarks.report import Bar
from storage.open import contrasts_of, open_compendium, studies_of
from storage.schema import CONTRAST, GENE, STATISTICS, STUDIES_GROUP, STUDY, STUDY_STATISTICS

SIZE_LIMIT = 0.75
SAMPLED_ROWS = 64  # to tell what share is NaN


def measure_size(workspace: Path, words: str) -> list[Bar]:
    """Bytes on disk / raw bytes of every matrix; of them all together with labels and metadata."""
    tree = open_compendium(workspace)
    contrasts, studies = contrasts_of(tree), studies_of(tree)
    store = store_of(workspace)
    n_genes = contrasts.sizes[GENE]
    # A study without a result has an empty row: it would flatter the ratio.
    analysed = studies.isel(study=np.flatnonzero(studies["part"] != ""))
    matrices = [(v.name, contrasts.sizes[CONTRAST]) for v in STATISTICS]
    matrices += [(f"{STUDIES_GROUP}/{v.name}", analysed.sizes[STUDY]) for v in STUDY_STATISTICS]
    bars, raw_total = [], 0
    for path, n_rows in matrices:
        raw = 4 * n_rows * n_genes
        raw_total += raw
        name = path.rpartition("/")[2]
        values = (analysed if path.startswith(STUDIES_GROUP) else contrasts)[name]
        rows = np.unique(np.linspace(0, n_rows - 1, SAMPLED_ROWS).astype(int))
        empty = float(np.isnan(values[rows].values).mean())
        ratio = _size(store / path) / raw
        bars.append(Bar(f"– {path}, {100 * empty:.0f} % NaN", f"{ratio:.2f}"))
    total = _size(store)
    head = Bar(
        f"bytes on disk / raw, {words}, {contrasts.sizes[CONTRAST]:,} × {n_genes:,}",
        f"{_in_words(total)} / {_in_words(raw_total)}: {total / raw_total:.2f}",
        f"≤ {SIZE_LIMIT}",
        total / raw_total <= SIZE_LIMIT,
    )
    return [head, *bars]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _in_words(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:.2f} GB" if n_bytes >= 1e9 else f"{n_bytes / 1e6:.1f} MB"
