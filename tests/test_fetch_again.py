"""What a fetch did not bring is asked for again, and is never taken for what is not there."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline.simulate.mirror import write_mirror
from pipeline.sources.receipt import Receipt, decode_receipt
from pipeline.sources.study_input import StudyInput
from pipeline.workspace import Workspace
from tests.support.dee2_files import CUT, members, table, write, zip_of
from tests.support.fetched import QUICK, SMALL, fetch_into, source_in, source_of, workspace_of
from tests.support.mirror_server import MirrorServer, serve

STUDY = "SRP7"
RUNS = [f"SRR7{i:06d}" for i in range(60)]
GENES = [f"ENSMUSG{i:011d}" for i in range(5)]
# A project of two platforms.
TWO = "SRP990000003"


def archive_of(runs: list[str]) -> bytes:
    return zip_of(members({run: [int(run[-2:])] * len(GENES) for run in runs}, GENES))


def list_runs(mirror: Path, runs: list[str]) -> None:
    rows = [(run, "PASS", f"SRX{run[3:]}", f"SRS{run[3:]}", STUDY, "", "NA") for run in runs]
    write(mirror / "dee2/metadata/mmusculus_metadata.tsv.cut", table(CUT, rows))


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """A mirror of one project of many runs, without a bundle."""
    path = tmp_path / "mirror"
    list_runs(path, RUNS)
    write(path / "dee2/huge/mmusculus/index.html", '<a href="/">up</a>')
    write(path / "genes.tsv.gz", "")
    return path


@contextmanager
def serving(mirror: Path, faults: dict[str, list[str]], runs: list[str]) -> Iterator[MirrorServer]:
    """A server that has counts of these runs."""
    known = write(mirror.parent / "known" / "all.zip", archive_of(runs))
    with serve(mirror, faults) as server:
        server.know(known.parent)
        yield server


def receipt_of(workspace: Workspace, study: str) -> Receipt:
    receipt = decode_receipt((workspace.raw.root / "studies" / f"{study}.json").read_bytes())
    assert receipt is not None
    return receipt


def runs_in(given: StudyInput) -> set[str]:
    return {run for runs in given.runs.values() for run in runs}


def asked_runs(server: MirrorServer) -> list[int]:
    """How many runs each request asked for."""
    return [path.count("&x=") for path, _ in server.asked if "request.sh" in path]


def test_a_server_that_leaves_out_most_of_a_batch_gives_all_of_it_in_parts(
    mirror: Path, tmp_path: Path
) -> None:
    with serving(mirror, {"request.sh.*(&x=[^&]*){2}": ["few_runs*"]}, RUNS) as server:
        workspace = workspace_of(tmp_path / "ws", mirror, source_of(server.address))
        assert fetch_into(workspace).refused == {}
        assert len(asked_runs(server)) < len(RUNS) / 3
    given = source_in(workspace).read(STUDY)
    assert runs_in(given) == set(RUNS)
    assert receipt_of(workspace, STUDY).complete
    for sample, runs in given.runs.items():
        want = [float(runs[0][-2:])] * len(GENES)
        assert given.counts.select([sample]).counts[0].tolist() == want


@pytest.mark.parametrize("fault", ["404*", "html*", "empty_matrix*"])
def test_runs_that_a_bundle_lacks_and_the_server_does_not_give_today_are_asked_for_next_time(
    mirror: Path, tmp_path: Path, fault: str
) -> None:
    bundle = f"{STUDY}_NA.zip"
    write(mirror / "dee2/huge/mmusculus/index.html", f'<a href="{bundle}">x</a>')
    write(mirror / "dee2/huge/mmusculus" / bundle, archive_of(RUNS[:30]))
    with serving(mirror, {"request.sh": [fault]}, RUNS) as server:
        workspace = workspace_of(tmp_path / "ws", mirror, source_of(server.address))
        assert fetch_into(workspace).refused == {}
        assert runs_in(source_in(workspace).read(STUDY)) == set(RUNS[:30])
        assert not receipt_of(workspace, STUDY).complete
        server.faults.clear()
        server.asked.clear()
        assert fetch_into(workspace).known == 0
        assert asked_runs(server) == [30]
        assert not any(path.endswith(".zip") for path, _ in server.asked)
        assert fetch_into(workspace).known == 1
    given = source_in(workspace).read(STUDY)
    assert runs_in(given) == set(RUNS)
    assert not given.flags


def test_one_run_more_costs_one_request_more(mirror: Path, tmp_path: Path) -> None:
    list_runs(mirror, RUNS[1:])
    with serving(mirror, {}, RUNS) as server:
        settings = source_of(server.address, runs_per_request=10)
        workspace = workspace_of(tmp_path / "ws", mirror, settings)
        fetch_into(workspace)
        assert asked_runs(server) == [10, 10, 10, 10, 10, 9]
        list_runs(mirror, RUNS)
        server.asked.clear()
        assert fetch_into(workspace).refused == {}
        assert asked_runs(server) == [1]
    assert runs_in(source_in(workspace).read(STUDY)) == set(RUNS)


@pytest.mark.parametrize("offline", [False, True])
def test_a_study_stays_readable_when_what_is_new_of_it_does_not_come(
    mirror: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, offline: bool
) -> None:
    list_runs(mirror, RUNS[2:])
    with serving(mirror, {}, RUNS) as server:
        workspace = workspace_of(tmp_path / "ws", mirror, source_of(server.address))
        fetch_into(workspace)
        list_runs(mirror, RUNS)
        server.faults["request.sh"] = ["503*"]
        if offline:
            kept = workspace.raw.root / "dee2/metadata/mmusculus_metadata.tsv.cut"
            shutil.copy(mirror / "dee2/metadata" / kept.name, kept)
        settings = source_of(server.address, offline=offline)
        workspace = workspace_of(tmp_path / "ws", mirror, settings)
        assert fetch_into(workspace).refused == {}
        (told,) = [one for one in caplog.messages if "as it was fetched before" in one]
        assert "SRP7" in told
        assert "SRR" not in told or offline
        assert len(told) < 300
        assert runs_in(source_in(workspace).read(STUDY)) == set(RUNS[2:])
        server.faults.clear()
        workspace = workspace_of(tmp_path / "ws", mirror, source_of(server.address))
        assert fetch_into(workspace).known == 0
        assert fetch_into(workspace).known == 1
    assert runs_in(source_in(workspace).read(STUDY)) == set(RUNS)


def test_a_request_that_fails_is_told_without_all_its_runs(mirror: Path, tmp_path: Path) -> None:
    with serving(mirror, {"request.sh": ["503*"]}, RUNS) as server:
        workspace = workspace_of(tmp_path / "ws", mirror, source_of(server.address))
        code, message = fetch_into(workspace, replace(QUICK, tries=1)).refused[STUDY]
    assert code == "not_downloaded"
    assert "request.sh for 60 runs of SRP7 answers 503" in message
    assert "SRR" not in message


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("simulated") / "mirror"
    write_mirror(path, replace(SMALL, n_studies=4), bulk=False)
    return path


def fetched_with(
    root: Path, mirror: Path, faults: dict[str, list[str]], **settings: Any
) -> Workspace:
    with serve(mirror, faults) as server:
        source = source_of(server.address, accessions=(TWO,), **settings)
        workspace = workspace_of(root, mirror, source)
        assert fetch_into(workspace).refused == {}
    return workspace


def platforms(workspace: Workspace) -> int:
    return int(source_in(workspace).read(TWO).samples["platform"].nunique())


def test_where_one_platform_s_matrix_is_missing_the_family_file_tells_of_all_samples(
    simulated: Path, tmp_path: Path
) -> None:
    workspace = fetched_with(tmp_path / "ws", simulated, {"GPL17021": ["404*"]})
    assert platforms(workspace) == 2
    assert receipt_of(workspace, TWO).complete
    assert [Path(file.key).parent.name for file in receipt_of(workspace, TWO).geo] == ["soft"]


def test_without_a_family_file_the_platforms_that_there_are_do_and_it_is_told(
    simulated: Path, tmp_path: Path
) -> None:
    faults = {"GPL17021": ["404*"], "family.soft": ["404*"]}
    workspace = fetched_with(tmp_path / "ws", simulated, faults)
    assert platforms(workspace) == 1
    assert "geo_in_part:GSE99000003" in source_in(workspace).read(TWO).flags
    assert not receipt_of(workspace, TWO).complete
    again = fetched_with(tmp_path / "ws", simulated, {})
    assert platforms(again) == 2
    assert not [flag for flag in source_in(again).read(TWO).flags if "geo" in flag]


def test_a_page_of_maintenance_is_no_listing_of_matrices(simulated: Path, tmp_path: Path) -> None:
    page = tmp_path / "ill" / "geo/series/GSE99000nnn/GSE99000003/matrix/index.html"
    shutil.copytree(simulated, tmp_path / "ill")
    page.write_text('<a href="https://www.ncbi.nlm.nih.gov">down for maintenance</a>')
    faults = {"family.soft": ["404*"]}
    workspace = fetched_with(tmp_path / "ws", tmp_path / "ill", faults)
    assert "no_geo:GSE99000003" in source_in(workspace).read(TWO).flags
    assert platforms(fetched_with(tmp_path / "ws", simulated, faults)) == 2
    # The pages that an earlier version kept are asked for anew.
    assert re.search("GPL", (workspace.raw.root / page.relative_to(tmp_path / "ill")).read_text())
