"""Who asks S3: botocore's standard chain (environment, profile, SSO, role, container, instance)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lakeq.errors import AccessDeniedError, ConfigError
from lakeq.storage.endpoints import S3Settings, read_given_settings, read_settings
from lakeq.storage.options import StorageOptions

_KEEP = timedelta(minutes=10)
"""How long obstore may keep what the chain gave, but not beyond its end; botocore renews 15 minutes ahead."""

_REMEDY = (
    "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; or pass profile=, or key= and secret=; "
    "or anonymous=true for a public bucket."
)
_MISCONFIGURED = {
    "ConfigParseError",
    "InfiniteLoopConfigurationError",
    "InvalidConfigError",
    "PartialCredentialsError",
    "UnknownCredentialError",
}
"""botocore's errors whose text is made of the names of profiles and settings, never of their values."""

_WHY = {
    "CredentialRetrievalError": "the credential_process of the profile failed",
    "MetadataRetrievalError": "the container's credential service refused",
    "SSOTokenLoadError": "no SSO login is cached",
    "TokenRetrievalError": "the SSO login cannot be renewed",
    "UnauthorizedSSOTokenError": "the SSO login has expired",
}

Credential = dict[str, Any]
"""`access_key_id`, `secret_access_key`, `token` and `expires_at`, as obstore takes them."""


@dataclass(frozen=True, slots=True)
class S3Access:
    """As whom to ask, and what is configured of where.

    `provider` gives the current credential each time it is called; None: requests are unsigned.
    """

    provider: Callable[[], Credential] | None
    settings: S3Settings


def find_s3_access(location: str, options: StorageOptions) -> S3Access:
    """Settle credentials and settings, the options first, then botocore's chain, read anew on each call.

    ConfigError for options that contradict each other and for a profile that cannot be used;
    AccessDeniedError, saying what was tried, when no credential is found or the one found cannot be had
    (an expired SSO login).
    """
    _check_options(options)
    given = read_given_settings(options)
    if given is not None:
        return S3Access(_static(options), given)
    from botocore.exceptions import BotoCoreError, ClientError, ProfileNotFound
    from botocore.session import Session

    session = Session(profile=options.profile)
    try:
        settings = read_settings(session, options)
        if options.anonymous:
            return S3Access(None, settings)
        if options.key is not None:
            return S3Access(_static(options), settings)
        return S3Access(_chain(session, location), settings)
    except ProfileNotFound as error:
        known = ", ".join(session.available_profiles) or "none"
        name = error.kwargs["profile"]
        raise ConfigError(f"AWS profile not found: '{name}'. Choose from: {known}.") from None
    except (BotoCoreError, ClientError, OSError, ValueError) as error:
        if type(error).__name__ in _MISCONFIGURED:
            raise ConfigError(f"The AWS configuration cannot be used. {error}") from None
        reason = _describe(error)
    # Here, where the error is not its context: it may hold what a credential process or a server wrote.
    raise AccessDeniedError(
        f"AWS credentials for '{location}' could not be had: {reason}. "
        f"Renew them (such as `aws sso login`). {_REMEDY}",
        location,
    )


def _check_options(options: StorageOptions) -> None:
    if (options.key is None) != (options.secret is None):
        raise ConfigError("Storage options 'key' and 'secret' go together: give both or neither.")
    if options.token is not None and options.key is None:
        raise ConfigError("Storage option 'token' needs 'key' and 'secret' for s3://. Give all three.")
    for name in ("key", "requester_pays"):
        if options.anonymous and getattr(options, name):
            raise ConfigError(f"Storage options 'anonymous' and '{name}' contradict. Leave one out.")


def _static(options: StorageOptions) -> Callable[[], Credential]:
    credential = {
        "access_key_id": options.key,
        "secret_access_key": options.secret,
        "token": options.token,
        "expires_at": None,
    }
    return lambda: credential


def _chain(session: Any, location: str) -> Callable[[], Credential]:
    credentials = session.get_credentials()
    if credentials is None:
        tried = ", ".join(p.METHOD for p in session.get_component("credential_provider").providers)
        raise AccessDeniedError(
            f"No AWS credentials found for '{location}' (tried {tried}). {_REMEDY}", location
        )

    def provide() -> Credential:
        now = credentials.get_frozen_credentials()
        keep_until = datetime.now(UTC) + _KEEP
        # botocore shows the end of short-lived credentials nowhere else.
        end = getattr(credentials, "_expiry_time", None)
        return {
            "access_key_id": now.access_key,
            "secret_access_key": now.secret_key,
            "token": now.token,
            "expires_at": keep_until if end is None else min(keep_until, end),
        }

    provide()  # so that an expired login is told here, with its cause, and not by the first request
    return provide


def _describe(error: Exception) -> str:
    """What is wrong, in words that hold no secret."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
    if re.fullmatch(r"\w{1,80}", code):
        return f"AWS answered {code}"
    if isinstance(error, OSError) and error.filename:
        return f"cannot read or run '{error.filename}'"
    kind = type(error).__name__
    return _WHY.get(kind, kind)
