"""Writing a folder of studies, and reading its truth."""

import gzip
import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.simulate.folder import row_ids, write_folder
from pipeline.simulate.genes import make_genes
from pipeline.simulate.layout import ID_STYLES
from pipeline.simulate.settings import SimulationSettings
from pipeline.simulate.study import simulate_study
from pipeline.simulate.truth import read_truth
from pipeline.simulate.universe import make_universe
from storage.errors import InputError

SETTINGS = SimulationSettings(n_studies=20, n_genes=600, n_programs=20, n_tissues=3, seed=5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("simulated") / "folder"
    write_folder(path, SETTINGS)
    return path


def hashes(path: Path) -> dict[str, str]:
    return {
        str(file.relative_to(path)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(path.rglob("*"))
        if file.is_file()
    }


def test_the_same_settings_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_folder(tmp_path / "again", SETTINGS)
    assert hashes(tmp_path / "again") == hashes(folder)


def test_the_bytes_do_not_depend_on_the_process(folder: Path, tmp_path: Path) -> None:
    write = (
        "import sys; from pathlib import Path;"
        "from pipeline.simulate.folder import write_folder;"
        "from pipeline.simulate.settings import SimulationSettings;"
        f"write_folder(Path(sys.argv[1]), {SETTINGS!r})"
    )
    command = [sys.executable, "-c", write, str(tmp_path / "other")]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "1"})
    assert hashes(tmp_path / "other") == hashes(folder)


def test_a_larger_collection_begins_with_the_smaller_one(folder: Path, tmp_path: Path) -> None:
    write_folder(tmp_path / "small", replace(SETTINGS, n_studies=7))
    large, small = hashes(folder), hashes(tmp_path / "small")
    studies = {name: h for name, h in small.items() if not name.startswith("truth/")}
    assert studies.items() <= large.items()
    a, b = read_truth(tmp_path / "small"), read_truth(folder)
    n = len(a.contrasts)
    pd.testing.assert_frame_equal(a.contrasts, b.contrasts[:n])
    np.testing.assert_array_equal(a.logfc.toarray(), b.logfc.toarray()[:n])


def test_a_collection_of_another_seed_has_other_bytes(folder: Path, tmp_path: Path) -> None:
    write_folder(tmp_path / "other", replace(SETTINGS, seed=6, n_studies=1))
    name = "studies/SIM00000/counts.tsv.gz"
    assert hashes(tmp_path / "other")[name] != hashes(folder)[name]


def test_the_folder_holds_what_a_folder_source_reads(folder: Path) -> None:
    universe = make_universe(SETTINGS)
    styles = set()
    for k in range(SETTINGS.n_studies):
        study = simulate_study(universe, k)
        path = folder / "studies" / study.name
        counts = pd.read_csv(path / "counts.tsv.gz", sep="\t", dtype={"gene_id": "str"})
        assert list(counts.columns) == ["gene_id", *study.samples.index]
        rows, ids = row_ids(universe.genes, study.layout.id_style)
        assert list(counts["gene_id"]) == list(ids)
        np.testing.assert_array_equal(counts.iloc[:, 1:].to_numpy(), study.counts[:, rows].T)
        samples = pd.read_csv(path / "samples.tsv", sep="\t", dtype="str", na_filter=False)
        assert samples.columns[0] == "sample"
        levels = dict(zip(samples["sample"], samples[study.layout.factor], strict=True))
        assert levels == dict(zip(study.samples.index, study.groups, strict=True))
        styles.add(study.layout.id_style)
    assert len(styles) >= 3


def test_the_gene_list_is_tab_separated_with_its_names(folder: Path) -> None:
    with gzip.open(folder / "genes.tsv.gz", "rt") as file:
        assert file.readline() == "gene_id\tsymbol\tbiotype\tentrez\n"
    genes = pd.read_csv(folder / "genes.tsv.gz", sep="\t", dtype="str", na_filter=False)
    assert len(genes) == SETTINGS.n_genes
    assert genes["gene_id"].is_unique


@pytest.mark.parametrize("style", ID_STYLES)
def test_rows_of_a_count_table_are_named_by_the_genes_they_hold(style: str) -> None:
    genes = make_genes(np.random.default_rng(0), 500)
    rows, ids = row_ids(genes, style)
    first = {
        "ensembl": genes.ids[rows[0]],
        "ensembl_version": f"{genes.ids[rows[0]]}.{genes.versions[rows[0]]}",
        "symbol": genes.symbols[rows[0]],
        "entrez": genes.entrez[rows[0]],
        "ensembl_symbol": f"{genes.ids[rows[0]]}|{genes.symbols[rows[0]]}",
    }
    assert ids[0] == first[style]
    assert len(rows) == (500 if style != "entrez" else (genes.entrez != "").sum())
    assert len(set(ids)) == len(rows)


def test_a_finished_folder_is_left_alone_and_another_one_refused(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    write_folder(folder, SETTINGS)
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    with pytest.raises(InputError, match="is not empty; pass a new path or delete it first"):
        write_folder(folder, replace(SETTINGS, seed=9))


def test_a_folder_cut_short_is_finished_by_a_second_run(folder: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt(f"{done} of {total}")

    with pytest.raises(KeyboardInterrupt, match="5 of 20"):
        write_folder(tmp_path / "cut", SETTINGS, stop)
    with pytest.raises(InputError, match="has no finished truth"):
        read_truth(tmp_path / "cut")
    write_folder(tmp_path / "cut", SETTINGS)
    assert hashes(tmp_path / "cut") == hashes(folder)


def test_progress_counts_the_studies(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    write_folder(tmp_path / "f", replace(SETTINGS, n_studies=3), lambda *a: seen.append(a))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_the_truth_on_disk_is_the_truth_in_memory(folder: Path) -> None:
    truth, universe = read_truth(folder), make_universe(SETTINGS)
    studies = [simulate_study(universe, k) for k in range(SETTINGS.n_studies)]
    logfc = np.concatenate([s.true_logfc for s in studies])
    np.testing.assert_array_equal(truth.logfc.toarray(), logfc)
    assert truth.logfc.dtype == np.float32
    activities = np.concatenate([s.activities for s in studies])
    np.testing.assert_array_equal(truth.activities.toarray(), activities)
    loadings = universe.programs.loadings.toarray()
    np.testing.assert_array_equal(truth.loadings.toarray(), loadings)
    assert truth.gene_ids == tuple(universe.genes.ids)
    contrasts = [c for s in studies for c in s.contrasts]
    assert list(truth.contrasts["test"]) == [c.test for c in contrasts]
    assert list(truth.contrasts["contrast"]) == list(range(len(contrasts)))
    assert list(truth.contrasts["n_test"]) == [c.n_test for c in contrasts]
    assert list(truth.studies["unusable"]) == [s.layout.unusable for s in studies]
    assert (truth.studies["unusable"] != "").any()
    assert len(truth.samples) == sum(len(s.groups) for s in studies)


def test_true_fold_changes_between_any_two_levels_are_antisymmetric_and_add_up(
    folder: Path,
) -> None:
    truth = read_truth(folder)
    study = str(truth.contrasts["study"].value_counts().idxmax())
    rows = truth.contrasts[truth.contrasts["study"] == study]
    reference = rows["reference"].iloc[0]
    a, b = rows["test"].iloc[:2]
    ab = truth.true_logfc(study, a, b)
    ar, br = truth.true_logfc(study, a, reference), truth.true_logfc(study, b, reference)
    assert ab is not None
    assert ar is not None
    assert br is not None
    np.testing.assert_array_equal(ar, truth.logfc[[rows.index[0]]].toarray()[0])
    np.testing.assert_allclose(ab, ar - br, atol=1e-6)
    np.testing.assert_array_equal(ab, -np.asarray(truth.true_logfc(study, b, a)))


def test_levels_that_no_one_planted_have_no_truth(folder: Path) -> None:
    truth = read_truth(folder)
    row = truth.contrasts.iloc[0]
    assert truth.true_logfc(row["study"], row["test"], "something else") is None
    assert truth.true_logfc(row["study"], row["test"], row["test"]) is None
    assert truth.true_logfc("SIM99999", row["test"], row["reference"]) is None
