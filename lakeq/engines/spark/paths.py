"""The names by which Spark opens files, and shows them."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from lakeq.errors import UnsupportedSqlError

_ENCODED = re.compile(
    r"[^A-Za-z0-9/_\-!.~'()*,;:$&+=@\x80-\U0010ffff]"
    r"|[\x80-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ud800-\udfff]"
)
"""What java.net.URI encodes in a path; letters of all alphabets stay as they are."""
_LOST = re.compile(r"//|/\.{1,2}(/|$)|/$")
"""What Hadoop's Path takes out of a name."""
_GLOB = re.compile(r"[\\*?\[\]{}]")
_SCHEMES = {"s3": "s3a"}


def name_for_spark(url: str) -> str:
    """The file of this full name as `_metadata.file_path` shows it, a URL.

    UnsupportedSqlError for a file of another store than this machine's folders and S3, and for a key of S3
    that Hadoop cannot name.
    """
    scheme, mark, rest = url.partition("://")
    if not mark:
        return f"file:{_encode(url)}"
    if scheme not in _SCHEMES:
        raise UnsupportedSqlError(
            f"Spark is given files of this machine and of s3://, not '{url}'. Run the query with "
            "engine='duckdb'."
        )
    bucket, _, key = rest.partition("/")
    if _LOST.search(f"/{key}"):
        raise UnsupportedSqlError(
            f"Spark cannot open '{url}': Hadoop takes empty parts and dots out of names. Run the query with "
            "engine='duckdb', or rename the object."
        )
    return f"{_SCHEMES[scheme]}://{bucket}{_encode(f'/{key}')}"


def name_for_reader(name: str) -> str:
    """A file, as `name_for_spark` names it, as a reader takes it: not as a pattern of names."""
    return _GLOB.sub(r"\\\g<0>", unquote(name).removeprefix("file:"))


def _encode(path: str) -> str:
    return _ENCODED.sub(lambda match: quote(match[0], safe="", errors="surrogateescape"), path)
