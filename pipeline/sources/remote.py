"""A folder of studies on remote storage: each study's files are brought here, and read as from a folder."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path

from pipeline.sources.file_cache import study_cache
from pipeline.sources.folder import FolderSource, files_read
from pipeline.sources.remote_files import RemoteFile, RemoteFolder
from pipeline.sources.study_input import StudyInput
from storage.hashing import hash_json


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteSource:
    """Studies below an address, each named as its folder.

    `listed` are the files of one study, as they were listed with those of all others; without it a study is
    listed when it is asked for. Copies of `cache_gib` at most stay on each machine.
    """

    folder: RemoteFolder
    cache_gib: float
    listed: tuple[RemoteFile, ...] | None = None

    def studies(self) -> list[str]:
        """Names of the studies, sorted; a folder without counts is one too, and is refused later."""
        return list(self.by_study())

    def by_study(self) -> dict[str, "RemoteSource"]:
        """Every study, in order, with a source that knows its files: all are listed at once.

        Raises
        ------
        InputError
            They can't be listed.
        """
        files = [file for file in self.folder.list() if "/" in file.path]
        grouped = {
            study: replace(self, listed=tuple(own)) for study, own in groupby(files, key=_study_of)
        }
        return {study: grouped[study] for study in sorted(grouped) if not study.startswith(".")}

    def fingerprint(self, study: str) -> str:
        """Hash that changes when a table of the study does: of names, sizes and versions, by the listing."""
        told = [f"{_name_of(file)}\t{file.size}\t{file.version}" for file in self._files(study)]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()

    def read(self, study: str) -> StudyInput:
        """Bring the study's files here, and read them as `FolderSource` does.

        Raises
        ------
        Refusal
            There are no counts, a table can't be used, or the two do not fit together.
        OSError
            A file can't be had now; the next run tries again.
        """
        with study_cache(self.cache_gib).folder() as root:
            (root / study).mkdir()
            self._bring(self._files(study), root / study)
            return FolderSource(root).read(study)

    def fetch(self, study: str) -> None:
        """Bring the study's files here, for a `read` that is to come."""
        self._bring(self._files(study), None)

    def _files(self, study: str) -> list[RemoteFile]:
        """Those of the study's files that are read."""
        files = self.folder.list(study) if self.listed is None else self.listed
        own = {file.path: file for file in files if _study_of(file) == study}
        names = files_read([path.partition("/")[2] for path in own])
        return [own[f"{study}/{name}"] for name in names]

    def _bring(self, files: Sequence[RemoteFile], folder: Path | None) -> None:
        """Have the files here, linked into `folder`."""
        study_cache(self.cache_gib).bring_all(
            [
                (
                    self._key(file),
                    partial(self.folder.fetch, file),
                    folder and folder / _name_of(file),
                )
                for file in files
            ]
        )

    def _key(self, file: RemoteFile) -> str:
        """Under which a copy is kept: other content has another key."""
        place = [self.folder.url, self.folder.endpoint, file.path]
        return hash_json([*place, file.size, file.version])


def _study_of(file: RemoteFile) -> str:
    return file.path.partition("/")[0]


def _name_of(file: RemoteFile) -> str:
    return file.path.partition("/")[2]
