"""What a query costs beside a direct read of the same slab, in CPU and in memory."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import xarray as xr
import zarr

from benchmarks.build import store_of
from benchmarks.fresh import run_fresh
from benchmarks.report import Bar, best_cpu_s, ratio_bar
from storage.open import contrasts_of, open_compendium
from storage.query import query_contrast, query_gene
from storage.schema import STATISTICS

Axis = Literal["gene", "contrast"]

DIRECT_LIMIT = 1.5
MEMORY_LIMIT_MB = 300.0
COMMAND_REPEATS = 3
LOGFC = ("logfc",)
QUERY_WORDS: dict[Axis, str] = {
    "gene": "one gene over all contrasts",
    "contrast": "one contrast over all genes",
}
_FRESH_QUERY = """
import sys
from storage.open import open_compendium
from storage.query import query_{axis} as query
result = len(query(open_compendium(sys.argv[1]), sys.argv[2], {statistics}))
"""
_FRESH_COMMAND = """
import sys
from pipeline.main import main
sys.argv = ["dexome", "query", "{axis}", sys.argv[2], "--workspace", sys.argv[1]]
try:
    main()
except SystemExit as end:
    result = end.code
assert result == 0
"""


@dataclass(frozen=True, slots=True)
class QueryCost:
    """The lines of the table for one kind of query, and its CPU seconds for logfc alone."""

    bars: list[Bar]
    cpu_s: float


def measure_query(workspace: Path, axis: Axis, *, repeats: int, judged: bool) -> QueryCost:
    """Measure one kind of query on a published compendium: its CPU warm, its memory in a fresh process."""
    tree = open_compendium(workspace)
    place, name = _choose(tree, axis)
    direct = zarr.open_array(str(store_of(workspace) / "logfc"), mode="r")
    query = query_gene if axis == "gene" else query_contrast

    def read_directly() -> object:
        return direct[:, place] if axis == "gene" else direct[place]

    found = query(tree, name, LOGFC)["logfc"].to_numpy()
    np.testing.assert_array_equal(found, np.asarray(read_directly()))
    ours, theirs, all_five = best_cpu_s(
        [lambda: query(tree, name, LOGFC), read_directly, lambda: query(tree, name)], repeats
    )
    words = QUERY_WORDS[axis]
    bars = [
        ratio_bar(
            f"CPU, {words}, logfc / direct zarr read",
            f"{1000 * ours:.0f} ms / {1000 * theirs:.0f} ms",
            ours / theirs,
            DIRECT_LIMIT,
            judged=judged,
        ),
        Bar(f"– the same, all {len(STATISTICS)} statistics", f"{1000 * all_five:.0f} ms"),
        _memory_bar(workspace, axis, name, LOGFC),
    ]
    return QueryCost(bars, ours)


def measure_command(workspace: Path, axis: Axis) -> list[Bar]:
    """Memory of asking for all statistics in a fresh process, by function and by command; its time."""
    _, name = _choose(open_compendium(workspace), axis)
    names = tuple(variable.name for variable in STATISTICS)
    code = _FRESH_COMMAND.format(axis=axis)
    used = [run_fresh(code, str(workspace), name) for _ in range(COMMAND_REPEATS)]
    words = f"`dexome query {axis}`"
    return [
        _memory_bar(workspace, axis, name, names),
        _memory_bar_of(words, min(one.peak_mb for one in used)),
        Bar(f"– wall time of {words}, new process", f"{min(one.wall_s for one in used):.1f} s"),
    ]


def _choose(tree: xr.DataTree, axis: Axis) -> tuple[int, str]:
    """Place and name of the gene or contrast to ask for."""
    labels = contrasts_of(tree).indexes[axis]
    return len(labels) // 3, str(labels[len(labels) // 3])


def _memory_bar(workspace: Path, axis: Axis, name: str, statistics: tuple[str, ...]) -> Bar:
    """Peak memory of a process that opens the workspace and asks once, imports and all."""
    code = _FRESH_QUERY.format(axis=axis, statistics=statistics)
    peak_mb = run_fresh(code, str(workspace), name).peak_mb
    which = "logfc" if statistics == LOGFC else f"all {len(statistics)} statistics"
    return _memory_bar_of(f"a process that asks {QUERY_WORDS[axis]}, {which}", peak_mb)


def _memory_bar_of(words: str, peak_mb: float) -> Bar:
    met = peak_mb < MEMORY_LIMIT_MB
    return Bar(f"peak memory of {words}", f"{peak_mb:.0f} MB", f"< {MEMORY_LIMIT_MB:.0f} MB", met)
