"""The prepare stage on whole compendia: the split store, places that last, the audit, and what is refused."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import xarray as xr
from sklearn.preprocessing import StandardScaler
from typer.testing import CliRunner

from model.scaling import Scaling
from pipeline.cli import app
from pipeline.commands.prepare import echo_prepared
from pipeline.prepare.settings import PAPER, GeneSettings, PrepareSettings, SplitSettings
from pipeline.workspace import Workspace
from storage.disk import Disk
from storage.doctor import examine
from storage.errors import InputError, StoreError
from storage.open import contrasts_of, open_compendium
from storage.parts import write_part
from storage.split import read_split
from storage.split_schema import PARTS, SPLIT_CONTRASTS, SPLIT_GENES
from storage.training_copy import TrainingCopy
from tests.support.parts import compile_entries, entry, make_genes
from tests.support.prepared import (
    FEW,
    LAYOUT,
    named_part,
    prepare,
    publish,
    random_workspace,
    set_t,
)

SIZES = {f"S{i:02}": 1 + i % 5 for i in range(24)}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A compendium of random studies, three of which share runs."""
    samples = {"S03": ["GSM1_a", "GSM2"], "S10": ["s1", "GSM2"], "S20": ["s1", "SRR5,GSM1"]}
    return random_workspace(tmp_path_factory.mktemp("prepare"), SIZES, samples=samples)


def test_the_store_says_of_each_contrast_where_it_is_and_of_each_gene_what_training_rows_say(
    workspace: Workspace,
) -> None:
    done, split = prepare(workspace)
    source = contrasts_of(open_compendium(workspace.root))
    assert split.contrasts.tolist() == source["contrast"].values.tolist()
    assert split.studies.tolist() == source["study"].values.tolist()
    assert set(split.part.tolist()) <= set(PARTS)
    for study in SIZES:
        mine = split.studies == study
        assert len(set(split.part[mine])) == len(set(split.fold[mine])) == 1
        assert split.weight[mine].sum() == pytest.approx(1)
    train = split.rows("train")
    tested = ~np.isnan(source["t"].values[train])
    x = np.where(tested, source["logfc"].values[train], np.nan).astype(np.float64)
    scaler = StandardScaler().fit(x, sample_weight=split.weight[train].astype(np.float64))
    np.testing.assert_allclose(split.mean, scaler.mean_, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(split.variance, scaler.var_, rtol=1e-6)
    np.testing.assert_allclose(split.rms, np.sqrt(scaler.var_ + scaler.mean_**2), rtol=1e-6)
    np.testing.assert_array_equal(split.n_tested, tested.sum(axis=0))
    studies = split.studies[train]
    of_study = [tested[studies == s].any(axis=0) for s in np.unique(studies)]
    np.testing.assert_array_equal(split.n_studies, np.sum(of_study, axis=0))
    np.testing.assert_array_equal(split.selected, (split.n_tested >= 2) & (split.n_studies >= 2))
    assert done.selected == split.selected.sum()
    plain = xr.open_zarr(done.split)
    for variable in (*SPLIT_CONTRASTS, *SPLIT_GENES):
        assert plain[variable.name].dims == variable.dims
    assert Path(done.split).stem in open_compendium(workspace.root).children
    assert read_split(workspace.disk, Path(done.split).name).copy == split.copy


def test_studies_that_share_a_run_or_a_sample_are_in_one_component_and_the_audit_says_so(
    workspace: Workspace,
) -> None:
    done, split = prepare(workspace)
    together = np.isin(split.studies, ["S03", "S10", "S20"])
    assert set(split.component[together]) == {"S03"}
    assert (split.component[~together] == split.studies[~together]).all()
    assert len(set(split.part[together])) == 1
    assert done.audit["links"] == {"accession": 2, "super_series": 0, "duplicate": 0}
    assert done.audit["largest_component"] == ["S03", "S10", "S20"]
    assert set(done.audit["leaks"].values()) == {0}
    assert sum(done.audit["contrasts"].values()) == len(split.contrasts)


def test_the_split_by_row_tears_studies_apart_and_the_audit_counts_it(workspace: Workspace) -> None:
    settings = replace(PAPER, genes=replace(PAPER.genes, keep=50))
    done, split = prepare(workspace, settings)
    assert done.audit["leaks"]["study"] > 0
    assert (split.weight == 1).all()
    assert (split.scaling, split.observed) == ("standard", "measured")
    source = contrasts_of(open_compendium(workspace.root))
    x = source["logfc"].values[split.rows("train")].astype(np.float64)
    np.testing.assert_allclose(split.variance, StandardScaler().fit(x).var_, rtol=1e-6)
    kept = np.argsort(-split.variance, kind="stable")[:50]
    assert set(np.flatnonzero(split.selected)) == set(kept.tolist())
    train, held_out = split.fold_rows(0)
    assert not set(train) & set(held_out)
    assert set(train) | set(held_out) == set(np.flatnonzero(split.part != "test"))


def test_near_duplicates_and_super_series_join_studies(tmp_path: Path) -> None:
    genes = make_genes(200)
    rng = np.random.default_rng(5)
    flags = {"S05": "super_series:GSE7", "S06": "x,super_series:GSE7"}
    parts = [named_part(f"S{i:02}", 2, genes, flags=flags.get(f"S{i:02}", "")) for i in range(20)]
    t = rng.standard_t(5, 200).astype(np.float32)
    set_t(parts[1], 0, t)
    set_t(parts[14], 1, (-2 * t + rng.normal(0, 0.1, 200)).astype(np.float32))
    set_t(parts[17], 1, (t + rng.normal(0, 1.5, 200)).astype(np.float32))
    workspace = publish(tmp_path, parts, genes)
    (workspace.root / "series.csv").write_text("study,series\nS08,GSE9\nS09,GSE9\nS11,S12\n")
    settings = PrepareSettings(genes=FEW, split=SplitSettings(super_series="series.csv"))
    done, split = prepare(workspace, settings)
    component = dict(zip(split.studies.tolist(), split.component.tolist(), strict=True))
    joined = {s: c for s, c in component.items() if s != c}
    assert joined == {"S06": "S05", "S09": "S08", "S12": "S11", "S14": "S01"}
    assert done.audit["links"] == {"accession": 0, "super_series": 3, "duplicate": 1}
    off = replace(settings, split=SplitSettings(duplicate_correlation=1.0))
    assert prepare(workspace, off)[0].audit["links"]["duplicate"] == 0
    (workspace.root / "series.csv").write_text("S08\n")
    with pytest.raises(InputError, match=r"series.csv, line 1: a study and a super-series"):
        prepare(workspace, settings)
    missing = replace(settings, split=SplitSettings(super_series="none.csv"))
    with pytest.raises(InputError, match=r"cannot read .*none\.csv"):
        prepare(workspace, missing)


def test_a_study_keeps_its_place_in_the_next_generation_and_a_bridge_is_reported(
    tmp_path: Path,
) -> None:
    genes = make_genes(150)
    parts = [named_part(f"T{i:02}", 2, genes, [f"GSM{i}"]) for i in range(16)]
    workspace = publish(tmp_path, parts, genes)
    _, before = prepare(workspace)
    place = dict(zip(before.studies.tolist(), before.part.tolist(), strict=True))
    one, other = (next(s for s in place if place[s] == part) for part in ("train", "test"))
    # New first studies: one that goes with a placed study, one that bridges two parts.
    new = [
        named_part("A00", 1, genes, [f"GSM{int(other[1:])}"]),
        named_part("A01", 1, genes, [f"GSM{int(one[1:])}", f"GSM{int(other[1:])}"]),
    ]
    for part in new:
        write_part(workspace.disk, part)
    compile_entries(workspace.disk, genes, [entry(p) for p in [*parts, new[0]]], LAYOUT)
    done, after = prepare(workspace)
    found = dict(zip(after.studies.tolist(), after.part.tolist(), strict=True))
    assert found == {**place, "A00": "test"}
    assert not done.audit["conflicts"]
    compile_entries(workspace.disk, genes, [entry(p) for p in [*parts, *new]], LAYOUT)
    bridged, last = prepare(workspace)
    kept = dict(zip(last.studies.tolist(), last.part.tolist(), strict=True))
    assert {s: kept[s] for s in found} == found
    assert [set(c) for c in bridged.audit["conflicts"]] == [{"A00", one, other}]
    assert bridged.audit["leaks"]["accession"] > 0
    fresh, anew = prepare(workspace, fresh=True)
    assert not fresh.audit["conflicts"]
    assert set(fresh.audit["leaks"].values()) == {0}
    assert len(set(anew.part[anew.component == "A00"])) == 1


def test_a_second_run_does_nothing_and_a_rebuild_gives_the_same(workspace: Workspace) -> None:
    first, split = prepare(workspace)
    again, _ = prepare(workspace)
    assert (again.new, again.new_copy) == (False, False)
    rebuilt, same = prepare(workspace, rebuild=True)
    assert (rebuilt.new, rebuilt.new_copy, rebuilt.split) == (True, True, first.split)
    for name in (*(v.name for v in (*SPLIT_CONTRASTS, *SPLIT_GENES)), "contrasts", "genes"):
        np.testing.assert_array_equal(getattr(split, name), getattr(same, name))


def test_the_doctor_notices_a_damaged_split_and_a_damaged_copy(tmp_path: Path) -> None:
    workspace = random_workspace(tmp_path, SIZES)
    # The random parts' labels are fit for this too.
    done, split = prepare(workspace)
    assert examine(workspace.disk)[1] == []
    (chunk,) = Path(done.split, "mean", "c").glob("0")
    raw = Path(done.copy, "logfc", "c", "0", "0")
    for path, cure in ((chunk, "dexome prepare --rebuild"), (raw, "dexome prepare")):
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        findings = examine(workspace.disk)[1]
        assert [f.file for f in findings] == [str(path)]
        assert "checksum does not match" in findings[0].problem
        assert cure in findings[0].cure
        path.write_bytes(data)
    chunk.write_bytes(b"\0" * 8)
    with pytest.raises(StoreError, match=str(chunk)):
        read_split(workspace.disk)
    assert split.n_tested.sum() > 0


def test_genes_that_are_not_tested_often_enough_anywhere_are_refused(workspace: Workspace) -> None:
    with pytest.raises(
        InputError, match="no gene has 50 tested training contrasts from 10 studies"
    ):
        prepare(workspace, PrepareSettings())
    disjoint = PrepareSettings(genes=GeneSettings(min_contrasts=1, min_studies=99))
    with pytest.raises(InputError, match=r"from \d+; lower min_contrasts and min_studies"):
        prepare(workspace, disjoint)
    nothing = PrepareSettings(genes=FEW, split=SplitSettings(train=1e-9))
    with pytest.raises(InputError, match="none of the 70 contrasts is in train"):
        prepare(workspace, nothing)


def test_without_a_compendium_there_is_nothing_to_prepare(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "work", random_workspace(tmp_path, {"S": 2}).config)
    Disk(workspace.root).delete("compendium/CURRENT")
    with pytest.raises(InputError, match="no compendium yet; run `dexome run`"):
        prepare(workspace)
    with pytest.raises(InputError, match="no compendium yet"):
        read_split(workspace.disk)


def test_the_command_prints_the_audit(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    source = workspace.root / "none"
    source.mkdir(exist_ok=True)
    (workspace.root / "dexome.toml").write_text(
        f'[genes]\nlist = "../genes.tsv"\n[source]\npath = "{source}"\n'
        "[prepare.genes]\nmin_contrasts = 2\nmin_studies = 2\n"
        '[cluster.tiny]\nkind = "threads"\nworkers = 1\n'
    )
    result = CliRunner().invoke(app, ["prepare", "-w", str(workspace.root), "--json"])
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout[result.stdout.index("{") :])
    assert told["audit"]["leaks"] == {"study": 0, "accession": 0, "super_series": 0, "duplicate": 0}
    told["audit"]["conflicts"] = [{"A": "train, fold 1", "B": "test, fold 0"}]
    echo_prepared(told)
    shown = capsys.readouterr().out
    assert "training contrasts that share with another part: study 0, accession 0" in shown
    assert "A was placed in train, fold 1; B was placed in test, fold 0" in shown
    assert "3 studies: S03, S10, S20" in shown
    wrong = workspace.root / "dexome.toml"
    wrong.write_text(wrong.read_text().replace("min_studies", "min_study"))
    result = CliRunner().invoke(app, ["prepare", "-w", str(workspace.root)])
    assert isinstance(result.exception, InputError)
    assert "did you mean prepare.genes.min_studies?" in str(result.exception)


@pytest.mark.parametrize("scaling", ["rms", "standard"])
def test_scaling_gives_selected_genes_unit_size_and_only_centring_moves_zero(
    workspace: Workspace, scaling: Literal["rms", "standard"]
) -> None:
    genes = GeneSettings(min_contrasts=2, min_studies=2, keep=100)
    settings = PrepareSettings(genes=genes, scaling=scaling, weigh_studies=False)
    _, split = prepare(workspace, settings)
    copy = TrainingCopy.open(workspace.root, split.copy)
    found = Scaling.from_split(split, copy.genes[::-1])
    np.testing.assert_array_equal(found.mask, split.selected[::-1])
    x = xr.open_zarr(copy.path, chunks=None)["logfc"].values[split.rows("train"), ::-1]
    z = (x.astype(np.float64) - found.shift)[:, found.mask] * found.scale[found.mask]
    np.testing.assert_allclose(np.nanmean(z**2, axis=0), 1, rtol=1e-2)
    assert (found.scale[~found.mask] == 0).all()
    if scaling == "rms":
        assert (found.shift == 0).all()
    else:
        np.testing.assert_allclose(np.nanmean(z, axis=0), 0, atol=1e-2)
    with pytest.raises(InputError, match="X1 is not in split-"):
        Scaling.from_split(split, ["X1"])
