"""Certificates of a run: whom they let in, whom they keep out, and when they go."""

import os
import socket
import ssl
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from distributed import LocalCluster

from cluster.connect import connect
from cluster.profile import ClusterError, ClusterProfile
from cluster.tls import refuses_strangers, security_of, sweep

DEAD = 2**22 + 1


def test_the_certificates_of_a_dead_run_of_this_host_go_and_no_others(tmp_path: Path) -> None:
    host = socket.gethostname()
    dead = tmp_path / f"tls-{host}-{DEAD}"
    kept = [
        tmp_path / f"tls-{host}-{os.getpid()}",
        # Of a host whose name begins, or ends, as ours does: we can't tell whether its run is alive.
        tmp_path / f"tls-{host}-2-{DEAD}",
        tmp_path / f"tls-a-{host}-{DEAD}",
        tmp_path / f"tls-{host}-mine",
    ]
    for folder in (dead, *kept):
        folder.mkdir()
    sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(kept)


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


def test_who_takes_the_connection_and_says_nothing_is_an_error_with_its_cure() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        address = f"tls://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ClusterError, match=f"{address} does not answer within 0.2 s: .* again"):
            refuses_strangers(address, 0.2)
