"""Fetching from a server that has all the faults of the real ones: the right files, or a reason."""

import json
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.fetch.host import Host, StoppedError, WebSettings, seconds_asked
from pipeline.fetch.stage import TRY_AGAIN
from pipeline.fetch.verify import listed_bundles
from pipeline.simulate.mirror import write_mirror
from pipeline.sources.refusal import REASONS, Refusal
from pipeline.sources.study_input import StudyInput
from pipeline.workspace import Workspace
from storage.errors import InputError, StoreError
from tests.support.fetched import QUICK, SMALL, fetch_into, source_in, source_of, workspace_of
from tests.support.mirror_server import MirrorServer, serve

# The second has five runs, too few for a bundle, and two platforms.
BUNDLED, REQUESTED = "SRP990000000", "SRP990000003"


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mirror") / "mirror"
    write_mirror(path, SMALL)
    return path


@pytest.fixture(scope="module")
def undisturbed(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Fetched from the folder itself, without a server."""
    root = tmp_path_factory.mktemp("undisturbed")
    workspace = workspace_of(root, mirror, source_of(mirror))
    assert fetch_into(workspace).refused == {}
    return workspace


@pytest.fixture
def server(mirror: Path) -> Iterator[MirrorServer]:
    with serve(mirror) as server:
        yield server


def same(a: StudyInput, b: StudyInput) -> None:
    order = [b.counts.samples.index(sample) for sample in a.counts.samples]
    assert a.counts.ids == b.counts.ids
    np.testing.assert_array_equal(a.counts.counts, b.counts.counts[order])
    pd.testing.assert_frame_equal(a.samples, b.samples.loc[a.counts.samples])
    assert (a.runs, a.left_out) == (b.runs, b.left_out)


def all_the_same(a: Workspace, b: Workspace) -> None:
    one, other = source_in(a), source_in(b)
    assert set(other.studies()) <= set(one.studies())
    for study in other.studies():
        same(one.read(study), other.read(study))


def test_a_server_gives_what_the_folder_gives_and_is_asked_once(
    mirror: Path, undisturbed: Workspace, server: MirrorServer, tmp_path: Path
) -> None:
    workspace = workspace_of(tmp_path / "ws", mirror, source_of(server.address))
    first = fetch_into(workspace)
    assert (first.studies, first.known, first.refused) == (SMALL.n_studies, 0, {})
    all_the_same(undisturbed, workspace)
    assert max(server.counts().values()) == 1
    asked = len(server.asked)
    again = fetch_into(workspace)
    assert (again.known, again.n_bytes) == (SMALL.n_studies, 0)
    # The lists are asked for again, and are the same still.
    assert len(server.asked) == asked + 3
    assert not list(workspace.raw.root.rglob("*.partial"))
    assert not (workspace.raw.root / ".partial").exists()


def test_a_host_gets_no_more_connections_than_it_should(
    mirror: Path, server: MirrorServer, tmp_path: Path
) -> None:
    # The server may still be ending one answer when the next question comes.
    slack = 1
    for per_host in (1, 3):
        server.most_at_once = 0
        workspace = workspace_of(
            tmp_path / str(per_host), mirror, source_of(server.address, per_host=8)
        )
        fetch_into(workspace, replace(QUICK, per_host=per_host))
        assert server.most_at_once <= per_host + slack


def test_files_are_fetched_side_by_side(
    mirror: Path, undisturbed: Workspace, tmp_path: Path
) -> None:
    # Each of these answers waits for another question to come in.
    with serve(mirror, {r"\.zip$": ["together", "together"]}) as server:
        workspace = workspace_of(tmp_path / "ws", mirror, source_of(server.address))
        assert fetch_into(workspace).refused == {}
        assert server.most_at_once >= 2
        assert not server.lonely
    all_the_same(undisturbed, workspace)


@pytest.mark.parametrize(
    ("what", "fault"),
    [
        *product(
            ("cut$", "huge/mmusculus/$", "huge/.*zip", "request.sh", "soft|matrix"),
            ("html", "cut", "503", "reset"),
        ),
        ("huge/.*zip", "bad_crc"),
        ("request.sh", "bad_crc"),
    ],
)
def test_a_fault_that_passes_leaves_no_trace(
    mirror: Path, undisturbed: Workspace, tmp_path: Path, what: str, fault: str
) -> None:
    with serve(mirror, {what: [fault, fault]}) as server:
        source = source_of(server.address, accessions=(BUNDLED, REQUESTED))
        workspace = workspace_of(tmp_path / "ws", mirror, source)
        fetched = fetch_into(workspace)
        assert server.faults[what] == [], "the fault never came"
    assert fetched.refused == {}
    all_the_same(undisturbed, workspace)


@pytest.mark.parametrize("fault", ["missing_run", "wrong_column", "empty_matrix"])
def test_a_request_that_is_answered_wrongly_is_asked_again_in_parts(
    mirror: Path, undisturbed: Workspace, tmp_path: Path, fault: str
) -> None:
    with serve(mirror, {"request.sh.*&x=.*&x=": [fault + "*"]}) as server:
        source = source_of(server.address, accessions=(BUNDLED, REQUESTED))
        workspace = workspace_of(tmp_path / "ws", mirror, source)
        assert fetch_into(workspace).refused == {}
        all_the_same(undisturbed, workspace)


def test_a_file_that_was_cut_off_goes_on_where_it_stopped(
    mirror: Path, undisturbed: Workspace, tmp_path: Path
) -> None:
    with serve(mirror, {f"{BUNDLED}.*zip": ["cut", "cut"]}) as server:
        source = source_of(server.address, accessions=(BUNDLED,))
        workspace = workspace_of(tmp_path / "ws", mirror, source)
        fetch_into(workspace)
        size = next((mirror / "dee2").rglob(f"{BUNDLED}*.zip")).stat().st_size
        ranges = [asked for path, asked in server.asked if path.endswith(".zip")]
        half = size // 2
        assert ranges == ["", f"bytes={half}-", f"bytes={half + (size - half) // 2}-"]
    same(source_in(undisturbed).read(BUNDLED), source_in(workspace).read(BUNDLED))


def test_a_file_that_changed_meanwhile_is_read_from_its_beginning(
    mirror: Path, tmp_path: Path
) -> None:
    with serve(mirror, {f"{BUNDLED}.*zip": ["cut*"]}) as server:
        source = source_of(server.address, accessions=(BUNDLED,))
        workspace = workspace_of(tmp_path / "ws", mirror, source)
        assert fetch_into(workspace).refused[BUNDLED][0] == "not_downloaded"
        assert list((workspace.raw.root / ".partial").iterdir())
        partial = next(p for p in (workspace.raw.root / ".partial").iterdir() if not p.suffix)
        note = partial.with_name(f"{partial.name}.json")
        note.write_text(note.read_text().replace('etag": "\\"', 'etag": "\\"x'))
        server.faults.clear()
        server.asked.clear()
        assert fetch_into(workspace).refused == {}
        assert [asked[:6] for path, asked in server.asked if path.endswith(".zip")] == ["bytes="]
    here = next(workspace.raw.root.rglob("*.zip"))
    assert here.read_bytes() == next((mirror / "dee2").rglob(f"{BUNDLED}*.zip")).read_bytes()


@pytest.mark.parametrize(
    ("what", "fault", "study", "reason", "says"),
    [
        (f"{BUNDLED}.*zip", "cut*", BUNDLED, "not_downloaded", "was cut off after"),
        (f"{BUNDLED}.*zip", "503*", BUNDLED, "not_downloaded", "answers 503"),
        (f"{BUNDLED}.*zip", "reset*", BUNDLED, "not_downloaded", "does not answer"),
        ("request.sh", "html*", REQUESTED, "damaged_download", "is no zip archive"),
        ("request.sh", "bad_crc*", REQUESTED, "damaged_download", "damaged member"),
        ("request.sh", "wrong_column*", REQUESTED, "not_on_server", "has counts of none"),
        ("GSE99000000_", "html*", BUNDLED, "damaged_download", "gzip"),
        ("GSE99000000_", "cut*", BUNDLED, "not_downloaded", "was cut off after"),
    ],
)
def test_a_fault_that_lasts_is_a_reason_and_a_try_next_time(
    mirror: Path, undisturbed: Workspace, tmp_path: Path, what: str, fault: str, study: str,
    reason: str, says: str,
) -> None:  # fmt: skip
    with serve(mirror, {what: [fault]}) as server:
        accessions = (BUNDLED, REQUESTED)
        source = source_of(server.address, accessions=accessions)
        workspace = workspace_of(tmp_path / "ws", mirror, source)
        refused = fetch_into(workspace).refused
        assert list(refused) == [study]
        assert refused[study][0] == reason
        assert reason in REASONS
        assert reason in TRY_AGAIN
        assert says in refused[study][1]
        assert "\n" not in refused[study][1]
        with pytest.raises(Refusal) as caught:
            source_in(workspace).read(study)
        assert (caught.value.code, caught.value.message) == refused[study]
        before = source_in(workspace).fingerprint(study)
        server.faults.clear()
        server.asked.clear()
        assert fetch_into(workspace).refused == {}
        others = (
            ("SRP990000000", "GSE99000000") if study == REQUESTED else ("GSE99000003", "request")
        )
        assert not any(other in path for path, _ in server.asked for other in others)
    assert source_in(workspace).fingerprint(study) != before
    same(source_in(undisturbed).read(study), source_in(workspace).read(study))


def test_a_bundle_that_is_damaged_for_good_is_replaced_by_requests(
    mirror: Path, undisturbed: Workspace, tmp_path: Path
) -> None:
    with serve(mirror, {f"{BUNDLED}.*zip": ["bad_crc*"]}) as server:
        source = source_of(server.address, accessions=(BUNDLED,), runs_per_request=4)
        workspace = workspace_of(tmp_path / "ws", mirror, source)
        assert fetch_into(workspace).refused == {}
        requests = [path for path, _ in server.asked if "request.sh" in path]
        assert requests
        assert all(path.count("&x=") <= 4 for path in requests)
    same(source_in(undisturbed).read(BUNDLED), source_in(workspace).read(BUNDLED))


def test_a_matrix_of_geo_that_is_damaged_for_good_is_replaced_by_soft(
    mirror: Path, undisturbed: Workspace, tmp_path: Path
) -> None:
    with serve(mirror, {"matrix.txt.gz": ["html*"]}) as server:
        source = source_of(server.address, accessions=(BUNDLED, REQUESTED))
        workspace = workspace_of(tmp_path / "ws", mirror, source)
        assert fetch_into(workspace).refused == {}
        assert any("family.soft" in path for path in server.counts())
    for study in (BUNDLED, REQUESTED):
        a, b = (source_in(w).read(study) for w in (undisturbed, workspace))
        assert set(a.samples.columns) == set(b.samples.columns)
        same_samples = b.samples.loc[a.samples.index, a.samples.columns]
        assert a.samples.fillna("").equals(same_samples.fillna(""))


def test_offline_nothing_is_asked_and_what_is_here_is_used(
    mirror: Path, undisturbed: Workspace, server: MirrorServer, tmp_path: Path
) -> None:
    online = source_of(server.address, accessions=(BUNDLED,))
    workspace = workspace_of(tmp_path / "ws", mirror, online)
    fetch_into(workspace)
    server.asked.clear()
    both = source_of(server.address, accessions=(BUNDLED, REQUESTED), offline=True)
    workspace = workspace_of(tmp_path / "ws", mirror, both)
    refused = fetch_into(workspace).refused
    assert {study: code for study, (code, _) in refused.items()} == {REQUESTED: "not_fetched"}
    assert server.asked == []
    same(source_in(undisturbed).read(BUNDLED), source_in(workspace).read(BUNDLED))
    # A mirror that was copied into raw/ by hand is verified, and as good.
    by_hand = workspace_of(tmp_path / "hand", mirror, source_of("nowhere", offline=True))
    for name in ("dee2", "geo"):
        shutil.copytree(mirror / name, by_hand.raw.root / name)
    refused = fetch_into(by_hand).refused
    assert {study: code for study, (code, _) in refused.items()} == {REQUESTED: "not_fetched"}
    same(source_in(undisturbed).read(BUNDLED), source_in(by_hand).read(BUNDLED))


def test_without_a_run_list_or_with_unknown_accessions_there_is_one_sentence(
    mirror: Path, tmp_path: Path
) -> None:
    cases = (
        (source_of(tmp_path / "nowhere"), "there is no run list of mmusculus"),
        (source_of(mirror, species="hsapiens"), "there is no run list of hsapiens"),
        (source_of(mirror, accessions=("SRP1", "GSE2")), "no project or series GSE2, SRP1"),
        (source_of(mirror, accessions=("PRJNA1",)), "'PRJNA1' is no accession"),
        (source_of(mirror, accessions=tmp_path / "none"), "the file of accessions"),
        (source_of(tmp_path / "no bulk", counts="bulk"), "there is no bulk file of mmusculus"),
    )
    shutil.copytree(mirror / "dee2" / "metadata", tmp_path / "no bulk" / "dee2" / "metadata")
    for i, (settings, says) in enumerate(cases):
        workspace = workspace_of(tmp_path / str(i), mirror, settings)
        with pytest.raises(InputError, match=says) as error:
            fetch_into(workspace)
        assert "\n" not in str(error.value)


def test_accessions_come_from_a_file_and_may_be_series(mirror: Path, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("# mine\nGSE99000001  a note\n\nSRP990000002\n")
    workspace = workspace_of(tmp_path / "ws", mirror, source_of(mirror, accessions=listed))
    fetch_into(workspace)
    assert source_in(workspace).studies() == ["SRP990000001", "SRP990000002"]
    listed.write_text("GSE99000001\n")
    with pytest.raises(InputError, match="run `dexome fetch` again"):
        source_in(workspace).studies()


def test_a_workspace_that_was_not_fetched_says_what_to_do(mirror: Path, tmp_path: Path) -> None:
    workspace = workspace_of(tmp_path / "ws", mirror, source_of(mirror))
    with pytest.raises(InputError, match="run `dexome fetch` first"):
        source_in(workspace).studies()
    with pytest.raises(Refusal, match="run `dexome fetch`"):
        source_in(workspace).read("SRP1")


@pytest.mark.parametrize("damage", ["delete", "cut", "flip"])
def test_a_file_that_was_lost_or_damaged_is_told_or_fetched_again(
    mirror: Path, undisturbed: Workspace, tmp_path: Path, damage: str
) -> None:
    workspace = workspace_of(tmp_path / "ws", mirror, source_of(mirror, accessions=(BUNDLED,)))
    fetch_into(workspace)
    path = next(workspace.raw.root.rglob("*.zip"))
    data = path.read_bytes()
    if damage == "delete":
        path.unlink()
    else:
        changed = data[:-9] if damage == "cut" else data[:2000] + b"\0\0\0\0" + data[2004:]
        path.write_bytes(changed)
    with pytest.raises(Refusal):
        source_in(workspace).read(BUNDLED)
    if damage == "flip":
        path.unlink()
    assert fetch_into(workspace).refused == {}
    assert path.read_bytes() == data
    same(source_in(undisturbed).read(BUNDLED), source_in(workspace).read(BUNDLED))


def test_projects_of_single_cells_are_not_downloaded(mirror: Path, tmp_path: Path) -> None:
    source = source_of(mirror, accessions=(BUNDLED, REQUESTED), max_runs=5)
    workspace = workspace_of(tmp_path / "ws", mirror, source)
    refused = fetch_into(workspace).refused
    assert {study: code for study, (code, _) in refused.items()} == {BUNDLED: "too_many_runs"}
    assert "raise it if they are no single cells" in refused[BUNDLED][1]


def test_settings_that_choose_runs_hold_for_studies_that_are_here(
    mirror: Path, tmp_path: Path
) -> None:
    flagged = "SRP990000002"
    few = {"max_runs": 5, "accessions": (BUNDLED, flagged)}
    workspace = workspace_of(tmp_path / "ws", mirror, source_of(mirror, **few))
    assert set(fetch_into(workspace).refused) == {BUNDLED, flagged}
    for more in ({}, {"fail_runs": "keep"}):
        settings = source_of(mirror, accessions=(BUNDLED, flagged), **more)
        again = workspace_of(tmp_path / "ws", mirror, settings)
        assert fetch_into(again).refused == {}
        new = workspace_of(tmp_path / f"new {more}", mirror, settings)
        fetch_into(new)
        all_the_same(new, again)
        given = source_in(again).read(flagged)
        assert given.flags == source_in(new).read(flagged).flags
    assert "qc_fail:2" in given.flags
    # A change that changes no study costs nothing.
    wide = source_of(mirror, accessions=(BUNDLED, flagged), fail_runs="keep", max_runs=999)
    assert fetch_into(workspace_of(tmp_path / "ws", mirror, wide)).known == 2


def test_the_bulk_file_gives_the_same_counts_as_the_archives(
    mirror: Path, undisturbed: Workspace, tmp_path: Path
) -> None:
    workspace = workspace_of(tmp_path / "ws", mirror, source_of(mirror, counts="bulk"))
    assert fetch_into(workspace).refused == {}
    assert not list(workspace.raw.root.rglob("*.zip"))
    all_the_same(undisturbed, workspace)
    assert fetch_into(workspace).known == SMALL.n_studies


def test_kallisto_gives_the_same_sums_for_the_genes_that_it_knows(
    mirror: Path, undisturbed: Workspace, tmp_path: Path
) -> None:
    workspace = workspace_of(tmp_path / "ws", mirror, source_of(mirror, layer="kallisto"))
    fetch_into(workspace)
    star, kallisto = (source_in(w).read(BUNDLED) for w in (undisturbed, workspace))
    assert 0.5 < len(kallisto.counts.ids) / len(star.counts.ids) < 0.9
    at = [star.counts.ids.index(gene) for gene in kallisto.counts.ids]
    np.testing.assert_allclose(kallisto.counts.counts, star.counts.counts[:, at], atol=0.01)
    assert source_in(undisturbed).fingerprint(BUNDLED) != source_in(workspace).fingerprint(BUNDLED)


def kill_and_fetch_again(root: Path, mirror: Path, stride: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.support.fetch_driver", root, mirror, stride]
    done = subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[1],
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_a_fetch_killed_at_some_of_its_steps_leaves_no_half_file(
    mirror: Path, tmp_path: Path
) -> None:
    result = kill_and_fetch_again(tmp_path, mirror, 23)
    assert result["failures"] == []
    assert result["tried"] >= 3


@pytest.mark.slow
def test_a_fetch_killed_at_every_third_of_its_steps_leaves_no_half_file(
    mirror: Path, tmp_path: Path
) -> None:
    result = kill_and_fetch_again(tmp_path, mirror, 3)
    assert result["failures"] == []
    assert result["tried"] >= 25


def test_a_disk_that_is_full_ends_the_fetch_with_one_sentence(
    mirror: Path, tiny_disk: Path
) -> None:
    workspace = workspace_of(tiny_disk / "ws", mirror, source_of(mirror))
    with pytest.raises(StoreError, match=r"cannot write .*(disk is full|No space left)") as error:
        fetch_into(workspace)
    assert "\n" not in str(error.value)


def test_a_bundle_under_the_name_of_another_series_is_found_by_its_project(
    mirror: Path, undisturbed: Workspace, tmp_path: Path
) -> None:
    other = tmp_path / "mirror"
    shutil.copytree(mirror, other)
    bundle = next((other / "dee2").rglob(f"{BUNDLED}*.zip"))
    listing = bundle.parent / "index.html"
    listing.write_text(listing.read_text().replace("GSE99000000.zip", "GSE1.zip"))
    bundle.rename(bundle.with_name(f"{BUNDLED}_GSE1.zip"))
    workspace = workspace_of(tmp_path / "ws", other, source_of(other, accessions=(BUNDLED,)))
    assert fetch_into(workspace).refused == {}
    same(source_in(undisturbed).read(BUNDLED), source_in(workspace).read(BUNDLED))


def test_a_bundle_with_the_runs_of_another_project_is_not_believed(
    mirror: Path, undisturbed: Workspace, tmp_path: Path
) -> None:
    other = tmp_path / "mirror"
    shutil.copytree(mirror, other)
    folder = other / "dee2" / "huge" / "mmusculus"
    shutil.copy(next(folder.glob("SRP990000001*.zip")), next(folder.glob(f"{BUNDLED}*.zip")))
    runs = source_in(undisturbed).read(BUNDLED).runs
    with serve(other) as server:
        server.know(mirror)
        source = source_of(server.address, accessions=(BUNDLED,), runs_per_request=7)
        workspace = workspace_of(tmp_path / "ws", other, source)
        assert fetch_into(workspace).refused == {}
        requests = [path for path in server.counts() if "request.sh" in path]
    assert len(requests) == -(-sum(map(len, runs.values())) // 7)
    same(source_in(undisturbed).read(BUNDLED), source_in(workspace).read(BUNDLED))


def test_an_address_that_is_too_long_for_the_server_is_cut_in_halves(
    mirror: Path, undisturbed: Workspace, tmp_path: Path
) -> None:
    faults = {f"{BUNDLED}.*zip": ["html*"], "(&x=[^&]*){6}": ["414*"]}
    with serve(mirror, faults) as server:
        source = source_of(server.address, accessions=(BUNDLED,))
        workspace = workspace_of(tmp_path / "ws", mirror, source)
        assert fetch_into(workspace).refused == {}
        assert max(server.counts().values()) <= 4
    same(source_in(undisturbed).read(BUNDLED), source_in(workspace).read(BUNDLED))


def test_two_studies_of_one_series_fetch_its_file_once(mirror: Path, tmp_path: Path) -> None:
    other = tmp_path / "mirror"
    shutil.copytree(mirror, other)
    listed = other / "dee2" / "metadata" / "mmusculus_metadata.tsv.cut"
    text = listed.read_text()
    for k in range(1, 6):
        text = text.replace(f"GSE9900000{k}\n", "GSE99000000\n")
    listed.write_text(text)
    with serve(other) as server:
        workspace = workspace_of(tmp_path / "ws", other, source_of(server.address, per_host=8))
        assert fetch_into(workspace).refused == {}
        asked = server.counts()
    assert [n for path, n in asked.items() if "GSE99000000_series" in path] == [1]
    given = source_in(workspace).read("SRP990000001")
    # GEO's samples are of another project: the title from SRA is all there is.
    assert set(given.samples.columns) == {"title", "organism", "library_strategy"}
    assert len(given.unmatched_rows) == 10


def test_a_series_that_geo_does_not_have_yet_is_asked_for_again(
    mirror: Path, undisturbed: Workspace, tmp_path: Path
) -> None:
    with serve(mirror, {"/geo/": ["404*"]}) as server:
        source = source_of(server.address, accessions=(BUNDLED,))
        workspace = workspace_of(tmp_path / "ws", mirror, source)
        assert fetch_into(workspace).refused == {}
        given = source_in(workspace).read(BUNDLED)
        assert "no_geo:GSE99000000" in given.flags
        assert given.counts.samples[0].startswith("GSM")
        server.faults.clear()
        assert fetch_into(workspace).refused == {}
    same(source_in(undisturbed).read(BUNDLED), source_in(workspace).read(BUNDLED))


def test_runs_that_dee2_lost_are_left_out_and_told(mirror: Path, tmp_path: Path) -> None:
    with serve(mirror, {f"{BUNDLED}.*zip": ["html*"]}) as server:
        lost = server.lose(BUNDLED, 3)
        workspace = workspace_of(
            tmp_path / "ws", mirror, source_of(server.address, accessions=(BUNDLED,))
        )
        assert fetch_into(workspace).refused == {}
    given = source_in(workspace).read(BUNDLED)
    assert not lost & {run for runs in given.runs.values() for run in runs}
    assert "runs_missing:3" in given.flags
    # The server answered for them with a page, so they are asked for again: here they are.
    with serve(mirror) as server:
        settings = source_of(server.address, accessions=(BUNDLED,))
        workspace = workspace_of(tmp_path / "ws", mirror, settings)
        assert fetch_into(workspace).known == 0
        assert fetch_into(workspace).known == 1
    assert not [flag for flag in source_in(workspace).read(BUNDLED).flags if "missing" in flag]


def test_a_listing_of_any_style_tells_the_bundles_and_nothing_else() -> None:
    page = (
        '<a href="?C=N;O=D">Name</a> <A HREF="/huge/">up</A> <a href=SRP1_NA.zip>x</a>'
        '<img src="SRP9_GSE9.zip"> <a href="/huge/mmusculus/ERP2_GSE5.zip">ERP2_..&gt;</a>'
        "<a href='SRP1_GSE7.zip'>z</a> <a href='../../etc/SRP1_GSE7.zip.exe'>z</a>"
    )
    assert listed_bundles(page) == {
        "ERP2": ["ERP2_GSE5.zip"],
        "SRP1": ["SRP1_GSE7.zip", "SRP1_NA.zip"],
    }


def test_an_archive_s_members_are_never_written_anywhere(mirror: Path, tmp_path: Path) -> None:
    other = tmp_path / "mirror"
    shutil.copytree(mirror, other)
    bundle = next((other / "dee2").rglob(f"{BUNDLED}*.zip"))
    with zipfile.ZipFile(bundle, "a") as archive:
        archive.writestr("../../escaped.txt", "x")
        archive.writestr("/tmp/escaped-by-root.txt", "x")
    workspace = workspace_of(tmp_path / "ws", other, source_of(other, accessions=(BUNDLED,)))
    assert fetch_into(workspace).refused == {}
    source_in(workspace).read(BUNDLED)
    assert not list(tmp_path.rglob("escaped*"))


def test_a_pause_that_the_server_asks_for_holds_for_all_of_its_files() -> None:
    now = time.time()
    assert seconds_asked("7") == 7
    assert seconds_asked(formatdate(now + 60, usegmt=True)) == pytest.approx(60, abs=2)
    assert seconds_asked(formatdate(now - 60, usegmt=True)) == 0
    assert seconds_asked("soon") is None
    assert seconds_asked("\xb2") is None
    assert seconds_asked(None) is None
    stop = threading.Event()
    host = Host(WebSettings(per_host=2, wait_s=0.01), stop)
    began = time.monotonic()
    host.pause(0, 1.0)
    with host.slot():
        assert time.monotonic() - began >= 0.99
    stop.set()
    with pytest.raises(StoppedError), host.slot():
        pass
