"""The whole road: from a mirror to the compendium, on simulated studies and on real counts."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.config import Config, GenesConfig
from pipeline.simulate.dee2_text import Reference
from pipeline.simulate.genes import SimulatedGenes
from pipeline.simulate.mirror import MirrorWriter, write_mirror
from pipeline.simulate.project import MirrorRun, Project
from pipeline.simulate.truth import read_truth
from pipeline.sources.settings import SourceConfig
from pipeline.sources.table import read_count_table
from pipeline.workspace import Workspace
from storage.open import contrasts_of, open_compendium, samples_of, studies_of
from storage.query import query_contrast
from tests.support.fetched import SMALL, fetch_into, source_in, source_of, workspace_of
from tests.support.whole_run import compendium_hash, run_whole
from tests.support.workspaces import IN_PROCESS

SHARED = Path(__file__).parents[2] / "shared" / "data"
REAL = SHARED / "studies" / "PRJNA481474_DSS"


def test_a_mirror_becomes_a_compendium_with_every_run_told(tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    write_mirror(mirror, SMALL)
    workspace = workspace_of(tmp_path / "ws", mirror, source_of(mirror))
    fetch_into(workspace)
    run_whole(workspace)
    tree = open_compendium(workspace.root)
    truth = read_truth(mirror)
    names = ("study", "test", "reference")
    rows = contrasts_of(tree)
    found = set(zip(*(map(str, rows[name].values) for name in names), strict=True))
    planted = set(zip(*(truth.contrasts[name].astype(str) for name in names), strict=True))
    assert len(found & planted) >= 0.8 * len(planted)
    samples = samples_of(tree).to_dataframe()
    of_planned = truth.samples[truth.samples["study"].isin(set(samples["study"]))]
    assert sorted(samples.index) == sorted(of_planned["sample"])
    assert len(samples) > 0.8 * len(truth.samples)
    runs = [run for told in samples["runs"] for run in told.split(",")]
    assert len(runs) == len(set(runs))
    assert (samples["runs"].str.count(",") == 1).any(), "no sample of two runs"
    flags = " ".join(map(str, studies_of(tree)["flags"].values))
    assert "qc_warn:" in flags
    # A second run has nothing to do, and says so by its result.
    before = compendium_hash(workspace.root)
    fetch_into(workspace)
    run_whole(workspace)
    assert compendium_hash(workspace.root) == before


def real_project() -> tuple[Project, SimulatedGenes]:
    """The real counts, SRR, SRX and GSM of a study, in the form of a project of DEE2."""
    counts = read_count_table(REAL / "counts.tsv.gz")
    table = pd.read_csv(REAL / "samples.tsv", sep="\t", dtype=str).set_index("Run")
    table = table.loc[counts.samples]
    ids = np.array([name.partition(".")[0] for name in counts.ids])
    words = table[["agent", "Genotype", "STRAIN", "Tissue", "Age", "source_name"]].copy()
    words.index = pd.Index(table["GEO_Accession (exp)"], name="sample")
    project = Project(
        accession=str(table["SRA Study"].iloc[0]),
        series="GSE117104",
        title="DSS colitis",
        organism="Mus musculus",
        taxid="10090",
        runs=tuple(
            MirrorRun(str(run), row["GEO_Accession (exp)"], row["Experiment"], "PASS")
            for run, row in table.iterrows()
        ),
        counts=counts.counts.astype(np.int32),
        samples=words,
        platforms=("GPL13112",) * len(table),
        sra_samples=tuple(f"SRS{i}" for i in range(len(table))),
        biosamples=tuple(map(str, table["BioSample"])),
    )
    genes = SimulatedGenes(
        ids=ids,
        versions=np.array(["1"] * len(ids)),
        symbols=np.array([f"G{i}" for i in range(len(ids))]),
        biotypes=np.array(["protein_coding"] * len(ids)),
        entrez=np.array([""] * len(ids)),
        scores=np.zeros(len(ids)),
    )
    return project, genes


@pytest.mark.skipif(not REAL.exists(), reason="the shared studies are not here")
def test_a_bundle_of_real_counts_gives_what_their_folder_gives(tmp_path: Path) -> None:
    project, genes = real_project()
    mirror = tmp_path / "mirror"
    writer = MirrorWriter(mirror, Reference(genes), bulk=True)
    writer.add(project)
    writer.finish()
    gene_list = SHARED / "reference" / "mouse_ensembl_gene_annotation.tsv.gz"
    given = {}
    for counts in ("archives", "bulk"):
        workspace = workspace_of(tmp_path / counts, mirror, source_of(mirror, counts=counts))
        assert fetch_into(workspace).refused == {}
        given[counts] = source_in(workspace).read("SRP154127")
    np.testing.assert_array_equal(given["archives"].counts.counts, given["bulk"].counts.counts)
    pd.testing.assert_frame_equal(given["archives"].samples, given["bulk"].samples)
    workspace = workspace_of(tmp_path / "archives", mirror, source_of(mirror))
    workspace = replace(
        workspace, config=replace(workspace.config, genes=GenesConfig(list=gene_list))
    )
    run_whole(workspace)
    tree = open_compendium(workspace.root)
    assert list(contrasts_of(tree).indexes["contrast"]) == ["SRP154127:DSS_vs_Water"]
    samples = samples_of(tree).to_dataframe()
    assert samples.loc["GSM3280817", "runs"] == "SRR7529789"
    assert samples["used"].all()
    result = query_contrast(tree, "SRP154127:DSS_vs_Water")
    studies = tmp_path / "studies"
    studies.mkdir()
    (studies / REAL.name).symlink_to(REAL)
    config = Config(
        genes=GenesConfig(list=gene_list),
        source=SourceConfig(path=studies),
        cluster={"tiny": IN_PROCESS},
    )
    folder = Workspace(tmp_path / "folder", config)
    run_whole(folder)
    wanted = query_contrast(open_compendium(folder.root), REAL.name)
    np.testing.assert_allclose(result["logfc"], wanted["logfc"], atol=1e-6)
    assert result["neg_log10_p"].max() > 3
