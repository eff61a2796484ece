"""Every key of an S3 bucket, spelled as it is, through botocore: slower than obstore, but it alters none."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from lakeq.errors import LakeqError, ObjectChangedError
from lakeq.storage.base import LISTING_SCHEMA
from lakeq.storage.credentials import S3Access
from lakeq.storage.faults import translate_status
from lakeq.storage.options import StorageOptions


class S3Keys:
    """The keys of one bucket. See lakeq.storage.bucket.ExactKeys."""

    def __init__(self, bucket: str, access: S3Access, options: StorageOptions) -> None:
        from botocore import UNSIGNED
        from botocore.config import Config
        from botocore.session import Session

        self._bucket = bucket
        self._payer = {"RequestPayer": "requester"} if options.requester_pays else {}
        self._client = Session(profile=options.profile).create_client(
            "s3",
            region_name=access.region or "us-east-1",
            endpoint_url=access.endpoint_url,
            aws_access_key_id=options.key,
            aws_secret_access_key=options.secret,
            aws_session_token=options.token,
            config=Config(
                signature_version=UNSIGNED if access.provider is None else None,
                connect_timeout=min(5.0, options.timeout),
                read_timeout=options.timeout,
                retries={"mode": "standard", "total_max_attempts": 8},
                s3={"addressing_style": "path"},
            ),
        )

    def list(self, prefix: str) -> pa.Table:
        """See ExactKeys. A key that comes twice with two versions is ObjectChangedError."""
        from botocore.exceptions import BotoCoreError, ClientError

        found: dict[str, dict[str, Any]] = {}
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix, **self._payer
        )
        try:
            for page in pages:
                for item in page.get("Contents", ()):
                    row = {"path": item["Key"], "size": item["Size"], "etag": item["ETag"]}
                    row |= {"modified": item["LastModified"], "storage_class": item.get("StorageClass")}
                    if found.setdefault(item["Key"], row) != row:
                        raise self._changed(item["Key"])
        except (BotoCoreError, ClientError) as error:
            raise self._translate(error, prefix, listed=False) from error
        return pa.Table.from_pylist(list(found.values()), LISTING_SCHEMA)

    def read(self, key: str, start: int, length: int, etag: str | None) -> bytes:
        """See ExactKeys."""
        from botocore.exceptions import BotoCoreError, ClientError

        pinned = {"IfMatch": etag} if etag else {}
        span = f"bytes={start}-{start + length - 1}"
        try:
            answer = self._client.get_object(
                Bucket=self._bucket, Key=key, Range=span, **pinned, **self._payer
            )
            body: bytes = answer["Body"].read()
        except (BotoCoreError, ClientError) as error:
            raise self._translate(error, key, listed=etag is not None) from error
        return body

    def _translate(self, error: Any, key: str, listed: bool) -> LakeqError:
        answer = getattr(error, "response", {})
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = answer.get("Error", {}).get("Code", "")
        code = "" if code.isdigit() else code  # botocore puts the status where a store gave no code
        return translate_status(status, code, f"s3://{self._bucket}/{key}", listed)

    def _changed(self, key: str) -> LakeqError:
        location = f"s3://{self._bucket}/{key}"
        return ObjectChangedError(f"Object changed while it was listed: '{location}'. List again.", location)
