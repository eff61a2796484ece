"""What DuckDB's plan of a bound query proves about how often it reads its files."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from lakeq.engines.tables import OpenedTable
from lakeq.planner.estimate import scan_bytes
from lakeq.planner.plan import ScanPlan

_FILE_SCAN = re.compile(r"READ_\w+|PARQUET_SCAN|\w*ARROW_SCAN")
_REPEATER = re.compile(r"REC\w*_CTE")


def stays_within(
    connection: DuckDBPyConnection, plan: ScanPlan, tables: Sequence[OpenedTable], max_bytes: int
) -> bool:
    """Whether DuckDB's own plan proves that it scans no more than `max_bytes` of `tables`, if `plan`, which
    does not, has every mention of a table scanned once.

    It scans anew what lies in a recursive CTE, at each step, and what an optimizer wants twice. Its views
    must see all files: its plan over one of them may be another.
    """
    try:
        rows = connection.execute(f"EXPLAIN (FORMAT json) {plan.sql}", plan.params or None).fetchall()
    except duckdb.Error:
        return False  # it may be a statement that cannot be explained
    scans = list(_find_scans(json.loads(rows[0][1]), is_repeated=False))
    mentions = Counter(scan.table.name.casefold() for scan in plan.scans)
    planned = sum(mentions[table.read.table.name.casefold()] * len(table.groups) for table in tables)
    most = len(scans) * sum(map(scan_bytes, plan.scans))  # each reads what all mentions do, at most
    return not any(scans) and (len(scans) <= planned or most <= max_bytes)


def _find_scans(operators: Sequence[Mapping[str, Any]], is_repeated: bool) -> Iterator[bool]:
    """For each scan of files, whether it is repeated."""
    for operator in operators:
        name = str(operator.get("name", "")).strip().upper()
        if _FILE_SCAN.fullmatch(name):
            yield is_repeated
        below = is_repeated or _REPEATER.fullmatch(name) is not None
        yield from _find_scans(operator.get("children", []), below)
