"""A Slurm of one machine on loopback: munged, slurmctld and slurmd, started and stopped by their own pids."""

import ctypes
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

PROGRAMS = ("munged", "mungekey", "slurmctld", "slurmd", "sbatch", "squeue", "scancel")
_CPUS, _MEMORY_MB = 4, 12_000
_PR_SET_CHILD_SUBREAPER = 36

CONFIG = """\
ClusterName=dexome
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={root}/munge/munge.socket
CredType=cred/munge
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmctldPort={controller}
SlurmdPort={node}
StateSaveLocation={root}/state
SlurmdSpoolDir={root}/spool
SlurmctldPidFile={root}/run/slurmctld.pid
SlurmdPidFile={root}/run/slurmd.pid
SlurmctldLogFile={root}/log/slurmctld.log
SlurmdLogFile={root}/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
KillWait=5
SlurmctldTimeout=30
SlurmdTimeout=30
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} Boards=1 SocketsPerBoard=1 CoresPerSocket={cpus} \
ThreadsPerCore=1 RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=01:00:00 State=UP
"""


@dataclass(frozen=True, slots=True)
class Slurm:
    """A running Slurm: its folder, and the environment that makes its commands find it."""

    root: Path
    environment: dict[str, str]
    controllers: list[subprocess.Popen[bytes]]
    daemons: ExitStack

    def start_controller(self) -> None:
        """Start slurmctld, which remembers its jobs."""
        config = self.environment["SLURM_CONF"]
        daemon = _daemon(self.root, "slurmctld", "-D", "-f", config)
        self.controllers.append(self.daemons.enter_context(daemon))

    def kill_controller(self) -> None:
        """Kill slurmctld, as a crash of its machine would."""
        process = self.controllers[-1]
        helpers = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
        psutil.wait_procs(helpers, 20)

    def answers(self) -> bool:
        """Whether the controller answers."""
        environment = {**os.environ, **self.environment}
        command = ["squeue", "--noheader"]
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        return done.returncode == 0

    def jobs(self) -> list[str]:
        """Ids of the jobs that wait or run."""
        return self._call("squeue", "--noheader", "--format=%A").split()

    def cancel(self, job: str) -> None:
        """Cancel a job, as its user or an operator would."""
        self._call("scancel", job)

    def _call(self, *command: str) -> str:
        environment = {**os.environ, **self.environment}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout


def why_not() -> str:
    """Why no Slurm can be started here; empty: it can."""
    missing = [program for program in PROGRAMS if _find(program) is None]
    if missing:
        return f"needs the Debian packages slurm-wlm and munge: there is no {', '.join(missing)}"
    return "" if os.geteuid() == 0 else "needs root to start munged and slurmd"


def wait_until(happened: Callable[[], object], timeout_s: float = 90.0, what: str = "it") -> None:
    """Look again and again until something has happened."""
    deadline = time.monotonic() + timeout_s
    while not happened():
        assert time.monotonic() < deadline, f"{what} did not come within {timeout_s:g} s"
        time.sleep(0.1)


@contextmanager
def running_slurm(root: Path) -> Iterator[Slurm]:
    """Start all three daemons below `root`, and leave none of them, and none of their jobs, behind."""
    for folder in ("state", "spool", "log", "run", "munge"):
        (root / folder).mkdir(parents=True)
    (root / "munge").chmod(0o711)
    _open_up(root)
    config = root / "slurm.conf"
    controller, node = _free_port(), _free_port()
    host = socket.gethostname().partition(".")[0]
    config.write_text(
        CONFIG.format(
            host=host, root=root, controller=controller, node=node, cpus=_CPUS, memory=_MEMORY_MB
        )
    )
    with ExitStack() as stack:
        stack.enter_context(_reaped_orphans())
        _start_munged(stack, root)
        # A controller that is started later is stopped in the place of the first.
        controllers = stack.enter_context(ExitStack())
        slurm = Slurm(root, {"SLURM_CONF": str(config)}, [], controllers)
        slurm.start_controller()
        stack.enter_context(_daemon(root, "slurmd", "-D", "-f", str(config), "-N", host))
        stack.callback(_end_jobs, slurm)
        wait_until(
            lambda: "idle" in slurm._call("sinfo", "--noheader", "--format=%T"), what="a node"
        )
        yield slurm


def _start_munged(stack: ExitStack, root: Path) -> None:
    munge = root / "munge"
    key, munge_socket = munge / "munge.key", munge / "munge.socket"
    subprocess.run([_find("mungekey") or "", "--create", f"--keyfile={key}"], check=True)
    key.chmod(0o600)
    files = [f"--{name}-file={munge}/munged.{name}" for name in ("pid", "log", "seed")]
    command = [f"--key-file={key}", f"--socket={munge_socket}", *files]
    stack.enter_context(_daemon(root, "munged", "--force", "--foreground", *command))
    wait_until(munge_socket.exists, what="munged")


@contextmanager
def _daemon(root: Path, program: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    found = _find(program)
    assert found is not None
    with (root / "log" / f"{program}.out").open("ab") as out:
        process = subprocess.Popen([found, *arguments], stdout=out, stderr=out)
    try:
        yield process
    finally:
        left = (
            psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        )
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for child in left:
            if child.is_running():
                child.kill()


@contextmanager
def _reaped_orphans() -> Iterator[None]:
    """Slurm's steps are children of nobody; as ours they can be reaped, whatever the first process does."""
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    before = {child.pid for child in psutil.Process().children()}
    try:
        yield
    finally:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 0)
        for child in psutil.Process().children():
            if child.pid not in before and (
                child.name() == "slurmstepd" or child.status() == psutil.STATUS_ZOMBIE
            ):
                child.kill()
                child.wait(20)


def _end_jobs(slurm: Slurm) -> None:
    for job in slurm.jobs():
        slurm.cancel(job)
    wait_until(lambda: not slurm.jobs(), what="the end of all jobs")


def _open_up(root: Path) -> None:
    """munged refuses a socket in a folder that others can't enter."""
    for folder in [root, *root.parents]:
        if folder == Path(folder.anchor) or folder.stat().st_mode & 0o011:
            continue
        folder.chmod(folder.stat().st_mode | 0o011)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _find(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
