"""Tiny workspaces whose studies are on remote storage: copied to an address of fsspec."""

from dataclasses import replace
from pathlib import Path

from fsspec.core import url_to_fs

from pipeline.sources.settings import SourceConfig
from pipeline.workspace import Workspace


def upload(folder: Path, url: str) -> None:
    """Copy every file below a folder to an address."""
    system, root = url_to_fs(url)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            target = f"{root}/{path.relative_to(folder).as_posix()}"
            system.makedirs(target.rpartition("/")[0], exist_ok=True)
            system.pipe_file(target, path.read_bytes())


def on_remote(workspace: Workspace, root: Path, url: str) -> Workspace:
    """The same studies at an address, and a workspace `root` that reads them there."""
    upload(workspace.config.source.path, url)
    return Workspace(root, replace(workspace.config, source=SourceConfig(address=url)))
