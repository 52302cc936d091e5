"""A bucket in the memory of this process, of the client's own making: it keeps conditional puts."""

from functools import cache

from obstore.store import MemoryStore

from storage.bucket import Bucket


class MemoryBucket(Bucket):
    """The bucket of an address, for as long as the process lives."""

    __slots__ = ()

    @property
    def _store(self) -> MemoryStore:
        return _open(self.url)


@cache
def _open(url: str) -> MemoryStore:
    del url
    return MemoryStore()
