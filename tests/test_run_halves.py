"""Halves of a whole compendium: from count tables to the score of a model, and what goes wrong on the way."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

import storage.disk
from cluster.connect import connect
from model.evaluation.halves import score_halves, score_signal
from model.evaluation.intervals import r2_interval, r2_share
from pipeline.cli import app
from pipeline.commands.halves import echo_scores
from pipeline.config import Config, GenesConfig
from pipeline.dea.design import Contrast
from pipeline.dea.study import analyse_study
from pipeline.memory import analysis_bytes
from pipeline.prepare.settings import GeneSettings, PrepareSettings, SplitSettings
from pipeline.run_halves import Halved, run_halves
from pipeline.simulate.folder import write_folder
from pipeline.simulate.settings import SimulationSettings
from pipeline.simulate.truth import read_truth
from pipeline.sources.settings import SourceConfig
from pipeline.stages.deal_halves import generator_of, make_replicates
from pipeline.stages.prepare import prepare_study
from pipeline.stages.task import make_tasks
from pipeline.workspace import Workspace
from storage.doctor import examine
from storage.errors import InputError, StoreError
from storage.halves import read_halves
from storage.halves_parts import FOLDER, read_halves_part
from storage.halves_schema import HALVES_LABELS, HALVES_STATISTICS, KINDS
from storage.lease import Lease
from storage.open import contrasts_of, open_compendium
from storage.split import Split, read_split
from tests.support.prepared import FEW, prepare
from tests.support.whole_run import run_whole, silent
from tests.support.workspaces import IN_PROCESS, TINY_LAYOUT, make_workspace, write_study

CONFIG = """
[genes]
list = "../genes.tsv.gz"
[source]
path = "../studies"
[prepare.genes]
min_contrasts = 2
min_studies = 2
[train.network]
code = 4
[train.fit]
epochs = 2
batch_size = 8
[cluster.tiny]
kind = "threads"
workers = 1
"""


def halve(workspace: Workspace, part: str = "train", *, rebuild: bool = False) -> Halved:
    """Make halves as `dexome halves` does."""
    genes = workspace.read_genes()
    with Lease(workspace.disk) as lease, connect(IN_PROCESS) as client:
        return run_halves(
            workspace,
            genes,
            client,
            lease,
            silent,
            read_split(workspace.disk),
            part,
            layout=TINY_LAYOUT,
            rebuild=rebuild,
        )


def test_a_study_too_large_for_a_task_has_no_halves_and_both_numbers_are_told(
    tmp_path: Path,
) -> None:
    workspace = of_four(tmp_path)
    split, genes = read_split(workspace.disk), workspace.read_genes()
    # S1 has three groups of four samples, and two contrasts.
    room = analysis_bytes(12, len(genes), 2) - 1
    with Lease(workspace.disk) as lease, connect(IN_PROCESS) as client:
        run = partial(run_halves, workspace, genes, client, lease, silent, split, "train")
        halved = run(layout=TINY_LAYOUT, task_memory=room)
        # What is done already needs no memory.
        assert list(run(layout=TINY_LAYOUT, task_memory=1).failed) == ["S1"]
    assert list(halved.failed) == ["S1"]
    assert halved.failed["S1"].startswith(f"12 samples x {len(genes)} genes take about 0.4 GiB")
    assert halve(workspace).failed == {}


def of_four(root: Path, replicates: int = 4) -> Workspace:
    """A prepared compendium of studies with so many replicates; the last one has only two."""
    workspace = make_workspace(root)
    for number, n in enumerate((replicates, replicates, 2)):
        levels = ("control", "drug", "other") if number == 1 else ("control", "drug")
        write_study(root / "source" / "studies" / f"S{number}", number, levels, n)
    run_whole(workspace)
    prepare(
        workspace,
        PrepareSettings(genes=FEW, split=SplitSettings(train=1.0, validation=0.0)),
    )
    return workspace


def test_the_store_has_both_halves_of_both_kinds_as_the_statistics_give_them(
    tmp_path: Path,
) -> None:
    workspace = of_four(tmp_path)
    done = halve(workspace)
    assert (done.studies, done.known, done.contrasts, done.failed, done.new) == (3, 0, 4, {}, True)
    assert done.kinds["replicate"] == {
        "contrasts": 3,
        "studies": 2,
        "left_out": {"few_replicates": 1},
    }
    assert done.kinds["thinned"] == {"contrasts": 4, "studies": 3, "left_out": {}}
    plain = xr.open_zarr(done.address)
    for variable in (*HALVES_STATISTICS, *HALVES_LABELS):
        assert plain[variable.name].dims == variable.dims
    assert plain["kind"].values.tolist() == list(KINDS)
    tree = open_compendium(workspace.root)
    full = contrasts_of(tree)
    assert plain["contrast"].values.tolist() == full["contrast"].values.tolist()
    assert Path(done.address).stem in tree.children
    told = plain.sel(kind="replicate", contrast="S2:drug_vs_control")
    assert (str(told["status"].values), str(told["reason"].values)) == (
        "left_out",
        "few_replicates",
    )
    assert "has 2 samples, 4 are needed" in str(told["message"].values)
    assert np.isnan(told["logfc"].values).all()
    # What is in the store is the statistics of the dealt samples.
    task = {
        t.study: t for t in make_tasks(workspace.root, workspace.config, workspace.read_genes())
    }
    study = prepare_study(task["S1"])
    contrasts = [Contrast(test=c.test, reference=c.reference) for c in study.curation.contrasts]
    two = make_replicates(study, contrasts, generator_of("S1", "replicate"))
    for half, (counts, design) in zip("AB", two.halves, strict=True):
        assert len(counts) == 6
        want = analyse_study(counts, design, contrasts)
        got = plain.sel(kind="replicate", half=half).isel(contrast=plain["study"].values == "S1")
        np.testing.assert_allclose(got["logfc"].values, want.logfc, rtol=1e-5)
        np.testing.assert_allclose(got["se"].values, want.se, rtol=1e-5)
    # Halves differ, and both find what responds.
    logfc = plain["logfc"].values
    assert not np.array_equal(logfc[0, :, 0], logfc[0, :, 1])
    assert np.nanmean(logfc[0, :, :, -20:]) > 2


def test_a_second_run_does_nothing_and_a_lost_part_costs_one_study(tmp_path: Path) -> None:
    workspace = of_four(tmp_path)
    first = halve(workspace)
    before = xr.open_zarr(first.address).load()
    again = halve(workspace)
    assert (again.known, again.new, again.address) == (3, False, first.address)
    lost = next((workspace.root / FOLDER / "S1").glob("*.part"))
    lost.write_bytes(lost.read_bytes()[:-9])
    more = halve(workspace, rebuild=True)
    assert (more.known, more.new) == (2, True)
    xr.testing.assert_equal(before, xr.open_zarr(more.address).load())


@pytest.mark.parametrize("at", ["parts/halves", "c/1/0/0/0", "manifest.json", "zarr"])
def test_a_run_killed_at_a_write_ends_run_again_as_if_undisturbed(tmp_path: Path, at: str) -> None:
    workspace = of_four(tmp_path)
    killed: list[Path] = []

    def kill(kind: str, path: Path) -> None:
        if kind == "rename" and at in str(path) and "halves" in str(path) and not killed:
            killed.append(path)
            raise StoreError("killed")

    storage.disk.step_hook = kill
    with pytest.raises(StoreError, match="killed"):
        halve(workspace)
    storage.disk.step_hook = None
    assert killed
    done = halve(workspace)
    assert done.new
    assert read_halves(workspace.disk, read_split(workspace.disk), "train") is not None
    assert examine(workspace.disk)[1] == []


def test_the_doctor_names_what_is_damaged_and_the_cure(tmp_path: Path) -> None:
    workspace = of_four(tmp_path)
    done = halve(workspace)
    store = Path(done.address)
    part = next((workspace.root / FOLDER / "S0").glob("*.part"))
    split = read_split(workspace.disk).store
    cure = f"run `dexome halves --rebuild --part train --split {split}`"
    for path, problem, told in (
        (store / "se/c/1/0/0/0", "is damaged", cure),
        (store / "status/c/0/0", "is damaged", cure),
        (part, "is damaged", "run `dexome halves` to make it again"),
    ):
        data = path.read_bytes()
        path.write_bytes(data[:-1] + bytes([data[-1] ^ 255]))
        (finding,) = examine(workspace.disk)[1]
        assert (finding.file, finding.cure) == (str(path), told)
        assert problem in finding.problem
        path.write_bytes(data)
    assert examine(workspace.disk)[1] == []
    with pytest.raises(StoreError, match="is missing"):
        read_halves_part(workspace.disk, "S0", "other")


def test_what_changed_after_it_was_compiled_is_refused(tmp_path: Path) -> None:
    workspace = of_four(tmp_path)
    other = Workspace(
        workspace.root,
        replace(workspace.config, dea=replace(workspace.config.dea, method="trend")),
    )
    with pytest.raises(InputError, match="none of 3 studies has halves: S0: its files or settings"):
        halve(other)
    write_study(tmp_path / "source" / "studies" / "S0", 99, replicates=4)
    done = halve(workspace)
    assert done.failed == {
        "S0": "its files or settings changed after it was compiled; run `dexome run` first"
    }
    told = xr.open_zarr(done.address).sel(contrast="S0:drug_vs_control")
    assert told["status"].values.tolist() == ["failed", "failed"]
    with pytest.raises(InputError, match="has no contrast in test; there is nothing to halve"):
        halve(workspace, "test")


def test_halves_of_other_contrasts_are_not_taken_for_those_of_the_split(tmp_path: Path) -> None:
    workspace = of_four(tmp_path)
    halve(workspace)
    split = read_split(workspace.disk)
    assert read_halves(workspace.disk, split, "test") is None
    moved = split.part.copy()
    moved[0] = "test"
    with pytest.raises(InputError, match="now; run `dexome halves --rebuild --part train"):
        read_halves(workspace.disk, replace(split, part=moved), "train")


def dexome(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def simulated(
    root: Path, settings: SimulationSettings, prepared: PrepareSettings | None = None
) -> tuple[Workspace, Split]:
    """A simulated folder, compiled and prepared."""
    write_folder(root, settings)
    config = Config(
        genes=GenesConfig(list=root / "genes.tsv.gz"), source=SourceConfig(path=root / "studies")
    )
    workspace = Workspace(root / "work", config)
    run_whole(workspace)
    (workspace.root / "dexome.toml").write_text(CONFIG)
    return workspace, prepare(workspace, prepared)[1]


def test_a_model_is_scored_on_halves_from_simulated_count_tables(tmp_path: Path) -> None:
    workspace, split = simulated(tmp_path, SimulationSettings(n_studies=40, n_genes=300, seed=1))
    at = ("-w", workspace.root, "--json")
    dexome("train", "tiny", *at)
    assert json.loads(dexome("evaluate", "tiny", *at))["halves"] is None
    halved = json.loads(dexome("halves", *at))
    assert halved["kinds"]["replicate"]["contrasts"] > 1
    found = json.loads(dexome("evaluate", "tiny", *at))["halves"]
    assert set(found) == set(KINDS)
    for kind, table in found.items():
        assert table["contrasts"] == halved["kinds"][kind]["contrasts"]
        lines = {line["model"]: line for line in table["lines"]}
        ceiling = table["ceiling"]["value"]
        assert 0 < ceiling < 1
        assert lines["identity"]["r2"]["value"] == pytest.approx(2 * ceiling - 1, abs=1e-5)
        assert lines["mean"]["r2"]["value"] == pytest.approx(0, abs=1e-6)
        for name in ("model", "random", "PCA, observed entries"):
            line = lines[name]
            assert line["r2"]["value"] < ceiling
            if table["studies"] > 1:
                assert line["r2"]["low"] <= line["r2"]["value"] <= line["r2"]["high"]
                assert line["share"]["value"] == pytest.approx(line["r2"]["value"] / ceiling)
        best = max(
            (v for k, v in lines.items() if k.startswith("PCA")), key=lambda v: v["r2"]["value"]
        )
        assert best["gain"]["value"] == 0
    # Thinned halves share the samples' own noise, and take it for signal.
    halves = read_halves(workspace.disk, split, "test")
    assert halves is not None
    rows = halves.rows("replicate")
    apart = {kind: np.subtract(*halves.read(kind, rows)) for kind in KINDS}
    assert np.nanvar(apart["replicate"]) > np.nanvar(apart["thinned"])
    text = dexome("evaluate", "tiny", "-w", workspace.root)
    assert "thinned\tceiling" in text


@pytest.mark.slow
def test_the_planted_truth_reaches_the_ceiling_of_replicates_and_not_that_of_thinned_counts(
    tmp_path: Path,
) -> None:
    settings = PrepareSettings(
        genes=GeneSettings(min_contrasts=20, min_studies=5),
        split=SplitSettings(train=0.4, validation=0.0),
    )
    workspace, split = simulated(
        tmp_path, SimulationSettings(n_studies=120, n_genes=500, seed=5), settings
    )
    halve(workspace, "test")
    halves, truth = read_halves(workspace.disk, split, "test"), read_truth(tmp_path)
    assert halves is not None
    labels = contrasts_of(open_compendium(workspace.root))
    sides = zip(*(labels[n].values.tolist() for n in ("study", "test", "reference")), strict=True)
    planted = {
        str(contrast): truth.true_logfc(*map(str, side))
        for contrast, side in zip(labels["contrast"].values, sides, strict=True)
    }
    scale, reference = split.rms[split.selected], (split.mean / split.rms)[split.selected]
    shares = {}
    for kind in KINDS:
        ids = halves.contrasts.tolist()
        rows = np.array([i for i in halves.rows(kind) if planted[ids[i]] is not None])
        a, b = (half[:, split.selected] / scale for half in halves.read(kind, rows))
        true = np.array([planted[ids[i]] for i in rows])[:, split.selected] / scale
        weight, studies = np.ones(len(rows)), halves.studies[rows].tolist()
        ceiling = score_signal(a, b, reference, weight)
        assert r2_interval(ceiling, studies).low > 0
        oracle = score_halves(a, b, true, true, reference, weight)
        shares[kind] = r2_share(oracle, ceiling, studies)
    # Not quite: fold changes of few counts are shrunk, and those of many genes shift all others.
    assert shares["replicate"].value == pytest.approx(1, abs=0.1)
    assert shares["thinned"].high < 0.8


def test_without_replicates_the_commands_say_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = of_four(tmp_path, replicates=3)
    (workspace.root / "dexome.toml").write_text(
        CONFIG.replace("../genes.tsv.gz", "../genes.tsv")
        .replace("../studies", "../source/studies")
        .replace("batch_size = 8", "batch_size = 2")
        .replace(
            "[train.network]", "[prepare.split]\ntrain = 1.0\nvalidation = 0.0\n[train.network]"
        )
    )
    told = dexome("halves", "--part", "train", "-w", workspace.root)
    assert "replicate  0 of 4 contrasts, of 0 studies; left out: few_replicates 4" in told
    echo_scores({}, "train")
    assert "replicate halves: no contrast of train has them" in capsys.readouterr().err
