"""A translated expression has its engine's value: run on Spark; by the documentation for Trino and BigQuery."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import duckdb
import pytest

from lakeq.errors import UnsupportedSqlError
from lakeq.planner.dialects.translate import translate
from tests.planner.dialects.values import read_cases, write_rows

CASES = list(read_cases())


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A machine far from UTC: no value may depend on where the query runs."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='America/New_York'")
        yield connection


def test_there_are_cases_of_every_engine() -> None:
    counts = Counter(dialect for dialect, _, _ in CASES)
    assert counts["trino"] >= 150
    assert counts["spark"] >= 100
    assert counts["bigquery"] >= 80


@pytest.mark.parametrize(("dialect", "expression", "expected"), CASES, ids=[f"{d}: {e}" for d, e, _ in CASES])
def test_an_expression_has_the_value_that_the_engine_gives(
    dialect: str, expression: str, expected: str, connection: duckdb.DuckDBPyConnection
) -> None:
    is_query = expression.casefold().startswith(("select ", "with "))
    query = expression if is_query else f"SELECT {expression}"
    try:
        sql = translate(query, dialect, [], {}.__getitem__, {}).sql
    except UnsupportedSqlError:
        assert expected.endswith(" REFUSED")
        return
    if expected == "ERROR":
        with pytest.raises(duckdb.Error):
            connection.execute(sql).fetchall()
        return
    assert write_rows(connection.execute(sql).fetchall()) == expected
