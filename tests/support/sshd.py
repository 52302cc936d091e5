"""An OpenSSH server on loopback with keys of its own, stopped by its own pid."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {root}/host_key
PidFile {root}/sshd.pid
AuthorizedKeysFile {root}/authorized_keys
PasswordAuthentication no
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
{environment}"""


@dataclass(frozen=True, slots=True)
class Sshd:
    """A running server, and what a client needs to know of it."""

    port: int
    user: str
    key: Path
    known_hosts: Path

    def options_of(self, profile: str) -> str:
        """What a profile of dexome.toml says of how to connect."""
        return (
            f"[cluster.{profile}.options.connect_options]\nport = {self.port}\n"
            f'username = "{self.user}"\nclient_keys = ["{self.key}"]\n'
            f'known_hosts = "{self.known_hosts}"\n'
        )


def why_not() -> str:
    """Why no server can be started here; empty: it can."""
    if (
        shutil.which("sshd", path="/usr/sbin:/usr/bin") is None
        or shutil.which("ssh-keygen") is None
    ):
        return "needs the Debian package openssh-server"
    return "" if os.geteuid() == 0 else "needs root to start sshd"


@contextmanager
def running_sshd(root: Path, environment: Mapping[str, str] | None = None) -> Iterator[Sshd]:
    """Start the server below `root`; who logs in has `environment`, as a host's profile would give."""
    root.mkdir(parents=True, exist_ok=True)
    for name in ("host_key", "user_key"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(root / name)]
        subprocess.run(command, check=True)
    shutil.copy(root / "user_key.pub", root / "authorized_keys")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    host_key = " ".join((root / "host_key.pub").read_text().split()[:2])
    (root / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}\n")
    given = " ".join(f"{name}={value}" for name, value in (environment or {}).items())
    (root / "sshd_config").write_text(
        _CONFIG.format(port=port, root=root, environment=f"SetEnv {given}\n" if given else "")
    )
    # Where a server separates its privileges; Debian makes it when the service starts.
    Path("/run/sshd").mkdir(exist_ok=True)
    with (root / "log").open("wb") as log:
        process = subprocess.Popen(
            ["/usr/sbin/sshd", "-D", "-e", "-f", str(root / "sshd_config")], stdout=log, stderr=log
        )
    try:
        _wait_for(port, root / "log")
        yield Sshd(port, getpass.getuser(), root / "user_key", root / "known_hosts")
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(port: int, log: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"sshd did not start: {log.read_text()}") from None
            time.sleep(0.1)
