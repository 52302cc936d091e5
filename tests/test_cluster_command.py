"""`dexome cluster`: what it lists, and what it finds wrong with a worker."""

import json
import platform
import re
from dataclasses import replace
from pathlib import Path

import pytest
from distributed import Client

from cluster.connect import connect
from cluster.profile import ClusterProfile
from pipeline import examine_cluster
from pipeline.commands.cluster import knock, smallest
from pipeline.examine_cluster import Finding, examine_workers
from pipeline.stages.probe import Sight, installed_versions, look
from pipeline.workspace import Workspace, open_workspace
from tests.support.command import dexome
from tests.support.workspaces import IN_PROCESS, make_workspace

PROFILES = """
[cluster.small]
kind = "threads"
workers = 1
[cluster.jobs]
kind = "slurm"
minimum = 2
maximum = 9
memory_gib = 8
resources = { GPU = 1 }
options = { queue = "main" }
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = make_workspace(tmp_path, studies=1)
    source = made.config.source.path
    work = tmp_path / "ws"
    dexome("init", work, "--genes", made.config.genes.list, "--source", source)
    with (work / "dexome.toml").open("a") as file:
        file.write(PROFILES)
    return open_workspace(work)


def test_profiles_are_listed_and_one_without_a_script_says_so(workspace: Workspace) -> None:
    rows = json.loads(dexome("cluster", "list", "-w", workspace.root, "--json").stdout)
    assert [(row["name"], row["kind"], row["workers"]) for row in rows] == [
        ("small", "threads", "1"),
        ("jobs", "slurm", "2 to 9"),
    ]
    assert rows[1]["resources"] == "GPU=1"
    done = dexome("cluster", "script", "small", "-w", workspace.root)
    assert done.returncode == 1
    assert done.stderr.strip() == 'error: kind = "threads" has no job script'
    done = dexome("cluster", "check", "none", "-w", workspace.root)
    assert "no [cluster.none] in dexome.toml; there is small, jobs" in done.stderr


def test_a_worker_that_sees_everything_is_good(workspace: Workspace) -> None:
    with connect(IN_PROCESS) as client:
        found = {finding.name: finding for finding in examine_workers(client, workspace)}
    assert found.keys() == {"python", "versions", "workspace", "write", "inputs"}
    assert all(finding.good for finding in found.values())
    assert not list((workspace.root / "cluster").iterdir()), "a probe was left behind"


def good_sight(config: str, question: str) -> Sight:
    return Sight(
        host="node7",
        python=platform.python_version(),
        versions=installed_versions(),
        safe_path=True,
        config=config,
        question=question,
    )


@pytest.mark.parametrize(
    ("changes", "name", "message"),
    [
        ({"python": "3.9.1"}, "python", "node7 has Python 3.9.1, the driver"),
        (
            {"versions": {**installed_versions(), "numpy": "1.26.0", "zarr": ""}},
            "versions",
            r"node7 has numpy 1.26.0 \(driver: .*\), zarr missing \(driver: .*\); install both from",
        ),
        ({"safe_path": False}, "safe path", "start its workers with PYTHONSAFEPATH=1"),
        ({"config": ""}, "workspace", "node7 does not see .*dexome.toml"),
        ({"config": "0"}, "workspace", "node7 sees another .*dexome.toml"),
        ({"question": ""}, "workspace", "node7 does not see what the driver writes"),
        (
            {"problem": "/w/x: Permission denied"},
            "write",
            "cannot write or delete /w/x: Permission",
        ),
        ({"unseen": ("/data",)}, "inputs", "node7 does not see /data"),
    ],
)
def test_what_is_wrong_with_a_worker_is_a_finding_with_its_cure(
    workspace: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, object],
    name: str,
    message: str,
) -> None:
    def seen(
        self: Client, function: object, *arguments: object, **how: object
    ) -> dict[str, object]:
        del self, how
        if function is not look:
            return {}
        config, probe, inputs = arguments
        assert isinstance(config, Path)
        assert isinstance(probe, Path)
        assert inputs == [workspace.config.genes.list, workspace.config.source.path]
        honest = look(config, probe, [])
        sight = replace(good_sight(honest.config, honest.question), **changes)  # type: ignore[arg-type]
        return {"tcp://node7:1": sight}

    with connect(IN_PROCESS) as client:
        monkeypatch.setattr(Client, "run", seen)
        findings = examine_workers(client, workspace)
        monkeypatch.undo()
    bad = [finding for finding in findings if not finding.good]
    assert [finding.name for finding in bad] == [name]
    assert re.search(message, bad[0].message)


def test_a_worker_without_dexome_is_told_as_that(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(package: str) -> str:
        raise ModuleNotFoundError(f"No package metadata was found for {package}")

    with connect(IN_PROCESS) as client:
        monkeypatch.setattr(examine_cluster, "version", missing)
        (finding,) = examine_workers(client, workspace)
    assert (finding.name, finding.good) == ("dexome", False)
    assert "the worker has no dexome" in finding.message


def test_a_worker_that_cannot_look_is_a_finding_and_no_crash(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> Sight:
        raise PermissionError("Permission denied: dexome.toml")

    def lost(*_: object) -> list[Finding]:
        raise TimeoutError("no answer")

    with connect(IN_PROCESS) as client:
        monkeypatch.setattr(examine_cluster, "_remote_studies", lost)
        found = {finding.name: finding for finding in examine_workers(client, workspace)}
        assert not found["studies"].good
        assert "could not look: TimeoutError: no answer; see its log" in found["studies"].message
        assert found["inputs"].good
        monkeypatch.setattr(examine_cluster, "look", denied)
        (finding,) = examine_workers(client, workspace)
    assert (finding.name, finding.good) == ("workspace", False)
    assert "could not look: PermissionError: Permission denied: dexome.toml" in finding.message


def test_whether_strangers_are_refused_is_a_finding_even_where_nobody_can_tell() -> None:
    assert "is NOT refused" in knock("tcp://127.0.0.1:1").message
    # Nobody listens: nobody is let in.
    assert knock("tls://127.0.0.1:1").good
    unknown = knock("tls://node1.invalid:8786")
    assert not unknown.good
    assert "tls://node1.invalid:8786 can't be reached" in unknown.message


def test_a_check_starts_one_worker_or_one_on_each_host() -> None:
    grows = ClusterProfile(kind="slurm", minimum=3, maximum=9, options={"queue": "main"})
    assert (smallest(grows).workers, smallest(grows).maximum) == (1, None)
    hosts = ClusterProfile(kind="ssh", hosts=("a", "b"), workers=10)
    assert smallest(hosts).workers == 2
    gpus = ClusterProfile(kind="local", gpus=4)
    assert (smallest(gpus).gpus, smallest(gpus).workers) == (1, None)
    joined = ClusterProfile(kind="address", address="tcp://h:1")
    assert smallest(joined) == joined
