"""DuckDB's errors as ours.

DuckDB says what went wrong in text, `<kind> Error: <words>`; an error that arrives through an Arrow stream is
nothing but that text. So the text is what is read here, never the exception's class.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lakeq.engines.limits import too_long
from lakeq.errors import (
    ColumnNotFoundError,
    CorruptFileError,
    ExecutionError,
    LakeqError,
    QueryCancelledError,
    QueryError,
    ResourceLimitError,
    SqlSyntaxError,
    TableNotFoundError,
    UnsupportedSqlError,
)

_KIND = re.compile(r"\s*(?:.*?: )??([A-Za-z][A-Za-z ]*?) Error: (.*)", re.DOTALL)
_EXCERPT = re.compile(r"\n\s*LINE (\d+): (.*)\n(\s*)\^", re.MULTILINE)
_NAME = r"\"?([^\"\n]+?)\"?"
_COLUMN = (
    re.compile(rf"Referenced column {_NAME} not found in FROM clause"),
    re.compile(rf"does not have a column named {_NAME}(?:\n|$|!)"),
    re.compile(rf"Could not find key {_NAME} in struct"),
)
_TABLE = re.compile(rf"Table with name {_NAME} does not exist")
_OWNER = re.compile(rf"Referenced table {_NAME} not found")
_FUNCTION = re.compile(r"([A-Z][a-z]+(?: [A-Z][a-z]+)*) with name (\S+) does not exist")
_NEAR = re.compile(r"(?:Candidate (?:bindings|tables|Entries): |Did you mean )(.*)")
_SYSTEM = ("pg_", "duckdb_", "sqlite_", "lakeq_")
_QUOTED = re.compile(r"\"([^\"]+)\"")
_PARAMETERS = re.compile("Values were not provided|arameter.argument.count")
_BAD_VALUE = re.compile(
    r'(Column "(?:[^"]|"")*" holds ".*", which is not [A-Z_ ,()0-9]+), in file "', re.DOTALL
)
"""What formats write of a text cell that is no value of its column's type."""

_LINE = re.compile(r"CSV Error on Line: (\d+)|in line (\d+)")
_NOISE = re.compile(
    r"\n\s*(?:Possible (?:fixes|solutions):|Column \S+ is being converted|file = |Candidate functions:|"
    r"See also |LINE \d+: ).*",
    re.DOTALL,
)
_TRACEBACK = re.compile(r"\.?\s*Detail: Python exception:.*", re.DOTALL)
"""What Arrow adds to an error that comes from Python below it."""

_TORN = ("Footer length", "too small to be", "Malformed JSON", "end of GZIP", "magic bytes", "ZSTD")


@dataclass(frozen=True, slots=True)
class Place:
    """A position in the user's SQL: line and column from 1; column 0 where only the line is known."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file as the engine was told to open it, less the scheme, and its name to a user."""

    opened: str
    url: str


def translate_bind_error(text: str, sql: str, place: Place | None) -> LakeqError:
    """What DuckDB's words about a statement that it did not start mean; `place` is where in `sql`."""
    kind, words = _split(text)
    line, column = (place.line, place.column) if place else (0, 0)
    at = f" at line {line}, column {column}" if column else ""
    near = _names_near(words)
    if match := _first(_COLUMN, words):
        message = f"Column not found: '{match[1]}'{at}.{_suggest(near)}"
        return ColumnNotFoundError(message, sql, line, column, near)
    if match := _TABLE.search(words) or _OWNER.search(words):
        return TableNotFoundError(f"Table not found: '{match[1]}'{at}.{_suggest(near)}", match[1], near)
    if kind in ("INTERRUPT", "Out of Memory"):
        return translate_run_error(text, sql)
    if kind == "Parser":
        return SqlSyntaxError(f"Not valid SQL{at}: {_tidy(words)}.", sql, line, column)
    if kind == "Permission" or "capable of reading the file" in words:
        return _refusal(words, sql, line, column)
    if match := _FUNCTION.search(words):
        message = f"{match[1].capitalize()} not found: '{match[2]}'{at}.{_suggest(near)}"
        return UnsupportedSqlError(message, sql, line, column)
    if (
        "Values were not provided" in words
        or "arameter argument/count" in words
        or "/argument count" in words
    ):
        return QueryError(f"Parameters do not fit the query: {_tidy(words)}. Pass them in params.", sql)
    return QueryError(f"Query cannot be run{at}: {_tidy(words)}.", sql, line, column)


def translate_run_error(text: str, sql: str) -> LakeqError:
    """What DuckDB's words about a query that it had started mean, files apart."""
    kind, words = _split(text)
    if kind == "INTERRUPT" and "maximum execution time" in words:
        return too_long()
    if kind == "INTERRUPT" or text == "Query interrupted":  # the latter is a Ctrl-C that DuckDB took
        return QueryCancelledError("Query cancelled.")
    if kind == "Permission":
        return _refusal(words, sql)
    if kind == "Out of Memory" and "max_temp_directory_size" in text:
        return ResourceLimitError(
            "Query stopped: its intermediate results need more temporary files than temp_limit allows. Raise "
            "it or memory_limit, or read fewer columns or partitions.",
            "temporary files",
        )
    if kind == "Out of Memory":
        return ResourceLimitError(
            f"Out of memory: {_tidy(words)}. Raise memory_limit, give the engine a temp_directory with room, "
            "or read fewer columns or partitions.",
            "memory",
        )
    return ExecutionError(f"Query failed: {_tidy(words)}.")


def translate_file_error(text: str, file: OpenedFile) -> CorruptFileError:
    """What DuckDB's words about a file mean, with the name by which the user knows it."""
    words = _split(text)[1].replace(f"lake://{file.opened}", file.url).replace(file.opened, file.url)
    if bad := _BAD_VALUE.search(words):
        return CorruptFileError(
            f"Cannot read '{file.url}': {bad[1]}. Mend the file, or declare the column's type with columns=.",
            file.url,
        )
    line = _LINE.search(words)
    where = f"'{file.url}'" + (f", line {line[1] or line[2]}" if line else "")
    torn = any(sign in words for sign in _TORN)
    remedy = (
        "Write the file again, or move it out of the table."
        if torn
        else "Mend the file, or declare what it holds with columns=, delimiter=, header=, quote= or null=."
    )
    return CorruptFileError(f"Cannot read {where}: {_tidy(words)}. {remedy}", file.url)


def find_mentioned(files: Iterable[OpenedFile], text: str) -> OpenedFile | None:
    """The file whose opened name `text` holds; of several, the longest."""
    return max((f for f in files if f.opened in text), key=lambda f: len(f.opened), default=None)


def find_place(text: str, sql: str) -> Place | None:
    """Where DuckDB's `LINE 3: … ^` points in `sql`. It may show only a part of the line, between dots."""
    match = _EXCERPT.search(text)
    lines = sql.split("\n")
    if not match or not 0 < int(match[1]) <= len(lines):
        return None
    line, shown = int(match[1]), match[2]
    cut = len(shown) - len(shown.removeprefix("..."))
    start = lines[line - 1].find(shown[cut:].removesuffix("..."))
    caret = len(match[3]) - len(f"LINE {line}: ") - cut
    return Place(line, start + caret + 1 if start >= 0 <= caret else 0)


def _split(text: str) -> tuple[str, str]:
    match = _KIND.match(text)
    return (match[1], match[2]) if match else ("", text)


def _first(patterns: Iterable[re.Pattern[str]], text: str) -> re.Match[str] | None:
    return next((match for pattern in patterns if (match := pattern.search(text))), None)


def _names_near(words: str) -> tuple[str, ...]:
    names = (name for match in _NEAR.finditer(words) for name in _QUOTED.findall(match[1]))
    return tuple(name for name in names if not name.startswith(_SYSTEM))


def _suggest(near: tuple[str, ...]) -> str:
    return f" Did you mean {' or '.join(repr(name) for name in near[:3])}?" if near else ""


def _refusal(words: str, sql: str, line: int = 0, column: int = 0) -> UnsupportedSqlError:
    message = f"Only tables of the lake can be read: {_tidy(words)}. Register the location as a table."
    return UnsupportedSqlError(message, sql, line, column)


def _tidy(words: str) -> str:
    """DuckDB's words on one line, without its own remedies, which name settings that lakeq does not have."""
    kept = re.sub(r"CSV Error on Line: \d+\n", "", _NOISE.sub("", _TRACEBACK.sub("", words)))
    return " ".join(kept.split()).rstrip(".! ")
