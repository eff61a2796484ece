"""The differential test: what is refused, and where an engine's answer is not DuckDB's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import duckdb
import pyarrow as pa

from lakeq.errors import UnsupportedSqlError
from lakeq.lake import Lake
from lakeq.planner.plan import ScanPlan
from lakeq.planner.writing import write_query
from tests.planner.writing.cases import AGGREGATES, EXPRESSIONS, QUERIES, WINDOWS
from tests.planner.writing.compare import Rows, compare_rows, list_rows
from tests.planner.writing.engines import Run

_ROWS_ALONE = ("unnest",)
_BY_ROW = "SELECT id, {} FROM v ORDER BY id"
_BY_WINDOW = "SELECT id, {} FROM v WINDOW w AS (PARTITION BY b) ORDER BY id"
_ADDED_UP = ("SELECT {} FROM v", "SELECT {} FROM v WHERE FALSE", "SELECT b, {} FROM v GROUP BY b ORDER BY b")
BATCH = 40
"""Expressions asked at once: a query costs an engine more than a column does."""


@dataclass(slots=True)
class Asker:
    """A plan over a lake, its tables in DuckDB, and another engine with the same tables. `refused` is what was not
    written, `wrong` how answers differ, `same` how many did not."""

    plan: ScanPlan
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
            return write_query(replace(self.plan, sql=sql), self.dialect, self.names)
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


def plan_all(lake: Lake) -> ScanPlan:
    """A plan that knows all tables of the lake of `values`, for any query over them."""
    return lake.plan("SELECT now() FROM v, w, u, nothing")


def open_asker(
    lake: Lake, tables: Mapping[str, pa.Table], dialect: str, names: Mapping[str, str], run: Run
) -> Asker:
    """An asker over the lake, which has the tables."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for name, table in tables.items():
        connection.register(f"arrow_{name}", table)
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM arrow_{name}")
    return Asker(plan_all(lake), connection, dialect, names, run)


def list_cases() -> Iterator[tuple[str, str]]:
    """Every case: what it is called, and the query."""
    for expression in EXPRESSIONS:
        yield expression, _BY_ROW.format(f"{expression} AS r")
    for expression in WINDOWS:
        yield expression, _BY_WINDOW.format(f"{expression} AS r")
    for expression in AGGREGATES:
        yield expression, _ADDED_UP[-1].format(f"{expression} AS r")
    for sql in QUERIES:
        yield sql, sql


def ask_together(asker: Asker, expressions: Sequence[str], form: str) -> None:
    """Compare expressions in a query of the form, many at once unless one is at fault."""
    alone, batched = [], []
    for expression in expressions:
        sql = form.format(f"{expression} AS r")
        if asker.write(expression, sql) is None:
            continue
        if isinstance(asker.expect(sql), str):
            continue  # where DuckDB fails, the other engine may answer
        (alone if any(word in expression for word in _ROWS_ALONE) else batched).append(expression)
    for start in range(0, len(batched), BATCH):
        batch = batched[start : start + BATCH]
        wrong, same = len(asker.wrong), asker.same
        asker.ask("; ".join(batch), form.format(", ".join(f"{e} AS r{i}" for i, e in enumerate(batch))))
        if len(asker.wrong) > wrong:  # now one by one, to tell which
            del asker.wrong[wrong:]
            alone += batch
        else:
            asker.same = same + len(batch)
    for expression in alone:
        asker.ask(expression, form.format(f"{expression} AS r"))


def ask_all(asker: Asker, step: int = 1) -> None:
    """The cases of the differential test, or every so manieth of them."""
    ask_together(asker, EXPRESSIONS[::step], _BY_ROW)
    ask_together(asker, WINDOWS[::step], _BY_WINDOW)
    for form in _ADDED_UP if step == 1 else _ADDED_UP[-1:]:
        ask_together(asker, AGGREGATES[::step], form)
    for sql in QUERIES[::step]:
        asker.ask(sql, sql)
