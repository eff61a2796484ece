"""What narwhals and DuckDB have against a verb, as our errors."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from narwhals import exceptions as narwhals_errors

from lakeq.engines.shadow import Shadow
from lakeq.errors import ColumnNotFoundError, LakeqError, UnsupportedVerbError

INSTEAD = "Write that part in SQL: lake.sql('SELECT …').lazy() goes on as a DataFrame"

MISSING_VERBS = {
    "collect_schema": "Use schema",
    "explode": "Use unnest() in SQL",
    "filter_sql": "Use lake.sql('SELECT … WHERE …').lazy()",
    "gather_every": "Rows have no order but what sort gives: use a window, row_number() in SQL",
    "join_asof": "Use ASOF JOIN in SQL",
    "lazy": "It is lazy already",
    "pipe": "Call the function with the frame",
    "pivot": "Use PIVOT in SQL",
    "sample": "Use USING SAMPLE in SQL, or split()",
    "sink_parquet": "lakeq only reads: write what to_batches() gives",
    "slice": "Use head(), or LIMIT and OFFSET in SQL",
    "tail": "Rows have no order but what sort gives: sort(descending=True), then head()",
    "top_k": "Use sort(…, descending=True).head(k)",
    "unpivot": "Use UNPIVOT in SQL",
    "with_row_index": "Use row_number() OVER (ORDER BY …) in SQL",
}
"""Verbs of Polars and narwhals that a DataFrame has not, and what to write instead."""

_NAMES = (
    re.compile(r'Referenced column "([^"]+)" not found'),
    re.compile(r'does not have a column named "([^"]+)"'),
    re.compile(r'Column "([^"]+)" referenced that exists in the SELECT clause'),
    re.compile(r"columns were not found: \['([^']+)'"),
)
_FOREIGN = (
    narwhals_errors.NarwhalsError,
    AssertionError,
    AttributeError,
    KeyError,
    NotImplementedError,
    TypeError,
    ValueError,
)


class _NoSuchVerbError(UnsupportedVerbError, AttributeError):
    """A verb that is not there, for those who ask with `hasattr`, too."""


@contextmanager
def building(shadow: Shadow, columns: Sequence[str], verb: str) -> Iterator[None]:
    """While `verb` is applied to a frame of these columns: ColumnNotFoundError with the nearest names,
    UnsupportedVerbError for what has no SQL, QueryError for what DuckDB does not accept."""
    try:
        with shadow.building():
            yield
    except LakeqError as error:
        if missing := _find_missing(error.__cause__):
            raise column_not_found(missing, columns) from error
        raise
    except _FOREIGN as error:
        if missing := _find_missing(error):
            raise column_not_found(missing, columns) from error
        raise UnsupportedVerbError(f"{verb}() cannot do this: {_tidy(str(error))}. {INSTEAD}") from error


def check_columns(names: Sequence[object], columns: Sequence[str]) -> None:
    """ColumnNotFoundError for the first text among `names` that is none of `columns`, in any case."""
    known = {column.casefold() for column in columns}
    for name in names:
        if isinstance(name, str) and name.casefold() not in known:
            raise column_not_found(name, columns)


def column_not_found(name: str, columns: Sequence[str]) -> ColumnNotFoundError:
    """The error for a column that is not there, with the nearest names."""
    folded = {column.casefold(): column for column in columns}
    near = [folded[n] for n in difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)]
    shown = ", ".join(columns[:12]) + (", …" if len(columns) > 12 else "")
    hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"There are: {shown}"
    return ColumnNotFoundError(f"Column not found: '{name}'. {hint}", near=near)


def no_such_verb(name: str) -> Exception:
    """The error for a verb that a DataFrame has not."""
    if name in MISSING_VERBS:
        return _NoSuchVerbError(f"A DataFrame has no {name}(). {MISSING_VERBS[name]}")
    return AttributeError(f"'DataFrame' object has no attribute {name!r}")


def _find_missing(error: BaseException | None) -> str:
    """The name of the column that an error, or what it came of, says is missing; empty when none does."""
    while error is not None:
        for pattern in _NAMES:
            if match := pattern.search(str(error)):
                return match[1]
        error = error.__cause__ or error.__context__
    return ""


def _tidy(text: str) -> str:
    """narwhals' first words, without its own names for things."""
    needs_order = "specify `order_by`" in text
    text = text.strip().split("\n")[0].rstrip(". ")
    if needs_order:
        return f"{text}: give it one, .over(order_by='…')".replace("LazyFrame", "a DataFrame")
    text = re.sub(r"'?(\w+)'? is not implemented for: .*", r"'\1' has no SQL", text)
    return text.replace("LazyFrame", "DataFrame").replace("nw.", "lakeq.") or "it has no SQL"
