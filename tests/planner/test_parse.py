"""Text to tree: what is replaced before pruning means the same to DuckDB."""

from __future__ import annotations

import datetime as dt
import math
import subprocess
import sys
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from lakeq.errors import QueryError, SqlSyntaxError
from lakeq.planner.parse import bind_parameters, number_placeholders, parse_query, pin_clock, to_literal


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Kiritimati"])
@pytest.mark.parametrize(
    "call",
    [
        "now()", "current_timestamp", "get_current_timestamp()", "transaction_timestamp()", "current_date", "today()",
        "current_date - 1", "date_trunc('day', now())", "now()::TIMESTAMP", "year(today())", "strftime(now(), '%H')",
    ],
)  # fmt: skip
def test_a_pinned_clock_reads_as_the_engines_own(zone: str, call: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"SET TimeZone = '{zone}'; BEGIN")
        row = connection.execute("SELECT now()").fetchone()
        assert row is not None
        tree, used = pin_clock(parse_query(f"SELECT {call}"), row[0].astimezone(dt.UTC))
        assert used
        assert (
            connection.execute(tree.sql("duckdb")).fetchall()
            == connection.execute(f"SELECT {call}").fetchall()
        )


@pytest.mark.parametrize(
    "value",
    [
        None, True, 0, -7, 2**63, 1.5, -0.1, 1e300, math.inf, Decimal("-12.340"), "it's", "", dt.date(2026, 2, 28),
        dt.datetime(2026, 2, 28, 1, 2, 3, 456), dt.datetime(2026, 2, 28, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=5))),
    ],
)  # fmt: skip
def test_a_literal_equals_the_bound_parameter(value: Any) -> None:
    literal = to_literal(value)
    assert literal is not None
    with duckdb.connect() as connection:
        sql = f"SELECT {literal.sql('duckdb')} IS NOT DISTINCT FROM $1"
        assert connection.execute(sql, [value]).fetchall() == [(True,)]


def test_what_has_no_literal_form_stays_a_parameter() -> None:
    assert to_literal([1, 2]) is None
    assert to_literal(b"x") is None


def test_question_marks_are_numbered_in_the_order_of_the_text() -> None:
    assert number_placeholders("FROM t SELECT ? WHERE a = '?' AND b = ? -- ?") == (
        "FROM t SELECT $1 WHERE a = '?' AND b = $2 -- ?"
    )


@pytest.mark.parametrize(
    ("sql", "line", "column"),
    [
        ("SELECT x FROM t WHERE x = = 3", 1, 27),
        ("SELECT x\nFROM t\nWHERE )", 3, 7),
        ("", 0, 0),
        ("SELECT 'a", 0, 0),
    ],
)
def test_a_syntax_error_has_its_place(sql: str, line: int, column: int) -> None:
    with pytest.raises(SqlSyntaxError) as caught:
        parse_query(sql)
    assert (caught.value.line, caught.value.column) == (line, column)


_HALF_A_DIALECT = """
import sys, threading
from sqlglot.dialects.dialect import Dialect
from lakeq.planner.parse import load_dialect, parse_query

registered, go_on = threading.Event(), threading.Event()

def pause(frame, event, argument):
    if "duckdb" in type(Dialect)._classes and not registered.is_set():
        registered.set()
        go_on.wait(30)

def load():
    sys.setprofile(pause)
    load_dialect()

threading.Thread(target=load).start()
assert registered.wait(30)
threading.Timer(0.3, go_on.set).start()
print(parse_query("SELECT 7 // 2, [x FOR x IN [1]]").sql("duckdb"))
"""


def test_a_dialect_that_another_thread_is_loading_is_waited_for() -> None:
    done = subprocess.run([sys.executable, "-c", _HALF_A_DIALECT], capture_output=True, text=True, check=True)
    assert done.stdout == "SELECT 7 // 2, [x FOR x IN [1]]\n"


@pytest.mark.parametrize("name", ["path", "file_size", "partition"])
def test_a_hidden_column_without_quotes_is_told_from_a_parameter(name: str) -> None:
    with pytest.raises(QueryError, match=rf'\${name} has no value.* The column is written "\${name}"'):
        bind_parameters(parse_query(f"SELECT ${name} FROM t"), None, "")
    with pytest.raises(QueryError, match=r"\$day has no value: no values were given$"):
        bind_parameters(parse_query("SELECT $day FROM t"), None, "")
