"""What goes wrong, and how a query may end then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Expected(Enum):
    """How a query may end; it never hangs, and never ends in anything but an answer or an error of ours."""

    RIGHT = "right"
    """The right answer: the fault passes, and is waited out."""
    ERROR = "error"
    """An error: whoever meets the fault cannot go on."""
    EITHER = "right or error"
    """The right answer or an error."""
    UNSEEN = "cannot be told"
    """Nothing in the protocol tells of the fault: a wrong answer is counted, and no failure."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A fault, and which requests it may hit (`head`, `list`, `get`). `options` are those of the store.

    `rule` is one of the proxy's, without its place.
    """

    name: str
    rule: Mapping[str, Any]
    expected: Expected
    hits: tuple[str, ...] = ("list", "get")
    options: Mapping[str, Any] = field(default_factory=dict)


PATIENT: Mapping[str, Any] = {"timeout": 5.0, "retry_timeout": 30.0}
HASTY: Mapping[str, Any] = {"timeout": 5.0, "retry_timeout": 0.4}
SILENT: Mapping[str, Any] = {"timeout": 0.4, "retry_timeout": 5.0}
SOON: Mapping[str, Any] = {"timeout": 0.3, "retry_timeout": 0.4}

_STATUS: Mapping[str, Mapping[str, Any]] = {
    "503": {"fault": "status"},
    "500": {"fault": "status", "code": 500},
    "429": {"fault": "status", "code": 429},
}
_CUT: Mapping[str, Mapping[str, Any]] = {
    "reset before the answer": {"fault": "reset"},
    "closed before the answer": {"fault": "close"},
    "no byte of the body": {"fault": "truncate", "bytes": 0},
    "half a body, then closed": {"fault": "truncate"},
    "half a body, then reset": {"fault": "truncate", "ends": "reset"},
    "all but the last byte": {"fault": "truncate", "bytes": -1},
    "a length one too large": {"fault": "wrong_length", "delta": 1},
}
_REFUSED: Mapping[str, Mapping[str, Any]] = {
    "403": {"fault": "status", "code": 403},
    "ExpiredToken": {"fault": "status", "code": 400, "s3code": "ExpiredToken"},
    "RequestTimeTooSkewed": {"fault": "status", "code": 403, "s3code": "RequestTimeTooSkewed"},
    "301, another region": {
        "fault": "status",
        "code": 301,
        "s3code": "PermanentRedirect",
        "headers": {"x-amz-bucket-region": "eu-west-3"},
    },
    "307, another region": {"fault": "status", "code": 307, "s3code": "TemporaryRedirect"},
}


_ALL = ("head", "list", "get")
_NOTHING = ("reset", "close")
"""Faults that spoil what has no body, too."""


def _kinds() -> list[Kind]:
    right, error, either, unseen = Expected.RIGHT, Expected.ERROR, Expected.EITHER, Expected.UNSEEN
    kinds = [Kind(f"{name} twice", {**rule, "times": 2}, right, _ALL) for name, rule in _STATUS.items()]
    kinds += [Kind("503 eight times", {"fault": "status", "times": 8}, right)]
    kinds += [Kind("503 with Retry-After", {"fault": "status", "headers": {"Retry-After": "1"}}, right)]
    kinds += [
        Kind(f"{name} always", {**rule, "times": -1}, error, _ALL, HASTY) for name, rule in _STATUS.items()
    ]
    kinds += [Kind(name, rule, right, _hits(rule)) for name, rule in _CUT.items()]
    kinds += [
        Kind(f"{name}, always", {**rule, "times": -1}, error, _hits(rule), HASTY)
        for name, rule in _CUT.items()
    ]
    kinds += [Kind(f"{name} once", rule, either, _ALL) for name, rule in _REFUSED.items()]
    kinds += [Kind(f"{name} always", {**rule, "times": -1}, error, _ALL) for name, rule in _REFUSED.items()]
    return [
        *kinds,
        Kind("404 once", {"fault": "status", "code": 404}, either),
        Kind("404 always", {"fault": "status", "code": 404, "times": -1}, error),
        Kind("silence once", {"fault": "hang", "seconds": 3}, right, _ALL, SILENT),
        Kind("silence thrice", {"fault": "hang", "seconds": 3, "times": 3}, right, _ALL, SILENT),
        Kind("silence always", {"fault": "hang", "seconds": 3, "times": -1}, error, _ALL, SOON),
        Kind("late", {"fault": "delay"}, right),
        Kind("a slow drip", {"fault": "drip"}, right),
        Kind("HTTP/1.0, no length, closed", {"fault": "http10", "times": -1}, either),
        Kind("200 with <Error> once", {"fault": "error_body"}, either, options=HASTY),
        Kind("200 with <Error> always", {"fault": "error_body", "times": -1}, error, options=HASTY),
        Kind("a length one too small", {"fault": "wrong_length", "delta": -1, "times": -1}, error, options=HASTY),
        Kind("another ETag once", {"fault": "stale_etag"}, either, ("get",)),
        Kind("another ETag always", {"fault": "stale_etag", "times": -1}, error, ("get",)),
        Kind("a wrong Content-Range", {"fault": "wrong_range"}, either, ("get",), HASTY),
        Kind("a wrong Content-Range, always", {"fault": "wrong_range", "times": -1}, error, ("get",), HASTY),
        Kind("200 with the whole body for 206", {"fault": "ignore_range", "times": -1}, either, ("get",), HASTY),
        Kind("a bit of a body flipped", {"fault": "corrupt"}, unseen, ("get",)),
        Kind("a key twice in a LIST", {"fault": "dup_keys", "times": -1}, right, ("list",)),
        Kind("a LIST in no order", {"fault": "shuffle_keys", "times": -1}, right, ("list",)),
        Kind("a LIST whose token leads in a circle", {"fault": "loop_token", "times": -1}, error, ("list",)),
        Kind("a LIST that goes on without a token", {"fault": "no_token", "times": -1}, error, ("list",)),
        Kind("a key missing in a LIST", {"fault": "drop_keys", "regex": "p=2/", "times": -1}, unseen, ("list",)),
    ]  # fmt: skip


def _hits(rule: Mapping[str, Any]) -> tuple[str, ...]:
    return _ALL if rule["fault"] in _NOTHING else ("list", "get")


KINDS = _kinds()


class Change(Enum):
    """What becomes of an object between two requests."""

    SAME_SIZE = "replaced, the same size"
    OTHER_SIZE = "replaced, another size"
    DELETED = "deleted"
    RECREATED = "deleted and written anew"


def name_of(fault: Kind | Change) -> str:
    """What a table of outcomes calls it."""
    return fault.name if isinstance(fault, Kind) else fault.value
