"""What DuckDB's plan of a bound query proves about how often it reads its files, and which columns."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from lakeq.engines.tables import OpenedTable
from lakeq.planner.plan import ScanPlan
from lakeq.planner.scan import scan_bytes

_FILE_SCAN = re.compile(r"READ_\w+|PARQUET_SCAN|\w*ARROW_SCAN")
_PARQUET_SCAN = re.compile(r"READ_PARQUET|PARQUET_SCAN")
_OWN = "lakeq_"
"""What the columns are called that a view adds to those of its files."""
_REPEATER = re.compile(r"REC\w*_CTE")


Operators = Sequence[Mapping[str, Any]]
"""DuckDB's plan of a statement."""


def read_operators(connection: DuckDBPyConnection, plan: ScanPlan) -> Operators | None:
    """DuckDB's plan of the query; None where it does not tell. Its views must see all files: its plan over
    one of them may be another."""
    try:
        rows = connection.execute(f"EXPLAIN (FORMAT json) {plan.sql}", plan.params or None).fetchall()
    except duckdb.Error:
        return None  # it may be a statement that cannot be explained
    operators: Operators = json.loads(rows[0][1])
    return operators


def stays_within(operators: Operators, plan: ScanPlan, tables: Sequence[OpenedTable], max_bytes: int) -> bool:
    """Whether DuckDB's own plan proves that it scans no more than `max_bytes` of `tables`, if `plan`, which
    does not, has every mention of a table scanned once.

    It scans anew what lies in a recursive CTE, at each step, and what an optimizer wants twice.
    """
    scans = list(_find_scans(operators, is_repeated=False))
    mentions = Counter(scan.table.name.casefold() for scan in plan.scans)
    planned = sum(mentions[table.read.table.name.casefold()] * len(table.groups) for table in tables)
    most = len(scans) * sum(map(scan_bytes, plan.scans))  # each reads what all mentions do, at most
    return not any(scans) and (len(scans) <= planned or most <= max_bytes)


def reads_others(operators: Operators, plan: ScanPlan) -> bool:
    """Whether DuckDB is going to read columns of Parquet that `plan` does not have."""
    keys = {column.name for scan in plan.scans for column in scan.table.partition_columns}
    planned = tuple(path.casefold() for scan in plan.scans for path in (*scan.columns, *keys))
    return not all(
        path.startswith(_OWN) or any(path == known or path.startswith(f"{known}.") for known in planned)
        for path in map(str.casefold, _find_columns(operators))
    )


def _find_columns(operators: Operators) -> Iterator[str]:
    """The columns that scans of Parquet read, nested fields as dotted paths."""
    for operator in operators:
        if _PARQUET_SCAN.fullmatch(str(operator.get("name", "")).strip().upper()):
            shown = operator.get("extra_info", {}).get("Projections") or ()
            yield from filter(None, [shown] if isinstance(shown, str) else shown)
        yield from _find_columns(operator.get("children", ()))


def _find_scans(operators: Operators, is_repeated: bool) -> Iterator[bool]:
    """For each scan of files, whether it is repeated."""
    for operator in operators:
        name = str(operator.get("name", "")).strip().upper()
        if _FILE_SCAN.fullmatch(name):
            yield is_repeated
        below = is_repeated or _REPEATER.fullmatch(name) is not None
        yield from _find_scans(operator.get("children", []), below)
