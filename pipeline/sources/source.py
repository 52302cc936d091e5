"""The source that a workspace's settings name: two classes with the same three methods."""

from pathlib import Path

from pipeline.sources.dee2 import Dee2Source
from pipeline.sources.folder import FolderSource
from pipeline.sources.settings import RAW, SourceConfig, selection_hash

# Both have studies(), fingerprint(study) and read(study), and are sent to workers as they are.
Source = FolderSource | Dee2Source


def make_source(settings: SourceConfig, workspace: Path) -> Source:
    """The source of a workspace's studies."""
    if settings.kind == "folder":
        return FolderSource(settings.path)
    return Dee2Source(
        raw=workspace / RAW,
        selection=selection_hash(settings),
        species=settings.species,
        layer=settings.layer,
        qc=settings.qc,
        run_tables=settings.run_tables,
    )
