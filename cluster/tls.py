"""Certificates of a run: made for it in a folder that its machines share, or given by the profile."""

import logging
import os
import shutil
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from distributed.security import Security

from cluster.profile import ClusterError, ClusterProfile

log = logging.getLogger(__name__)

_PREFIX = "tls-"
_FILES = {"ca.pem": "tls_ca_file", "cert.pem": "tls_client_cert", "key.pem": "tls_client_key"}


@contextmanager
def security_of(profile: ClusterProfile, folder: Path) -> Iterator[Security | None]:
    """What encrypts and authenticates a profile's connections; None: nothing does.

    Certificates made for a run are gone at its end; those that a killed driver of this host left below
    `folder` are deleted.
    """
    if given := _given(profile):
        for path in given:
            if not path.is_file():
                raise ClusterError(f"{path} is no file; mend the tls_ files of the profile")
        yield _security(*given)
        return
    if not profile.tls:
        yield None
        return
    sweep(folder)
    own = folder / f"{_PREFIX}{socket.gethostname()}-{os.getpid()}"
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        yield _security(*_write_certificates(own))
    finally:
        shutil.rmtree(own, ignore_errors=True)


def named_security(profile: ClusterProfile, folder: Path) -> Security | None:
    """The same as a run would have it, with HOST and PID in the paths; nothing is made."""
    if given := _given(profile):
        return _security(*given)
    return (
        _security(*(folder / f"{_PREFIX}HOST-PID" / name for name in _FILES))
        if profile.tls
        else None
    )


def _given(profile: ClusterProfile) -> tuple[Path, Path, Path] | None:
    """Certificates that the profile names, all three."""
    ca, cert, key = profile.tls_ca_file, profile.tls_cert_file, profile.tls_key_file
    return (ca, cert, key) if ca and cert and key else None


def sweep(folder: Path) -> None:
    """Delete the certificates of drivers of this host that are dead."""
    for path in folder.glob(f"{_PREFIX}*"):
        # The name of another host may begin with that of this one.
        host, _, pid = path.name.removeprefix(_PREFIX).rpartition("-")
        if host == socket.gethostname() and pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(path, ignore_errors=True)
            log.info("deleted the certificates of a dead run, %s", path)


def _write_certificates(folder: Path) -> list[Path]:
    try:
        made = Security.temporary()
    except ImportError as error:
        raise ClusterError(
            "tls = true needs the package cryptography: pip install 'dexome[tls]'"
        ) from error
    paths = []
    for name, attribute in _FILES.items():
        path = folder / name
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(getattr(made, attribute))
        paths.append(path)
    return paths


def _security(ca: Path, cert: Path, key: Path) -> Security:
    own = {
        f"tls_{role}_{what}": str(path)
        for role in ("client", "scheduler", "worker")
        for what, path in (("cert", cert), ("key", key))
    }
    return Security(require_encryption=True, tls_ca_file=str(ca), **own)


def refuses_strangers(address: str, timeout_s: float = 10.0) -> bool:
    """Whether what listens at a Dask address hangs up on a client that has no certificate.

    Raises
    ------
    ClusterError
        It does neither that nor answer, or can't be reached.
    """
    host, _, port = address.partition("://")[2].rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host.strip("[]"), int(port)), timeout_s) as plain,
            context.wrap_socket(plain) as wrapped,
        ):
            # With TLS 1.3 the refusal comes after the handshake: a server that takes us speaks first.
            return wrapped.recv(1) == b""
    except TimeoutError:
        told = f"does not answer within {timeout_s:g} s"
    except (ssl.SSLError, ConnectionError):
        return True
    except OSError as error:
        told = f"can't be reached ({error.strerror})"
    raise ClusterError(
        f"{address} {told}: whether it takes a client without a certificate can't be told; see whether its "
        "machine is overloaded or behind a firewall, and check again"
    )
