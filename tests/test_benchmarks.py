"""The benchmark's exact parts at a small size; no time is judged here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.build import store_of
from benchmarks.driver import STEPS
from benchmarks.driver import measure as measure_driver
from benchmarks.gpu import Sizes as GpuSizes
from benchmarks.gpu import describe as describe_gpu
from benchmarks.gpu import measure as measure_gpu
from benchmarks.loader_cost import measure_loaders
from benchmarks.report import Bar, format_table, ratio_bar
from benchmarks.scaling import measure as measure_scaling
from benchmarks.storage import Sizes, make_large, measure_exactness, measure_large
from benchmarks.studies import make_workspace_of, write_studies
from benchmarks.train_whole import measure_end_to_end, measure_memory
from benchmarks.truth import judge as judge_truth
from benchmarks.truth import measure as measure_truth
from benchmarks.truth_data import TruthSettings
from cluster.connect import connect
from cluster.profile import ClusterProfile
from model.sweeps.settings import SweepSettings
from pipeline.prepare.settings import CopySettings, PrepareSettings
from pipeline.workspace import open_workspace
from storage.training_copy import TrainingCopy
from tests.support.prepared import FEW, prepare, random_workspace

THREADS = ClusterProfile(kind="threads", workers=2)


def test_no_row_is_lost_no_flipped_bit_unseen_and_plain_xarray_reads_the_same(
    tmp_path: Path,
) -> None:
    with connect(THREADS) as client:
        bars = measure_exactness(tmp_path / "exact", client, n_runs=2, n_flips=5)
    assert [bar.met for bar in bars] == [True] * 4, format_table(bars)


@pytest.mark.slow
def test_the_benchmark_measures_every_bar_at_a_small_size(tmp_path: Path) -> None:
    sizes = Sizes(contrasts=120, genes=300, written_contrasts=60, write_repeats=1, judged=False)
    with connect(ClusterProfile(kind="local", workers=2)) as client:
        bars = make_large(tmp_path / "large", sizes, client)
    bars += measure_large(tmp_path / "large", sizes)
    limits = [bar.limit for bar in bars]
    assert limits.count("≤ 1.5") == limits.count("≥ 20") == limits.count("< 300 MB") == 2
    assert limits.count("≤ 1.2") == limits.count("≤ 0.75") == 1


def test_the_loaders_are_measured_beside_plain_reads_and_zarr_s_for_both_kinds_of_batch(
    tmp_path: Path,
) -> None:
    workspace = random_workspace(tmp_path, {f"S{i}": 9 for i in range(16)}, 64)
    _, split = prepare(workspace, PrepareSettings(genes=FEW, copy=CopySettings(se=True)))
    copy = TrainingCopy.open(workspace.root, split.copy)
    store = store_of(workspace.root)
    bars = measure_loaders(copy, store, steps=2, repeats=1, threads=2, judged=False)
    assert [bar.limit for bar in bars if bar.limit] == ["≤ 1.5", "≤ 0.2"] * 2
    assert all(bar.met is None for bar in bars)


@pytest.mark.slow
def test_a_whole_training_is_timed_beside_its_parts_and_its_memory_taken(tmp_path: Path) -> None:
    workspace = random_workspace(tmp_path, {f"S{i}": 9 for i in range(40)}, 64)
    _, split = prepare(workspace)
    copy = TrainingCopy.open(workspace.root, split.copy)
    (bar,) = measure_end_to_end(copy, (2,), steps=2, repeats=1, threads=1, judged=False)
    assert "loader" in bar.measured
    assert "end to end" in bar.measured
    bars = measure_memory(workspace.root, 3, 2, judged=False)
    phases = ("between checkpoints", "is saved", "is read", "4 × the rows")
    assert all(phase in bar.name for phase, bar in zip(phases, bars, strict=True))
    # All rows are trained on; of the larger copy those of whole chunks.
    assert "(360 and 1,024 rows)" in bars[3].measured


@pytest.mark.slow
def test_a_gpu_s_bars_are_measured_on_a_cpu_too_and_not_judged(tmp_path: Path) -> None:
    sizes = GpuSizes(contrasts=300, genes=200, units=8, epochs=2)
    environment, bars = measure_gpu(tmp_path, sizes)
    assert environment["platform"] == "cpu"
    assert [bar.limit for bar in bars] == ["≥ 0.9", "≤ 2.0", "", ""]
    assert all(bar.met is None for bar in bars)
    assert "300 contrasts" in describe_gpu(environment, sizes, bars)


def test_without_a_gpu_the_whole_benchmark_says_so_and_measures_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu"],
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    assert done.stdout.startswith("no GPU is here: nothing is measured")


@pytest.mark.slow
def test_the_truth_is_judged_at_each_rank_for_both_starts(tmp_path: Path) -> None:
    sweep = SweepSettings(ranks=(1, 4), seeds=1)
    settings = TruthSettings(studies=80, genes=60)
    found = measure_truth(tmp_path, settings, sweep)
    bars = judge_truth(found, sweep, settings)
    gains = [bar for bar in bars if "gain" in bar.name]
    assert len(gains) == 4
    assert [bar.met is None for bar in gains] == [False, False, True, True]
    # So small a compendium shows little, but not that the paper's recipe or chance is as good.
    assert bars[-1].met


@pytest.mark.slow
def test_the_gain_of_a_second_process_is_told_beside_that_of_a_pool(tmp_path: Path) -> None:
    write_studies(tmp_path / "source", 2, 2000)
    make_workspace_of(tmp_path / "source", tmp_path / "work")
    bars = measure_scaling(open_workspace(tmp_path / "work"), repeats=1, judged=False)
    assert [bar.limit for bar in bars if bar.limit] == ["≥ 0.9"]
    assert "2 studies of 12 samples × 2,000 genes" in bars[0].name


@pytest.mark.slow
def test_the_driver_is_measured_at_two_sizes_and_a_line_drawn_through_them() -> None:
    lines = measure_driver((30, 120))
    assert [line.name for line in lines[: len(STEPS)]] == list(STEPS)
    headers = lines[-1]
    few, many = (float(told.removesuffix(" MB")) for told in (headers.few, headers.many))
    assert headers.name == "bytes: headers of parts"
    assert few < many


def test_a_missed_bar_is_told_and_one_that_is_not_judged_is_not() -> None:
    met, missed, told = (
        ratio_bar("CPU", "a / b", ratio, 1.5, judged=judged)
        for ratio, judged in ((1.5, True), (1.6, True), (1.6, False))
    )
    assert [met.met, missed.met, told.met] == [True, False, None]
    assert format_table([missed, Bar("size", "3 MB")]).splitlines()[2:] == [
        "| CPU | a / b: 1.60 | ≤ 1.5 | **no** |",
        "| size | 3 MB |  |  |",
    ]
