"""What the errors of cloud stores mean, in our tree. No server's text is repeated: it may hold keys."""

from __future__ import annotations

import re

from lakeq.errors import (
    AccessDeniedError,
    ConfigError,
    LakeqError,
    ObjectArchivedError,
    ObjectChangedError,
    ObjectNotFoundError,
    StorageError,
    StorageUnavailableError,
)

_STATUS = re.compile(r"status(?: code)?: ?(\d{3})")
_CODE = re.compile(r"<Code>(\w{1,80})</Code>")
_SILENCE = {
    "dns error": "the name of the host is not known",
    "ConnectionRefused": "the connection was refused",
    "InvalidCertificate": "its certificate is not trusted, see AWS_CA_BUNDLE",
    "InvalidContentType": "it does not speak TLS, write http:// in the endpoint",
    "IncompleteMessage": "it closed the connection",
    "ConnectionReset": "it closed the connection",
}
"""obstore's words, in the part of its text that no server writes, for why nothing came."""
_DENIED = {
    "AccessDenied": "these credentials may not read it",
    "AccountProblem": "the account is closed or suspended",
    "AllAccessDisabled": "all access to it is switched off",
    "ExpiredToken": "the credentials have expired",
    "InvalidAccessKeyId": "the access key is not known there",
    "InvalidToken": "the session token is not valid",
    "RequestTimeTooSkewed": "the clock of this machine is wrong",
    "SignatureDoesNotMatch": "the secret key does not fit the access key",
    "TokenRefreshRequired": "the session token must be renewed",
}
_PASSING = (408, 425, 429)
"""Refusals of the client's that are about the moment: of others, the same request gets the same answer."""
_REGION = {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}


_NO_KMS = (
    "it is encrypted with a key of KMS (SSE-KMS), which these credentials may not use. Reading it needs the "
    "right kms:Decrypt on that key, by a policy of their own or of the key"
)
_KEYS = {
    "stored using a form of Server Side Encryption": (
        "it is encrypted with a key that S3 does not have (SSE-C). Pass sse_customer_key=, or set "
        "AWS_SSE_CUSTOMER_KEY_BASE64"
    ),
    "encryption parameters are not applicable": (
        "it is not encrypted with a key of its owner's (SSE-C). Leave sse_customer_key out"
    ),
    "kms:Decrypt": _NO_KMS,
    "refers to a customer master key": _NO_KMS,
}
"""S3's words, of errors 400 and 403 that have no code of their own, for a key that is missing or too many."""


def translate_obstore_error(error: Exception, location: str, listed: bool) -> LakeqError:
    """The error of our tree for one of obstore's about `location`; `listed`: it was there when planned.

    The text of `error` itself is cut down to what ours says: it holds whole answers of servers, and one
    about a wrong signature repeats the access key and the session token. A traceback shows causes too.
    """
    text = str(error)
    status, code = _first(_STATUS, text), _first(_CODE, text)
    kind = type(error).__name__
    if isinstance(error, FileNotFoundError):
        status = status or "404"
    elif kind == "PreconditionError":
        status = "412"
    elif kind in ("PermissionDeniedError", "UnauthenticatedError"):
        status = status or "403"
    elif "redirect" in text and not status:
        code = "PermanentRedirect"
    silence = "" if status else next((why for word, why in _SILENCE.items() if word in text), "")
    error.args = (" ".join(part for part in (status, code, silence) if part) or "nothing that can be read",)
    if status in ("400", "403") and (fault := needs_key(text, location)) is not None:
        return fault
    if "token request" in text or "credential provider" in text:
        # obstore asks the instance that it runs on where Google or Azure are given no credentials.
        is_instance = "token request" in text
        return no_credentials(location, "from the environment or this instance" if is_instance else "anew")
    if "invalid list response" in text and not status:
        return unreadable(location)
    return translate_status(int(status or 0), code, location, listed, silence)


def needs_key(text: str, location: str) -> AccessDeniedError | None:
    """The error where a server's `text` says that an object wants a key, or another right, or wants none."""
    why = next((why for words, why in _KEYS.items() if words in text), None)
    return None if why is None else AccessDeniedError(f"Cannot read '{location}': {why}.", location)


def no_credentials(location: str, asked: str = "anew") -> AccessDeniedError:
    """The error for credentials that could not be had where they were `asked` for."""
    return AccessDeniedError(
        f"Credentials for '{location}' could not be had {asked}. Renew or pass them, see docs/storage.md; "
        "or pass anonymous=true for what is public.",
        location,
    )


def translate_status(status: int, code: str, location: str, listed: bool, silence: str = "") -> LakeqError:
    """The error for an HTTP `status` (0: no answer) and the `code` that the store gave with it, if any.

    `silence` says why there was no answer, where it is known.
    """
    if code in _REGION or status in (301, 307, 308):
        return ConfigError(f"'{location}' lies in another region than the one asked. Pass region=.")
    if code == "NoSuchBucket":
        return ObjectNotFoundError(
            f"Bucket not found: '{location}'. Check its name and the endpoint.", location
        )
    if code == "InvalidObjectState":
        return ObjectArchivedError(
            f"Archived: '{location}'. Restore it from its archive class first.", location
        )
    if status == 412 or (listed and status in (404, 416)):
        how = "is gone" if status == 404 else "was replaced"
        return ObjectChangedError(
            f"Object changed since it was listed: '{location}' {how}. "
            "Refresh the lake and run the query again.",
            location,
        )
    if status == 404:
        return ObjectNotFoundError(f"Not found: '{location}'.", location)
    if status in (401, 403) or code in _DENIED:
        why = _DENIED.get(code, code or "it refused without a reason")
        return AccessDeniedError(
            f"Access denied to '{location}': {why}. Check the credentials, profile= and the bucket's policy.",
            location,
        )
    reason = f"it answered {status} {code}".rstrip() if status else "no answer in time"
    reason += f" ({silence})" if silence else ""
    return StorageUnavailableError(
        f"Store not available for '{location}': {reason}. Check the endpoint and the network, or try later.",
        location,
        is_passing=not 400 <= status < 500 or status in _PASSING,
    )


def unreadable(location: str) -> StorageError:
    """The error for an answer about `location` that is not in the protocol's form; asking again is no use."""
    return StorageError(f"The answer about '{location}' cannot be read. The server is at fault.", location)


def endless(location: str) -> StorageError:
    """The error for a listing of `location` that never ends."""
    return StorageError(f"The listing of '{location}' repeats itself. The server is at fault.", location)


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match.group(1) if match else ""


def is_unanswered(error: Exception) -> bool:
    """Whether obstore's `error` means that no server answered at all."""
    return "error sending request" in str(error)


def is_elsewhere(error: Exception) -> bool:
    """Whether obstore's `error`, of a HEAD, may be that of a bucket in another region.

    An answer to HEAD has no body to say so: a signature for another region is 400 and no more.
    """
    text = str(error)
    return "redirect" in text or _first(_STATUS, text) in ("301", "307", "308", "400")


def is_expired(error: LakeqError) -> bool:
    """Whether one of our errors says that the credentials ran out, so that newer ones may help."""
    words = (_DENIED["ExpiredToken"], _DENIED["TokenRefreshRequired"])
    return isinstance(error, AccessDeniedError) and any(word in str(error) for word in words)
