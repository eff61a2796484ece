"""Hive's spelling of partition names in paths: what is escaped, how NULL is written.

Source: Hive's FileUtils, as Spark copied it into ExternalCatalogUtils.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

NULL_TEXT = "__HIVE_DEFAULT_PARTITION__"
"""The folder text that stands for NULL. Compared before %-decoding, so that the text can be a value."""

_ESCAPED = re.compile("[\x01-\x1f\x7f\"#%'*/:=?\\\\{\\[\\]^]")


def escape_hive(text: str) -> str:
    """`text` as a key or value in a Hive path. A value that reads like NULL has its first letter escaped."""
    escaped = _ESCAPED.sub(lambda match: f"%{ord(match.group()):02X}", text)
    return "%5F" + escaped[1:] if escaped == NULL_TEXT else escaped


def unescape_hive(text: str) -> str:
    """The key or value that a path's `text` stands for; `+` stays `+`, a `%` without two hex digits stays.

    UnicodeDecodeError (a ValueError) when the bytes are not UTF-8.
    """
    return unquote_to_bytes(text).decode("utf-8") if "%" in text else text


def hive_folder(key: str, value: str | None) -> str:
    """`key=value` as Hive writes it; None is the NULL partition."""
    return f"{escape_hive(key)}={NULL_TEXT if value is None else escape_hive(value)}"
