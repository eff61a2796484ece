"""SQL without the values in it, for those who keep queries but may not keep what people look for."""

from __future__ import annotations

import hashlib
import re

import sqlglot
from sqlglot.errors import SqlglotError

from lakeq.planner.parse import DIALECT, load_dialect

_SHOWN = re.compile(r'[^\W\d]\w*|"(?:[^"]|"")*"|[^\w\s\'"]+')
"""Words, quoted names and signs. Whatever is none of these may be a value."""


def redact_sql(sql: str) -> str:
    """`sql` with `?` for each literal, and without its comments. A text that is not made of SQL's words shows
    only how long it is, and a hash by which it is known again."""
    load_dialect()
    try:
        tokens = sqlglot.tokenize(sql, read=DIALECT)
    except SqlglotError:
        digest = hashlib.sha256(sql.encode("utf-8", "replace")).hexdigest()
        return f"({len(sql)} characters that are not SQL, sha256 {digest[:16]})"
    parts: list[str] = []
    end = 0
    for token in tokens:
        shown = sql[token.start : token.end + 1]
        gap = " " if parts and token.start > end else ""
        parts.append(f"{gap}{shown if _SHOWN.fullmatch(shown) else '?'}")
        end = token.end + 1
    return "".join(parts)
