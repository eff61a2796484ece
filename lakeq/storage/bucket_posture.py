"""How a bucket of S3 is set: who may read it, how it is kept, what becomes of its objects. Only asks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from xml.etree import ElementTree

from lakeq.errors import StorageUnavailableError
from lakeq.storage.base import SettingsAnswer, SettingsStore
from lakeq.storage.lifecycle import LifecycleRule, read_rules

T = TypeVar("T")

OPEN_GROUPS = ("AllUsers", "AuthenticatedUsers")
"""Everyone, and everyone with any AWS account, at the end of the group's URI in an ACL."""
_DENIED = (401, 403)


@dataclass(frozen=True, slots=True)
class Untold:
    """A setting that the store did not tell. `action` is the right of IAM that asking takes; `code` is what
    the store said."""

    action: str
    why: Literal["denied", "unsupported", "failed"]
    code: str = ""


@dataclass(frozen=True, slots=True)
class OpenGrant:
    """A permission (`READ`, `WRITE`, …) that the bucket's ACL gives to one of OPEN_GROUPS."""

    group: str
    permission: str


@dataclass(frozen=True, slots=True)
class Encryption:
    """How new objects are encrypted where their writer does not say: `AES256` (SSE-S3), `aws:kms`,
    `aws:kms:dsse`; `key` is the KMS key, None: AWS's own."""

    algorithm: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class BucketPosture:
    """The settings of one bucket; None is not set, Untold not known.

    `public_access` are the four switches of the public access block by name; `policy` are the statements of
    the bucket's policy; `is_public` is S3's own judgement of it; `logs_to` is `bucket/prefix`; `object_lock`
    is a sentence on the default retention; `payer` is `BucketOwner` or `Requester`.
    """

    bucket: str
    public_access: Mapping[str, bool] | Untold | None
    open_grants: tuple[OpenGrant, ...] | Untold | None
    policy: tuple[Mapping[str, Any], ...] | Untold | None
    is_public: bool | Untold | None
    encryption: Encryption | Untold | None
    versioning: str | Untold | None
    logs_to: str | Untold | None
    lifecycle: tuple[LifecycleRule, ...] | Untold | None
    object_lock: str | Untold | None
    payer: str | Untold | None
    ownership: str | Untold | None


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked by `query`, and takes the right `action`. `absent` is the code for nothing set; `roots`
    are the elements that an answer may be (none: it is JSON)."""

    query: str
    action: str
    read: Callable[[SettingsAnswer], Any]
    absent: str = ""
    roots: tuple[str, ...] = ()


def ask_posture(store: SettingsStore, bucket: str) -> BucketPosture:
    """The settings of the store's bucket, by a request each, all at once. AccessDeniedError only for
    credentials that are no good; a right that is missing is Untold."""
    asked = store.workers.map(lambda question: _ask(store, question), _QUESTIONS.values())
    return BucketPosture(bucket, **dict(zip(_QUESTIONS, asked, strict=True)))


def _ask(store: SettingsStore, question: _Question) -> Any:
    try:
        answer = store.ask_settings(question.query)
    except StorageUnavailableError:
        return Untold(question.action, "failed")
    if answer.status in _DENIED:
        return Untold(question.action, "denied", answer.code)
    if answer.status == 200:
        try:
            return question.read(_expect(answer, question.roots))
        except (ValueError, TypeError, KeyError, AttributeError, ElementTree.ParseError):
            return Untold(question.action, "unsupported", "an answer to another question")
    if question.absent and answer.code == question.absent:
        return None
    return Untold(question.action, "unsupported", answer.code or str(answer.status))


def _expect(answer: SettingsAnswer, roots: tuple[str, ...]) -> SettingsAnswer:
    """The answer, if it is to what was asked: a server that does not know a question may list the bucket."""
    if roots and _local(_parse(answer).tag) not in roots:
        raise ValueError(roots[0])
    return answer


def _parse(answer: SettingsAnswer) -> ElementTree.Element:
    """The document, its elements without namespaces. Entities in it are refused: S3 declares none."""
    if "<!DOCTYPE" in answer.text or "<!ENTITY" in answer.text:
        raise ValueError("a document type")
    root = ElementTree.fromstring(answer.text)
    for element in root.iter():
        element.tag = _local(element.tag)
    return root


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _read_public_access(answer: SettingsAnswer) -> dict[str, bool]:
    root = _parse(answer)
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    return {name: root.findtext(name, "").strip().lower() == "true" for name in names}


def _read_grants(answer: SettingsAnswer) -> tuple[OpenGrant, ...]:
    grants = []
    for grant in _parse(answer).iter("Grant"):
        group = grant.findtext("Grantee/URI", "").strip().rpartition("/")[2]
        if group in OPEN_GROUPS:
            grants.append(OpenGrant(group, grant.findtext("Permission", "").strip()))
    return tuple(grants)


def _read_policy(answer: SettingsAnswer) -> tuple[Mapping[str, Any], ...]:
    statements = json.loads(answer.text)["Statement"]
    statements = [statements] if isinstance(statements, dict) else statements
    if not all(isinstance(statement, dict) for statement in statements):
        raise ValueError("a statement that is no object")
    return tuple(statements)


def _read_is_public(answer: SettingsAnswer) -> bool:
    text = _parse(answer).findtext("IsPublic", "").strip().lower()
    return {"true": True, "false": False}[text]


def _read_encryption(answer: SettingsAnswer) -> Encryption | None:
    default = _parse(answer).find("Rule/ApplyServerSideEncryptionByDefault")
    if default is None:
        return None
    return Encryption(default.findtext("SSEAlgorithm", ""), default.findtext("KMSMasterKeyID") or None)


def _read_logging(answer: SettingsAnswer) -> str | None:
    enabled = _parse(answer).find("LoggingEnabled")
    if enabled is None:
        return None
    return f"{enabled.findtext('TargetBucket', '')}/{enabled.findtext('TargetPrefix', '')}"


def _read_lock(answer: SettingsAnswer) -> str | None:
    root = _parse(answer)
    if root.findtext("ObjectLockEnabled") != "Enabled":
        return None
    rule = root.find("Rule/DefaultRetention")
    if rule is None:
        return "on, without a default retention"
    unit = "Days" if rule.findtext("Days", "0") != "0" else "Years"
    return f"on, {rule.findtext('Mode', '')} for {rule.findtext(unit, '?')} {unit.lower()}"


def _read_text(path: str) -> Callable[[SettingsAnswer], str | None]:
    return lambda answer: _parse(answer).findtext(path) or None


def _read_lifecycle(answer: SettingsAnswer) -> tuple[LifecycleRule, ...]:
    return read_rules(_parse(answer), answer.headers)


_QUESTIONS: dict[str, _Question] = {
    "public_access": _Question(
        "publicAccessBlock",
        "s3:GetBucketPublicAccessBlock",
        _read_public_access,
        "NoSuchPublicAccessBlockConfiguration",
        ("PublicAccessBlockConfiguration",),
    ),
    "open_grants": _Question("acl", "s3:GetBucketAcl", _read_grants, roots=("AccessControlPolicy",)),
    "policy": _Question("policy", "s3:GetBucketPolicy", _read_policy, "NoSuchBucketPolicy"),
    "is_public": _Question(
        "policyStatus", "s3:GetBucketPolicyStatus", _read_is_public, "NoSuchBucketPolicy", ("PolicyStatus",)
    ),
    "encryption": _Question(
        "encryption",
        "s3:GetEncryptionConfiguration",
        _read_encryption,
        "ServerSideEncryptionConfigurationNotFoundError",
        ("ServerSideEncryptionConfiguration",),
    ),
    "versioning": _Question(
        "versioning",
        "s3:GetBucketVersioning",
        _read_text("Status"),
        roots=("VersioningConfiguration", "GetBucketVersioningResponse"),  # moto writes the second
    ),
    "logs_to": _Question("logging", "s3:GetBucketLogging", _read_logging, roots=("BucketLoggingStatus",)),
    "lifecycle": _Question(
        "lifecycle",
        "s3:GetLifecycleConfiguration",
        _read_lifecycle,
        "NoSuchLifecycleConfiguration",
        ("LifecycleConfiguration",),
    ),
    "object_lock": _Question(
        "object-lock",
        "s3:GetBucketObjectLockConfiguration",
        _read_lock,
        "ObjectLockConfigurationNotFoundError",
        ("ObjectLockConfiguration",),
    ),
    "payer": _Question(
        "requestPayment",
        "s3:GetBucketRequestPayment",
        _read_text("Payer"),
        roots=("RequestPaymentConfiguration",),
    ),
    "ownership": _Question(
        "ownershipControls",
        "s3:GetBucketOwnershipControls",
        _read_text("Rule/ObjectOwnership"),
        "OwnershipControlsNotFoundError",
        ("OwnershipControls",),
    ),
}
"""By the field of BucketPosture. Rights as in AWS's "Actions, resources, and condition keys for S3"."""
