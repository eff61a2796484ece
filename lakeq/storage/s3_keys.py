"""Objects under keys that obstore cannot spell, read through botocore."""

from __future__ import annotations

from typing import Any

from lakeq.errors import LakeqError
from lakeq.storage.credentials import S3Access
from lakeq.storage.customer_key import decode_key
from lakeq.storage.endpoints import S3Endpoint
from lakeq.storage.faults import needs_key, translate_status, unreadable
from lakeq.storage.options import StorageOptions


class S3Keys:
    """The keys of one bucket. See lakeq.storage.bucket.ExactKeys."""

    def __init__(self, endpoint: S3Endpoint, access: S3Access, options: StorageOptions) -> None:
        from botocore import UNSIGNED
        from botocore.config import Config
        from botocore.session import Session

        self._bucket = endpoint.bucket
        # botocore waits up to 2**n seconds before its nth retry.
        attempts = min(8, int(options.retry_timeout).bit_length() + 1)
        self._asked: dict[str, Any] = {"RequestPayer": "requester"} if options.requester_pays else {}
        if (key := decode_key(options)) is not None:
            self._asked |= {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}
        self._client = Session(profile=options.profile).create_client(
            "s3",
            region_name=endpoint.region,
            endpoint_url=endpoint.service_url,
            verify=access.settings.ca_bundle,
            aws_access_key_id=options.key,
            aws_secret_access_key=options.secret,
            aws_session_token=options.token,
            config=Config(
                signature_version=UNSIGNED if access.provider is None else None,
                connect_timeout=min(5.0, options.timeout),
                read_timeout=options.timeout,
                retries={"mode": "standard", "total_max_attempts": attempts},
                s3={"addressing_style": "virtual" if endpoint.virtual else "path"},
            ),
        )
        self._client.meta.events.register("before-call.s3", _stay)

    def read(self, key: str, start: int, length: int, etag: str | None) -> bytes:
        """See ExactKeys."""
        from botocore.exceptions import BotoCoreError, ClientError

        pinned = {"IfMatch": etag} if etag else {}
        span = f"bytes={start}-{start + length - 1}"
        try:
            answer = self._client.get_object(
                Bucket=self._bucket, Key=key, Range=span, **pinned, **self._asked
            )
            body: bytes = answer["Body"].read()
            return body
        except (BotoCoreError, ClientError, ValueError, KeyError) as error:
            fault = self._translate(error, key, listed=etag is not None)
        raise fault  # here, where `error` is not its context: the text of a server may hold keys

    def _translate(self, error: Any, key: str, listed: bool) -> LakeqError:
        """Our error, which repeats nothing of the server's text."""
        location = f"s3://{self._bucket}/{key}"
        if isinstance(error, ValueError | KeyError):
            return unreadable(location)
        answer = getattr(error, "response", {})
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = answer.get("Error", {}).get("Code", "")
        if (
            status in (400, 403)
            and (fault := needs_key(answer["Error"].get("Message", ""), location)) is not None
        ):
            return fault
        code = "" if code.isdigit() else code  # botocore puts the status where a store gave no code
        return translate_status(status, code, location, listed)


def _stay(context: dict[str, Any], **_: Any) -> None:
    """Keep botocore from looking for the region: it is settled, and its way may recurse for ever."""
    context.get("s3_redirect", {})["redirected"] = True
