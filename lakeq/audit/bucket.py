"""What the settings of a bucket mean for the lake in it. Judges facts; asks nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lakeq.audit.finding import Finding, Severity
from lakeq.storage.bucket_posture import BucketPosture, Untold

_SWITCHES = {
    "BlockPublicAcls": "ACLs may be made public",
    "IgnorePublicAcls": "public ACLs have effect",
    "BlockPublicPolicy": "the policy may be made public",
    "RestrictPublicBuckets": "a public policy has effect",
}
"""What holds while a switch of the public access block is off."""
_WHY_UNTOLD = {
    "denied": "{action} is not granted to these credentials",
    "unsupported": "the server does not answer it ({code})",
    "failed": "the server failed",
}


def judge_bucket(posture: BucketPosture) -> Iterator[Finding]:
    """A finding for each setting, and one more for each statement of the policy that is open to all. What
    lifecycle rules mean is judged in lakeq.audit.lifecycle."""
    for check, (field, judge) in _CHECKS.items():
        fact = getattr(posture, field)
        if isinstance(fact, Untold):
            yield tell_untold(check, fact)
        else:
            yield from judge(check, fact, posture)


def tell_untold(check: str, fact: Untold) -> Finding:
    """The finding for what the store did not tell."""
    reason = _WHY_UNTOLD[fact.why].format(action=fact.action, code=fact.code)
    remedies = {
        "denied": f"Grant {fact.action} on the bucket, or have someone run the audit who has it.",
        "unsupported": f"Look into the server's own settings. At AWS, ask from the owner's account with "
        f"{fact.action}.",
        "failed": "Try again later.",
    }
    what, why = f"Not known: {reason}.", "What is not known is not taken for safe."
    return Finding(check, "unknown", what, why, remedies[fact.why], fact.action)


def _judge_public_access(check: str, fact: Mapping[str, bool] | None, _: BucketPosture) -> Iterator[Finding]:
    missing = [name for name in _SWITCHES if not (fact or {}).get(name)]
    if not missing:
        yield Finding(check, "ok", "All four switches of the public access block are on.")
        return
    yield Finding(
        check,
        "risk",
        f"The bucket's public access block is off for {', '.join(missing)}.",
        f"So {', '.join(_SWITCHES[name] for name in missing)}; unless the account's own block, which is not "
        "asked, is on.",
        "Turn on all four: aws s3api put-public-access-block.",
    )


def _judge_acl(check: str, fact: Any, posture: BucketPosture) -> Iterator[Finding]:
    if not fact:
        yield Finding(check, "ok", "The bucket's ACL gives nothing to everyone.")
        return
    switches = posture.public_access
    is_ignored = isinstance(switches, Mapping) and switches.get("IgnorePublicAcls", False)
    grants = ", ".join(f"{grant.permission} to {grant.group}" for grant in fact)
    effect = "The public access block ignores it, as long as it is on." if is_ignored else ""
    yield Finding(
        check,
        "note" if is_ignored else "risk",
        f"The bucket's ACL gives {grants}.",
        effect
        or "READ is to list its keys, WRITE to write and delete; AuthenticatedUsers are all AWS accounts.",
        "Remove the grants, or disable ACLs: ownership BucketOwnerEnforced.",
    )


def _judge_is_public(check: str, fact: bool | None, posture: BucketPosture) -> Iterator[Finding]:
    if not fact:
        yield Finding(check, "ok", "S3 does not hold the bucket's policy for public.")
        return
    severity, effect = _weigh_policy(posture)
    yield Finding(
        check,
        severity,
        "S3 holds the bucket's policy for public.",
        effect,
        "Name principals in the policy, or bind it to fixed accounts, networks or organizations.",
    )


def _judge_policy(check: str, fact: Any, posture: BucketPosture) -> Iterator[Finding]:
    opened = [statement for statement in fact or () if _is_for_all(statement)]
    if not opened:
        none = "There is no bucket policy." if fact is None else "No statement of the policy allows all."
        yield Finding(check, "ok", none)
    for statement in opened:
        actions = ", ".join(_as_list(statement.get("Action"))) or "all but some actions (NotAction)"
        named = f" '{statement['Sid']}'" if statement.get("Sid") else ""
        who = "all but some principals" if "NotPrincipal" in statement else "everyone"
        if statement.get("Condition"):
            conditions = ", ".join(map(str, statement["Condition"]))
            yield Finding(
                check,
                "note",
                f"Statement{named} of the policy allows {actions} to {who} on a condition ({conditions}).",
                "It is as tight as its condition: S3 judges that in policy-status.",
                "Read the condition; prefer named principals.",
            )
            continue
        severity, effect = _weigh_policy(posture)
        yield Finding(
            check,
            severity,
            f"Statement{named} of the policy allows {actions} to {who}, without a condition.",
            effect,
            "Name principals, or remove the statement.",
        )


def _weigh_policy(posture: BucketPosture) -> tuple[Severity, str]:
    """How bad a public policy is beside the public access block, and why."""
    switches = posture.public_access
    if isinstance(switches, Mapping) and switches.get("RestrictPublicBuckets"):
        return "note", "The public access block restricts it to the account, as long as it is on."
    return "risk", "Anyone may do what it allows, without an account and unseen."


def _is_for_all(statement: Mapping[str, Any]) -> bool:
    if statement.get("Effect") != "Allow":
        return False
    if "NotPrincipal" in statement:
        return True
    principal = statement.get("Principal")
    named = principal.values() if isinstance(principal, Mapping) else [principal]
    return any("*" in _as_list(who) for who in named)


def _as_list(value: Any) -> list[str]:
    return [] if value is None else list(map(str, value)) if isinstance(value, list) else [str(value)]


def _judge_encryption(check: str, fact: Any, _: BucketPosture) -> Iterator[Finding]:
    if fact is None:
        yield Finding(
            check,
            "risk",
            "Objects are not encrypted by default.",
            "Whoever gets at the disks reads them. (AWS encrypts all that was written since January 2023.)",
            "Set a default: aws s3api put-bucket-encryption, AES256 or aws:kms.",
        )
    elif fact.algorithm.startswith("aws:kms"):
        key = f"the key {fact.key}" if fact.key else "AWS's own key"
        reads = "Who reads the lake needs kms:Decrypt on it."
        yield Finding(check, "ok", f"New objects are encrypted by SSE-KMS with {key}. {reads}")
    else:
        yield Finding(check, "ok", f"New objects are encrypted by SSE-S3 ({fact.algorithm}).")


def _judge_versioning(check: str, fact: str | None, _: BucketPosture) -> Iterator[Finding]:
    if fact == "Enabled":
        yield Finding(check, "ok", "Versioning is on.")
        return
    yield Finding(
        check,
        "note",
        f"Versioning is {'suspended' if fact else 'off'}.",
        "What is overwritten or deleted by mistake is gone.",
        "Turn it on, with a lifecycle rule that expires noncurrent versions: they are paid for.",
    )


def _judge_logging(check: str, fact: str | None, _: BucketPosture) -> Iterator[Finding]:
    if fact:
        yield Finding(check, "ok", f"Access logs go to {fact}.")
        return
    yield Finding(
        check,
        "note",
        "Server access logging is off.",
        "Nobody can tell later who read what, unless CloudTrail records data events.",
        "Turn on logging into another bucket, or CloudTrail's data events.",
    )


def _judge_lock(check: str, fact: str | None, _: BucketPosture) -> Iterator[Finding]:
    if fact:
        yield Finding(check, "ok", f"Object lock is {fact}.")
        return
    yield Finding(
        check,
        "note",
        "Object lock is off.",
        "Whoever may delete objects may delete all of the lake, versions too.",
        "Where the lake must be kept unaltered, turn on object lock (needs versioning).",
    )


def _judge_payer(check: str, fact: str | None, _: BucketPosture) -> Iterator[Finding]:
    if fact == "Requester":
        yield Finding(
            check,
            "note",
            "Whoever asks pays for requests and transfer.",
            "Without consent a request is refused; with it the bill is yours.",
            "Pass requester_pays=true (--requester-pays), and mind the lines of the estimate.",
        )
    else:
        yield Finding(check, "ok", "The owner of the bucket pays for requests.")


def _judge_ownership(check: str, fact: str | None, _: BucketPosture) -> Iterator[Finding]:
    if fact == "BucketOwnerEnforced":
        yield Finding(check, "ok", "ACLs are disabled (BucketOwnerEnforced).")
        return
    yield Finding(
        check,
        "note",
        f"ACLs are in force ({fact or 'no ownership controls'}).",
        "Rights then stand in each object too, where no policy shows them.",
        "Set object ownership to BucketOwnerEnforced.",
    )


_Judge = Callable[[str, Any, BucketPosture], Iterator[Finding]]
_CHECKS: dict[str, tuple[str, _Judge]] = {
    "public-access-block": ("public_access", _judge_public_access),
    "policy-status": ("is_public", _judge_is_public),
    "policy": ("policy", _judge_policy),
    "acl": ("open_grants", _judge_acl),
    "ownership": ("ownership", _judge_ownership),
    "encryption": ("encryption", _judge_encryption),
    "versioning": ("versioning", _judge_versioning),
    "object-lock": ("object_lock", _judge_lock),
    "access-logging": ("logs_to", _judge_logging),
    "requester-pays": ("payer", _judge_payer),
}
"""Which field of BucketPosture each check judges, and how."""
