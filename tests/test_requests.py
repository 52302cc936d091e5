"""What a bucket is asked for: a few times for each study, and for a generation a number of its own."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.object_storage import STAGES, Place, kind_of, run_once
from cluster.connect import connect
from pipeline.config import StorageConfig
from pipeline.workspace import Workspace
from tests.support.faulty_proxy import FaultyProxy, running_proxy
from tests.support.object_storage import CREDENTIALS, REGION, S3Server, running_moto, why_no_moto
from tests.support.workspaces import IN_PROCESS, make_workspace

FEW, MANY = 2, 6


def requests_of(
    root: Path, studies: int, server: S3Server, proxy: FaultyProxy
) -> dict[str, Counter[str]]:
    """Requests of each stage of a run of so many studies, by kind."""
    made = make_workspace(root, studies)
    storage = StorageConfig(
        address=server.address(f"of-{studies}"), endpoint=proxy.endpoint, region=REGION
    )
    place = Place(Workspace(made.root, replace(made.config, storage=storage)), proxy)
    with connect(IN_PROCESS) as client:
        run_once(place, client)
    return place.requests


@pytest.mark.skipif(bool(why_no_moto()), reason=why_no_moto())
def test_only_so_many_requests_are_made_for_each_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with running_moto(tmp_path / "log") as server, running_proxy(server.endpoint) as proxy:
        few, many = (requests_of(tmp_path / str(n), n, server, proxy) for n in (FEW, MANY))
    more = {
        stage: {kind: (many[stage][kind] - few[stage][kind]) / (MANY - FEW) for kind in many[stage]}
        for stage in STAGES
    }
    # Is there a part; the part. Listings are for all studies together, and tell of refusals.
    assert more["analyse"] == {"GET": 1, "PUT": 1, "LIST": 0}
    # A header and its checksum; the part, for the shards of its contrasts and for that of its study.
    assert more["compile"].pop("GET") == 4
    assert not any(more["compile"].values())


def test_a_listing_is_told_from_a_read() -> None:
    asked = [("GET", "/b?list-type=2&prefix=x"), ("GET", "/b/x"), ("COPY", "/b/y")]
    assert [kind_of(*one) for one in asked] == ["LIST", "GET", "COPY"]
