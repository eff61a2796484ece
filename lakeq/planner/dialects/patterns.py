"""The small languages inside of literals: formats of dates, replacements, paths into JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping


class PatternError(ValueError):
    """What a pattern asks for has no counterpart."""


_MYSQL = {
    "a": "%a", "b": "%b", "c": "%-m", "d": "%d", "e": "%-d", "H": "%H", "h": "%I", "I": "%I", "i": "%M",
    "j": "%j", "k": "%-H", "l": "%-I", "M": "%B", "m": "%m", "p": "%p", "r": "%I:%M:%S %p", "S": "%S",
    "s": "%S", "T": "%H:%M:%S", "v": "%V", "W": "%A", "x": "%G", "Y": "%Y", "y": "%y", "f": "%f", "%": "%%",
}  # fmt: skip
_STRFTIME = {
    "A": "%A", "a": "%a", "B": "%B", "b": "%b", "h": "%b", "d": "%d", "e": None, "F": "%Y-%m-%d", "G": "%G",
    "H": "%H", "I": "%I", "j": "%j", "k": None, "M": "%M", "m": "%m", "p": "%p", "R": "%H:%M", "S": "%S",
    "T": "%H:%M:%S", "D": "%m/%d/%y", "u": "%u", "V": "%V", "Y": "%Y", "y": "%y", "w": "%w", "%": "%%",
}  # fmt: skip
_LETTERS = {
    "yyyy": "%Y", "yy": "%y", "y": "%Y", "MM": "%m", "M": "%-m", "MMM": "%b", "MMMM": "%B", "dd": "%d",
    "d": "%-d", "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M", "ss": "%S",
    "s": "%-S", "SSS": "%g", "SSSSSS": "%f", "a": "%p", "DDD": "%j", "EEE": "%a", "E": "%a", "EEEE": "%A",
}  # fmt: skip


def mysql_format(text: str) -> str:
    """MySQL's `%Y-%m-%d %H:%i`, which Trino has, as DuckDB's."""
    return _translate_percent(text, _MYSQL)


def strftime_format(text: str) -> str:
    """BigQuery's `%Y-%m-%d %H:%M` as DuckDB's."""
    text = text.replace("%E4Y", "%Y")
    return _translate_percent(text, _STRFTIME)


def _translate_percent(text: str, known: Mapping[str, str | None]) -> str:
    def exchange(match: re.Match[str]) -> str:
        found = known.get(match[1])
        if found is None:
            raise PatternError(f"the format %{match[1]}")
        return found

    return re.sub(r"%(.?)", exchange, text, flags=re.DOTALL)


def letter_format(text: str) -> str:
    """Java's `yyyy-MM-dd HH:mm`, which Spark has, as DuckDB's. Between quotes is text, to the end where none
    closes it."""
    parts = []
    for match in re.finditer(r"'((?:[^']|'')*)(?:'|$)|([A-Za-z])\2*|[^A-Za-z']+", text):
        found = match[0]
        if found == "''":
            parts.append("'")
        elif match[1] is not None:
            parts.append(match[1].replace("''", "'").replace("%", "%%"))
        elif match[2] is None:
            parts.append(found.replace("%", "%%"))
        elif found in _LETTERS:
            parts.append(_LETTERS[found])
        else:
            raise PatternError(f"the format {found}")
    return "".join(parts)


def joda_format(text: str) -> str:
    """Joda's letters, which Trino's format_datetime has: Java's, and `YYYY` for the year."""
    return letter_format(text.replace("YYYY", "yyyy"))


def java_replacement(text: str) -> str:
    """A replacement that names groups as `$1` with RE2's `\\1`."""

    def exchange(match: re.Match[str]) -> str:
        if match[1]:
            return match[1] if match[1] != "\\" else "\\\\"
        if match[2]:
            return f"\\{match[2]}"
        raise PatternError(f"the replacement {text!r}")

    return re.sub(r"\\(.)|\$(\d)(?!\d)|[\\$]", exchange, text, flags=re.DOTALL)


_JSON_PATH = re.compile(r"\$(?:\.\w+|\[\d+\]|\[(?:\"[^\"\\]+\"|'[^'\\]+')\]|\.\"[^\"\\]+\")*")


def json_path(text: str) -> str:
    """A path into JSON: `$.a[0]["b"]`."""
    if not _JSON_PATH.fullmatch(text):
        raise PatternError(f"the JSON path {text!r}")
    return re.sub(r"\[[\"']([^\]]+)[\"']\]", r'."\1"', text)


def is_sure(pattern: str) -> bool:
    """Whether each group of a regular expression takes part in every match of it: others are NULL in some
    engines and '' in DuckDB."""
    return not re.search(r"\||\)[?*]|\)\{0", pattern)


_ZONED = re.compile(r":.*(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?|[A-Za-z]+/[A-Za-z_/]+)$")


def names_zone(text: str) -> bool:
    """Whether a moment's text ends in a zone or an offset."""
    return _ZONED.search(text) is not None


def has_groups(pattern: str) -> bool:
    """Whether a regular expression has a group that it captures."""
    return bool(re.search(r"(?<!\\\\)\((?!\?(?!P<|<[A-Za-z]))", pattern))


PATTERNS: Mapping[str, Callable[[str], str]] = {
    "mysql_format": mysql_format,
    "strftime_format": strftime_format,
    "joda_format": joda_format,
    "java_format": letter_format,
    "java_replacement": java_replacement,
    "json_path": json_path,
}
"""The calls that a template may make, of a literal, while it is filled."""
