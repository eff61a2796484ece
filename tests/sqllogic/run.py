"""A script run: what makes data in DuckDB, what asks files in lakeq."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import duckdb

import lakeq
from lakeq.errors import LakeqError
from lakeq.planner.estimate import Estimate
from tests.sqllogic.records import Record, read_script

READ = re.compile(
    r"\b(?:read_parquet|parquet_scan|read_csv|read_csv_auto|read_json)\s*\(\s*'(?P<called>[^']*)'[^()]*\)"
    r"|\bFROM\s+'(?P<named>[^']*)'",
    re.IGNORECASE,
)
"""A reader of files in a query: a call, or the files themselves."""
WRITES = re.compile(r"\s*(copy|create|insert|set|alter|drop|pragma|delete|update)\b", re.IGNORECASE)
EXPLAINS = re.compile(r"\s*explain\s+", re.IGNORECASE)
COUNTS = re.compile(r"Scanning Files:\D*(\d+)\D+(\d+)")

SKIPPED = {
    r"hive_partitioning\s*=\s*(0|false)": "keys of the path are columns always",
    r"\bfilename\b": "the hidden column is called $path",
    r"'[^']*\?[^']*'": "a root is no pattern: a condition on the keys says which folders",
    r"^\s*explain\b": "the plan is of another engine",
}
"""Queries over files that lakeq is not asked, by what is in them; the first that fits counts. Of EXPLAIN, plans
that tell how many files are scanned are asked all the same."""


class MismatchError(AssertionError):
    """A record that did not come out as it says."""


@dataclass(slots=True)
class Outcome:
    """What became of the records: asked of lakeq, run in DuckDB to make or look at data, skipped by reason."""

    asked: int = 0
    prepared: int = 0
    skipped: Counter[str] = field(default_factory=Counter)


class Runner:
    """A lake in which the folders that a script reads are tables, and a DuckDB in which data is made."""

    def __init__(self, root: Path) -> None:
        self.made = root / "made"
        self.tables = root / "tables"
        self.made.mkdir()
        self.tables.mkdir()
        self.plain = duckdb.connect()
        self.lake = lakeq.connect(self.tables, history=False, threads=1)
        self.outcome = Outcome()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.lake.close()
        self.plain.close()

    def run_script(self, path: Path, data: Path) -> Outcome:
        """Run every record; MismatchError names the first that comes out otherwise."""
        for record in read_script(path, {"TEST_DIR": str(self.made), "DATA_DIR": str(data)}):
            if WRITES.match(record.sql) or not READ.search(record.sql):
                self.outcome.prepared += 1
                self._prepare(record)
            elif (reason := why_skipped(record)) is not None:
                self.outcome.skipped[reason] += 1
            else:
                self.outcome.asked += 1
                self._ask(record)
        return self.outcome

    def _prepare(self, record: Record) -> None:
        try:
            rows = self.plain.execute(record.sql).fetchall()
        except duckdb.Error as error:
            if record.kind != "error":
                raise MismatchError(f"{record.place}: {error}") from error
            return
        if record.kind == "error":
            raise MismatchError(f"{record.place}: this should be an error")
        if record.is_query:
            check_rows(record, rows)

    def _ask(self, record: Record) -> None:
        try:
            sql = self._name_tables(record.sql)
            if EXPLAINS.match(sql):
                check_counts(record, self.lake.estimate(EXPLAINS.sub("", sql)))
                return
            rows = self.lake.sql(sql).fetchall()
        except LakeqError as error:
            if record.kind != "error":
                raise MismatchError(f"{record.place}: {error}") from error
            return
        if record.kind == "error":
            raise MismatchError(f"{record.place}: this should be an error, it has {rows[:3]}")
        check_rows(record, rows)

    def _name_tables(self, sql: str) -> str:
        """The query with a table for each reader. What DuckDB has made as tables are tables as well."""
        made = self.plain.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        for name in [name for (name,) in made if re.search(rf"\b{name}\b", sql)]:
            (self.tables / name).mkdir(exist_ok=True)
            self.plain.execute(f"COPY {name} TO '{self.tables / name}/f.parquet'")
        return READ.sub(self._name_table, sql)

    def _name_table(self, match: re.Match[str]) -> str:
        glob = match["called"] or match["named"]
        root = find_root(glob)
        format = "csv" if glob.endswith("csv") else "parquet"
        name = re.sub(r"\W", "_", f"{Path(root).name}_{format}")
        self.lake.register(name, root, format=format)
        return name if match["called"] else f"FROM {name}"


def why_skipped(record: Record) -> str | None:
    """Why lakeq is not asked a query over files; None: it is."""
    if EXPLAINS.match(record.sql) and _find_counts(record):
        return None
    found = (reason for text, reason in SKIPPED.items() if re.search(text, record.sql, re.IGNORECASE))
    return next(found, None)


def _find_counts(record: Record) -> tuple[int, int] | None:
    """The files that a plan is to scan, and all, where it is to tell them."""
    for line in record.expected or ():
        counts = COUNTS.search(line.replace("\\", ""))
        if counts is not None and "<REGEX>" in line:
            return int(counts[1]), int(counts[2])
    return None


def find_root(glob: str) -> str:
    """The folder above the first pattern, and above the keys before it."""
    parts = glob.split("/")
    wild = next(number for number, part in enumerate(parts) if "*" in part or number == len(parts) - 1)
    while wild > 1 and "=" in parts[wild - 1]:
        wild -= 1
    return "/".join(parts[:wild])


def check_counts(record: Record, estimate: Estimate) -> None:
    """MismatchError where the files of the plan are not those that the record says."""
    total = sum(scan.table.files_total or 0 for scan in estimate.scans)
    if (estimate.files, total) != _find_counts(record):
        raise MismatchError(f"{record.place}: {estimate.files} of {total} files")


def check_rows(record: Record, rows: Sequence[tuple[Any, ...]]) -> None:
    """MismatchError where the rows are not those that the record says."""
    found = [[show_value(value) for value in row] for row in rows]
    width = len(record.kind)
    if any(len(row) != width for row in found):
        raise MismatchError(f"{record.place}: {len(found[0])} columns, expected {width}")
    lines = record.expected or ()
    expected = [line.split("\t") for line in lines]
    if width > 1 and expected and all(len(row) == 1 for row in expected):  # one value a line
        values = [row[0] for row in expected]
        expected = [values[at : at + width] for at in range(0, len(values), width)]
    if record.sort == "rowsort":
        found, expected = sorted(found), sorted(expected)
    elif record.sort == "valuesort":
        found = [[value] for value in sorted(v for row in found for v in row)]
        expected = [[value] for value in sorted(v for row in expected for v in row)]
    is_same = len(found) == len(expected) and all(
        len(row) == len(other) and all(map(is_value, row, other))
        for row, other in zip(found, expected, strict=True)
    )
    if not is_same:
        raise MismatchError(f"{record.place}: {found}, expected {expected}")


def is_value(found: str, expected: str) -> bool:
    """Whether a value is the expected one, or matches its pattern."""
    for mark, wanted in (("<REGEX>:", True), ("<!REGEX>:", False)):
        if expected.startswith(mark):
            return (re.fullmatch(expected.removeprefix(mark), found, re.DOTALL) is not None) is wanted
    if found == expected:
        return True
    try:
        return math.isclose(float(found), float(expected), rel_tol=1e-9)
    except ValueError:
        return False


def show_value(value: Any) -> str:
    """A value as the format spells it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    if value == "":
        return "(empty)"
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
