"""DuckDB's words become errors of our tree."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pyarrow as pa
import pytest

from lakeq.engines.connection import bind_query
from lakeq.engines.translation import (
    OpenedFile,
    Place,
    find_mentioned,
    find_place,
    translate_file_error,
    translate_run_error,
)
from lakeq.errors import (
    ColumnNotFoundError,
    ExecutionError,
    LakeqError,
    QueryCancelledError,
    QueryError,
    TableNotFoundError,
    UnsupportedSqlError,
)


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"python_enable_replacements": "false"}) as opened:
        opened.register("sales", pa.table({"amount": [1], "name": ["x"], "s": [{"deep": 1}]}))
        yield opened


def bind_failure(
    connection: duckdb.DuckDBPyConnection, sql: str, params: list[int] | None = None
) -> LakeqError:
    with pytest.raises(LakeqError) as caught:
        bind_query(connection, sql, params)
    return caught.value


def test_a_wrong_column_has_its_place_and_the_nearest_name(connection: duckdb.DuckDBPyConnection) -> None:
    error = bind_failure(connection, "select 1,\n  amunt\nfrom sales")
    assert isinstance(error, ColumnNotFoundError)
    assert (error.line, error.column, error.near[0]) == (2, 3, "amount")
    assert str(error).startswith("Column not found: 'amunt' at line 2, column 3. Did you mean 'amount'")


def test_a_place_in_a_line_that_duckdb_shortened_is_found(connection: duckdb.DuckDBPyConnection) -> None:
    sql = f"select '{'x' * 200}', amunt, '{'y' * 200}' from sales"
    error = bind_failure(connection, sql)
    assert isinstance(error, ColumnNotFoundError)
    assert sql[error.column - 1 :].startswith("amunt")


def test_a_qualified_wrong_column_is_a_wrong_column(connection: duckdb.DuckDBPyConnection) -> None:
    assert isinstance(bind_failure(connection, "select sales.amunt from sales"), ColumnNotFoundError)


def test_a_wrong_table_is_named_with_the_nearest(connection: duckdb.DuckDBPyConnection) -> None:
    error = bind_failure(connection, "select * from sals")
    assert isinstance(error, TableNotFoundError)
    assert (error.name, error.near) == ("sals", ("sales",))
    error = bind_failure(connection, "select x.amount from sales")
    assert isinstance(error, TableNotFoundError)
    assert (error.name, error.near) == ("x", ("sales",))


def test_tables_of_duckdb_are_not_offered(connection: duckdb.DuckDBPyConnection) -> None:
    error = bind_failure(connection, "select * from pg_tabl")
    assert isinstance(error, TableNotFoundError)
    assert not any(name.startswith("pg_") for name in error.near)


def test_a_wrong_function_is_unsupported(connection: duckdb.DuckDBPyConnection) -> None:
    error = bind_failure(connection, "select summ(amount) from sales")
    assert isinstance(error, UnsupportedSqlError)
    assert "'summ'" in str(error)


def test_a_type_mismatch_leaves_out_the_list_of_candidates(connection: duckdb.DuckDBPyConnection) -> None:
    error = bind_failure(connection, "select sum(name) from sales")
    assert isinstance(error, QueryError)
    assert "sum(VARCHAR)" in str(error)
    assert "HUGEINT" not in str(error)


@pytest.mark.parametrize("params", [None, [1, 2]])
def test_parameters_that_do_not_fit_are_told_so(
    connection: duckdb.DuckDBPyConnection, params: list[int] | None
) -> None:
    error = bind_failure(connection, "select ? from sales", params)
    assert isinstance(error, QueryError)
    assert "Parameters do not fit" in str(error)


def test_a_place_outside_the_text_is_no_place() -> None:
    assert find_place("Parser Error: x\n\nLINE 9: select\n        ^", "select") is None
    assert find_place("no place here", "select") is None
    assert find_place("E: x\n\nLINE 1: select\n             ^", "select") == Place(1, 6)


def test_the_longest_of_several_mentioned_files_is_meant() -> None:
    files = [OpenedFile(f"q/f{i}", f"s3://b/{i}") for i in (1, 12)]
    assert find_mentioned(files, "Malformed JSON in file 'lake://q/f12'") == files[1]
    assert find_mentioned(files, "nothing") is None


def test_a_file_error_names_the_real_file_and_line_and_no_setting_of_duckdb() -> None:
    text = (
        "Invalid Input Error: CSV Error on Line: 3\nOriginal Line: 1,2,3\n"
        "Expected Number of Columns: 2 Found: 3\nPossible fixes:\n"
        "* Enable null padding (null_padding=true)\n\n  file = lake://q/f1\n  header = true\n"
    )
    error = translate_file_error(text, OpenedFile("q/f1", "s3://bucket/a.csv"))
    assert error.path == "s3://bucket/a.csv"
    assert "'s3://bucket/a.csv', line 3" in str(error)
    assert "columns=" in str(error)
    assert "null_padding" not in str(error)
    assert "lake://" not in str(error)


def test_a_torn_file_is_to_be_written_again() -> None:
    text = "Invalid Input Error: Footer length error in file '/l/f.parquet'"
    assert "Write the file again" in str(
        translate_file_error(text, OpenedFile("/l/f.parquet", "/l/f.parquet"))
    )


def test_errors_of_a_run_are_told_by_their_kind() -> None:
    for text in ("INTERRUPT Error: Interrupted!", "Query interrupted"):
        assert isinstance(translate_run_error(text, "q"), QueryCancelledError)
    error = translate_run_error(
        "Out of Memory Error: failed to allocate\n\nPossible solutions:\n* SET x", "q"
    )
    assert isinstance(error, ExecutionError)
    assert "memory_limit" in str(error)
    assert "SET x" not in str(error)
    assert str(translate_run_error("Invalid Input Error: own words", "q")) == "Query failed: own words."
