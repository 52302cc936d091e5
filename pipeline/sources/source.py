"""The source that a workspace's settings name: four classes with the same three methods."""

from collections.abc import Mapping
from pathlib import Path

from pipeline.sources.dee2 import Dee2Source
from pipeline.sources.folder import FolderSource
from pipeline.sources.remote import RemoteSource
from pipeline.sources.remote_dee2 import RemoteDee2Source, RemoteRaw
from pipeline.sources.remote_files import RemoteFolder
from pipeline.sources.settings import RAW, SourceConfig, selection_hash
from storage.errors import DexomeError

# All have studies(), fingerprint(study) and read(study), and are sent to workers as they are.
Source = FolderSource | RemoteSource | Dee2Source | RemoteDee2Source


def make_source(settings: SourceConfig, workspace: Path) -> Source:
    """The source of a workspace's studies."""
    if settings.address:
        folder = RemoteFolder(
            url=settings.address, endpoint=settings.endpoint, region=settings.region
        )
        return RemoteSource(folder=folder, cache_gib=settings.cache_gib)
    if settings.kind == "folder":
        return FolderSource(settings.path)
    local = Dee2Source(
        raw=workspace / RAW,
        selection=selection_hash(settings),
        species=settings.species,
        layer=settings.layer,
        qc=settings.qc,
        run_tables=settings.run_tables,
    )
    raw = remote_raw(settings)
    if raw is None:
        return local
    return RemoteDee2Source(raw=raw, local=local, cache_gib=settings.cache_gib)


def remote_raw(settings: SourceConfig) -> RemoteRaw | None:
    """What raw/ is, where that is elsewhere."""
    if not settings.raw:
        return None
    return RemoteRaw(
        folder=RemoteFolder(url=settings.raw, endpoint=settings.endpoint, region=settings.region)
    )


def sources_by_study(source: Source) -> Mapping[str, Source]:
    """Every study, with the source that its task is sent: a remote one knows its files."""
    if isinstance(source, RemoteSource):
        return source.by_study()
    return dict.fromkeys(source.studies(), source)


def fetch_study(source: Source, study: str) -> None:
    """Bring the files of a study to this machine, where they are elsewhere."""
    if isinstance(source, RemoteSource | RemoteDee2Source):
        source.fetch(study)


def why_unreadable(source: RemoteSource | RemoteDee2Source) -> str:
    """Why this process can't read the studies of a remote source; empty: it can."""
    try:
        for study, own in sources_by_study(source).items():
            fetch_study(own, study)
            return ""
    except (OSError, DexomeError) as error:
        return str(error)
    return "there is no study"
