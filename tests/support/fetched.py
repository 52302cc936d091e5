"""A small simulated mirror, fetched into a workspace."""

from pathlib import Path
from typing import Any

from pipeline.config import Config, GenesConfig
from pipeline.fetch.host import WebSettings
from pipeline.fetch.stage import Fetched, run_fetch
from pipeline.simulate.settings import SimulationSettings
from pipeline.sources.dee2 import Dee2Source
from pipeline.sources.settings import SourceConfig
from pipeline.sources.source import make_source
from pipeline.workspace import Workspace
from storage.lease import Lease
from tests.support.whole_run import silent
from tests.support.workspaces import IN_PROCESS

SMALL = SimulationSettings(n_studies=12, n_genes=300, n_programs=12, n_tissues=2, seed=3)
# As the real one, but in a hurry.
QUICK = WebSettings(tries=4, wait_s=0.01, timeout_s=5)


def source_of(dee2: Path | str, **settings: Any) -> SourceConfig:
    """Settings of a mirror, in a folder or at an address."""
    return SourceConfig(kind="dee2", **{"dee2": f"{dee2}/dee2", "geo": f"{dee2}/geo", **settings})


def workspace_of(root: Path, mirror: Path, settings: SourceConfig) -> Workspace:
    """A workspace whose studies come from a mirror."""
    root.mkdir(parents=True, exist_ok=True)
    genes = GenesConfig(list=mirror / "genes.tsv.gz")
    return Workspace(root, Config(genes=genes, source=settings, cluster={"tiny": IN_PROCESS}))


def fetch_into(workspace: Workspace, web: WebSettings = QUICK) -> Fetched:
    """Fetch what the workspace asks for."""
    with Lease(workspace.disk) as lease:
        return run_fetch(workspace.raw, workspace.config.source, lease, silent, web)


def source_in(workspace: Workspace) -> Dee2Source:
    """The source of a workspace that was fetched."""
    source = make_source(workspace.config.source, workspace.root)
    assert isinstance(source, Dee2Source)
    return source
