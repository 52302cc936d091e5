"""Projects of DEE2 on remote storage: brought here study by study, and read as from raw/."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from pipeline.sources.dee2 import Dee2Source
from pipeline.sources.file_cache import Wanted, study_cache
from pipeline.sources.receipt import (
    INDEX_KEY,
    RawFile,
    decode_receipt,
    receipt_key,
    studies_of_index,
)
from pipeline.sources.refusal import Refusal
from pipeline.sources.remote_files import RemoteFolder
from pipeline.sources.study_input import StudyInput
from storage.bucket import Bucket
from storage.disk import Disk
from storage.files import Files


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteRaw:
    """What raw/ is, at an address: files by fsspec, and what commits them, receipts and index, by `files`."""

    folder: RemoteFolder

    @property
    def files(self) -> Files:
        """Small files, each put on a condition."""
        url = self.folder.url
        if url.startswith("file://"):
            return Disk(Path(url.removeprefix("file://")))
        return Bucket(url, self.folder.endpoint, self.folder.region)


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteDee2Source:
    """Projects of DEE2 below an address, each named as its SRP.

    `local` reads them as if their files were in its `raw`, which plays no part. Copies of `cache_gib` at most
    stay on each machine.
    """

    raw: RemoteRaw
    local: Dee2Source
    cache_gib: float

    def studies(self) -> list[str]:
        """Projects that were fetched, or tried to, sorted."""
        data = self.raw.files.read(INDEX_KEY)
        return studies_of_index(data, self.raw.folder.url, self.local.selection)

    def fingerprint(self, study: str) -> str:
        """Hash that changes when a file of the study does, by the receipt."""
        with self._folder(study, self._receipt(study)) as raw:
            return replace(self.local, raw=raw).fingerprint(study)

    def read(self, study: str) -> StudyInput:
        """Bring the study's files here, and read them as `Dee2Source` does.

        Raises
        ------
        Refusal
            The study was not fetched, its files are damaged, or nothing of it can be used.
        OSError
            A file can't be had now; the next run tries again.
        """
        data = self._receipt(study)
        if decode_receipt(data) is None:
            raise Refusal(
                "not_fetched", f"{study} is not in {self.raw.folder.url}; run `dexome fetch`"
            )
        with self._folder(study, data) as raw:
            study_cache(self.cache_gib).bring_all(self._wanted(data, raw))
            return replace(self.local, raw=raw).read(study)

    def fetch(self, study: str) -> None:
        """Bring the study's files here, for a `read` that is to come."""
        study_cache(self.cache_gib).bring_all(self._wanted(self._receipt(study), None))

    def _receipt(self, study: str) -> bytes | None:
        return self.raw.files.read(receipt_key(study))

    @contextmanager
    def _folder(self, study: str, receipt: bytes | None) -> Iterator[Path]:
        """What raw/ would be with this study alone, its files still to come."""
        with study_cache(self.cache_gib).folder() as raw:
            if receipt is not None:
                path = raw / receipt_key(study)
                path.parent.mkdir(parents=True)
                path.write_bytes(receipt)
            yield raw

    def _wanted(self, data: bytes | None, raw: Path | None) -> list[Wanted]:
        receipt = decode_receipt(data)
        return [] if receipt is None else [self._file(file, raw) for file in receipt.files]

    def _file(self, file: RawFile, raw: Path | None) -> Wanted:
        target = None
        if raw is not None:
            target = raw / file.key
            target.parent.mkdir(parents=True, exist_ok=True)
        fetch = partial(self.raw.folder.fetch_content, file.key, file.sha256)
        return file.sha256, fetch, target
