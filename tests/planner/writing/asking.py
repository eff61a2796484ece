"""The differential test: what is refused, and where an engine's answer is not DuckDB's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

import lakeq
from lakeq.errors import UnsupportedSqlError
from lakeq.lake import Lake
from lakeq.planner.writing import write_query
from tests.planner.writing.cases import AGGREGATES, EXPRESSIONS, QUERIES, WINDOWS
from tests.planner.writing.compare import Rows, compare_rows, list_rows
from tests.planner.writing.engines import Run

_TAILS = ("", " WHERE FALSE", " GROUP BY b ORDER BY b")
_ROWS_ALONE = ("unnest", "(SELECT")
BATCH = 24
"""Expressions asked at once: a query costs an engine more than a column does."""


@dataclass(slots=True)
class Asker:
    """A lake, its tables in DuckDB, and another engine with the same tables. `refused` is what was not
    written, `wrong` how answers differ, `same` how many did not."""

    lake: Lake
    truth: duckdb.DuckDBPyConnection
    dialect: str
    names: Mapping[str, str]
    run: Run
    refused: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    same: int = 0

    def expect(self, sql: str) -> Rows | str:
        """DuckDB's rows, or its error."""
        try:
            return list_rows(self.truth.cursor().sql(sql).to_arrow_table())
        except duckdb.Error as error:
            return f"DuckDB fails: {error}"

    def write(self, label: str, sql: str) -> str | None:
        """The query, written; None when it is refused, which is noted."""
        try:
            return write_query(self.lake.plan(sql), self.dialect, self.names)
        except UnsupportedSqlError:
            self.refused.append(label)
            return None

    def ask(self, label: str, sql: str, expected: Rows | str | None = None) -> None:
        """Compare the answers to one query."""
        expected = self.expect(sql) if expected is None else expected
        text = self.write(label, sql)
        if text is not None:
            self.judge(label, text, expected, is_ordered="ORDER BY" in sql)

    def judge(self, label: str, text: str, expected: Rows | str, is_ordered: bool) -> None:
        """Compare the answer to what is written with what is expected. Where DuckDB fails, as on overflow,
        the other engine may know an answer."""
        found = self.run(text)
        if isinstance(expected, str):
            self.same += 1
            return
        difference = found if isinstance(found, str) else compare_rows(found, expected, is_ordered)
        if difference is None:
            self.same += 1
        else:
            self.wrong.append(f"{label}: {difference[:400]}\n    {text[:600]}")


def open_asker(
    root: Path, tables: Mapping[str, pa.Table], dialect: str, names: Mapping[str, str], run: Run
) -> Asker:
    """An asker over the lake in `root`, which has the tables."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for name, table in tables.items():
        connection.register(f"arrow_{name}", table)
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM arrow_{name}")
    return Asker(lakeq.connect(root, history=False), connection, dialect, names, run)


def ask_expressions(asker: Asker, expressions: Sequence[str], tail: str = " FROM v ORDER BY id") -> None:
    """Compare each expression over the rows of `v`, many at once where no one is at fault."""
    good = []
    for expression in expressions:
        sql = f"SELECT id, {expression} AS r{tail}"
        if asker.write(expression, sql) is None:
            continue
        if isinstance(asker.expect(sql), str):
            asker.ask(expression, sql)
        else:
            good.append(expression)
    alone = [e for e in good if any(word in e for word in _ROWS_ALONE)]
    batched = [e for e in good if e not in alone]
    for start in range(0, len(batched), BATCH):
        batch = batched[start : start + BATCH]
        listed = ", ".join(f"{e} AS r{i}" for i, e in enumerate(batch))
        wrong, same = len(asker.wrong), asker.same
        asker.ask("; ".join(batch), f"SELECT id, {listed}{tail}")
        if len(asker.wrong) > wrong:  # now one by one, to tell which
            del asker.wrong[wrong:]
            alone += batch
        else:
            asker.same = same + len(batch)
    for expression in alone:
        asker.ask(expression, f"SELECT id, {expression} AS r{tail}")


def list_aggregates(tails: Sequence[str] = _TAILS) -> Iterator[tuple[str, str]]:
    """Each aggregate over all rows, over none and by group: what to call it, and the query."""
    for aggregate in AGGREGATES:
        for tail in tails:
            key = "b, " if "GROUP" in tail else ""
            yield aggregate + tail, f"SELECT {key}{aggregate} AS r FROM v{tail}"


def ask_all(asker: Asker) -> None:
    """Every case of the differential test."""
    ask_expressions(asker, EXPRESSIONS)
    ask_expressions(asker, WINDOWS, " FROM v WINDOW w AS (PARTITION BY b) ORDER BY id")
    for label, sql in list_aggregates():
        asker.ask(label, sql)
    for sql in QUERIES:
        asker.ask(sql, sql)


def shorten(labels: Sequence[str]) -> list[str]:
    """The labels, each aggregate once."""
    return list(
        dict.fromkeys(
            re.sub(r"( WHERE FALSE| GROUP BY b ORDER BY b)$", "", label)
            if not label.startswith("SELECT")
            else label
            for label in labels
        )
    )
