"""What prevents a cluster from starting is an error with its cure, at once."""

import gc
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.connect import connect
from cluster.network import check_network
from cluster.profile import ClusterError, ClusterProfile

# Dask leaves a cluster behind that did not start, and the garbage collector complains of it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

KINDS = [
    {"kind": "local", "workers": 1, "memory_gib": 1.0},
    {"kind": "slurm", "workers": 1},
    {"kind": "slurm", "maximum": 2},
    {"kind": "ssh", "hosts": ("127.0.0.1",)},
]


@pytest.fixture(autouse=True)
def what_is_left_of_one_test_does_not_trouble_the_next() -> Iterator[None]:
    yield
    gc.collect()


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_an_interface_that_there_is_not_is_named_beside_those_there_are(
    kind: dict[str, object], tmp_path: Path
) -> None:
    profile = ClusterProfile(**kind, interface="ib9")  # type: ignore[arg-type]
    with pytest.raises(
        ClusterError, match=r'interface = "ib9" is no network .*; there is .*\blo\b'
    ):
        connect(profile, tmp_path).__enter__()


@pytest.mark.parametrize("kind", [*KINDS, {"kind": "threads"}], ids=str)
@pytest.mark.parametrize("dashboard", ["192.0.2.1:0", "127.0.0.1:x", "127.0.0.1:99999"])
def test_a_dashboard_that_can_listen_nowhere_is_named(
    kind: dict[str, object], dashboard: str, tmp_path: Path
) -> None:
    profile = ClusterProfile(**kind, dashboard=dashboard)  # type: ignore[arg-type]
    with pytest.raises(ClusterError, match=f'dashboard = "{dashboard}" is nowhere to listen on: '):
        connect(profile, tmp_path).__enter__()


def test_a_dashboard_may_listen_wherever_this_machine_does() -> None:
    for dashboard in ("127.0.0.1:0", ":8787", "8787", "0.0.0.0:8787", "localhost:0"):
        check_network(ClusterProfile(dashboard=dashboard))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        # Dask takes another port then.
        check_network(ClusterProfile(dashboard=f"127.0.0.1:{taken.getsockname()[1]}"))


def test_other_hosts_by_ssh_need_an_interface_that_they_can_reach() -> None:
    check_network(ClusterProfile(kind="ssh", hosts=("127.0.0.1", "localhost", "::1")))
    for host, interface in (("192.0.2.1", None), ("localhost", "lo"), ("node1.invalid", "lo")):
        profile = ClusterProfile(kind="ssh", hosts=("localhost", host), interface=interface)
        if host == "localhost":
            check_network(profile)
            continue
        message = f'host "{host}" is another machine, .* listen on 127.0.0.1, .* give interface'
        with pytest.raises(ClusterError, match=message):
            check_network(profile)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"nonsense": 1, "nthreads": 1},
            r"unexpected keyword argument 'nonsense'; see nonsense in",
        ),
        ({"host": "192.0.2.1"}, "did not start: .*; see host in options of the profile"),
        ({"local_directory": "/proc/none"}, "No such file .*; see local_directory in options"),
    ],
)
def test_a_wrong_option_is_not_taken_for_workers_that_die(
    options: dict[str, object], message: str, caplog: pytest.LogCaptureFixture
) -> None:
    profile = ClusterProfile(kind="local", workers=1, memory_gib=1.0, options=options)
    with pytest.raises(ClusterError, match=message):
        connect(profile).__enter__()
    assert "died" not in caplog.text


def test_a_scheduler_that_can_not_listen_is_an_error_of_the_options(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        options = {"queue": "main", "scheduler_options": {"port": port}}
        profile = ClusterProfile(kind="slurm", workers=1, options=options)
        with pytest.raises(ClusterError, match=r"refuses its options: .*in use"):
            connect(profile, tmp_path).__enter__()
