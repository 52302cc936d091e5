"""Credentials of object stores: taken from the environment, never from an address, never told."""

import os
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from storage.errors import InputError

SCHEMES = ("s3", "s3a", "gs", "az", "abfs", "abfss", "adl", "azure")
_SECRET = ("KEY", "SECRET", "TOKEN", "PASSWORD", "CREDENTIAL")
_LONGEST = 300
# Where the client asks for the role of a machine, when it has found nothing else.
_OF_MACHINE = ("169.254.169.254", "169.254.170.2", "metadata.google.internal")


def check_address(url: str) -> None:
    """Raise `InputError` if an address is of no object store, or has credentials in it."""
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.netloc:
        raise InputError(
            f"{_safe(url)} is no address of a bucket; write one such as s3://bucket/prefix "
            f"({', '.join(SCHEMES)})"
        )
    # A secret may have a slash in it, which would end what is taken for the bucket.
    before = url.partition("://")[2].rpartition("@")[0]
    user = "@" in parts.netloc and parts.scheme not in ("abfs", "abfss")
    if user or ":" in before:
        raise InputError(
            f"{_safe(url)} has credentials in it, which would be stored with the results; "
            "leave them out, and set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"
        )
    if parse_qs(parts.query) or parts.fragment:
        raise InputError(f"{_safe(url)} must end with its prefix, without ? and #")


def check_endpoint(url: str) -> None:
    """Raise `InputError` if an endpoint is no http address, or has credentials in it."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or "@" in parts.netloc:
        raise InputError(
            f"endpoint {_safe(url)} must be an http or https address without credentials"
        )


def aws_credentials() -> Callable[[], dict[str, Any]] | None:
    """A provider of credentials from AWS' usual places (profile, SSO, role of the machine).

    None where the environment has them, which the client reads by itself, or where botocore, which
    knows those places, is not installed or finds nothing.
    """
    if "AWS_ACCESS_KEY_ID" in os.environ or "AWS_SKIP_SIGNATURE" in os.environ:
        return None
    try:
        from botocore.session import Session
    except ImportError:
        return None
    found = Session().get_credentials()
    if found is None:
        return None

    def provide() -> dict[str, Any]:
        now = found.get_frozen_credentials()
        return {
            "access_key_id": now.access_key,
            "secret_access_key": now.secret_key,
            "token": now.token,
            "expires_at": None,
        }

    return provide


def without_secrets(error: Exception) -> str:
    """What an error of a client says, on one line, without any secret of the environment."""
    if any(host in str(error) for host in _OF_MACHINE):
        return (
            "no credentials were found in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), in a "
            "profile, or as the role of this machine"
        )
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = lines[0] if lines else type(error).__name__
    for name, value in os.environ.items():
        if len(value) > 3 and any(word in name.upper() for word in _SECRET):
            told = told.replace(value, "…")
    return told if len(told) <= _LONGEST else f"{told[:_LONGEST]}…"


def _safe(url: str) -> str:
    """An address without what stands before an @ or after a ?."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}" if rest else url
