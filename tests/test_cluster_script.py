"""What `dexome cluster script` prints is what a run would submit, or start by SSH."""

import gc
import json
import shlex
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from distributed import Client, LocalCluster

from cluster.job_queue import queue_options, start_queue
from cluster.profile import ClusterError, ClusterProfile
from cluster.script import job_script
from cluster.ssh import ssh_workers

SLURM = {"kind": "slurm", "workers": 2}


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


@pytest.mark.parametrize("kind", ["slurm", "pbs", "sge", "lsf"])
def test_a_lifetime_beyond_the_walltime_that_nobody_gave_is_refused(
    kind: str, tmp_path: Path
) -> None:
    longer = ClusterProfile(kind=kind, workers=1, lifetime_minutes=200)  # type: ignore[arg-type]
    message = (
        r"a worker may live 220 minutes .* job ends after 30 \(dask-jobqueue's walltime, since"
    )
    with pytest.raises(ClusterError, match=message):
        job_script(longer, tmp_path)
    with pytest.raises(ClusterError, match=message):
        start_queue(longer, tmp_path, None)
    job_script(replace(longer, lifetime_minutes=25), tmp_path)


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
    gc.collect()


def test_an_interface_takes_the_place_of_loopback(tmp_path: Path) -> None:
    profile = ClusterProfile(**SLURM, interface="ib0")  # type: ignore[arg-type]
    options = queue_options(profile, tmp_path, None)
    assert options["scheduler_options"]["interface"] == "ib0"
    assert options["worker_extra_args"][-2:] == ["--interface", "ib0"]
    assert "host" not in options["scheduler_options"]
    # Nothing is started to print it: the machine of the driver has the interface, this one need not.
    script = job_script(profile, tmp_path)
    assert " SCHEDULER --name" in script
    assert "--interface ib0" in script


def test_a_script_says_where_the_certificates_of_a_run_will_be(tmp_path: Path) -> None:
    profile = ClusterProfile(**SLURM, tls=True)  # type: ignore[arg-type]
    script = job_script(profile, tmp_path)
    own = tmp_path / "tls-HOST-PID"
    assert f"--tls-ca-file {own}/ca.pem --tls-cert {own}/cert.pem --tls-key {own}/key.pem" in script
    assert script.endswith("as long as a run is, and HOST and PID those of its driver.\n")
    assert not list(tmp_path.glob("tls-*"))
    mine = {f"tls_{name}_file": tmp_path / f"{name}.pem" for name in ("ca", "cert", "key")}
    script = job_script(ClusterProfile(**SLURM, **mine), tmp_path)  # type: ignore[arg-type]
    assert f"--tls-cert {tmp_path}/cert.pem" in script
    assert "HOST" not in script


def test_workers_by_ssh_have_names_and_take_turns_on_the_hosts() -> None:
    profile = ClusterProfile(kind="ssh", hosts=("a", "b"), workers=3, lifetime_minutes=60)
    workers = ssh_workers(profile, None)
    assert [workers[n]["options"]["address"] for n in range(3)] == ["a", "b", "a"]
    assert [workers[n]["options"]["kwargs"]["name"] for n in range(3)] == [0, 1, 2]
    options = workers[0]["options"]
    assert options["remote_python"].startswith("env PYTHONSAFEPATH=1 ")
    assert options["remote_python"].endswith(sys.executable)
    assert options["kwargs"]["lifetime_restart"] is True


def test_the_printed_command_of_ssh_starts_a_worker(tmp_path: Path) -> None:
    profile = ClusterProfile(kind="ssh", hosts=("node1",), resources={"GPU": 1}, memory_gib=1.0)
    host, command = job_script(profile, tmp_path).strip().split(": ", 1)
    assert host == "node1"
    with (
        LocalCluster(
            n_workers=0, processes=False, protocol="tcp://", dashboard_address=None
        ) as cluster,
        Client(cluster) as client,
    ):
        words = shlex.split(command.replace("SCHEDULER", cluster.scheduler_address))
        worker = subprocess.Popen(words, stderr=subprocess.PIPE)
        try:
            client.wait_for_workers(1, timeout=60)
            (told,) = client.scheduler_info()["workers"].values()
            assert (told["name"], told["resources"]) == (0, {"GPU": 1})
            assert told["memory_limit"] == 2**30
        finally:
            worker.send_signal(signal.SIGINT)
            worker.communicate(timeout=60)


def test_the_printed_command_of_ssh_has_the_certificates(tmp_path: Path) -> None:
    profile = ClusterProfile(kind="ssh", hosts=("node1",), tls=True)
    (line, note) = job_script(profile, tmp_path).splitlines()
    opts = json.loads(shlex.split(line)[-1])["0"]["opts"]
    assert opts["protocol"] == "tls://"
    assert opts["security"]["tls_worker_key"] == f"{tmp_path}/tls-HOST-PID/key.pem"
    assert note.startswith("# ")
