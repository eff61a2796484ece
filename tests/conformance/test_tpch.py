"""TPC-H over a lake of four formats and five layouts: the answers of DuckDB over unpartitioned tables."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import duckdb
import pyarrow as pa
import pytest

import lakeq
from benchmarks.tpch import (
    QUERIES,
    AnswersDifferError,
    check_equal,
    open_plain,
    read_query,
    read_query_by_partition,
)
from benchmarks.tpch_lake import TABLES, write_tpch

SCALE = 0.01
BY_PARTITION = [number for number in QUERIES if read_query_by_partition(number) is not None]


@dataclass(frozen=True, slots=True)
class Tpch:
    """The same rows twice: as a lake, and as plain tables in bare DuckDB."""

    lake: lakeq.Lake
    plain: duckdb.DuckDBPyConnection


@pytest.fixture(scope="module")
def tpch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tpch]:
    plain, definition = write_tpch(tmp_path_factory.mktemp("tpch"), SCALE)
    with lakeq.connect(definition) as lake, open_plain(plain) as connection:
        yield Tpch(lake, connection)


def test_every_table_is_found_in_its_format_with_its_keys(tpch: Tpch) -> None:
    found = {t.name: (t.format, [c.name for c in t.partition_columns]) for t in tpch.lake.tables()}
    assert found == {
        "customer": ("json", ["c_nationkey"]),
        "lineitem": ("parquet", ["year", "month"]),
        "nation": ("csv", []),
        "orders": ("csv", ["year", "month", "day"]),
        "part": ("orc", ["p_brand"]),
        "partsupp": ("parquet", []),
        "region": ("csv", []),
        "supplier": ("parquet", []),
    }


@pytest.mark.parametrize("table", TABLES)
def test_a_table_of_the_lake_holds_the_rows_of_the_plain_one(tpch: Tpch, table: str) -> None:
    columns = ", ".join(tpch.plain.table(table).columns)
    sql = f"SELECT {columns} FROM {table} ORDER BY ALL"
    check_equal(tpch.plain.sql(sql).to_arrow_table(), tpch.lake.sql(sql).arrow())


@pytest.mark.parametrize("number", QUERIES)
def test_a_query_has_the_answer_of_bare_duckdb(tpch: Tpch, number: int) -> None:
    sql = read_query(number)
    check_equal(tpch.plain.sql(sql).to_arrow_table(), tpch.lake.sql(sql).arrow())


@pytest.mark.parametrize("number", BY_PARTITION)
def test_conditions_on_partition_columns_change_no_answer_and_never_add_bytes(
    tpch: Tpch, number: int
) -> None:
    sql = read_query_by_partition(number)
    assert sql is not None
    result = tpch.lake.sql(sql)
    check_equal(tpch.plain.sql(read_query(number)).to_arrow_table(), result.arrow())
    assert result.estimate.bytes_scanned <= tpch.lake.estimate(read_query(number)).bytes_scanned


@pytest.mark.parametrize("number", [3, 4, 5, 7, 8, 10, 12])
def test_conditions_on_days_leave_most_orders_unread(tpch: Tpch, number: int) -> None:
    sql = read_query_by_partition(number)
    assert sql is not None
    (orders,) = (scan for scan in tpch.lake.estimate(sql).scans if scan.table.name == "orders")
    assert orders.files.count < orders.table.files_total / 2.5


@pytest.mark.parametrize(("number", "brands"), [(16, 24), (17, 1), (19, 3)])
def test_conditions_on_a_brand_prune_escaped_folders(tpch: Tpch, number: int, brands: int) -> None:
    (part,) = (scan for scan in tpch.lake.estimate(read_query(number)).scans if scan.table.name == "part")
    assert (part.files.count, part.table.files_total) == (brands, 25)


def test_the_comparison_tells_answers_apart() -> None:
    one = pa.table({"x": [1.0, 2.0]})
    check_equal(one, pa.table({"x": [1.0 + 1e-12, 2.0]}))
    for other in (
        pa.table({"y": [1.0, 2.0]}),
        pa.table({"x": [1.0]}),
        pa.table({"x": [2.0, 1.0]}),
        pa.table({"x": [1.0 + 1e-6, 2.0]}),
        pa.table({"x": [1.0, None]}),
    ):
        with pytest.raises(AnswersDifferError):
            check_equal(one, other)
    cents = pa.table({"x": [Decimal("0.01")]})
    with pytest.raises(AnswersDifferError):
        check_equal(cents, pa.table({"x": [0.01]}))
    with pytest.raises(AnswersDifferError):
        check_equal(cents, pa.table({"x": [Decimal("0.0100000001")]}))
