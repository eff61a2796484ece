"""The clouds: how a bucket URL and storage options become an obstore client, and that a BucketStore."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, Literal

from lakeq.errors import ConfigError
from lakeq.storage.bucket import BucketStore, ExactKeys
from lakeq.storage.credentials import S3Access, find_s3_access
from lakeq.storage.customer_key import check_is_safe, with_customer_key
from lakeq.storage.endpoints import S3Endpoint, find_endpoint, find_moved
from lakeq.storage.faults import is_elsewhere, is_unanswered, translate_obstore_error
from lakeq.storage.forks import check_clients
from lakeq.storage.options import StorageOptions
from lakeq.storage.pages import PageLister
from lakeq.storage.s3_keys import S3Keys
from lakeq.storage.s3_listing import S3Listing, load_botocore
from lakeq.storage.workers import begin

_CONNECT_SECONDS = 5.0
_REQUEST = timedelta(minutes=10)
_FIRST_TRY = {"max_retries": 2, "retry_timeout": timedelta(seconds=10)}
"""So that a wrong endpoint is told in seconds; later requests wait out a store that throttles."""

_S3_ONLY = ("region", "profile", "requester_pays", "addressing_style", "sse_customer_key")
_INSUFFICIENT = {
    "MissingAccount": "no storage account. Write abfs://container@account/…, pass key= (the account's name) "
    "or set AZURE_STORAGE_ACCOUNT_NAME",
    "InvalidAccessKey": "the account's key is not base64. Check secret=",
    "Sas": "the SAS token is not one. Check token=",
    "OpenCredentials": "the service account's file cannot be read. Check token=",
    "DecodeCredentials": "the service account's file is not one. Check token=",
    "root_certificate": "no certificate in the file that AWS_CA_BUNDLE names",
}
"""obstore's words for what is missing. Its whole text is not repeated: it may hold parts of a secret."""

_Found = Literal["object", "nothing", "elsewhere"]


def open_cloud(scheme: str, rest: str, options: StorageOptions) -> BucketStore:
    """The store at `scheme://rest`, after one HEAD. Errors as of open_store."""
    bucket, _, path = rest.partition("/")
    if not bucket:
        raise ConfigError(f"No bucket in '{scheme}://{rest}'. Write {scheme}://bucket/prefix.")
    is_azure = scheme in ("az", "abfs", "abfss")
    if ":" in bucket or ("@" in bucket and not is_azure):
        raise ConfigError(f"No credentials in a {scheme}:// location, please. Pass them as storage options.")
    prefix = path.rstrip("/")
    if scheme in ("s3", "s3a"):
        return _open_s3(bucket, prefix, options)
    for name in _S3_ONLY:
        if getattr(options, name):
            raise ConfigError(f"Storage option '{name}' is for s3:// only. Leave it out for {scheme}://.")
    url = f"{scheme}://{bucket}"
    build = partial(_azure if is_azure else _google, bucket, options)
    found = _ask(_build(url, build, options, first=True), f"{url}/{prefix}", prefix)
    return _make_store(url, prefix, _build(url, build, options), found, options)


def _open_s3(bucket: str, prefix: str, options: StorageOptions) -> BucketStore:
    url = f"s3://{bucket}"
    options = with_customer_key(options)
    access = find_s3_access(f"{url}/{prefix}".rstrip("/"), options)
    endpoint = find_endpoint(bucket, access.settings, options.timeout)
    check_is_safe(options, endpoint.service_url)
    build = partial(_s3, endpoint, access, options)
    begin(load_botocore)  # while the bucket is asked
    found = _ask(_build(url, build, options, first=True), f"{url}/{prefix}", prefix)
    if found == "elsewhere":
        moved = find_moved(endpoint, access.settings, options.timeout)
        if moved is not None:
            endpoint = moved
            build = partial(_s3, endpoint, access, options)
            found = _ask(_build(url, build, options, first=True), f"{url}/{prefix}", prefix)
    exact = partial(S3Keys, endpoint, access, options)
    is_fixed = options.key is not None or options.anonymous
    renew = None if is_fixed else partial(_renew_s3, url, endpoint, options)
    lister = partial(S3Listing, endpoint, access, options)
    return _make_store(url, prefix, _build(url, build, options), found, options, exact, renew, lister)


def _renew_s3(url: str, endpoint: S3Endpoint, options: StorageOptions) -> Any:
    """A client with the credentials that the chain gives now: obstore keeps those of a client."""
    return _build(url, partial(_s3, endpoint, find_s3_access(url, options), options), options)


def _s3(endpoint: S3Endpoint, access: S3Access, options: StorageOptions, **how: Any) -> Any:
    from obstore.store import S3Store

    # All is said, for obstore reads the environment too, and in another order than AWS's tools.
    settings: dict[str, Any] = {
        "region": endpoint.region,
        "aws_endpoint_url_s3": endpoint.url if endpoint.virtual else endpoint.service_url,
        "virtual_hosted_style_request": endpoint.virtual,
        "credential_provider": access.provider,
        "skip_signature": access.provider is None,
        "request_payer": options.requester_pays,
    }
    if options.sse_customer_key:
        settings["server_side_encryption"] = "sse-c"
        settings["sse_customer_key_base64"] = options.sse_customer_key
    how["client_options"]["allow_http"] = endpoint.service_url.startswith("http://")
    if access.settings.ca_bundle:
        how["client_options"]["root_certificate"] = _read_certificates(access.settings.ca_bundle)
    return S3Store(endpoint.bucket, **settings, **how)


def _read_certificates(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise ConfigError(f"Cannot read the certificates of AWS_CA_BUNDLE: '{path}'.") from error


def _google(bucket: str, options: StorageOptions, **how: Any) -> Any:
    from obstore.store import GCSStore

    if options.key is not None or options.secret is not None:
        raise ConfigError("Storage options 'key' and 'secret' are not for gs://. Pass token= instead.")
    token_name = "service_account" if (options.token or "").endswith(".json") else "bearer_token"
    settings = {
        "base_url": options.endpoint_url,
        "skip_signature": options.anonymous or None,
        token_name: options.token,
    }
    how["client_options"]["allow_http"] = (options.endpoint_url or "").startswith("http://")
    return GCSStore(bucket, **_given(settings), **how)


def _azure(bucket: str, options: StorageOptions, **how: Any) -> Any:
    from obstore.store import AzureStore

    container, _, host = bucket.partition("@")
    account, _, domain = host.partition(".")
    settings = {
        # AZURE_STORAGE_ACCOUNT is what Azure's own command line reads; obstore knows the longer name.
        "account_name": options.key or account or os.environ.get("AZURE_STORAGE_ACCOUNT"),
        "account_key": options.secret,
        "sas_key": options.token.removeprefix("?") if options.token else None,
        "endpoint": options.endpoint_url or _find_azure_url(account, domain),
        "use_fabric_endpoint": domain.endswith("fabric.microsoft.com") or None,
        "skip_signature": options.anonymous or None,
    }
    how["client_options"]["allow_http"] = (options.endpoint_url or "").startswith("http://")
    return AzureStore(container, **_given(settings), **how)


def _find_azure_url(account: str, domain: str) -> str | None:
    """The blob endpoint of an account in a national cloud; None: obstore knows it."""
    if not domain or domain.endswith(("core.windows.net", "fabric.microsoft.com")):
        return None
    return f"https://{account}.blob.{domain.removeprefix('dfs.').removeprefix('blob.')}"


def _given(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value is not None}


def _build(url: str, build: Callable[..., Any], options: StorageOptions, first: bool = False) -> Any:
    """A client by `build`; `first`: for the first request, which tells wrong options in seconds."""
    from obstore.exceptions import BaseError

    check_clients(url)
    client = {
        "connect_timeout": timedelta(seconds=min(_CONNECT_SECONDS, options.timeout)),
        "read_timeout": timedelta(seconds=options.timeout),
        "timeout": _REQUEST,
    }
    # Later requests are tried again by the store itself, which presses less on a server that asks for that.
    retry = {"max_retries": 0, "retry_timeout": timedelta(0)}
    try:
        return build(client_options=client, retry_config=_FIRST_TRY if first else retry)
    except (BaseError, ValueError, OSError) as error:
        text = str(error)
        why = next((why for word, why in _INSUFFICIENT.items() if word in text), type(error).__name__)
    raise ConfigError(f"Cannot open '{url}': its storage options do not suffice: {why}.")


def _ask(client: Any, location: str, key: str) -> _Found:
    """What `key` is by one HEAD. A refusal is left to the listing, which says why."""
    import obstore
    from obstore.exceptions import BaseError

    try:
        return "object" if obstore.head(client, key)["path"] else "nothing"
    except (BaseError, OSError, ValueError) as error:
        if is_unanswered(error):
            raise translate_obstore_error(error, location, listed=False) from error
        return "elsewhere" if is_elsewhere(error) else "nothing"


def _make_store(
    url: str,
    prefix: str,
    client: Any,
    found: _Found,
    options: StorageOptions,
    exact: Callable[[], ExactKeys] | None = None,
    renew: Callable[[], Any] | None = None,
    lister: Callable[[], PageLister] | None = None,
) -> BucketStore:
    parent, _, name = prefix.rpartition("/")
    only = name if found == "object" else None
    root = prefix if only is None else parent
    return BucketStore(url, root, client, exact, only, options.retry_timeout, renew, lister)
