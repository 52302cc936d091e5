"""The main job on real count tables: every mouse study with a sample table comes through, or says why not."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.sources.refusal import REASONS
from storage.open import contrasts_of, open_compendium, studies_of
from storage.query import query_contrast
from tests.support.command import dexome

SHARED = Path(__file__).parents[2] / "shared" / "data"
STUDIES = SHARED / "studies"
GENES = SHARED / "reference" / "mouse_ensembl_gene_annotation.tsv.gz"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not STUDIES.is_dir(), reason="the folder of real studies is not beside this checkout"
    ),
]

CONTRASTS = {
    "CCBR_nidap": {"B_vs_A", "C_vs_A"},
    "GRN_Leavitt": {"Het_vs_WT", "GhKO_vs_WT"},
    "GSE198862": {
        "PCI.3%20days_vs_sham.3%20days",
        "PCI.20%20days_vs_sham.20%20days",
        "PCI.20%20days_vs_PCI.3%20days",
        "sham.20%20days_vs_sham.3%20days",
    },
    "GSE60450": {
        f"{stage}.{cell}_vs_virgin.{cell}"
        for cell in ("basal", "luminal")
        for stage in ("pregnant", "lactate")
    },
    "GSE63310": {"LP_vs_Basal", "ML_vs_Basal"},
    "GSE71176": {"p53.IR_vs_p53.mock", "null.IR_vs_null.mock"}
    | {f"null.{what}_vs_p53.{what}" for what in ("IR", "mock")},
    "GSE96870": {"Day4_vs_Day0", "Day8_vs_Day0"},
    "PRJNA481474_DSS": {"DSS_vs_Water"},
    "PTH_Alekos2023": {"treatment_vs_control"},
    "UCD_miR150_monocytes": {f"{g}.C_vs_{g}.NC" for g in ("WT", "KOMIR150", "KOTet3")}
    | {f"{g}.{c}_vs_WT.{c}" for g in ("KOMIR150", "KOTet3") for c in ("C", "NC")},
}
# Human genes, no counts, or names that nobody can read.
REFUSED = {
    "GSE299686_meta": "no_counts",
    "RAW264_EV": "no_factor",
    "SchwannC_EV": "no_factor",
    "human_GSE37704": "ids_lost",
    "human_airway_GSE52778": "ids_lost",
}
MODELS = {
    "CCBR_nidap": ("Batch", ""),
    "GSE63310": ("lane", ""),
    "GSE96870": ("sex", ""),
    "UCD_miR150_monocytes": ("", "(sample names)[subject]"),
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("real") / "work"
    assert dexome("init", root, "--genes", GENES, "--source", STUDIES).returncode == 0
    done = dexome("run", "-w", root, "--json")
    assert done.returncode == 3, done.stderr
    return root


def test_every_study_is_in_or_out_with_a_reason(workspace: Path) -> None:
    studies = studies_of(open_compendium(workspace)).to_dataframe()
    table = studies.reset_index().drop_duplicates("study").set_index("study")
    assert set(table.index) == {path.name for path in STUDIES.iterdir()}
    assert set(table.index[table["status"] == "analysed"]) == CONTRASTS.keys()
    refused = table[table["status"] == "refused"]
    assert refused["reason"].to_dict() == REFUSED
    assert set(REFUSED.values()) <= REASONS.keys()


def test_the_models_have_the_covariates_and_subjects_of_the_authors(workspace: Path) -> None:
    studies = studies_of(open_compendium(workspace)).to_dataframe()
    table = studies.reset_index().drop_duplicates("study").set_index("study")
    for study in CONTRASTS:
        model = (table.loc[study, "covariates"], table.loc[study, "block"])
        assert model == MODELS.get(study, ("", "")), study


def test_the_contrasts_are_those_that_the_sample_tables_ask_for(workspace: Path) -> None:
    ids = [
        str(i).split(":", 1) for i in contrasts_of(open_compendium(workspace)).indexes["contrast"]
    ]
    found = {study: {name for s, name in ids if s == study} for study, _ in ids}
    assert found == CONTRASTS


def test_known_biology_comes_out(workspace: Path) -> None:
    tree = open_compendium(workspace)
    pth = query_contrast(tree, "PTH_Alekos2023").set_index("symbol")
    # Classic early responses to parathyroid hormone.
    change, adjusted = pth["logfc"].to_dict(), pth["neg_log10_adj_p"].to_dict()
    for gene in ("Nr4a1", "Rgs2", "Fos", "Tnfsf11"):
        assert change[gene] > 1
        assert adjusted[gene] > 2
    table = query_contrast(tree, "GSE60450:lactate.luminal_vs_virgin.luminal").set_index("symbol")
    milk = table["logfc"].to_dict()
    for gene in ("Csn1s2b", "Csn3", "Wap"):
        assert milk[gene] > 2
    grn = query_contrast(tree, "GRN_Leavitt:GhKO_vs_WT").set_index("symbol")["logfc"].to_dict()
    assert grn["Grn"] < -1
    assert abs(query_contrast(tree, "GSE63310:LP_vs_Basal")["logfc"]).max() < 30


def test_fold_changes_agree_with_a_published_limma_analysis(workspace: Path) -> None:
    published = pd.read_csv(
        STUDIES / "CCBR_nidap" / "limma_DEG_Analysis.csv.gz", encoding="utf-8-sig"
    )
    ours = query_contrast(open_compendium(workspace), "CCBR_nidap:B_vs_A").set_index("symbol")[
        "logfc"
    ]
    ours = ours[~ours.index.duplicated()]
    theirs = published.set_index("Gene")["B-A_logFC"]
    both = pd.concat([ours, theirs], axis=1, join="inner").dropna()
    assert len(both) > 5000
    # They normalise by quantiles and fit a batch: limma's own voom without either reaches 0.871.
    assert np.corrcoef(both.to_numpy().T)[0, 1] > 0.86


def test_a_factor_named_in_the_settings_makes_the_study_anew_and_no_other(workspace: Path) -> None:
    with (workspace / "dexome.toml").open("a") as file:
        file.write('\n[studies.GSE198862]\nfactor = "treatment:ch1"\n')
    done = dexome("run", "-w", workspace, "--json")
    summary = json.loads(done.stdout)
    assert summary["analysed_before"] == len(CONTRASTS) - 1
    assert summary["analysed"] == len(CONTRASTS)
    assert "GSE198862:PCI_vs_sham" in contrasts_of(open_compendium(workspace)).indexes["contrast"]
