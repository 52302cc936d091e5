"""What driver and reader hold and take, by the number of contrasts, and where a line leads at 1,000,000.

`python -m benchmarks.driver [--contrasts 20000 100000]`: each step in a process of its own, on studies whose
headers are real and whose arrays have one gene. No bar is judged: docs/million.md is drawn from it.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fresh import Used, run_fresh
from benchmarks.headers import make_driver_workspace
from pipeline.prepare.duplicates import SKETCH_SIZE

SIZES = (20_000, 100_000)
GOAL = 1_000_000

_OPEN = """
import sys
from pathlib import Path
from pipeline.plan import plan_inputs, read_plan
from pipeline.workspace import open_workspace
workspace = open_workspace(Path(sys.argv[1]))
genes = workspace.read_genes()
"""
_PLANNED = _OPEN + "plan = read_plan(workspace.disk, plan_inputs(workspace.config, genes))\n"
_TREE = """
import sys
from storage.open import contrasts_of, open_compendium
tree = open_compendium(sys.argv[1])
"""
_WRITE_PLAN = (
    _OPEN
    + """
import json
from pipeline.plan import INDEX_KEY, write_plan
index = json.loads(workspace.disk.read(INDEX_KEY))
result = len(write_plan(workspace.disk, index["inputs"], index["records"]).records)
"""
)
_ANALYSE = (
    _PLANNED
    + """
from pipeline.run import run_analyse
receipts = run_analyse(workspace, genes, plan, None, lambda _: None)
assert all(receipt.known for receipt in receipts)
result = len(receipts)
"""
)
# The shards themselves are what the workers write: here they are files of one byte.
_COMPILE = (
    _PLANNED
    + """
from pipeline.run import _entries
from storage.compile import begin_build, plan_build, publish_build
from storage.lease import Lease
from storage.shards import ShardReceipt, shard_signature
disk = workspace.disk
build = plan_build(disk, genes, _entries(workspace, plan), {})
begin_build(disk, build)
receipts = []
for task in build.tasks:
    for variable in task.variables:
        file = task.file(variable)
        disk.stage(f"{build.building}/{file}", b"x")
        signature = shard_signature(task.rows, variable, task.layout, task.inner)
        receipts.append(ShardReceipt(file, "0" * 64, 1, signature, False))
with Lease(disk) as lease:
    publish_build(disk, build, receipts, lease)
result = len(receipts)
"""
)
_NOTHING = _OPEN + "result = 0\n"
_COMPENDIUM = _TREE + "result = len(contrasts_of(tree).indexes['contrast'])\n"
_QUERY = _TREE + (
    "from storage.query import query_gene\n"
    "result = len(query_gene(tree, str(contrasts_of(tree).indexes['gene'][9]), ()))\n"
)
_LABELS = _TREE + (
    "from pipeline.stages.prepare_links import known_links, read_labels\n"
    "from pipeline.prepare.components import components\n"
    "labels = read_labels(tree)\n"
    "links = known_links(tree, labels, [])\n"
    "result = len(components(labels.studies.tolist(), links))\n"
)
_NEAR = """
import sys
import numpy as np
from pipeline.prepare.duplicates import SKETCH_SIZE, candidates
rng = np.random.default_rng(0)
sketches = rng.normal(size=(int(sys.argv[1]), SKETCH_SIZE)).astype(np.float32)
sketches /= np.linalg.norm(sketches, axis=1, keepdims=True)
result = sum(map(len, candidates(sketches, np.arange(len(sketches)), 0.95)))
"""


STEPS = {
    "start, open a workspace": _NOTHING,
    "plan: join the records of all studies, write the tables": _WRITE_PLAN,
    "analyse, all parts there: the driver, and the tasks in it": _ANALYSE,
    "compile: headers, labels, manifest": _COMPILE,
    "read: open the compendium, find a contrast": _COMPENDIUM,
    "read: labels of one gene's answer": _QUERY,
    "prepare: accessions, components": _LABELS,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table."""

    name: str
    few: str
    many: str
    at_goal: str


def measure(sizes: Sequence[int]) -> list[Line]:
    """Peak memory and CPU of each step at two sizes, and on the line through both at `GOAL`."""
    found: list[dict[str, Used]] = []
    bytes_of: list[dict[str, int]] = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            root = make_driver_workspace(Path(folder), size).root
            found.append({name: run_fresh(code, str(root)) for name, code in STEPS.items()})
            bytes_of.append(_bytes(root))
    lines = []
    for name in STEPS:
        used = [each[name] for each in found]
        memory = _line(sizes, *(each.peak_mb for each in used))
        seconds = _line(sizes, *(each.cpu_s for each in used))
        few, many = (_told(each.peak_mb, each.cpu_s) for each in used)
        lines.append(Line(name, few, many, _told(memory, seconds)))
    for name in bytes_of[0]:
        few_mb, many_mb = (each[name] / 1e6 for each in bytes_of)
        at_goal = _line(sizes, few_mb, many_mb)
        lines.append(Line(name, f"{few_mb:,.1f} MB", f"{many_mb:,.1f} MB", f"{at_goal:,.0f} MB"))
    return lines


def near_duplicates(size: int) -> Line:
    """The search among `size` random sketches; pairs grow with the square, sketches do not."""
    used = run_fresh(_NEAR, str(size))
    seconds = used.cpu_s * (GOAL / size) ** 2
    memory = used.peak_mb + (GOAL - size) * 4 * SKETCH_SIZE / 1e6
    name = f"prepare: candidates of near-duplicates among {size:,} contrasts"
    return Line(name, "", _told(used.peak_mb, used.cpu_s), _told(memory, seconds))


def _told(memory_mb: float, seconds: float) -> str:
    return f"{memory_mb / 1000:,.2f} GB, {seconds:,.0f} s"


def _line(sizes: Sequence[int], few: float, many: float) -> float:
    """The value at `GOAL` of the line through two."""
    slope = (many - few) / (sizes[1] - sizes[0])
    return many + slope * (GOAL - sizes[1])


def _bytes(root: Path) -> dict[str, int]:
    """Sizes of what grows with the number of studies, but for the matrices."""
    (manifest,) = root.glob("compendium/gen-*/contrasts.manifest.json")
    store = manifest.with_name("contrasts.zarr")
    return {
        "bytes: the manifest": manifest.stat().st_size,
        "bytes: labels and metadata of the store": _size(store) - _size(store, "c/[0-9]*/0"),
        "bytes: plan tables": _size(root / "plan"),
        "bytes: plan records": _size(root / "parts/plan"),
        "bytes: headers of parts": _size(root / "parts/dea"),
    }


def _size(folder: Path, pattern: str = "*") -> int:
    return sum(path.stat().st_size for path in folder.rglob(pattern) if path.is_file())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contrasts", type=int, nargs=2, default=SIZES)
    few, many = parser.parse_args().contrasts
    head = Line("peak memory, CPU time", f"{few:,}", f"{many:,}", f"{GOAL:,}, on the line")
    rule = Line("---", "---", "---", "---")
    for line in (head, rule, *measure((few, many)), near_duplicates(many // 4)):
        sys.stdout.write(f"| {line.name} | {line.few} | {line.many} | {line.at_goal} |\n")


if __name__ == "__main__":
    main()
