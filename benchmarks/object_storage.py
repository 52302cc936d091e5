"""Analyse and compile on S3 that answers after 50 ms, beside the same studies on S3 at once, and on a disk.

`python -m benchmarks.object_storage [--studies 40] [--genes 48978]`: a smaller run is not judged. The store
is moto's server behind a proxy that waits: both are Python, and take of the same cores what a real store does
not. So what is judged is what the waiting costs; the disk, and their CPU time, are told.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from distributed import Client

from benchmarks.report import Bar, format_table, ratio_bar
from benchmarks.scaling import check, ignore
from benchmarks.studies import N_GENES, N_SAMPLES, make_workspace_of, write_studies
from cluster.connect import connect
from cluster.profile import ClusterProfile
from pipeline.run import run_analyse, run_compile, run_plan
from pipeline.workspace import Workspace, open_workspace
from storage.lease import LEASE_KEY, Lease
from tests.support.faulty_proxy import FaultyProxy, running_proxy
from tests.support.object_storage import CREDENTIALS, REGION, S3Server, running_moto, why_no_moto

STUDIES = 40
REPEATS = 9
LATENCY_S = 0.05
MAX_RATIO = 1.3
TWO = ClusterProfile(kind="local", workers=2, memory_gib=4.0)
STAGES = ("analyse", "compile")


@dataclass(slots=True)
class Place:
    """A workspace, what its store waits before each answer; by stage its least times and its requests.

    `server_s` is the CPU time of the store and the proxy in the last run.
    """

    workspace: Workspace
    proxy: FaultyProxy | None = None
    latency_s: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    requests: dict[str, Counter[str]] = field(default_factory=dict)
    server_s: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def measured(self, stage: str) -> Iterator[None]:
        """Time what is done within, and count its requests."""
        if self.proxy is not None:
            self.proxy.set(latency_s=self.latency_s)
        started, served = time.perf_counter(), _server_cpu_s()
        yield
        wall_s = time.perf_counter() - started
        self.server_s[stage] = _server_cpu_s() - served
        self.seconds[stage] = min(self.seconds.get(stage, wall_s), wall_s)
        if self.proxy is not None:
            # The lease is renewed by the clock, whatever the stage does.
            asked = [each for each in self.proxy.asked() if not each[1].endswith(LEASE_KEY)]
            self.requests[stage] = Counter(kind_of(*each) for each in asked)
            self.proxy.set()


def _server_cpu_s() -> float:
    """CPU time of the store and the proxy so far: they are children of this process."""
    times = [
        child.cpu_times()
        for child in psutil.Process().children()
        if {"moto.server", "tests.support.faulty_proxy"} & set(child.cmdline())
    ]
    return sum(each.user + each.system for each in times)


def kind_of(method: str, path: str) -> str:
    """What a request does; a listing is a GET of no object."""
    url = urlsplit(path)
    return "LIST" if method == "GET" and "list-type" in url.query else method


def run_once(place: Place, client: Client) -> None:
    """Analyse and compile all studies anew."""
    workspace = place.workspace
    genes, disk = workspace.read_genes(), workspace.disk
    for folder in ("parts/dea", "compendium"):
        disk.delete(folder)
    with Lease(disk) as lease:
        plan = run_plan(workspace, genes, client, lease, ignore)
        with place.measured("analyse"):
            receipts = run_analyse(workspace, genes, plan, client, ignore)
        check(receipt.status for receipt in receipts)
        with place.measured("compile"):
            run_compile(workspace, genes, plan, client, lease, ignore)


def make_places(root: Path, server: S3Server, proxy: FaultyProxy) -> dict[str, Place]:
    """The same studies on a disk, and twice on the store."""
    make_workspace_of(root / "source", root / "disk")
    places = {"disk": Place(open_workspace(root / "disk"))}
    for name, latency_s in (("S3", 0.0), ("S3 with latency", LATENCY_S)):
        folder = root / name.replace(" ", "-")
        table = (
            f'\n[storage]\naddress = "{server.address(folder.name)}"\n'
            f'endpoint = "{proxy.endpoint}"\nregion = "{REGION}"\n'
        )
        make_workspace_of(root / "source", folder, more=table)
        places[name] = Place(open_workspace(folder), proxy, latency_s)
    return places


def measure(root: Path, *, repeats: int, judged: bool) -> list[Bar]:
    """Run all places in turns, the first time unmeasured; all bars."""
    with (
        running_moto(root / "moto.log") as server,
        running_proxy(server.endpoint) as proxy,
        connect(TWO) as client,
    ):
        places = make_places(root, server, proxy)
        for turn in range(repeats + 1):
            for place in places.values():
                if turn == 1:
                    place.seconds.clear()
                run_once(place, client)
        n_studies = len(list((root / "source" / "studies").iterdir()))
    return [bar for stage in STAGES for bar in _bars(places, stage, n_studies, judged=judged)]


def _bars(places: dict[str, Place], stage: str, n_studies: int, *, judged: bool) -> Iterator[Bar]:
    disk, near, far = (place.seconds[stage] for place in places.values())
    yield ratio_bar(
        f"{stage}, S3 with {1000 * LATENCY_S:g} ms a request / S3 at once, {n_studies} studies of "
        f"{N_SAMPLES} samples",
        f"{far:.1f} s / {near:.1f} s",
        far / near,
        MAX_RATIO,
        judged=judged,
    )
    served = places["S3 with latency"].server_s[stage]
    yield Bar(
        "– the same, S3 with latency / a disk; CPU of moto and its proxy meanwhile",
        f"{far:.1f} s / {disk:.1f} s: {far / disk:.2f}; {served:.1f} s",
    )
    requests = places["S3 with latency"].requests[stage]
    told = ", ".join(f"{n / n_studies:.2f} {kind}" for kind, n in sorted(requests.items()))
    yield Bar(f"– requests a study, of {stage}", f"{told} ({requests.total()} in all)")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=STUDIES)
    parser.add_argument("--genes", type=int, default=N_GENES)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    given = parser.parse_args()
    if why := why_no_moto():
        sys.exit(f"the benchmark {why}")
    # As a user would: the client takes credentials from the environment of each process.
    os.environ.update(CREDENTIALS)
    judged = given.studies >= STUDIES and given.genes >= N_GENES
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_studies(root / "source", given.studies, given.genes)
        bars = measure(root, repeats=given.repeats, judged=judged)
    sys.stdout.write(f"load of the machine {os.getloadavg()[0]:.1f}\n{format_table(bars)}\n")
    sys.exit(any(bar.met is False for bar in bars))


if __name__ == "__main__":
    main()
