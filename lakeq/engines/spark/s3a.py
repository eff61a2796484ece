"""What Hadoop's S3A is told of a bucket, so that Spark reads it as lakeq does: as whom, and where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from lakeq.storage.credentials import find_s3_access
from lakeq.storage.endpoints import find_endpoint
from lakeq.storage.options import parse_options

_PROVIDERS = "org.apache.hadoop.fs.s3a."


def is_s3(root: str) -> bool:
    """Whether a store's root is a bucket of S3, or below one."""
    return root.startswith("s3://")


def find_bucket_options(root: str, given: Mapping[str, Any]) -> dict[str, str]:
    """The options for a reader of files below `root` by which S3A has the credentials and the endpoint that
    the storage options `given`, and botocore's chain below them, say. For a root elsewhere none.

    They are those of one bucket, so that they change nothing for others. Raises as `find_s3_access` does.
    """
    if not is_s3(root):
        return {}
    options, bucket = parse_options(given), urlsplit(root).netloc
    access = find_s3_access(root, options)
    endpoint = find_endpoint(bucket, access.settings, options.timeout)
    told = {
        "endpoint": endpoint.service_url,
        "endpoint.region": endpoint.region,
        "path.style.access": str(not endpoint.virtual).lower(),
        "requester.pays.enabled": str(options.requester_pays).lower(),
        **_find_credentials(access.provider() if access.provider else None),
    }
    if options.sse_customer_key is not None:
        told |= {"encryption.algorithm": "SSE-C", "encryption.key": options.sse_customer_key}
    return {f"fs.s3a.bucket.{bucket}.{name}": value for name, value in told.items()}


def _find_credentials(credential: Mapping[str, Any] | None) -> dict[str, str]:
    if credential is None:
        return {"aws.credentials.provider": f"{_PROVIDERS}AnonymousAWSCredentialsProvider"}
    token = credential["token"]
    provider = "TemporaryAWSCredentialsProvider" if token else "SimpleAWSCredentialsProvider"
    told = {
        "aws.credentials.provider": f"{_PROVIDERS}{provider}",
        "access.key": credential["access_key_id"],
        "secret.key": credential["secret_access_key"],
    }
    return {**told, "session.token": token} if token else told
