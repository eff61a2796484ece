"""What obstore's errors become: the right kind, in words that say what to do, and no text of a server."""

from __future__ import annotations

import traceback

import pytest
from obstore.exceptions import GenericError, PermissionDeniedError, UnauthenticatedError

from lakeq.errors import (
    AccessDeniedError,
    ConfigError,
    LakeqError,
    ObjectNotFoundError,
    StorageError,
    StorageUnavailableError,
)
from lakeq.storage.faults import is_elsewhere, is_expired, translate_obstore_error

REFUSED = "Generic S3 error: Error performing GET http://h/b/k in 2ms - Server returned non-2xx status code: "


def denied(status: str, code: str) -> Exception:
    body = f"<Error><Code>{code}</Code><StringToSign>CANARY</StringToSign></Error>"
    return GenericError(f"{REFUSED}{status}: {body}\n\nDebug source:\n{body}")


def translate(error: Exception) -> LakeqError:
    return translate_obstore_error(error, "s3://b/k", listed=False)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (denied("403 Forbidden", "AccessDenied"), AccessDeniedError, "may not read it"),
        (denied("400 Bad Request", "ExpiredToken"), AccessDeniedError, "expired"),
        (denied("404 Not Found", "NoSuchBucket"), ObjectNotFoundError, "Bucket not found"),
        (denied("503 Service Unavailable", "SlowDown"), StorageUnavailableError, "503 SlowDown"),
        (PermissionDeniedError("denied"), AccessDeniedError, "without a reason"),
        (FileNotFoundError("Object at location k not found: CANARY"), ObjectNotFoundError, "Not found"),
        (GenericError("Received redirect without LOCATION, this …"), ConfigError, "region="),
        (
            GenericError('Got invalid list response: invalid type: string "CANARY"'),
            StorageError,
            "server is at fault",
        ),
        (GenericError("error sending request … ConnectionRefused"), StorageUnavailableError, "was refused"),
        (GenericError("error sending request … dns error"), StorageUnavailableError, "name of the host"),
        (
            GenericError("error sending request … InvalidCertificate(X)"),
            StorageUnavailableError,
            "AWS_CA_BUNDLE",
        ),
        (GenericError("error sending request … InvalidContentType"), StorageUnavailableError, "http://"),
        (GenericError("error sending request … IncompleteMessage"), StorageUnavailableError, "closed"),
        (GenericError("Error performing token request: CANARY"), AccessDeniedError, "from the environment"),
        (
            UnauthenticatedError(
                "credentials for path External AWS credential provider: RuntimeError: CANARY"
            ),
            AccessDeniedError,
            "anew",
        ),
        (GenericError("something else: CANARY"), StorageUnavailableError, "no answer in time"),
    ],
)
def test_each_error_has_its_kind_and_no_foreign_text(
    error: Exception, kind: type[LakeqError], words: str
) -> None:
    with pytest.raises(kind, match=words) as caught:
        raise translate(error) from error
    assert "CANARY" not in "".join(traceback.format_exception(caught.value))


def test_the_cause_keeps_what_is_known_of_it() -> None:
    error = denied("403 Forbidden", "SignatureDoesNotMatch")
    translate(error)
    assert str(error) == "403 SignatureDoesNotMatch"


def test_only_credentials_that_ran_out_are_expired() -> None:
    assert is_expired(translate(denied("400 Bad Request", "ExpiredToken")))
    assert is_expired(translate(denied("400 Bad Request", "TokenRefreshRequired")))
    assert not is_expired(translate(denied("403 Forbidden", "AccessDenied")))
    assert not is_expired(translate(GenericError("error sending request")))


def test_a_bare_400_may_come_from_another_region_and_a_403_does_not() -> None:
    assert is_elsewhere(GenericError(f"{REFUSED}400 Bad Request: "))
    assert is_elsewhere(GenericError("Received redirect without LOCATION, this …"))
    assert not is_elsewhere(GenericError(f"{REFUSED}403 Forbidden: "))
    assert not is_elsewhere(FileNotFoundError(f"{REFUSED}404 Not Found: "))
