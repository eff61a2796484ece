"""The clouds: how a bucket URL and storage options become an obstore client, and that a BucketStore."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from lakeq.errors import ConfigError
from lakeq.storage.bucket import BucketStore, ExactKeys
from lakeq.storage.credentials import find_s3_access
from lakeq.storage.faults import is_unanswered, translate_obstore_error
from lakeq.storage.options import StorageOptions
from lakeq.storage.s3_keys import S3Keys

_CONNECT_SECONDS = 5.0
_REQUEST = timedelta(minutes=10)
_FIRST_TRY = {"max_retries": 2, "retry_timeout": timedelta(seconds=10)}
"""So that a wrong endpoint is told in seconds; later requests wait out a store that throttles."""


def open_cloud(scheme: str, rest: str, options: StorageOptions) -> BucketStore:
    """The store at `scheme://rest`, after one HEAD. Errors as of open_store."""
    bucket, _, path = rest.partition("/")
    if not bucket:
        raise ConfigError(f"No bucket in '{scheme}://{rest}'. Write {scheme}://bucket/prefix.")
    prefix = path.rstrip("/")
    if scheme in ("s3", "s3a"):
        return _open_s3(bucket, prefix, options)
    for name in ("region", "profile", "requester_pays"):
        if getattr(options, name):
            raise ConfigError(f"Storage option '{name}' is for s3:// only. Leave it out for {scheme}://.")
    build = _google(bucket, options) if scheme in ("gs", "gcs") else _azure(bucket, options)
    return _open_bucket(f"{scheme}://{bucket}", prefix, build, options, options.endpoint_url, None)


def _open_s3(bucket: str, prefix: str, options: StorageOptions) -> BucketStore:
    from obstore.store import S3Store

    access = find_s3_access(f"s3://{bucket}/{prefix}".rstrip("/"), options)
    settings = {
        "region": access.region,  # None: obstore looks at AWS_REGION too
        "endpoint": access.endpoint_url,
        "credential_provider": access.provider,
        "skip_signature": access.provider is None or None,
        "request_payer": options.requester_pays or None,
    }
    exact = partial(S3Keys, bucket, access, options)
    build = partial(S3Store, bucket, **_given(settings))
    return _open_bucket(f"s3://{bucket}", prefix, build, options, access.endpoint_url, exact)


def _google(bucket: str, options: StorageOptions) -> Callable[..., Any]:
    from obstore.store import GCSStore

    if options.key is not None:
        raise ConfigError("Storage options 'key' and 'secret' are not for gs://. Pass token= instead.")
    token_name = "service_account" if (options.token or "").endswith(".json") else "bearer_token"
    settings = {
        "base_url": options.endpoint_url,
        "skip_signature": options.anonymous or None,
        token_name: options.token,
    }
    return partial(GCSStore, bucket, **_given(settings))


def _azure(bucket: str, options: StorageOptions) -> Callable[..., Any]:
    from obstore.store import AzureStore

    container, _, host = bucket.partition("@")
    settings = {
        "account_name": options.key or host.partition(".")[0] or None,
        "account_key": options.secret,
        "sas_key": options.token,
        "endpoint": options.endpoint_url,
        "skip_signature": options.anonymous or None,
    }
    return partial(AzureStore, container, **_given(settings))


def _given(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def _open_bucket(
    bucket_url: str,
    prefix: str,
    build: Callable[..., Any],
    options: StorageOptions,
    endpoint_url: str | None,
    exact: Callable[[], ExactKeys] | None,
) -> BucketStore:
    from obstore.exceptions import BaseError

    client_options = {
        "allow_http": (endpoint_url or "").startswith("http://"),
        "connect_timeout": timedelta(seconds=min(_CONNECT_SECONDS, options.timeout)),
        "read_timeout": timedelta(seconds=options.timeout),
        "timeout": _REQUEST,
    }
    backoff = {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=8), "base": 3}
    patience = timedelta(seconds=options.retry_timeout)
    retry = {"max_retries": 100, "retry_timeout": patience, "backoff": backoff}
    try:
        client = build(client_options=client_options, retry_config=retry)
        first = build(client_options=client_options, retry_config=_FIRST_TRY)
    except (BaseError, ValueError, OSError) as error:
        raise ConfigError(
            f"Cannot open '{bucket_url}': its storage options do not suffice ({type(error).__name__})."
        ) from error
    if _is_object(first, f"{bucket_url}/{prefix}", prefix):
        parent, _, name = prefix.rpartition("/")
        return BucketStore(bucket_url, parent, client, exact, only=name)
    return BucketStore(bucket_url, prefix, client, exact)


def _is_object(client: Any, location: str, key: str) -> bool:
    """Whether `key` is one object. A refusal is left to the listing, which says why."""
    import obstore
    from obstore.exceptions import BaseError

    try:
        return bool(obstore.head(client, key)["path"])
    except (BaseError, OSError, ValueError) as error:
        if is_unanswered(error):
            raise translate_obstore_error(error, location, listed=False) from error
        return False
