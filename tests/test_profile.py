"""Profiles of machines: what is refused, and what becomes of the rest in each kind."""

import os
import socket
import ssl
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from distributed import Client, LocalCluster

from cluster.connect import connect
from cluster.extras import import_extra
from cluster.job_queue import queue_options, vanished_jobs
from cluster.local import gpu_ids
from cluster.profile import ClusterError, ClusterProfile, walltime_minutes
from cluster.script import job_script
from cluster.size import LOST_AFTER_S, Absences
from cluster.ssh import ssh_workers
from cluster.tls import refuses_strangers, security_of

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
        ({"lifetime_stagger_minutes": 3}, "goes with lifetime_minutes"),
        (
            {**SLURM, "lifetime_minutes": 55, "options": {"walltime": "01:00:00"}},
            "a worker may live 60.5 minutes .* its job ends after 60 ",
        ),
        ({"tls_ca_file": Path("ca.pem")}, "give all three"),
    ],
)
def test_a_profile_that_makes_no_sense_is_refused(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ClusterProfile(**settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("01:30:00", 90), ("1-00:00:00", 1440), ("00:30", 30), ("2h", None), (None, None)],
)
def test_a_walltime_is_read_as_the_batch_system_does(text: object, minutes: float | None) -> None:
    assert walltime_minutes(text) == minutes


def test_a_job_has_what_the_profile_and_its_options_say(tmp_path: Path) -> None:
    profile = ClusterProfile(
        kind="slurm",
        workers=4,
        memory_gib=3,
        lifetime_minutes=50,
        resources={"GPU": 1},
        options={
            "queue": "long",
            "walltime": "01:00:00",
            "processes": 2,
            "worker_extra_args": ["--preload", "mine"],
            "job_script_prologue": ["module load cuda"],
        },
    )
    options = queue_options(profile, tmp_path, None)
    assert (options["cores"], options["processes"], options["memory"]) == (2, 2, "6GiB")
    script = job_script(profile, tmp_path)
    for wanted in (
        "#SBATCH -p long",
        "#SBATCH -t 01:00:00",
        "#SBATCH --mem=6G",
        "export PYTHONSAFEPATH=1",
        "module load cuda",
        "--nworkers 2",
        "--resources GPU=1 --lifetime 3000s --lifetime-stagger 300s --no-lifetime-restart",
        "--host 127.0.0.1",
        "--preload mine",
    ):
        assert wanted in script, script
    assert script.index("PYTHONSAFEPATH") < script.index("module load")


@pytest.mark.parametrize("kind", ["pbs", "sge", "lsf"])
def test_every_batch_system_has_its_script(kind: str, tmp_path: Path) -> None:
    profile = ClusterProfile(
        kind=kind,  # type: ignore[arg-type]
        workers=1,
        memory_gib=2,
        options={"queue": "long", "walltime": "01:00"},
    )
    script = job_script(profile, tmp_path)
    assert {"pbs": "#PBS -q long", "sge": "#$ -q long", "lsf": "#BSUB -q long"}[kind] in script
    assert "export PYTHONSAFEPATH=1" in script
    assert "--memory-limit 2.00GiB" in script


# The class that refuses its options leaves a half-made cluster behind.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_option_that_there_is_not_is_named(tmp_path: Path) -> None:
    profile = ClusterProfile(kind="slurm", workers=1, options={"qeue": "long"})
    with pytest.raises(ClusterError, match=r"refuses its options: .*qeue"):
        job_script(profile, tmp_path)


def test_an_interface_takes_the_place_of_loopback(tmp_path: Path) -> None:
    profile = ClusterProfile(**SLURM, interface="ib0")  # type: ignore[arg-type]
    options = queue_options(profile, tmp_path, None)
    assert options["scheduler_options"]["interface"] == "ib0"
    assert options["worker_extra_args"][-2:] == ["--interface", "ib0"]
    assert "host" not in options["scheduler_options"]


def test_workers_by_ssh_have_names_and_take_turns_on_the_hosts() -> None:
    profile = ClusterProfile(kind="ssh", hosts=("a", "b"), workers=3, lifetime_minutes=60)
    workers = ssh_workers(profile, None)
    assert [workers[n]["options"]["address"] for n in range(3)] == ["a", "b", "a"]
    assert [workers[n]["options"]["kwargs"]["name"] for n in range(3)] == [0, 1, 2]
    options = workers[0]["options"]
    assert options["remote_python"].startswith("env PYTHONSAFEPATH=1 ")
    assert options["remote_python"].endswith(sys.executable)
    assert options["kwargs"]["lifetime_restart"] is True


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


def test_a_scheduler_with_certificates_is_joined_with_them_and_not_without(tmp_path: Path) -> None:
    with (
        security_of(ClusterProfile(tls=True), tmp_path) as security,
        LocalCluster(
            n_workers=1,
            processes=False,
            protocol="tls://",
            security=security,
            dashboard_address=None,
        ) as own,
    ):
        (folder,) = tmp_path.glob("tls-*")
        address = own.scheduler_address
        profile = ClusterProfile(
            kind="address",
            address=address,
            tls_ca_file=folder / "ca.pem",
            tls_cert_file=folder / "cert.pem",
            tls_key_file=folder / "key.pem",
        )
        with connect(profile) as client:
            assert client.submit(sum, [1, 2]).result() == 3
        with pytest.raises(ClusterError, match="does it want certificates"):
            connect(ClusterProfile(kind="address", address=address)).__enter__()
        gone = replace(profile, tls_key_file=tmp_path / "none.pem")
        with pytest.raises(ClusterError, match=r"none.pem is no file; mend the tls_ files"):
            connect(gone).__enter__()


def test_gpus_are_those_that_the_batch_system_gave() -> None:
    assert gpu_ids(2, None) == ["0", "1"]
    assert gpu_ids(2, "4, GPU-8f,6") == ["4", "GPU-8f"]
    with pytest.raises(ClusterError, match="gpus = 3, but CUDA_VISIBLE_DEVICES names 1"):
        gpu_ids(3, "0")


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


def test_who_answers_anyone_does_not_refuse_strangers(tmp_path: Path) -> None:
    profile = ClusterProfile(kind="local", tls=True)
    with security_of(profile, tmp_path) as security, socket.socket() as server:
        assert security is not None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(security.tls_scheduler_cert, security.tls_scheduler_key)
        server.bind(("127.0.0.1", 0))
        server.listen(1)

        def answer() -> None:
            plain, _ = server.accept()
            with context.wrap_socket(plain, server_side=True) as wrapped:
                wrapped.send(b"hello")

        thread = threading.Thread(target=answer)
        thread.start()
        assert not refuses_strangers(f"tls://127.0.0.1:{server.getsockname()[1]}")
        thread.join()
    assert not list(tmp_path.iterdir())


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
