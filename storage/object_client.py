"""The client of an object store: how it is made, how patient it is, and what of it can be relied on."""

import os
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from storage.credentials import aws_credentials, without_secrets
from storage.errors import InputError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

# What the client retries by itself: answers 5xx, and connections that could not be made.
_RETRIES: dict[str, Any] = {
    "max_retries": 10,
    "backoff": {
        "init_backoff": timedelta(milliseconds=100),
        "max_backoff": timedelta(seconds=5),
        "base": 2,
    },
    "retry_timeout": timedelta(seconds=90),
}
# Where the client looks for another store than Amazon's.
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_CLIENT: dict[str, Any] = {"timeout": "300s", "connect_timeout": "10s"}

_NO_RANGES = "non-partial response"


@cache
def open_client(url: str, endpoint: str | None, region: str | None) -> "ObjectStore":
    """The client of a bucket, one for each process."""
    try:
        from obstore.store import from_url
    except ImportError as error:
        raise InputError(
            f"{url} needs obstore; install it with: pip install 'dexome[s3]'"
        ) from error
    config: dict[str, Any] = {}
    client = dict(_CLIENT)
    if endpoint:
        config["endpoint"] = endpoint
    named = [endpoint] if endpoint else [os.environ.get(name, "") for name in _ENDPOINTS]
    if any(address.startswith("http://") for address in named):
        client["allow_http"] = True
    if region:
        config["region"] = region
    more: dict[str, Any] = {}
    if url.startswith(("s3://", "s3a://")) and (provider := aws_credentials()):
        more["credential_provider"] = provider
    factory: Any = from_url
    try:
        return cast(
            "ObjectStore",
            factory(
                url,
                config=config or None,
                client_options=client,
                retry_config=_RETRIES,
                **more,
            ),
        )
    except Exception as error:
        raise InputError(f"{url} is refused: {without_secrets(error)}") from None


def get_range(store: "ObjectStore", key: str, start: int, stop: int | None) -> bytes:
    """Bytes `start` to `stop` of an object, as a slice has them."""
    import obstore
    from obstore import exceptions

    wanted: Any = (start, stop)
    if start < 0:
        wanted = {"suffix": -start}
    elif stop is None:
        wanted = {"offset": start}
    try:
        return bytes(obstore.get(store, key, options={"range": wanted}).bytes())
    except exceptions.GenericError as error:
        if _NO_RANGES not in str(error):
            raise
    # Some stores (rclone's) answer a range as if all was asked for, which the client refuses.
    return bytes(obstore.get(store, key).bytes())[start:stop]


def is_final(error: Exception) -> bool:
    """Whether trying again is of no use."""
    from obstore import exceptions

    return isinstance(
        error,
        exceptions.PermissionDeniedError
        | exceptions.UnauthenticatedError
        | exceptions.NotSupportedError
        | exceptions.InvalidPathError,
    )


def is_refused(store: "ObjectStore", key: str, mode: Any) -> bool:
    """Whether a put whose condition does not hold is refused."""
    import obstore
    from obstore import exceptions

    try:
        obstore.put(store, key, b"replaced", mode=mode, use_multipart=False)
    except (exceptions.AlreadyExistsError, exceptions.PreconditionError):
        return True
    except exceptions.NotSupportedError:
        pass
    return False
