"""How a store is reached: the storage options that users may give, checked."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from lakeq.errors import ConfigError

ADDRESSING_STYLES = ("auto", "path", "virtual")

_PASSWORD = re.compile(r"://[^/]*?:(?!\d*(?:/|$)).*@", re.DOTALL)
"""A colon in the place of the host that is not that of a port, and an @ after it."""
_SIGNED = re.compile(
    r"https?://[^?]*\?|://[^?]*\?(?:.*[&;])?[^=&]*(?:sig|token|secret|passw|credential|key|auth)[^=&]*=",
    re.IGNORECASE | re.DOTALL,
)
"""A query in a web address; in another URL, where names may hold a `?`, one that is called like a key."""


@dataclass(frozen=True, slots=True)
class StorageOptions:
    """Options of cloud stores, named as fsspec's filesystems name them where they do.

    `endpoint_url`, `region`, `profile`, `anonymous`, `requester_pays` and `addressing_style` (one of
    ADDRESSING_STYLES; None: as the AWS configuration says, else auto) say where and as whom.
    `key` and `secret` are the access key (S3) or the account name and key (Azure); `token` is the
    session token (S3), an access token or the path of a service account's JSON (Google), or a SAS
    token (Azure). `timeout` is the longest silence of a server in seconds; `retry_timeout` how long,
    in seconds, a request is tried again after throttling and faults. `sse_customer_key` is the key, 256 bits
    in base64, of objects that S3 keeps encrypted with their owner's own (SSE-C).
    """

    endpoint_url: str | None = None
    region: str | None = None
    profile: str | None = None
    anonymous: bool = False
    key: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    requester_pays: bool = False
    addressing_style: str | None = None
    timeout: float = 20.0
    retry_timeout: float = 90.0
    sse_customer_key: str | None = field(default=None, repr=False)


class GivenOptions(dict[str, Any]):
    """Storage options as given, which show no value: a traceback may be told with those of its variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<storage options: {', '.join(map(str, self)) or 'none'}>"


SECRET_OPTIONS = tuple(option.name for option in fields(StorageOptions) if not option.repr)
_CHOICES = ", ".join(option.name for option in fields(StorageOptions))


def parse_options(given: Mapping[str, Any]) -> StorageOptions:
    """The options as given. ConfigError names an unknown option with the nearest one, or a wrong value."""
    _check_values(given)
    options = StorageOptions(**given)
    if options.addressing_style not in (None, *ADDRESSING_STYLES):
        choices = ", ".join(ADDRESSING_STYLES)
        raise ConfigError(f"Storage option 'addressing_style' must be one of {choices}.")
    if options.endpoint_url is not None:
        check_endpoint_url(options.endpoint_url, "Storage option 'endpoint_url'")
    return options


def check_endpoint_url(url: str, what: str) -> None:
    """ConfigError, which does not repeat the `url` of `what`, unless it is one of a server and no more."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not url.isprintable():
        raise ConfigError(f"{what} must be a URL such as https://host or http://localhost:9000.")
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigError(f"{what} must hold a host and no credentials. Pass key= and secret= instead.")


def check_location(location: str, what: str) -> None:
    """ConfigError, which does not repeat the `location` of `what`, for a URL with a password or a signature
    in it: URLs are shown, and kept with catalogs and histories."""
    if _PASSWORD.search(location):
        raise ConfigError(
            f"The URL of {what} holds a password. Leave it out, and pass it as a storage option: username=, "
            "password=, or what the filesystem calls them."
        )
    if _SIGNED.search(location):
        raise ConfigError(
            f"The URL of {what} holds what may be a key, after the '?'. A signed URL opens one file and "
            "lists none: give the folder's own, such as s3://bucket/folder or az://container/folder, and the "
            "key as a storage option."
        )


def strip_password(location: str) -> str:
    """The location without the user and the password that `check_location` would refuse."""
    return _PASSWORD.sub("://", location)


def _check_values(given: Mapping[str, Any]) -> None:
    known = {option.name: option for option in fields(StorageOptions)}
    for name in given:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean '{near[0]}'?" if near else f"Choose from {_CHOICES}."
            raise ConfigError(f"Unknown storage option: '{name}'. {hint}")
        _check_value(name, given[name], known[name].default)


def _check_value(name: str, value: Any, default: Any) -> None:
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise ConfigError(f"Storage option '{name}' must be true or false.")
    elif isinstance(default, float):
        if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
            raise ConfigError(f"Storage option '{name}' must be a number of seconds above 0.")
    elif value is not None and not isinstance(value, str):
        raise ConfigError(f"Storage option '{name}' must be text.")
