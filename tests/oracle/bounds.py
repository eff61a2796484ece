"""`python -m tests.oracle.bounds`: does DuckDB answer the same whether it knows bounds of a column or not?

Every scalar function of one argument, every cast, part of a time and operator, over a column of each type: as
a value and as a condition, once over Parquet (whose bounds DuckDB knows), once over `greatest(x, NULL)`, of
which it knows none. What differs is printed; what lakeq keeps answers from (lakeq/planner/time_parts.py) is
expected. The exit status is 1 when something else differs. It takes some minutes.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from lakeq.formats.types import quote_text
from tests.oracle.run import tell

COLUMNS: dict[str, tuple[str, ...]] = {
    "TINYINT": ("-3", "5", "100"),
    "BIGINT": ("-9007199254740993", "7", "9007199254740993"),
    "UTINYINT": ("0", "5", "200"),
    "UBIGINT": ("1", "18446744073709551615"),
    "HUGEINT": ("-1", "170141183460469231731687303715884105727"),
    "DECIMAL(9,2)": ("-1.25", "3.50", "99.99"),
    "DECIMAL(38,3)": ("-1.250", "12345678901234567890.125"),
    "FLOAT": ("-1.5", "0", "3.25"),
    "DOUBLE": ("-1.5", "nan", "inf"),
    "VARCHAR": ("", "abc", "Zé", "2025-01-01"),
    "BLOB": ("a", "\\xFF"),
    "BOOLEAN": ("true", "true"),
    "DATE": ("2024-12-31", "2025-03-07"),
    "TIMESTAMP": ("2025-01-01 03:04:05.123456", "2025-03-07 23:59:00"),
    "TIMESTAMP_S": ("2025-01-01 03:04:05", "2025-03-07 23:59:00"),
    "TIMESTAMP_MS": ("2025-01-01 03:04:05.123", "2025-03-07 23:59:00"),
    "TIMESTAMP_NS": ("2025-01-01 03:04:05.123456789", "2025-03-07 23:59:00"),
    "TIMESTAMPTZ": ("2025-01-01 03:04:05.123456+00", "2025-03-07 23:59:00+00"),
    "TIME": ("03:04:05.123456", "23:59:00"),
    "INTERVAL": ("1 day", "2 months"),
    "UUID": ("00000000-0000-0000-0000-000000000001", "f0000000-0000-0000-0000-000000000001"),
}
_PARTS = "year month day hour minute second epoch quarter week dow doy millisecond decade isoyear julian yearweek era"
_OPERATORS = ("+", "-", "*", "/", "//", "%", "&", "|", ">>", "<<", "**")
_NOT_ASKED = "random|uuid|gen_random|nextval|currval|setseed|getvariable|getenv|error|sleep|write_log|stats|txid|version"
_KNOWN = re.compile(r"date_part", re.IGNORECASE)


def list_expressions(connection: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """What is asked of a column `x`; much of it fails for its type."""
    functions = connection.execute(
        f"SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'scalar' "
        f"AND function_name !~ '^({_NOT_ASKED}|now|current|today|get_current|pg_|has_|in_search)' ORDER BY 1"
    ).fetchall()
    yield from (f'"{name}"(x)' for (name,) in functions)
    for part in _PARTS.split():
        yield from (f"date_part('{part}', x)", f"date_trunc('{part}', x)", f"datediff('{part}', x, x)")
    for kind in COLUMNS:
        yield from (f"CAST(x AS {kind})", f"TRY_CAST(x AS {kind})", f"date_part('year', CAST(x AS {kind}))")
    for operator in _OPERATORS:
        yield from (f"x {operator} {number}" for number in (1, 2, -3, 0.5))
    yield from (
        "-x",
        "x || 'a'",
        "x + INTERVAL 1 DAY",
        "x BETWEEN '2025-01-01' AND '2025-02-01'",
        "x IS NULL",
    )
    yield from (
        "nullif(x, x)",
        "CASE WHEN id = 0 THEN x END",
        "left(x, 1)",
        "x LIKE 'a%'",
        "contains(x, 'b')",
    )
    yield from ("round(x, 1)", "round(x, -1)", "strftime(x, '%Y')", "time_bucket(INTERVAL 1 DAY, x)", "x = x")


def compare(connection: duckdb.DuckDBPyConnection, path: Path, expression: str) -> str | None:
    """How an expression over the column `x` of a file differs by bounds; None when it does not, or fails."""

    def ask(source: str, condition: str = "true", values: list[Any] | None = None) -> list[str]:
        sql = f"SELECT id, {expression} FROM {source} WHERE {condition}"
        return sorted(map(repr, connection.execute(sql, values or []).fetchall()))

    known, unknown = f"'{path}'", f"(SELECT id, greatest(x, NULL) AS x FROM '{path}')"
    try:
        expected, found = ask(unknown), ask(known)
        if found != expected:
            return f"{found} with bounds, {expected} without"
        sql = f"SELECT DISTINCT {expression} AS v, typeof({expression}) FROM {unknown} WHERE v IS NOT NULL"
        for value, kind in connection.execute(sql).fetchall():
            for operator in ("=", "<", ">", "<>"):
                condition = f"{expression} {operator} CAST($1 AS {kind})"
                found, expected = ask(known, condition, [value]), ask(unknown, condition, [value])
                if found != expected:
                    return f"{operator} {value}: {found} with bounds, {expected} without"
    except duckdb.Error:
        return None
    return None


def find_differences(kinds: Iterator[str]) -> Iterator[tuple[str, str, str]]:
    """(type, expression, difference) of columns of these types, with NULL among their values and without."""
    with duckdb.connect(config={"threads": "1"}) as connection, tempfile.TemporaryDirectory() as folder:
        path, expressions = Path(folder) / "x.parquet", list(dict.fromkeys(list_expressions(connection)))
        for kind in kinds:
            for values in (COLUMNS[kind], (*COLUMNS[kind], None)):
                texts = ("NULL" if value is None else quote_text(value) for value in values)
                rows = ", ".join(f"({i}, CAST({text} AS {kind}))" for i, text in enumerate(texts))
                connection.execute(f"COPY (SELECT * FROM (VALUES {rows}) AS v(id, x)) TO '{path}'")
                for expression in expressions:
                    difference = compare(connection, path, expression)
                    if difference is not None:
                        yield kind, expression, difference


def main() -> int:
    """Print what differs; the exit status."""
    unknown = 0
    for kind, expression, difference in find_differences(iter(COLUMNS)):
        is_known = _KNOWN.search(expression) is not None
        unknown += not is_known
        tell(f"{'known' if is_known else 'NEW'} {kind} {expression} {difference}")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
