"""Where what is fetched is kept: in raw/ of the workspace, or at an address that it is sent to from there."""

from collections.abc import Iterator

from pipeline.fetch.downloads import Downloads
from pipeline.sources.receipt import (
    INDEX_KEY,
    RECEIPTS,
    RawFile,
    Receipt,
    decode_receipt,
    encode_receipt,
    receipt_key,
)
from pipeline.sources.remote_dee2 import RemoteRaw
from storage.files import Files


class Keeper:
    """Receipts and files of studies; a receipt is put when all its files are there.

    With a `remote`, files are fetched and verified on this disk first, and go from it when the study is
    complete there; a killed fetch sends again what has no receipt.
    """

    def __init__(self, downloads: Downloads, remote: RemoteRaw | None = None) -> None:
        self._downloads = downloads
        self._remote = remote
        self._files: Files = downloads.disk if remote is None else remote.files
        self._sent: set[RawFile] = set()
        # Series that no study needs here any more, and those that one does: two studies may share one.
        self._over: set[str] = set()
        self._needed: set[str] = set()
        self._sizes: dict[str, int] = {}
        if remote is not None:
            self._sizes = {file.path: file.size for file in remote.folder.list()}

    def receipt(self, study: str) -> Receipt | None:
        """The receipt of a study, if there is one and its files are there."""
        receipt = decode_receipt(self._files.read(receipt_key(study)))
        if receipt is None or not all(map(self._has, receipt.files)):
            return None
        # A fetch that brings nothing new may keep it, when its files are on this disk no more.
        self._sent.update(receipt.files)
        self._clear(receipt)
        return receipt

    def receipts(self) -> Iterator[Receipt]:
        """All receipts, those of earlier lists too."""
        for key in self._files.list(RECEIPTS):
            receipt = decode_receipt(self._files.read(key))
            if receipt is not None:
                yield receipt

    def send(self, receipt: Receipt) -> None:
        """Send the files of a fetched study to where they are kept; many threads may.

        Raises
        ------
        StoreError
            One can't be sent.
        """
        if self._remote is None:
            return
        for file in receipt.files:
            if file not in self._sent:
                self._remote.folder.send(self._downloads.disk.path(file.key), file.key)
                self._sent.add(file)

    def commit(self, receipt: Receipt) -> None:
        """Put the receipt of a study whose files are there."""
        self._files.put(receipt_key(receipt.study), encode_receipt(receipt))
        self._clear(receipt)

    def finish(self, index: bytes) -> None:
        """Put the list of all studies."""
        self._files.put(INDEX_KEY, index)
        for key in self._over - self._needed:
            self._downloads.forget(key)

    def _has(self, file: RawFile) -> bool:
        """Whether a file of a receipt is there, by its size."""
        if self._remote is None:
            return self._downloads.is_here(file)
        return self._sizes.get(file.key) == file.size

    def _clear(self, receipt: Receipt) -> None:
        """Delete this disk's copies of what is kept elsewhere: counts now, series at the end."""
        if self._remote is None:
            return
        if not receipt.complete:
            self._needed.update(file.key for file in receipt.geo)
            return
        self._over.update(file.key for file in receipt.geo)
        for file in receipt.counts:
            self._downloads.forget(file.key)
