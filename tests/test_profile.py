"""Profiles of machines: what is refused, and what becomes of the rest in each kind."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest
from distributed import Client, LocalCluster, Worker

from cluster.connect import connect
from cluster.extras import import_extra
from cluster.job_queue import vanished_jobs
from cluster.local import gpu_ids
from cluster.profile import ClusterError, ClusterProfile
from cluster.size import LOST_AFTER_S, Absences
from cluster.tls import refuses_strangers

SLURM = {"kind": "slurm", "workers": 2}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "address"}, 'kind = "address" needs address'),
        ({"kind": "ssh"}, 'kind = "ssh" needs hosts'),
        ({"kind": "custom"}, 'kind = "custom" needs factory'),
        ({"address": "tcp://h:1"}, 'address does not go with kind = "local", only with address'),
        ({"kind": "threads", "tls": True}, 'tls does not go with kind = "threads"'),
        ({"kind": "slurm"}, 'kind = "slurm" needs workers, or maximum'),
        ({**SLURM, "gpus": 2}, 'gpus does not go with kind = "slurm", only with local'),
        ({**SLURM, "maximum": 4}, "workers is a fixed size, and maximum an adaptive one"),
        ({"minimum": 3, "maximum": 2}, "minimum must be from 0 to maximum, got 3 and 2"),
        ({"minimum": 3}, "minimum must be from 0 to maximum, got 3 and None"),
        ({"gpus": 2, "workers": 2}, "leave out workers and maximum"),
        ({"memory_gib": 0}, "memory_gib must be positive, got 0"),
        ({**SLURM, "options": {"memory": "1GB"}}, "memory of options is memory_gib in a profile"),
        (
            {"options": {"memory_limit": "1GB"}},
            "memory_limit of options is memory_gib in a profile",
        ),
        (
            {
                "kind": "ssh",
                "hosts": ("a",),
                "options": {"worker_options": {"memory_limit": "1GB"}},
            },
            "memory_limit of options is memory_gib in a profile",
        ),
        ({**SLURM, "options": {"job_mem": "1GB"}}, "job_mem of options is memory_gib in a profile"),
        ({**SLURM, "kind": "lsf", "options": {"mem": 10**9}}, "mem of options is memory_gib in a"),
        ({**SLURM, "options": {"interface": "lo"}}, "interface of options is interface in a prof"),
        ({**SLURM, "options": {"host": "10.0.0.1"}}, "host of options is interface in a profile"),
        ({"lifetime_stagger_minutes": 3}, "goes with lifetime_minutes"),
        (
            {**SLURM, "lifetime_minutes": 55, "options": {"walltime": "01:00:00"}},
            "a worker may live 60.5 minutes .* its job ends after 60 ",
        ),
        (
            {**SLURM, "lifetime_minutes": 85, "options": {"walltime": "90:00"}},
            "a worker may live 93.5 minutes .* its job ends after 90 ",
        ),
        (
            {**SLURM, "options": {"worker_extra_args": "--foo"}},
            r'worker_extra_args of options must be a list, got "--foo"; write \["--foo"\]',
        ),
        ({**SLURM, "options": {"job_script_prologue": "x"}}, "job_script_prologue .* a list"),
        ({"tls_ca_file": Path("ca.pem")}, "give all three"),
    ],
)
def test_a_profile_that_makes_no_sense_is_refused(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ClusterProfile(**settings)  # type: ignore[arg-type]


def test_a_missing_package_names_the_extra() -> None:
    with pytest.raises(
        ClusterError, match=r"needs the package no-such: pip install 'dexome\[hpc\]'"
    ):
        import_extra("no_such.module", "hpc", "slurm")


def test_a_report_without_what_draws_it_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("cluster.report.find_spec", lambda _: None)
    profile = ClusterProfile(kind="threads", workers=1, report=True)
    with pytest.raises(ClusterError, match=r"bokeh: pip install 'dexome\[dashboard\]'"):
        connect(profile, tmp_path).__enter__()


def test_a_run_that_fails_has_its_report_and_its_own_error(tmp_path: Path) -> None:
    pytest.importorskip("bokeh")
    profile = ClusterProfile(kind="threads", workers=1, report=True)

    def fail() -> None:
        with connect(profile, tmp_path) as client:
            client.submit(sum, [1, 2]).result()
            raise ZeroDivisionError("of the run")

    with pytest.raises(ZeroDivisionError, match="of the run"):
        fail()
    (report,) = tmp_path.glob("*.html")
    assert "bokeh" in report.read_text()


def test_no_job_counts_as_gone_where_the_batch_system_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    profile = ClusterProfile(**SLURM)  # type: ignore[arg-type]
    monkeypatch.setenv("PATH", str(tmp_path))
    assert vanished_jobs(profile, {"a": "1"}) == []
    squeue = tmp_path / "squeue"
    squeue.write_text("#!/bin/sh\nexit 1\n")
    squeue.chmod(0o755)
    assert vanished_jobs(profile, {"a": "1"}) == []
    squeue.write_text("#!/bin/sh\necho 2\n")
    assert vanished_jobs(profile, {"a": "1", "b": "2"}) == ["a"]


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("no.such.Cluster", "can't be imported"),
        ("Cluster", "can't be imported"),
        ("pathlib.Path", "made PosixPath, which is no Dask cluster"),
    ],
)
def test_a_factory_that_makes_no_cluster_is_refused(factory: str, message: str) -> None:
    with (
        pytest.raises(ClusterError, match=message),
        connect(ClusterProfile(kind="custom", factory=factory)),
    ):
        pass


def test_an_option_that_a_factory_refuses_is_told_with_the_factory() -> None:
    profile = ClusterProfile(kind="custom", factory="fractions.Fraction", options={"size": 1})
    message = r"'fractions.Fraction' made no cluster of the options \(size\): .*'size'; mend them"
    with pytest.raises(ClusterError, match=message):
        connect(profile).__enter__()


def test_a_cluster_of_the_user_s_own_is_sized_and_used() -> None:
    options = {"n_workers": 1, "processes": False, "dashboard_address": None, "silence_logs": 40}
    profile = ClusterProfile(
        kind="custom", factory="distributed.LocalCluster", workers=2, options=options
    )
    with connect(profile) as client:
        client.wait_for_workers(2, timeout=30)
        assert client.submit(sum, [1, 2]).result() == 3


def test_a_scheduler_that_is_there_is_joined_and_left_alone() -> None:
    with (
        LocalCluster(
            n_workers=1, processes=False, protocol="tcp://", dashboard_address=None
        ) as own,
        Client(own) as before,
    ):
        profile = ClusterProfile(kind="address", address=own.scheduler_address)
        with connect(profile) as client:
            assert client.submit(sum, [1, 2]).result() == 3
        assert before.submit(sum, [1, 2]).result() == 3


def test_no_scheduler_at_an_address_is_an_error_with_its_cure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(
        __import__("dask").config.config["distributed"]["comm"]["timeouts"], "connect", "1s"
    )
    profile = ClusterProfile(kind="address", address="tcp://127.0.0.1:9")
    with pytest.raises(ClusterError, match=r"no scheduler answers at tcp://127.0.0.1:9"):
        connect(profile).__enter__()


def test_gpus_are_those_that_the_batch_system_gave() -> None:
    assert gpu_ids(2, None) == ["0", "1"]
    assert gpu_ids(2, "4, GPU-8f,6") == ["4", "GPU-8f"]
    with pytest.raises(ClusterError, match="gpus = 3, but CUDA_VISIBLE_DEVICES names 1"):
        gpu_ids(3, "0")
    # CUDA sees none of those behind a number that is no GPU's.
    assert gpu_ids(1, "3,-1,4") == ["3"]
    for none in ("-1", "-1,0", "NoDevFiles", "none", ""):
        with pytest.raises(ClusterError, match=r"gpus = 1, but CUDA_VISIBLE_DEVICES names 0 \("):
            gpu_ids(1, none)


def test_a_worker_is_gone_when_it_was_there_and_stays_away() -> None:
    absences = Absences()
    workers = {"a": ["a"], "b": ["b-0", "b-1"], "c": ["c"]}
    assert absences.lost(workers, {"a", "b-0"}, 0) == []
    assert absences.lost(workers, {"b-1"}, LOST_AFTER_S - 1) == []
    assert absences.lost(workers, {"b-1"}, LOST_AFTER_S) == ["a"]
    assert absences.never_seen("c")
    # Asked for again, it has all the time that it needs.
    assert absences.lost({"b": ["b-0"]}, {"b-0"}, LOST_AFTER_S) == []
    assert absences.lost(workers, {"b-0"}, 9 * LOST_AFTER_S) == []


def environment(*names: str) -> list[str | None]:
    """What a worker has in its environment."""
    return [os.environ.get(name) for name in names]


def profiled(dask_worker: Worker) -> bool:
    """Whether Dask's profiler runs on a worker."""
    return "profile" in dask_worker.periodic_callbacks


@pytest.mark.parametrize("kind", ["threads", "local"])
def test_no_worker_is_profiled(kind: Literal["threads", "local"], tmp_path: Path) -> None:
    profile = ClusterProfile(kind=kind, workers=1, memory_gib=1.0)
    with connect(profile, tmp_path) as client:
        assert list(client.run(profiled).values()) == [False]


@pytest.mark.slow
def test_workers_of_this_machine_have_certificates_a_gpu_each_and_a_safe_path(
    tmp_path: Path,
) -> None:
    profile = ClusterProfile(kind="local", gpus=2, memory_gib=1.0, tls=True)
    with connect(profile, tmp_path) as client:
        address = client.scheduler.address
        assert address.startswith("tls://127.0.0.1:")
        assert client.dashboard_link.startswith("http://127.0.0.1:")
        assert refuses_strangers(address)
        names = ("PYTHONSAFEPATH", "CUDA_VISIBLE_DEVICES")
        found = client.run(environment, *names)
        assert sorted(found.values()) == [["1", "0"], ["1", "1"]]
        workers = client.scheduler_info()["workers"].values()
        assert [worker["resources"] for worker in workers] == [{"GPU": 1}] * 2
        assert client.submit(sum, [1, 2], resources={"GPU": 1}).result() == 3


@pytest.mark.slow
def test_a_local_cluster_grows_with_the_work(tmp_path: Path) -> None:
    from pipeline.inflight import run_bounded

    profile = ClusterProfile(kind="local", minimum=1, maximum=2, memory_gib=1.0)
    with connect(profile, tmp_path) as client:
        assert len(client.nthreads()) == 1
        told = {host for _, host in run_bounded(client, _sleep_and_tell, range(40))}
    assert len(told) == 2


def _sleep_and_tell(item: int) -> int:
    import time

    del item
    time.sleep(0.5)
    return os.getpid()


def test_ctrl_c_still_stops_a_command_that_speaks_to_a_batch_system() -> None:
    pytest.importorskip("dask_jobqueue", reason="needs the package dask-jobqueue")
    code = (
        "import signal\n"
        "from cluster.extras import import_extra\n"
        "before = signal.getsignal(signal.SIGINT)\n"
        "import_extra('dask_jobqueue', 'hpc', 'slurm')\n"
        "assert signal.getsignal(signal.SIGINT) is before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
