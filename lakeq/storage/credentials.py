"""Who asks S3: botocore's standard chain (environment, profile, SSO, role, container, instance)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from lakeq.errors import AccessDeniedError, ConfigError
from lakeq.storage.options import StorageOptions

_KEEP = timedelta(minutes=10)
"""How long obstore may keep what the chain gave; botocore renews expiring credentials 15 minutes ahead."""

_REMEDY = (
    "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; or pass profile=, or key= and secret=; "
    "or anonymous=true for a public bucket."
)

Credential = dict[str, Any]
"""`access_key_id`, `secret_access_key`, `token` and `expires_at`, as obstore takes them."""


@dataclass(frozen=True, slots=True)
class S3Access:
    """Where and as whom to ask. `provider` gives the current credential; None: requests are unsigned."""

    provider: Callable[[], Credential] | None
    region: str | None
    endpoint_url: str | None


def find_s3_access(location: str, options: StorageOptions) -> S3Access:
    """Settle credentials, region and endpoint, the options first, then botocore's chain.

    ConfigError for a profile that does not exist; AccessDeniedError, saying what was tried, when no
    credential is found or the one found cannot be had (an expired SSO login).
    """
    if options.key is not None and options.region and options.endpoint_url:
        return S3Access(_static(options), options.region, options.endpoint_url)
    from botocore.configprovider import ConfiguredEndpointProvider
    from botocore.exceptions import BotoCoreError, ProfileNotFound
    from botocore.session import Session

    session = Session(profile=options.profile)
    try:
        region = options.region or session.get_config_variable("region")
        endpoint = (
            options.endpoint_url
            or ConfiguredEndpointProvider(session.full_config, session.get_scoped_config(), "s3").provide()
        )
        if options.anonymous:
            return S3Access(None, region, endpoint)
        if options.key is not None:
            return S3Access(_static(options), region, endpoint)
        return S3Access(_chain(session, location), region, endpoint)
    except ProfileNotFound as error:
        known = ", ".join(session.available_profiles) or "none"
        name = error.kwargs["profile"]
        raise ConfigError(f"AWS profile not found: '{name}'. Choose from: {known}.") from error
    except BotoCoreError as error:
        raise AccessDeniedError(
            f"AWS credentials for '{location}' could not be had ({type(error).__name__}). "
            f"Renew them (such as `aws sso login`). {_REMEDY}",
            location,
        ) from error


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
        return {
            "access_key_id": now.access_key,
            "secret_access_key": now.secret_key,
            "token": now.token,
            "expires_at": datetime.now(UTC) + _KEEP,
        }

    provide()  # so that an expired login is told here, with its cause, and not by the first request
    return provide
