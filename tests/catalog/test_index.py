"""The index: what it counts, what it selects, and that selections travel."""

from __future__ import annotations

import pickle
import threading

import pyarrow as pa
import pytest

from lakeq.catalog.database import open_index_database
from lakeq.catalog.index import FileIndex
from lakeq.catalog.partition_values import number_partitions
from lakeq.errors import CatalogError
from lakeq.formats.base import Column
from tests.catalog.indexes import facts, make_index


@pytest.fixture
def index() -> FileIndex:
    return make_index()


def test_totals_and_selection(index: FileIndex) -> None:
    assert (index.count, index.size, index.partitions) == (3, 60, 2)
    kept = index.select("p0 = 2")
    assert (kept.count, kept.size, kept.partitions) == (2, 50, 1)
    assert kept.to_table().column("path").to_pylist() == ["t/year=2/b", "t/year=2/c"]
    assert index.select("p0 > 0") is index.all


def test_the_keys_of_a_selection_come_once_from_the_index_and_from_a_copy(index: FileIndex) -> None:
    assert sorted(index.all.read_keys([0])["value_0"].to_pylist()) == [1, 2]
    kept = index.select("p0 = 2")
    for selection in (kept, pickle.loads(pickle.dumps(kept))):
        assert selection.read_keys([0]).to_pydict() == {"value_0": [2]}


def test_the_first_condition_that_evaluates_counts(index: FileIndex) -> None:
    assert index.select("CAST('x' AS INT) = p0", "p0 = 1").count == 1
    assert index.select("no_such_column = 1").count == 3


def test_a_selection_is_a_snapshot_that_pickles(index: FileIndex) -> None:
    index.add_facts([(0, facts(pa.int64(), 1, 2))])
    kept = index.select("p0 = 1")
    copy = pickle.loads(pickle.dumps(kept))
    assert copy.to_table().equals(kept.to_table())
    assert (copy.count, copy.size, copy.schemas) == (kept.count, kept.size, index.schemas)


def test_only_files_not_inspected_yet_are_named(index: FileIndex) -> None:
    assert index.read_uninspected(index.all).num_rows == 3
    index.add_facts([(1, facts(pa.int64(), 1, 2))])
    assert index.read_uninspected(index.all).column("file_id").to_pylist() == [0, 2]
    assert index.read_uninspected(index.select("p0 = 1")).column("file_id").to_pylist() == [0]
    index.add_facts([(1, facts(pa.int64(), 1, 2))])
    assert index.inspected == 1


def test_partitions_count_files_bytes_and_rows_where_known(index: FileIndex) -> None:
    index.add_facts([(0, facts(pa.int64(), 1, 2))])
    assert index.read_partitions().to_pylist() == [
        {"year": 1, "files": 1, "bytes": 10, "row_count": 10},
        {"year": 2, "files": 2, "bytes": 50, "row_count": None},
    ]


def test_partitions_are_numbered_in_the_order_of_their_texts_with_null_last() -> None:
    raws = pa.table({"raw_0": ["b", None, "a", "b", "a"], "raw_1": ["1", "1", "2", "1", None]})
    assert number_partitions(raws).tolist() == [3, 4, 1, 3, 2]
    assert number_partitions(pa.table({"x": [1, 2]}).select([])).tolist() == [1, 1]


def test_a_large_index_is_compressed_and_answers_the_same() -> None:
    count = 120_000
    files = pa.table(
        {
            "path": [f"t/day={i // 1000:03}/{i:06}" for i in range(count)],
            "size": pa.array([7] * count, pa.int64()),
            "etag": pa.nulls(count, pa.string()),
            "modified": pa.nulls(count, pa.timestamp("us", tz="UTC")),
            "storage_class": pa.nulls(count, pa.string()),
            "raw_0": [f"{i // 1000:03}" for i in range(count)],
            "value_0": pa.array([i // 1000 for i in range(count)], pa.int64()),
        }
    )
    database = open_index_database()
    index = FileIndex(database, "t", files, (Column("day", pa.int64()),))
    schemes = (
        database.cursor()
        .execute(
            "SELECT DISTINCT compression FROM pragma_storage_info('lake_index.\"t:files\"') "
            "WHERE column_name = 'path' AND segment_type = 'VARCHAR'"
        )
        .fetchall()
    )
    assert schemes and ("Uncompressed",) not in schemes
    kept = index.select("p0 BETWEEN 10 AND 19")
    assert (kept.count, kept.size, kept.partitions, index.partitions) == (10_000, 70_000, 10, 120)
    assert kept.to_table().column("path")[0].as_py() == "t/day=010/010000"


def test_values_of_a_key_are_literals_greatest_first_narrowed_by_other_keys() -> None:
    rows = [("2026", "de"), ("2025", "it's"), ("2026", "fr"), ("2026", "fr"), ("2024", "3"), (None, "20")]
    files = pa.table(
        {
            "path": [f"t/{i}" for i in range(len(rows))],
            "size": pa.array([1] * len(rows), pa.int64()),
            "etag": pa.nulls(len(rows), pa.string()),
            "modified": pa.nulls(len(rows), pa.timestamp("us", tz="UTC")),
            "storage_class": pa.nulls(len(rows), pa.string()),
            "raw_0": [year for year, _ in rows],
            "value_0": pa.array([None if year is None else int(year) for year, _ in rows], pa.int64()),
            "raw_1": [country for _, country in rows],
            "value_1": [country for _, country in rows],
        }
    )
    columns = (Column("year", pa.int64()), Column("country", pa.string()))
    index = FileIndex(open_index_database(), "t", files, columns)
    assert index.list_values(0, {}, 10) == ["2026", "2025", "2024"]
    assert index.list_values(0, {}, 1) == ["2026"]
    assert index.list_values(0, {1: "it's"}, 10) == ["2025"]
    assert index.list_values(1, {}, 10) == ["'3'", "'20'", "'fr'", "'de'", "'it''s'"]
    assert index.list_values(1, {0: "2026"}, 10) == ["'fr'", "'de'"]
    assert index.list_values(1, {0: "no number"}, 10) == []


def test_a_database_closed_under_its_users_tells_them_that_the_lake_is() -> None:
    database, told = open_index_database(), []
    began = threading.Barrier(5)

    def use() -> None:
        began.wait()
        try:
            while True:
                database.cursor().close()
        except CatalogError as error:
            told.append(str(error))

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    began.wait()
    database.close()  # DuckDB refuses this while the connection is in use
    for thread in threads:
        thread.join()
    assert told == ["This lake is closed. Open it again with lakeq.connect."] * 4
    assert not database.is_open
