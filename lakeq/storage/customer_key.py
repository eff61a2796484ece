"""The customer's own key for objects that S3 keeps encrypted with it (SSE-C): found, checked, never shown."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from dataclasses import replace
from urllib.parse import urlsplit

from lakeq.errors import ConfigError
from lakeq.storage.options import StorageOptions

VARIABLE = "AWS_SSE_CUSTOMER_KEY_BASE64"
_KEY_BYTES = 32
_HERE = ("localhost", "127.0.0.1", "::1")


def with_customer_key(options: StorageOptions) -> StorageOptions:
    """The options with the key of the environment where they have none. ConfigError, which does not repeat
    it, for one that is not 256 bits in base64."""
    text = options.sse_customer_key or os.environ.get(VARIABLE)
    if not text:
        return options
    try:
        is_key = len(base64.b64decode(text, validate=True)) == _KEY_BYTES
    except (binascii.Error, ValueError):
        is_key = False
    if not is_key:
        name = "Storage option 'sse_customer_key'" if options.sse_customer_key else VARIABLE
        raise ConfigError(
            f"{name} must be 256 bits in base64: 44 signs, such as openssl rand -base64 32 gives."
        )
    return replace(options, sse_customer_key=text)


def check_is_safe(options: StorageOptions, service_url: str) -> None:
    """ConfigError where the key would go to another machine in the clear; S3 itself refuses that."""
    parts = urlsplit(service_url)
    if options.sse_customer_key and parts.scheme == "http" and parts.hostname not in _HERE:
        raise ConfigError(
            "Storage option 'sse_customer_key' is not sent over http://. Write https:// in the endpoint."
        )


def decode_key(options: StorageOptions) -> bytes | None:
    """The key itself; None for none."""
    return base64.b64decode(options.sse_customer_key) if options.sse_customer_key else None


def key_headers(options: StorageOptions) -> dict[str, str]:
    """What a request for an object, or for what is known of it, must carry; nothing without a key."""
    key = decode_key(options)
    if key is None:
        return {}
    digest = hashlib.md5(key, usedforsecurity=False).digest()  # S3 checks by it what arrived
    prefix = "x-amz-server-side-encryption-customer"
    return {
        f"{prefix}-algorithm": "AES256",
        f"{prefix}-key": base64.b64encode(key).decode(),
        f"{prefix}-key-MD5": base64.b64encode(digest).decode(),
    }
