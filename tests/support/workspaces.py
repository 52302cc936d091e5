"""Tiny workspaces: a few studies of a few hundred genes, made from a seed."""

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cluster.profile import ClusterProfile
from pipeline.config import Config, EnrichConfig, GenesConfig
from pipeline.enrich.settings import EnrichSettings
from pipeline.sources.settings import SourceConfig
from pipeline.workspace import Workspace
from storage.layout import Layout

N_GENES = 240
# Several shards and chunks even in a tiny compendium.
TINY_LAYOUT = Layout(chunk_rows=1, chunk_columns=128, shard_rows=2)
IN_PROCESS = ClusterProfile(kind="threads", workers=1)


def gene_ids(n_genes: int = N_GENES) -> list[str]:
    """Ids of a tiny gene axis."""
    return [f"ENSMUSG{i + 1:011d}" for i in range(n_genes)]


def write_genes(path: Path, n_genes: int = N_GENES) -> None:
    """Write a tiny gene list."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{gene}\tGene{i}\tprotein_coding" for i, gene in enumerate(gene_ids(n_genes))]
    path.write_text("\n".join(["gene_id\tsymbol\tbiotype", *rows]) + "\n")


def write_study(
    folder: Path,
    seed: int,
    levels: Sequence[str] = ("control", "drug"),
    replicates: int = 3,
    n_genes: int = N_GENES,
) -> None:
    """Write one study whose last genes respond to every level but the first."""
    rng = np.random.default_rng(seed)
    base = rng.lognormal(4, 1.5, n_genes)
    groups = [level for level in levels for _ in range(replicates)]
    effect = {level: 3.0 * i for i, level in enumerate(levels)}
    samples = [f"s{i}" for i in range(len(groups))]
    counts = []
    for level in groups:
        mean = base.copy()
        mean[-20:] *= 2.0 ** effect[level]
        counts.append(rng.negative_binomial(10, 10 / (10 + mean)))
    folder.mkdir(parents=True, exist_ok=True)
    rows = ["\t".join(["gene_id", *samples])]
    rows += [
        "\t".join([g, *map(str, c)])
        for g, c in zip(gene_ids(n_genes), np.array(counts).T, strict=True)
    ]
    data = ("\n".join(rows) + "\n").encode()
    (folder / "counts.tsv.gz").write_bytes(gzip.compress(data, mtime=0))
    table = ["sample\ttreatment", *(f"{s}\t{g}" for s, g in zip(samples, groups, strict=True))]
    (folder / "samples.tsv").write_text("\n".join(table) + "\n")


def write_terms(root: Path, n_genes: int = N_GENES) -> EnrichConfig:
    """Write a tiny ontology of two domains, and which genes have its terms, by symbol."""
    stanzas = ["format-version: 1.2", "data-version: tiny/2026-01-01", ""]
    names = ["root", "changed", "some", "few"]
    for domain, first in (("process", 0), ("component", 10)):
        for number, name in enumerate(names):
            above = [f"is_a: T:{first:02} ! root"] * (number > 0)
            head = ["[Term]", f"id: T:{first + number:02}", f"name: {domain} {name}"]
            stanzas += [*head, f"namespace: {domain}", *above, ""]
    (root / "tiny.obo").write_text("\n".join(stanzas))
    pairs = [(i, 1 + 10 * (i % 2)) for i in range(n_genes - 20, n_genes)]
    pairs += [(i, 2 + 10 * (i % 2)) for i in range(0, n_genes, 4)]
    pairs += [(i, 3) for i in range(5)] + [(i, 10 * (i % 2)) for i in range(n_genes)]
    (root / "pairs.tsv").write_text("".join(f"Gene{i}\tT:{t:02}\n" for i, t in sorted(set(pairs))))
    return EnrichConfig(
        annotation=root / "pairs.tsv",
        ontology=root / "tiny.obo",
        tests=EnrichSettings(random_sets=50, min_candidates=3),
    )


def make_workspace(root: Path, studies: int = 3) -> Workspace:
    """A workspace of `studies` studies; the second has two contrasts."""
    source = root / "source"
    write_genes(root / "genes.tsv")
    for number in range(studies):
        levels = ("control", "drug", "other") if number == 1 else ("control", "drug")
        write_study(source / "studies" / f"S{number}", number, levels)
    return Workspace(root / "work", tiny_config(root))


def tiny_config(root: Path) -> Config:
    """The configuration of the workspaces made here."""
    return Config(
        genes=GenesConfig(list=root / "genes.tsv"),
        source=SourceConfig(path=root / "source" / "studies"),
        cluster={"tiny": IN_PROCESS},
    )
