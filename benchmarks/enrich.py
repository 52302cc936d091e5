"""Enrichment of a whole compendium, from parts into Zarr: print a table and exit 1 if a bar is missed.

    python -m benchmarks.enrich [--studies 2500] [--contrasts 7130] [--in DIR]

Simulated contrasts over 48,978 genes, each study with a background of its own, three directions, rank
sums too; the ontology and annotation beside the goldens (`../shared/golden/go`), whose genes are put on
the protein-coding and then the other genes of the axis; where they are absent, simulated ones.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from benchmarks.build import compile_parts, run_tasks
from benchmarks.go import GOLDEN, simulate
from benchmarks.report import Bar, format_table
from benchmarks.synthetic import POOL_CONTRASTS, SyntheticStudy, make_genes_and_pool, make_part
from cluster.connect import connect
from cluster.profile import ClusterProfile
from pipeline.config import Config, EnrichConfig, GenesConfig
from pipeline.enrich.annotation_files import parse_annotation
from pipeline.enrich.lines import read_lines
from pipeline.run_enrich import run_enrich
from pipeline.sources.settings import SourceConfig
from pipeline.workspace import Workspace
from storage.compile import StudyEntry
from storage.disk import Disk
from storage.genes import GeneList
from storage.lease import Lease
from storage.parts import write_part

WORKERS = ClusterProfile(kind="local", workers=2, memory_gib=4.0)
LIMIT_S = 15 * 60
LIMIT_WORKER_GB = 1.0


@dataclass(frozen=True, slots=True)
class OwnBackground:
    """A synthetic study whose contrasts all have the tested genes of the first."""

    study: SyntheticStudy

    def write(self) -> StudyEntry:
        """Write the part; a gene that is tested in the first contrast alone gets a t near 0 in the others."""
        part = make_part(self.study)
        rng = np.random.default_rng([15, self.study.number])
        tested = ~np.isnan(part.statistics["t"][0])
        for name, scale in (("t", 1.0), ("logfc", 0.2), ("neg_log10_adj_p", 0.01)):
            values = part.statistics[name]
            missing = np.isnan(values) & tested
            values[missing] = np.abs(rng.normal(0, scale, int(missing.sum())))
            values[:, ~tested] = np.nan
        write_part(Disk(self.study.workspace), part)
        return StudyEntry(study=self.study.name, part=self.study.key)


def main() -> None:
    """Build, enrich, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=2500)
    parser.add_argument("--contrasts", type=int, default=7130)
    parser.add_argument("--in", dest="folder", type=Path, help="a folder on the disk to measure")
    arguments = parser.parse_args()
    whole = (arguments.studies, arguments.contrasts) == (2500, 7130)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        workspace, genes = _build(Path(folder), arguments.studies, arguments.contrasts)
        bars = _measure(workspace, genes, whole)
    sys.stdout.write(f"load of the machine {os.getloadavg()[0]:.1f}\n{format_table(bars)}\n")
    sys.exit(any(bar.met is False for bar in bars))


def _build(root: Path, n_studies: int, n_contrasts: int) -> tuple[Workspace, GeneList]:
    """A published compendium of synthetic studies, and the configuration of its enrichment."""
    pool = root / "pool.npy"
    genes = make_genes_and_pool(pool, 48_978, min(POOL_CONTRASTS, n_contrasts))
    sizes = np.full(n_studies, n_contrasts // n_studies)
    sizes[: n_contrasts - sizes.sum()] += 1
    firsts = np.concatenate([[0], np.cumsum(sizes)])
    work = root / "work"
    studies = [
        OwnBackground(
            SyntheticStudy(
                workspace=work,
                pool=pool,
                gene_list_sha256=genes.sha256,
                number=i,
                first=int(firsts[i]),
                n_contrasts=int(size),
            )
        )
        for i, size in enumerate(np.random.default_rng(16).permutation(sizes))
    ]
    with connect(WORKERS) as client:
        entries = sorted(run_tasks(client, OwnBackground.write, studies), key=lambda e: e.study)
        compile_parts(Disk(work), genes, entries, client)
    enrich = _write_terms(root, genes)
    config = Config(genes=GenesConfig(list=root), source=SourceConfig(path=root), enrich=enrich)
    return Workspace(work, config), genes


def _write_terms(root: Path, genes: GeneList) -> EnrichConfig:
    """Ontology, and the annotation under the symbols of the axis' genes, protein-coding ones first."""
    coding = [
        s for s, b in zip(genes.symbols, genes.biotypes, strict=True) if b == "protein_coding"
    ]
    others = [
        s for s, b in zip(genes.symbols, genes.biotypes, strict=True) if b != "protein_coding"
    ]
    if GOLDEN.is_dir():
        obo = GOLDEN / "go-2021-05-01.obo.gz"
        rows = parse_annotation(read_lines(GOLDEN / "annotation.tsv.gz"), "annotation.tsv").rows
        pairs = [(row.names["id"], row.term) for row in rows]
    else:
        obo = root / "simulated.obo"
        pairs = _write_simulated(obo)
    names = dict.fromkeys(gene for gene, _ in pairs)
    symbol = dict(zip(names, [*coding, *others], strict=False))
    lines = [f"{symbol[gene]}\t{term}\n" for gene, term in pairs if gene in symbol]
    (root / "annotation.tsv").write_text("".join(lines))
    return EnrichConfig(annotation=root / "annotation.tsv", ontology=obo)


def _write_simulated(obo: Path) -> list[tuple[str, str]]:
    """Write a random ontology; return pairs of gene and term."""
    ontology, annotation = simulate()
    above: dict[int, list[int]] = {}
    for child, parent in zip(ontology.child.tolist(), ontology.parent.tolist(), strict=True):
        above.setdefault(child, []).append(parent)
    with obo.open("w") as file:
        file.write("format-version: 1.2\n")
        for i, term in enumerate(ontology.ids):
            domain = ontology.domains[ontology.domain_of[i]]
            file.write(f"\n[Term]\nid: {term}\nname: {ontology.names[i]}\nnamespace: {domain}\n")
            file.writelines(f"is_a: {ontology.ids[parent]}\n" for parent in above.get(i, ()))
    pairs = zip(annotation.gene.tolist(), annotation.term.tolist(), strict=True)
    return [(annotation.genes[gene], ontology.ids[term]) for gene, term in pairs]


def _measure(workspace: Workspace, genes: GeneList, judged: bool) -> list[Bar]:
    with connect(WORKERS) as client, Lease(workspace.disk) as lease:
        peak = _PeakOfWorkers()
        before, started = _cpu_s(), time.perf_counter()
        done = run_enrich(workspace, genes, client, lease, lambda _: None)
        wall, cpu = time.perf_counter() - started, _cpu_s() - before
        peak.stop()
    assert not done.failed
    size = sum(p.stat().st_size for p in Path(done.address).rglob("*") if p.is_file())
    parts = sum(p.stat().st_size for p in workspace.local.path("parts/go").rglob("*.part"))
    return [
        Bar("studies, terms", f"{done.studies}, {done.terms}"),
        Bar(
            "wall time on 2 workers",
            f"{wall:.0f} s",
            f"≤ {LIMIT_S} s",
            wall <= LIMIT_S if judged else None,
        ),
        Bar("CPU time of driver and workers", f"{cpu:.0f} s"),
        Bar("CPU time of a study", f"{cpu / done.studies:.2f} s"),
        Bar(
            "peak memory of a worker",
            f"{peak.bytes / 1e9:.2f} GB",
            f"≤ {LIMIT_WORKER_GB:g} GB",
            peak.bytes / 1e9 <= LIMIT_WORKER_GB if judged else None,
        ),
        Bar("size of the store, of the parts", f"{size / 1e6:.0f} MB, {parts / 1e6:.0f} MB"),
    ]


def _workers() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if "spawn_main" in " ".join(child.cmdline())
    ]


def _cpu_s() -> float:
    times = [process.cpu_times() for process in [psutil.Process(), *_workers()]]
    return sum(each.user + each.system for each in times)


class _PeakOfWorkers:
    """The largest resident memory of any worker, looked at ten times a second until stopped."""

    def __init__(self) -> None:
        self.bytes = 0
        self._over = threading.Event()
        self._processes = _workers()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def stop(self) -> None:
        """Look no longer."""
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.1):
            self.bytes = max(self.bytes, *(p.memory_info().rss for p in self._processes))


if __name__ == "__main__":
    main()
