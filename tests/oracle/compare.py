"""The two answers to a query: lakeq's over the lake, and DuckDB's over all rows in plain tables."""

from __future__ import annotations

import re
import traceback
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

import lakeq
from lakeq.errors import LakeqError
from lakeq.formats.types import quote_name, sql_type
from lakeq.lake import Lake
from lakeq.planner.time_parts import hide_bounds
from tests.oracle.lakes import LakeTable, write_lake
from tests.oracle.queries import Query

MAY_BE_SPARED = (duckdb.ConversionException, duckdb.OutOfRangeException, duckdb.InvalidInputException)
"""Errors that a row causes. A query that prunes the row, or meets another row first, may do without them."""
FAMILIES = {
    "int": pa.types.is_integer,
    "double": lambda t: pa.types.is_floating(t) or pa.types.is_integer(t),
    "single": lambda t: pa.types.is_floating(t) or pa.types.is_integer(t),
    "decimal": pa.types.is_decimal,
    "text": lambda t: (
        pa.types.is_string(t) or pa.types.is_integer(t)
    ),  # `v`, where all its texts are integers
    "date": pa.types.is_date,
    "ts": lambda t: pa.types.is_timestamp(t) and t.tz is None,
    "ns": lambda t: pa.types.is_timestamp(t) and t.tz is None,
    "tz": lambda t: pa.types.is_timestamp(t) and t.tz is not None,
    "bool": pa.types.is_boolean,
    "list": pa.types.is_list,
    "struct": pa.types.is_struct,
}


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong: the seed of the lake, the SQL, and how the answers differ."""

    seed: int
    sql: str
    reason: str


class OpenLake:
    """A random lake, opened by lakeq, and the same rows in DuckDB."""

    def __init__(self, root: Path, seed: int) -> None:
        self.seed = seed
        self.tables = write_lake(root, seed)
        self.lake = lakeq.connect(root, history=False, threads=1)
        self.arrow_lake = lakeq.connect(root, history=False, threads=1, scanner="arrow")
        self.truth = duckdb.connect(config={"threads": "1"})
        self.truth.execute(
            "SET disabled_optimizers='late_materialization,window_self_join,top_n_window_elimination'"
        )
        self.problems: list[Failure] = []
        self.tables = [self._load(table) for table in self.tables]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.lake.close()
        self.arrow_lake.close()
        self.truth.close()

    def _load(self, table: LakeTable) -> LakeTable:
        """Make the plain table, its columns as lakeq has them, and note what is wrong with those.

        The table returned lacks columns that no file has.
        """
        try:
            columns = {column.name: column.type for column in self.lake.describe(table.name).columns}
        except LakeqError as error:
            self._note(table, f"{type(error).__name__}: {error}")
            return table
        empty = {name for name in table.kinds if table.rows[name].null_count == len(table.rows)}
        table = replace(
            table, kinds={c: kind for c, kind in table.kinds.items() if c in columns or c not in empty}
        )
        kinds = {**table.kinds, **table.keys}
        if set(columns) != set(kinds):
            self._note(table, f"columns {sorted(columns)}, written {sorted(kinds)}")
            return table
        for name, type_ in columns.items():
            fits = FAMILIES[kinds[name]](type_) or (
                pa.types.is_date(type_) and has_only_days(table.rows[name])
            )
            if name not in empty and not fits and table.rows.num_rows:
                self._note(table, f"column {name} of kind {kinds[name]} is {type_}")
        casts = ", ".join(
            f"CAST({quote_name(name)} AS {sql_type(type_)}) AS {quote_name(name)}"
            for name, type_ in columns.items()
        )
        self.truth.register("written", table.rows)
        self.truth.execute(f"CREATE TABLE {table.name}_rows AS SELECT {casts} FROM written")
        # Of what it stores DuckDB takes bounds of nanoseconds for microseconds: see lakeq/planner/time_parts.py.
        shown = ", ".join(hide_bounds(quote_name(name)) + f" AS {quote_name(name)}" for name in columns)
        self.truth.execute(f"CREATE VIEW {table.name} AS SELECT {shown} FROM {table.name}_rows")
        self.truth.register(
            "placed", pa.table({"id": table.rows["id"], "path": pa.array(table.files, pa.string())})
        )
        self.truth.execute(f"CREATE TABLE {table.name}_paths AS SELECT * FROM placed")
        return table

    def _note(self, table: LakeTable, reason: str) -> None:
        self.problems.append(Failure(self.seed, f"DESCRIBE {table.name}", reason))

    def compare(self, query: Query, *, by_arrow: bool = False) -> str | None:
        """How lakeq's answer differs from the truth; None when it does not."""
        expected = run_truth(self.truth, query.sql)
        found = run_lake(self.arrow_lake if by_arrow else self.lake, query.sql)
        if isinstance(found, pa.Table) and isinstance(expected, pa.Table):
            return compare_tables(found, expected, query.is_ordered)
        if isinstance(found, str):
            return found
        if isinstance(expected, pa.Table):
            return f"{type(found).__name__}: {found}"
        if isinstance(found, LakeqError) or isinstance(expected, MAY_BE_SPARED):
            return None
        return f"lakeq answers, DuckDB does not: {expected}"

    def compare_parts(self, relation: str, condition: str) -> str | None:
        """How the rows where a condition is true, false and NULL are not all rows (ternary logic
        partitioning). lakeq alone answers all four."""
        tests = [f" WHERE {condition}", f" WHERE NOT ({condition})", f" WHERE ({condition}) IS NULL", ""]
        answers = [run_lake(self.lake, f"SELECT * FROM {relation}{test}") for test in tests]
        if any(isinstance(answer, str) for answer in answers):
            return next(answer for answer in answers if isinstance(answer, str))
        if not all(isinstance(answer, pa.Table) for answer in answers):
            return None  # an error that a row causes; `compare` judges which
        *parts, whole = map(count_rows, answers)
        joined = parts[0] + parts[1] + parts[2]
        return None if joined == whole else f"parts: {tell_difference(joined, whole)}"

    def check_files(self, table: LakeTable, condition: str) -> str | None:
        """A file that holds rows which meet the condition and is not kept; None when there is none."""
        sql = f"SELECT DISTINCT path FROM {table.name} JOIN {table.name}_paths USING (id) WHERE {condition}"
        needed = run_truth(self.truth, sql)
        if not isinstance(needed, pa.Table) or needed.num_rows == 0:
            return None
        try:
            (scan,) = self.lake.plan(f"SELECT * FROM {table.name} WHERE {condition}").scans
        except LakeqError:
            return None  # `compare` judges it
        kept = set(scan.files.to_table()["path"].to_pylist())
        lost = sorted(set(needed["path"].to_pylist()) - kept)
        return f"files pruned that hold rows: {lost}" if lost else None


def has_only_days(column: pa.ChunkedArray) -> bool:
    """Whether a column of times has but midnights: the files that were to hold others may have no rows."""
    if not pa.types.is_timestamp(column.type):
        return False
    days = column.cast(pa.date32(), safe=False).cast(column.type)
    return bool(pc.all(pc.equal(days, column)).as_py())


def run_truth(truth: duckdb.DuckDBPyConnection, sql: str) -> pa.Table | duckdb.Error:
    """DuckDB's answer, or its error."""
    try:
        return truth.sql(sql).to_arrow_table()
    except duckdb.Error as error:
        return error


def run_lake(lake: Lake, sql: str) -> pa.Table | LakeqError | str:
    """lakeq's answer, its error, or a text about an error that must never happen."""
    try:
        with lake.sql(sql) as result:
            return result.arrow()
    except LakeqError as error:
        return f"internal error: {error}" if "INTERNAL" in str(error) else error
    except Exception:  # noqa: BLE001 - a traceback of any kind is what is looked for
        return traceback.format_exc()


def compare_tables(found: pa.Table, expected: pa.Table, is_ordered: bool) -> str | None:
    """How two answers differ: in their columns, their types, their rows."""
    if found.column_names != expected.column_names:
        return f"columns {found.column_names}, expected {expected.column_names}"
    types = [sql_type(field.type) for field in found.schema]
    wanted = [sql_type(field.type) for field in expected.schema]
    if types != wanted:
        return f"types {types}, expected {wanted}"
    rows, truth = list_rows(found), list_rows(expected)
    if rows == truth if is_ordered else Counter(rows) == Counter(truth):
        return None
    if Counter(rows) == Counter(truth):
        return "the same rows in another order"
    return tell_difference(Counter(rows), Counter(truth))


def tell_difference(found: Counter[Any], expected: Counter[Any]) -> str:
    """How many rows are missing and too many, with some of them."""
    missing, extra = list((expected - found).elements()), list((found - expected).elements())
    return (
        f"{found.total()} rows, expected {expected.total()}; missing {len(missing)}: {missing[:3]}; "
        f"too many {len(extra)}: {extra[:3]}"
    )


def count_rows(table: pa.Table) -> Counter[Any]:
    """The rows as a multiset."""
    return Counter(list_rows(table))


_MINUS_ZERO = re.compile(r"(?<![\w.])-0\.0(?!\d)")


def list_rows(table: pa.Table) -> list[tuple[Any, ...]]:
    """The rows as tuples that compare as SQL does: NaN equals itself, -0.0 is 0.0, times in microseconds."""
    columns = [_plain_times(column).to_pylist() for column in table.columns]
    if not columns:
        return [()] * table.num_rows
    return [tuple(map(_settle, row)) for row in zip(*columns, strict=True)]


def _plain_times(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if not pa.types.is_timestamp(column.type):
        return column
    return column.cast(pa.timestamp("us", column.type.tz)).cast(pa.int64())


def _settle(value: Any) -> Any:
    if isinstance(value, float):
        return "NaN" if value != value else value + 0.0
    if isinstance(value, str):  # a window or a group may show 0.0 for -0.0, and so may a text made of that
        return _MINUS_ZERO.sub("0.0", value)
    if isinstance(value, list):
        return ("list", *map(_settle, value))
    if isinstance(value, dict):
        return ("struct", *((name, _settle(inner)) for name, inner in value.items()))
    return value
