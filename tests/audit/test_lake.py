"""The audit of a lake in a bucket that moto keeps: each setting as it should be, and as it should not."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.audit.finding import Finding
from lakeq.errors import AccessDeniedError
from lakeq.storage.tally import Tally, count_into
from tests.servers import S3Server, ScriptedServer, reply

ALL_ON = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)
EVERYONE = "http://acs.amazonaws.com/groups/global/AllUsers"
Set = Callable[[Any, str], Any]


def put_table(server: S3Server) -> str:
    """A bucket with the table `events` of two months."""
    bucket, body = server.new_bucket(), io.BytesIO()
    pq.write_table(pa.table({"n": [1]}), body)
    for month in ("2026-09", "2026-10"):
        server.put(bucket, f"lake/events/month={month}/a.parquet", body.getvalue())
    return bucket


def audit(server: S3Server, bucket: str, check: str) -> list[Finding]:
    with lakeq.connect(f"s3://{bucket}/lake", cache=False, **server.storage_options) as lake:
        return [finding for finding in lake.audit() if finding.id == check]


def allow(bucket: str, **statement: Any) -> str:
    every = {"Sid": "open", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}
    resource = {"Resource": f"arn:aws:s3:::{bucket}/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [{**every, **resource, **statement}]})


def put_policy(client: Any, bucket: str, **statement: Any) -> None:
    client.put_bucket_policy(Bucket=bucket, Policy=allow(bucket, **statement))


def put_block(client: Any, bucket: str, **switches: bool) -> None:
    client.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={**ALL_ON, **switches})


def put_encryption(client: Any, bucket: str, **default: str) -> None:
    rules = [{"ApplyServerSideEncryptionByDefault": default}]
    client.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})


def put_versioning(client: Any, bucket: str, status: str) -> None:
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


def put_ownership(client: Any, bucket: str, ownership: str) -> None:
    client.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": ownership}]}
    )


def put_logging(client: Any, bucket: str) -> None:
    group = {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery"}
    grants = [{"Grantee": group, "Permission": right} for right in ("WRITE", "READ_ACP")]
    client.put_bucket_acl(Bucket=bucket, AccessControlPolicy={"Owner": {"ID": "x"}, "Grants": grants})
    target = {"TargetBucket": bucket, "TargetPrefix": "logs/"}
    client.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={"LoggingEnabled": target})


def put_rule(client: Any, bucket: str, prefix: str, **rule: Any) -> None:
    whole = {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": prefix}, **rule}
    client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [whole]})


@pytest.mark.parametrize(
    ("check", "given", "severity", "words"),
    [
        ("public-access-block", None, "risk", "off for BlockPublicAcls, IgnorePublicAcls"),
        ("public-access-block", put_block, "ok", "All four"),
        (
            "public-access-block",
            lambda c, b: put_block(c, b, RestrictPublicBuckets=False),
            "risk",
            "is off for RestrictPublicBuckets.",
        ),
        ("policy", None, "ok", "There is no bucket policy."),
        ("policy", put_policy, "risk", "Statement 'open' of the policy allows s3:GetObject to everyone"),
        ("policy", lambda c, b: put_policy(c, b, Principal={"AWS": ["*"]}), "risk", "to everyone"),
        ("policy", lambda c, b: put_policy(c, b, Effect="Deny"), "ok", "No statement"),
        (
            "policy",
            lambda c, b: put_policy(c, b, Principal={"AWS": "arn:aws:iam::123456789012:root"}),
            "ok",
            "No statement",
        ),
        (
            "policy",
            lambda c, b: put_policy(c, b, Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
            "note",
            "on a condition (IpAddress)",
        ),
        ("policy-status", None, "ok", "does not hold"),
        ("policy-status", put_policy, "risk", "S3 holds the bucket's policy for public."),
        ("acl", None, "ok", "nothing to everyone"),
        ("acl", lambda c, b: c.put_bucket_acl(Bucket=b, ACL="public-read"), "risk", "READ to AllUsers"),
        (
            "acl",
            lambda c, b: c.put_bucket_acl(Bucket=b, ACL="authenticated-read"),
            "risk",
            "READ to AuthenticatedUsers",
        ),
        ("ownership", None, "note", "no ownership controls"),
        ("ownership", lambda c, b: put_ownership(c, b, "ObjectWriter"), "note", "ObjectWriter"),
        ("ownership", lambda c, b: put_ownership(c, b, "BucketOwnerEnforced"), "ok", "disabled"),
        ("encryption", None, "risk", "not encrypted by default"),
        ("encryption", lambda c, b: put_encryption(c, b, SSEAlgorithm="AES256"), "ok", "SSE-S3"),
        (
            "encryption",
            lambda c, b: put_encryption(c, b, SSEAlgorithm="aws:kms", KMSMasterKeyID="alias/lake"),
            "ok",
            "SSE-KMS with the key alias/lake",
        ),
        ("versioning", None, "note", "Versioning is off"),
        ("versioning", lambda c, b: put_versioning(c, b, "Suspended"), "note", "Versioning is suspended"),
        ("versioning", lambda c, b: put_versioning(c, b, "Enabled"), "ok", "Versioning is on"),
        ("object-lock", None, "note", "Object lock is off"),
        ("access-logging", None, "note", "logging is off"),
        ("access-logging", put_logging, "ok", "logs/"),
        ("lifecycle", None, "ok", "No lifecycle rule"),
        ("lifecycle", lambda c, b: put_rule(c, b, "other/", Expiration={"Days": 9}), "ok", "No lifecycle"),
        (
            "lifecycle",
            lambda c, b: put_rule(c, b, "lake/", Expiration={"Days": 1}),
            "risk",
            "1 day after they",
        ),
    ],
)
def test_each_setting_is_told(
    s3_server: S3Server, check: str, given: Set | None, severity: str, words: str
) -> None:
    bucket = put_table(s3_server)
    if given is not None:
        given(s3_server.client, bucket)
    (finding,) = audit(s3_server, bucket, check)
    assert (finding.severity, finding.action) == (severity, None)
    assert words in finding.what
    assert (severity == "ok") == (finding.remedy == "")


@pytest.mark.parametrize(
    ("retention", "words"),
    [
        ({}, "Object lock is on, without a default retention."),
        ({"Mode": "GOVERNANCE", "Days": 3}, "Object lock is on, GOVERNANCE for 3 days."),
        ({"Mode": "COMPLIANCE", "Years": 1}, "Object lock is on, COMPLIANCE for 1 years."),
    ],
)
def test_object_lock_is_told_with_its_retention(
    s3_server: S3Server, retention: dict[str, Any], words: str
) -> None:
    client, bucket = s3_server.client, f"locked-{len(words)}"
    client.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    if retention:
        lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}
        client.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=lock)
    client.put_object(Bucket=bucket, Key="lake/t/a.csv", Body=b"n\n1\n")
    (finding,) = audit(s3_server, bucket, "object-lock")
    assert (finding.severity, finding.what) == ("ok", words)


def test_what_the_public_access_block_holds_back_is_a_note(s3_server: S3Server) -> None:
    bucket = put_table(s3_server)
    put_policy(s3_server.client, bucket)
    s3_server.client.put_bucket_acl(Bucket=bucket, ACL="public-read")
    put_block(s3_server.client, bucket)
    for check in ("acl", "policy", "policy-status"):
        (finding,) = audit(s3_server, bucket, check)
        assert finding.severity == "note"
        assert "public access block" in finding.why


def test_files_that_a_rule_will_delete_are_told_with_their_partitions(s3_server: S3Server) -> None:
    bucket = put_table(s3_server)
    put_rule(s3_server.client, bucket, "lake/events/month=2026-09", Expiration={"Days": 90})
    (finding,) = audit(s3_server, bucket, "lifecycle")
    assert (finding.severity, finding.table) == ("risk", "events")
    assert "Rule 'old' deletes 1 of 2 files" in finding.what
    assert [due.partitions for due in finding.due] == [("month=2026-09",)]


def test_files_that_a_rule_will_archive_are_told(s3_server: S3Server) -> None:
    bucket = put_table(s3_server)
    s3_server.put(bucket, "lake/logs/day=1/a.csv", b"n\n" + b"1\n" * 100_000)
    put_rule(s3_server.client, bucket, "lake/", Transitions=[{"Days": 30, "StorageClass": "GLACIER"}])
    (finding,) = audit(s3_server, bucket, "lifecycle")  # the files of events are too small for S3
    assert (finding.severity, finding.table) == ("note", "logs")
    assert "Rule 'old' archives (GLACIER) 1 of 1 files" in finding.what


def test_tables_that_were_declared_elsewhere_count_too(s3_server: S3Server) -> None:
    bucket, other = put_table(s3_server), s3_server.new_bucket()
    for name in (bucket, other):
        s3_server.put(name, "far/more/a.csv", b"n\n1\n")
    put_rule(s3_server.client, bucket, "far/", Expiration={"Days": 9})
    with lakeq.connect(f"s3://{bucket}/lake", cache=False, **s3_server.storage_options) as lake:
        lake.register("near", f"s3://{bucket}/far/more")
        lake.register("foreign", f"s3://{other}/far/more")
        found = [(f.id, f.severity, f.table) for f in lake.audit() if f.table is not None]
    assert found == [("lifecycle", "risk", "near"), ("store", "unknown", "foreign")]


def test_an_audit_counts_its_requests(s3_server: S3Server) -> None:
    bucket = put_table(s3_server)
    with (
        lakeq.connect(f"s3://{bucket}/lake", cache=False, **s3_server.storage_options) as lake,
        count_into(Tally()) as tally,
    ):
        lake.audit()
    assert tally.requests == {"get": 11}


def answer_settings(answers: dict[str, tuple[int, str]], otherwise: tuple[int, str]) -> Any:
    """Answers to `?query` of a bucket."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        query = request.path.partition("?")[2].removesuffix("=")
        status, text = answers.get(query, otherwise)
        reply(status, text.encode())(request)

    return answer


def audit_scripted(
    server: ScriptedServer, answers: dict[str, tuple[int, str]], otherwise: tuple[int, str]
) -> dict[str, Finding]:
    server.scripts["GET /lake"] = [answer_settings(answers, otherwise)]
    options = {"endpoint_url": server.endpoint, "key": "k", "secret": "s", "region": "us-east-1"}
    with lakeq.connect("s3://lake", cache=False, retry_timeout=0.2, **options) as lake:
        return {finding.id: finding for finding in lake.audit()}


@pytest.mark.parametrize(
    ("check", "action"),
    [
        ("public-access-block", "s3:GetBucketPublicAccessBlock"),
        ("policy", "s3:GetBucketPolicy"),
        ("policy-status", "s3:GetBucketPolicyStatus"),
        ("acl", "s3:GetBucketAcl"),
        ("ownership", "s3:GetBucketOwnershipControls"),
        ("encryption", "s3:GetEncryptionConfiguration"),
        ("versioning", "s3:GetBucketVersioning"),
        ("object-lock", "s3:GetBucketObjectLockConfiguration"),
        ("access-logging", "s3:GetBucketLogging"),
        ("requester-pays", "s3:GetBucketRequestPayment"),
        ("lifecycle", "s3:GetLifecycleConfiguration"),
    ],
)
def test_a_right_that_is_missing_is_named(scripted_server: ScriptedServer, check: str, action: str) -> None:
    found = audit_scripted(scripted_server, {}, (403, "<Error><Code>AccessDenied</Code></Error>"))
    assert (found[check].severity, found[check].action) == ("unknown", action)
    assert f"{action} is not granted" in found[check].what
    assert {finding.severity for finding in found.values()} == {"unknown"}


@pytest.mark.parametrize(
    "answer",
    [
        (501, "<Error><Code>NotImplemented</Code></Error>"),
        (405, "<Error><Code>MethodNotAllowed</Code></Error>"),
        (404, "<Error><Code>NoSuchKey</Code></Error>"),
        (400, "<Error><Code>InvalidRequest</Code></Error>"),
        (200, "<ListBucketResult><Name>lake</Name></ListBucketResult>"),
        (200, '<!DOCTYPE x [<!ENTITY a "a">]><VersioningConfiguration/>'),
        (200, "not a document"),
    ],
)
def test_what_a_server_does_not_answer_is_not_known(
    scripted_server: ScriptedServer, answer: tuple[int, str]
) -> None:
    found = audit_scripted(scripted_server, {}, answer)
    assert {finding.severity for finding in found.values()} == {"unknown"}
    assert "the server does not answer it" in found["versioning"].what


def test_a_question_at_which_the_server_fails_spoils_no_other(scripted_server: ScriptedServer) -> None:
    answers = {
        "versioning": (200, "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
    }
    found = audit_scripted(scripted_server, answers, (500, "<Error><Code>InternalError</Code></Error>"))
    assert found["versioning"].severity == "ok"
    assert (found["policy"].severity, found["policy"].what) == ("unknown", "Not known: the server failed.")


@pytest.mark.parametrize(("payer", "severity"), [("Requester", "note"), ("BucketOwner", "ok")])
def test_who_pays_is_told(scripted_server: ScriptedServer, payer: str, severity: str) -> None:
    text = f"<RequestPaymentConfiguration><Payer>{payer}</Payer></RequestPaymentConfiguration>"
    answers = {"requestPayment": (200, text)}
    found = audit_scripted(scripted_server, answers, (501, "<Error><Code>NotImplemented</Code></Error>"))
    assert found["requester-pays"].severity == severity


def test_credentials_that_are_no_good_are_an_error(scripted_server: ScriptedServer) -> None:
    refusal = (403, "<Error><Code>InvalidAccessKeyId</Code></Error>")
    with pytest.raises(AccessDeniedError, match="access key is not known"):
        audit_scripted(scripted_server, {}, refusal)


def test_of_other_clouds_nothing_is_asked(scripted_server: ScriptedServer) -> None:
    with lakeq.connect(
        "gs://lake", cache=False, endpoint_url=scripted_server.endpoint, anonymous=True
    ) as lake:
        (finding,) = lake.audit()
    assert (finding.severity, finding.what) == (
        "unknown",
        "Not supported: the settings of gs:// are not asked for.",
    )


def test_a_folder_is_asked_who_may_write_and_where_links_lead(tmp_path: Path) -> None:
    folder = tmp_path / "lake"
    (folder / "t").mkdir(parents=True)
    pq.write_table(pa.table({"n": [1]}), folder / "t" / "a.parquet")
    with lakeq.connect(str(folder)) as lake:
        assert [f.severity for f in lake.audit()] == ["ok", "ok"]
        (folder / "t").chmod(0o777)
        (tmp_path / "elsewhere").touch()
        (folder / "t" / "out.csv").symlink_to(tmp_path / "elsewhere")
        (folder / "t" / "in.csv").symlink_to(folder / "t" / "a.parquet")
        writable, links = lake.audit()
    assert (writable.severity, links.severity) == ("risk", "note")
    assert writable.what.endswith(f"write to {folder / 't'}.")
    assert links.what == f"Links lead out of the lake: {folder / 't' / 'out.csv'}."
