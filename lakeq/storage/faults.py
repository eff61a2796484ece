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
    StorageUnavailableError,
)

_STATUS = re.compile(r"status(?: code)?: ?(\d{3})")
_CODE = re.compile(r"<Code>(\w{1,80})</Code>")
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
_REGION = {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}


def translate_obstore_error(error: Exception, location: str, listed: bool) -> LakeqError:
    """The error of our tree for one of obstore's about `location`; `listed`: it was there when planned."""
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
    return translate_status(int(status or 0), code, location, listed)


def translate_status(status: int, code: str, location: str, listed: bool) -> LakeqError:
    """The error for an HTTP `status` (0: no answer) and the `code` that the store gave with it, if any."""
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
    return StorageUnavailableError(
        f"Store not available for '{location}': {reason}. Check the endpoint and the network, or try later.",
        location,
    )


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match.group(1) if match else ""


def is_unanswered(error: Exception) -> bool:
    """Whether obstore's `error` means that no server answered at all."""
    return "error sending request" in str(error)
