"""Where a bucket of S3 is asked: region, server, and whether its name goes into the host or the path."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from lakeq.errors import ConfigError
from lakeq.storage.options import ADDRESSING_STYLES, StorageOptions, check_endpoint_url

_DEFAULT_REGION = "us-east-1"
_REGION = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_HOST_LABEL = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
"""Buckets named so may stand in a host: no dot, which the certificate of AWS would not cover."""
_AWS_HOST = re.compile(r"s3[.-][a-z0-9.-]*amazonaws\.com(\.cn)?")
"""AWS's own servers; those of a VPC (`bucket.vpce-….vpce.amazonaws.com`) want the bucket in the path."""


@dataclass(frozen=True, slots=True)
class S3Settings:
    """What options, environment and AWS configuration say of the place; None: nothing.

    `dualstack` and `fips` choose among AWS's own servers. `ca_bundle` is a PEM file to trust.
    """

    region: str | None = None
    endpoint_url: str | None = None
    addressing_style: str = "auto"
    dualstack: bool = False
    fips: bool = False
    ca_bundle: str | None = None


@dataclass(frozen=True, slots=True)
class S3Endpoint:
    """Where one bucket is asked. `service_url` is the server's, without the bucket."""

    bucket: str
    region: str
    service_url: str
    virtual: bool

    @property
    def url(self) -> str:
        """The URL of the bucket itself, without a slash at its end."""
        if not self.virtual:
            return f"{self.service_url}/{self.bucket}"
        scheme, _, rest = self.service_url.partition("://")
        return f"{scheme}://{self.bucket}.{rest}"


def read_settings(session: Any, options: StorageOptions) -> S3Settings:
    """What `options`, then the environment and the profile of botocore's `session`, say.

    ConfigError for a value that cannot be used; botocore's errors for a profile that cannot be read.
    """
    asked = session.get_config_variable
    section = session.get_scoped_config().get("s3")
    s3 = section if isinstance(section, dict) else {}
    endpoint_url = options.endpoint_url or _configured_endpoint(session)
    style = options.addressing_style or s3.get("addressing_style") or "auto"
    if style not in ADDRESSING_STYLES:
        choices = ", ".join(ADDRESSING_STYLES)
        raise ConfigError(f"s3.addressing_style in the AWS configuration must be one of {choices}.")
    if endpoint_url:
        check_endpoint_url(endpoint_url, "The endpoint URL in the AWS configuration")
    return S3Settings(
        # botocore does not know AWS_REGION, the name that AWS's other tools share.
        region=options.region or os.environ.get("AWS_REGION") or asked("region") or None,
        endpoint_url=endpoint_url,
        addressing_style=style,
        dualstack=bool(asked("use_dualstack_endpoint")) or s3.get("use_dualstack_endpoint") == "true",
        fips=bool(asked("use_fips_endpoint")),
        ca_bundle=asked("ca_bundle") or None,
    )


def read_given_settings(options: StorageOptions) -> S3Settings | None:
    """What `options` say where no AWS configuration can add to them, without botocore; else None."""
    config = os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config"
    whole = options.key is not None and options.region and options.endpoint_url
    if not whole or options.profile or os.path.exists(os.path.expanduser(config)):
        return None
    return S3Settings(
        region=options.region,
        endpoint_url=options.endpoint_url,
        addressing_style=options.addressing_style or "auto",
        ca_bundle=os.environ.get("AWS_CA_BUNDLE") or None,
    )


def find_endpoint(bucket: str, settings: S3Settings, timeout: float) -> S3Endpoint:
    """Where `bucket` is asked by `settings`.

    AWS is asked for the region where none is configured; other servers want none, and get us-east-1.
    """
    endpoint = _place(bucket, settings, settings.region or _DEFAULT_REGION)
    if settings.region or not is_aws(endpoint.service_url):
        return endpoint
    return find_moved(endpoint, settings, timeout) or endpoint


def find_moved(endpoint: S3Endpoint, settings: S3Settings, timeout: float) -> S3Endpoint | None:
    """The endpoint in the bucket's own region, by one unsigned HEAD; None: unknown, or it is the same."""
    region = _ask_region(endpoint, settings, timeout)
    if region is None or region == endpoint.region:
        return None
    return _place(endpoint.bucket, settings, region)


def _configured_endpoint(session: Any) -> str | None:
    from botocore.configprovider import ConfiguredEndpointProvider

    if session.get_config_variable("ignore_configured_endpoint_urls"):
        return None
    chain = ConfiguredEndpointProvider(session.full_config, session.get_scoped_config(), "s3")
    return chain.provide() or None


def _place(bucket: str, settings: S3Settings, region: str) -> S3Endpoint:
    service_url = settings.endpoint_url or _find_aws_url(region, settings.dualstack, settings.fips)
    endpoint = S3Endpoint(bucket, region, service_url.rstrip("/"), settings.addressing_style == "virtual")
    if settings.addressing_style == "auto" and _HOST_LABEL.fullmatch(bucket):
        return replace(endpoint, virtual=is_aws(service_url))
    return endpoint


@cache
def _find_aws_url(region: str, dualstack: bool, fips: bool) -> str:
    from botocore.loaders import create_loader
    from botocore.regions import EndpointResolver

    if not _REGION.fullmatch(region):
        raise ConfigError(f"Not an AWS region: '{region}'. Pass region= such as eu-west-1.")
    resolver = EndpointResolver(create_loader().load_data("endpoints"))
    found = resolver.construct_endpoint(
        "s3", region, use_dualstack_endpoint=dualstack, use_fips_endpoint=fips
    )
    # None: a region younger than botocore's table.
    return f"https://{found['hostname'] if found else f's3.{region}.amazonaws.com'}"


def is_aws(service_url: str) -> bool:
    """Whether a server is AWS's own."""
    return _AWS_HOST.fullmatch(urlsplit(service_url).hostname or "") is not None


def _ask_region(endpoint: S3Endpoint, settings: S3Settings, timeout: float) -> str | None:
    """The region that the server names for the bucket: it does so even where it denies the rest."""
    from botocore.awsrequest import AWSRequest
    from botocore.exceptions import BotoCoreError
    from botocore.httpsession import URLLib3Session
    from botocore.utils import get_environ_proxies

    session = URLLib3Session(
        verify=settings.ca_bundle or True,
        proxies=get_environ_proxies(endpoint.url),
        timeout=(min(5.0, timeout), timeout),
    )
    try:
        answer = session.send(AWSRequest("HEAD", endpoint.url).prepare())
    except (BotoCoreError, OSError):
        return None  # the request that follows says what is wrong
    finally:
        session.close()
    region = answer.headers.get("x-amz-bucket-region", "")
    return region if _REGION.fullmatch(region) else None  # it becomes a part of a host
