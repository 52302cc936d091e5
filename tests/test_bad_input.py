"""Bad input through the whole job: a reason code or a clear error each, and nothing else is lost."""

import gzip
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.connect import connect
from pipeline.run import run_plan
from pipeline.sources.refusal import REASONS
from pipeline.workspace import Workspace
from storage.errors import LockedError, StoreError
from storage.generation import read_current
from storage.lease import Lease
from storage.open import contrasts_of, open_compendium, samples_of, studies_of
from storage.query import find_contrast
from tests.support.whole_run import compendium_hash, run_whole, silent
from tests.support.workspaces import (
    IN_PROCESS,
    gene_ids,
    make_workspace,
    tiny_config,
    write_study,
)

Damage = Callable[[Path], None]


def counts_text(study: Path) -> str:
    return gzip.decompress((study / "counts.tsv.gz").read_bytes()).decode()


def write_counts(study: Path, text: str) -> None:
    (study / "counts.tsv.gz").write_bytes(gzip.compress(text.encode()))


def empty_table(study: Path) -> None:
    write_counts(study, "")


def header_only(study: Path) -> None:
    write_counts(study, counts_text(study).splitlines()[0] + "\n")


def one_sample(study: Path) -> None:
    rows = [line.split("\t")[:2] for line in counts_text(study).splitlines()]
    write_counts(study, "\n".join("\t".join(row) for row in rows) + "\n")


def all_zero(study: Path) -> None:
    lines = counts_text(study).splitlines()
    width = len(lines[0].split("\t")) - 1
    rows = [lines[0], *("\t".join([line.split("\t")[0], *["0"] * width]) for line in lines[1:])]
    write_counts(study, "\n".join(rows) + "\n")


def set_cell(study: Path, value: str) -> None:
    lines = counts_text(study).splitlines()
    cells = lines[5].split("\t")
    cells[3] = value
    lines[5] = "\t".join(cells)
    write_counts(study, "\n".join(lines) + "\n")


def other_sample_names(study: Path) -> None:
    path = study / "samples.tsv"
    path.write_text(path.read_text().replace("\ns", "\nmouse"))


def truncated_gzip(study: Path) -> None:
    path = study / "counts.tsv.gz"
    path.write_bytes(path.read_bytes()[:-40])


def human_ids(study: Path) -> None:
    write_counts(study, counts_text(study).replace("ENSMUSG", "ENSG"))


def one_level(study: Path) -> None:
    path = study / "samples.tsv"
    path.write_text(path.read_text().replace("drug", "control"))


@pytest.mark.parametrize(
    ("damage", "reason", "message"),
    [
        (empty_table, "empty_table", "counts"),
        (header_only, "empty_table", "a header and no rows"),
        (one_sample, "too_few_samples", "1 usable sample;"),
        (all_zero, "zero_counts", "no sample has a count"),
        (lambda s: set_cell(s, "many"), "bad_count", "column 's2' is 'many'"),
        (lambda s: set_cell(s, "-3"), "negative_count", "column 's2' is -3"),
        (lambda s: set_cell(s, "NA"), "missing_count", "column 's2' has no count"),
        (lambda s: set_cell(s, ""), "missing_count", "column 's2' has no count"),
        (other_sample_names, "samples_mismatch", "mouse0"),
        (truncated_gzip, "damaged_gzip", "counts.tsv.gz"),
        (human_ids, "ids_lost", "ENSG"),
        (one_level, "one_condition", ""),
        (lambda s: (s / "samples.tsv").unlink(), "no_factor", "the sample table has no columns"),
        (lambda s: (s / "counts.tsv.gz").unlink(), "no_counts", "add counts.tsv"),
    ],
)
def test_a_bad_study_is_an_entry_with_its_reason_and_the_others_come_through(
    tmp_path: Path, damage: Damage, reason: str, message: str
) -> None:
    workspace = make_workspace(tmp_path, studies=2)
    bad = workspace.config.source.path / "S0"
    damage(bad)
    run_whole(workspace)
    studies = studies_of(open_compendium(workspace.root))
    row = studies.sel(study="S0")
    assert (str(row["status"].values), str(row["reason"].values)) == ("refused", reason)
    assert message in str(row["message"].values)
    assert reason in REASONS
    assert str(studies.sel(study="S1")["status"].values) == "analysed"
    # Mended, it comes in.
    write_study(bad, 0)
    run_whole(workspace)
    assert set(studies_of(open_compendium(workspace.root))["status"].values) == {"analysed"}


def test_an_all_zero_sample_is_left_out_with_a_note(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path, studies=1)
    study = workspace.config.source.path / "S0"
    lines = [line.split("\t") for line in counts_text(study).splitlines()]
    for cells in lines[1:]:
        cells[2] = "0"
    write_counts(study, "\n".join("\t".join(cells) for cells in lines) + "\n")
    run_whole(workspace)
    samples = samples_of(open_compendium(workspace.root)).to_dataframe()
    assert samples.loc["s1", "why_not"] == "zero_library"
    assert not samples.loc["s1", "used"]
    assert samples["used"].sum() == 5
    assert int(studies_of(open_compendium(workspace.root))["n_samples"][0]) == 5


@pytest.mark.parametrize(
    ("levels", "contrast"),
    [
        (("control", "IL-4"), "S0:IL-4_vs_control"),
        (("control", "a_vs_b"), "S0:a%5Fvs_b_vs_control"),
        (("control", "50% serum: 1/2"), None),
        (("control", "TNF-α"), None),
        (("control", "drug_vs"), None),
    ],
)
def test_a_level_of_any_name_can_be_found_again(
    tmp_path: Path, levels: tuple[str, str], contrast: str | None
) -> None:
    workspace = make_workspace(tmp_path, studies=0)
    write_study(workspace.config.source.path / "S0", 0, levels)
    run_whole(workspace)
    tree = open_compendium(workspace.root)
    contrasts = contrasts_of(tree)
    (found,) = (str(i) for i in contrasts.indexes["contrast"])
    assert contrast in (None, found)
    assert find_contrast(tree, found) == found
    assert str(contrasts["test"].values[0]) == levels[1]
    assert str(contrasts["reference"].values[0]) == "control"


def test_two_drivers_at_once_one_is_told_of_the_other(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    with Lease(workspace.disk), pytest.raises(LockedError, match="is in use by process"):
        run_whole(workspace)
    assert read_current(workspace.disk) is None


def test_a_driver_that_lost_its_lease_publishes_nothing(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    with Lease(workspace.disk) as lease, connect(IN_PROCESS) as client:
        workspace.disk.put("lease.json", b'{"host": "elsewhere", "pid": 1}')
        with pytest.raises(LockedError, match="taken over by process 1 on elsewhere"):
            run_plan(workspace, workspace.read_genes(), client, lease, silent)
        workspace.disk.delete("lease.json")
    assert not workspace.disk.list("plan")


def on_tiny_disk(tmp_path: Path, tiny_disk: Path) -> Workspace:
    make_workspace(tmp_path)
    return Workspace(tiny_disk / "work", tiny_config(tmp_path))


def test_a_disk_that_fills_up_loses_nothing(tmp_path: Path, tiny_disk: Path) -> None:
    workspace = on_tiny_disk(tmp_path, tiny_disk)
    with pytest.raises(
        StoreError, match="the disk is full; free space and run the same command again"
    ):
        run_whole(workspace)
    assert not list(tiny_disk.rglob(".tmp-*"))
    subprocess.run(["mount", "-o", "remount,size=64m", str(tiny_disk)], check=True)
    run_whole(workspace)
    elsewhere = Workspace(tmp_path / "elsewhere", workspace.config)
    run_whole(elsewhere)
    assert compendium_hash(workspace.root) == compendium_hash(elsewhere.root)


def test_a_disk_that_fills_up_leaves_the_published_generation_alone(
    tmp_path: Path, tiny_disk: Path
) -> None:
    workspace = on_tiny_disk(tmp_path, tiny_disk)
    subprocess.run(["mount", "-o", "remount,size=64m", str(tiny_disk)], check=True)
    run_whole(workspace)
    before = compendium_hash(workspace.root)
    write_study(workspace.config.source.path / "S9", 9)
    used = sum(path.stat().st_blocks * 512 for path in tiny_disk.rglob("*") if path.is_file())
    filler = tiny_disk / "filler"
    filler.write_bytes(b"x" * (64 * 2**20 - used - 200_000))
    with pytest.raises(StoreError, match="the disk is full"):
        run_whole(workspace)
    assert compendium_hash(workspace.root) == before
    filler.unlink()
    run_whole(workspace)
    assert compendium_hash(workspace.root) != before


def test_a_read_only_workspace_is_refused_with_its_cure_and_can_be_read(
    tmp_path: Path, tiny_disk: Path
) -> None:
    workspace = on_tiny_disk(tmp_path, tiny_disk)
    subprocess.run(["mount", "-o", "remount,size=64m", str(tiny_disk)], check=True)
    run_whole(workspace)
    before = compendium_hash(workspace.root)
    deadline = time.monotonic() + 20
    while subprocess.run(
        ["mount", "-o", "remount,ro", str(tiny_disk)], capture_output=True, check=False
    ).returncode:
        assert time.monotonic() < deadline, "the tmpfs stayed busy"
        time.sleep(0.2)
    with pytest.raises(StoreError, match="read-only; choose a workspace that you can write"):
        run_whole(workspace)
    assert compendium_hash(workspace.root) == before


def test_an_axis_that_repeats_a_gene_has_it_once(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path, studies=1)
    path = workspace.config.genes.list
    path.write_text(path.read_text() + path.read_text().splitlines()[1] + "\n")
    assert list(workspace.read_genes().ids) == gene_ids()


@pytest.mark.parametrize("other", [False, True])
def test_one_file_under_two_names_is_no_replicate(tmp_path: Path, other: bool) -> None:
    workspace = make_workspace(tmp_path, studies=1)
    study = workspace.config.source.path / "S0"
    lines = [line.split("\t") for line in counts_text(study).splitlines()]
    for cells in lines[1:]:
        cells[2 if not other else 4] = cells[1]
    write_counts(study, "\n".join("\t".join(cells) for cells in lines) + "\n")
    run_whole(workspace)
    tree = open_compendium(workspace.root)
    samples = samples_of(tree).to_dataframe()
    out = samples.loc[~samples["used"], "why_not"]
    assert out.to_dict() == (
        {"s0": "same_counts_in_another_group", "s3": "same_counts_in_another_group"}
        if other
        else {"s1": "same_counts"}
    )
    assert "same_counts" in str(studies_of(tree)["flags"].values[0])
