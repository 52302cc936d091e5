"""Random parts and compendia made of them, without an analysis."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from storage.compile import Build, StudyEntry, begin_build, plan_build, publish_build
from storage.contrast_id import contrast_id
from storage.files import Files
from storage.generation import Current
from storage.genes import GeneList
from storage.layout import Layout
from storage.lease import Lease
from storage.parts import Part, write_part
from storage.schema import STATISTICS, STUDY_STATISTICS
from storage.shards import ShardReceipt, write_shards
from tests.support.workspaces import TINY_LAYOUT, gene_ids


def make_genes(n_genes: int) -> GeneList:
    """A gene list with symbols, two genes of which share one."""
    symbols = [f"Gene{i}" for i in range(n_genes)]
    if n_genes > 3:
        symbols[3] = symbols[2]
    return GeneList(tuple(gene_ids(n_genes)), tuple(symbols), ("protein_coding",) * n_genes, ())


def make_part(study: str, n_contrasts: int, genes: GeneList, seed: int = 0) -> Part:
    """A part of random statistics, half of them NaN."""
    rng = np.random.default_rng([seed, *study.encode(), n_contrasts])
    shape = (n_contrasts, len(genes))
    tested = rng.random(shape) < 0.5

    def draw() -> np.ndarray:
        return np.where(tested, rng.normal(size=shape), np.nan).astype(np.float32)

    # Out of order on purpose: the compendium sorts them.
    names = [f"level{i}" for i in reversed(range(n_contrasts))]
    return Part(
        study=study,
        key=f"{seed:08d}{n_contrasts:08d}",
        gene_list_sha256=genes.sha256,
        contrasts=[
            {
                "contrast": contrast_id(study, name, "control"),
                "study": study,
                "test": name,
                "reference": "control",
            }
            | {"n_test": 3, "n_reference": 4, "direction": "reference", "factor": "treatment"}
            | {"n_tested_genes": int(tested[i].sum()), "df_total": 7.5}
            for i, name in enumerate(names)
        ],
        samples=[{"sample": f"{study}_{i}", "used": True, "group": "control"} for i in range(7)],
        columns={"status": "analysed", "n_samples": 7, "n_contrasts": n_contrasts},
        statistics={variable.name: draw() for variable in STATISTICS},
        study_statistics={
            variable.name: rng.normal(size=len(genes)).astype(np.float32)
            for variable in STUDY_STATISTICS
        },
    )


def entry(part: Part) -> StudyEntry:
    """The entry of a part."""
    return StudyEntry(study=part.study, part=part.key)


def refused(study: str) -> StudyEntry:
    """The entry of a study without a part."""
    columns: dict[str, Any] = {
        "status": "refused",
        "reason": "no_replicates",
        "message": "one of each",
    }
    return StudyEntry(study=study, columns=columns, samples=[{"sample": "s1", "used": False}])


def compile_entries(
    disk: Files,
    genes: GeneList,
    entries: Sequence[StudyEntry],
    layout: Layout = TINY_LAYOUT,
    *,
    rebuild: bool = False,
) -> tuple[Current, list[ShardReceipt]] | None:
    """Compile and publish, in this process; None where nothing is new."""
    with Lease(disk) as lease:
        build = plan_build(disk, genes, entries, {"config": "{}"}, layout=layout, rebuild=rebuild)
        if build is None:
            return None
        receipts = write_build(disk, build)
        return publish_build(disk, build, receipts, lease), receipts


def write_build(disk: Files, build: Build) -> list[ShardReceipt]:
    """Write all shards of a build."""
    begin_build(disk, build)
    return [receipt for task in build.tasks for receipt in write_shards(disk, task)]


def make_compendium(
    disk: Files, sizes: Sequence[int] = (2, 1, 3), n_genes: int = 300
) -> list[Part]:
    """A published compendium of one study for each of `sizes`, and one that was refused."""
    genes = make_genes(n_genes)
    parts = [make_part(f"S{i}", size, genes) for i, size in enumerate(sizes)]
    for part in parts:
        write_part(disk, part)
    compile_entries(disk, genes, [*map(entry, parts), refused("R")])
    return parts
