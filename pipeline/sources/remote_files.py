"""Files below an address of fsspec (s3, gs, …): listed in few requests, and known by their version."""

import errno
import hashlib
import os
import re
import time
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from storage.credentials import without_secrets
from storage.errors import InputError, StoreError

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*)://(.+)")
_S3 = ("s3", "s3a")
# Their addresses name the container before the @.
_AZURE = ("abfs", "abfss")
# What changes with the content, in the words of each file system, the surest first; else its time.
_VERSIONS = ("ETag", "etag", "e_tag", "generation", "md5Hash")
_TIMES = ("mtime", "LastModified", "last_modified", "updated", "created")
_MD5 = re.compile(r"[0-9a-f]{32}")
# Beside the client's own retries.
_TRIES = 3
_PAUSE_S = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteFile:
    """A file as it was listed: its path below the address, its bytes, and what changes with its content."""

    path: str
    size: int
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteFolder:
    """All files below `url`; credentials are those of each process: its environment, fsspec's own settings.

    `endpoint` and `region` are those of a store that speaks S3, where the environment does not tell.
    """

    url: str
    endpoint: str | None = None
    region: str | None = None

    def list(self, below: str = "") -> list[RemoteFile]:
        """Files below the address, or below a folder of it, at any depth, by path.

        Object stores tell a thousand at a request.

        Raises
        ------
        InputError
            They can't be listed, or the package that speaks to the store is missing.
        """
        try:
            system, root = _open(self.url, self.endpoint, self.region)
            system.invalidate_cache()
            found = system.find(f"{root}/{below}" if below else root, detail=True)
        except FileNotFoundError:
            return []
        except ImportError as error:
            raise InputError(
                f"{self.url} can't be read: {error}; for s3 install the extra: pip install 'dexome[s3]'"
            ) from error
        except Exception as error:
            # Each file system has errors of its own.
            raise InputError(
                f"{self.url} can't be listed: {_told(error)}; check the address, the connection, and the "
                "credentials in the environment"
            ) from error
        files = [
            RemoteFile(
                path=name[len(root) :].strip("/"), size=int(info["size"]), version=_version(info)
            )
            for name, info in found.items()
            if info["type"] == "file" and not name.endswith("/") and name.startswith(f"{root}/")
        ]
        return sorted(files, key=lambda file: file.path)

    def fetch(self, file: RemoteFile, target: Path) -> None:
        """Write a file as it was listed to `target`.

        Raises
        ------
        OSError
            It can't be had, or has changed since: the next run lists it anew.
        StoreError
            The disk of `target` is full.
        """
        self._get(file.path, target)
        if not self._is_listed(file, target):
            raise OSError(
                f"{self.url}/{file.path} has changed since it was listed; run the command again"
            )

    def fetch_content(self, path: str, sha256: str, target: Path) -> None:
        """Write the file at `path`, which has this SHA-256 in hexadecimal, to `target`; see `fetch`."""
        self._get(path, target)
        with target.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
        if found != sha256:
            raise OSError(
                f"{self.url}/{path} has other bytes than its receipt says; delete it and run `dexome fetch`"
            )

    def send(self, source: Path, path: str) -> None:
        """Put a file of this machine at `path`, in the place of what is there.

        Raises
        ------
        StoreError
            It can't be put.
        """
        system, root = _open(self.url, self.endpoint, self.region)
        place = f"{root}/{path}"
        try:
            system.put_file(str(source), place)
            system.invalidate_cache()
            size = system.info(place)["size"]
        except Exception as error:
            # Each file system has errors of its own.
            raise StoreError(
                f"cannot write {self.url}/{path}: {_told(error)}; check the connection and the rights, and "
                "run the same command again"
            ) from error
        if size != source.stat().st_size:
            raise StoreError(f"{self.url}/{path} came cut short; run the same command again")

    def _get(self, path: str, target: Path) -> None:
        system, root = _open(self.url, self.endpoint, self.region)
        for attempt in range(1, _TRIES + 1):
            try:
                system.get_file(f"{root}/{path}", str(target))
                return
            except Exception as error:
                # Each file system has errors of its own.
                if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise StoreError(
                        f"cannot write {target.parent}: the disk is full; free space, or set TMPDIR to a "
                        "folder with more, and run the same command again"
                    ) from error
                if attempt == _TRIES or isinstance(error, (FileNotFoundError, PermissionError)):
                    raise OSError(
                        f"{self.url}/{path} can't be fetched: {_told(error)}; the next run tries again"
                    ) from error
            time.sleep(_PAUSE_S * attempt)

    def _is_listed(self, file: RemoteFile, target: Path) -> bool:
        """Whether what came is what was listed."""
        if target.stat().st_size != file.size:
            return False
        if _MD5.fullmatch(file.version):
            # Most stores tell the hash of an object that was put in one piece.
            with target.open("rb") as opened:
                digest = hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False))
            if digest.hexdigest() == file.version:
                return True
        system, root = _open(self.url, self.endpoint, self.region)
        system.invalidate_cache()
        try:
            return _version(system.info(f"{root}/{file.path}")) == file.version
        except FileNotFoundError:
            return False


def is_address(text: str) -> bool:
    """Whether a setting is an address of a file system, not a path."""
    return "://" in text


def check_address(url: str) -> None:
    """Raise `ValueError` if an address can't be used, or has credentials in it; the message has none.

    Addresses get into results and logs.
    """
    scheme, _, rest = url.partition("://")
    before, at, after = rest.rpartition("@")
    shown = f"{scheme}://{(after if at else rest).partition('?')[0]}"
    if at and (":" in before or ("/" not in before and scheme not in _AZURE)):
        raise ValueError(
            f"{shown} has credentials in it, which would be stored and logged; leave them out, and set them "
            "in the environment (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY)"
        )
    if "?" in rest and scheme != "file":
        raise ValueError(
            f"{shown} must end with its prefix, without ?; credentials and options are set in the environment"
        )
    if not _ADDRESS.fullmatch(url):
        raise ValueError(f"{shown} is no address; write one such as s3://bucket/studies")


@lru_cache(maxsize=8)
def _open(url: str, endpoint: str | None, region: str | None) -> tuple[Any, str]:
    """The file system of an address and the path in it, once in each process."""
    from fsspec.core import url_to_fs

    # Object stores have no folders, disks do.
    options: dict[str, Any] = {"auto_mkdir": True} if url.startswith("file://") else {}
    if url.partition("://")[0] in _S3:
        options = {"endpoint_url": endpoint} if endpoint else {}
        # What `storage` and most clients read of the environment, and botocore does not.
        if region := region or os.environ.get("AWS_REGION"):
            options["client_kwargs"] = {"region_name": region}
    system, root = url_to_fs(url, **options)
    return system, root.rstrip("/")


def _version(info: dict[str, Any]) -> str:
    for name in (*_VERSIONS, *_TIMES):
        value = info.get(name)
        if isinstance(value, datetime):
            # Some tell a number in a list of files and a date of one file.
            value = value.timestamp()
        if value is not None:
            return str(value).strip('"')
    return ""


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {without_secrets(error)}"
