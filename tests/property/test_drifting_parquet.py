"""Parquet files of one table that have other columns, in another order, are one scan, and tell the same."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lakeq
from lakeq.catalog import row_group_index
from lakeq.catalog.row_groups import MergedShapes, RowGroupTable, merge_shapes
from lakeq.engines.groups import merge_scans
from lakeq.engines.scan_schemas import unite_parquet
from lakeq.lake import Lake

TYPES: dict[str, pa.DataType] = {
    "n": pa.int64(),
    "x": pa.float64(),
    "s": pa.string(),
    "d": pa.decimal128(9, 2),
    "t": pa.timestamp("us", "UTC"),
    "st": pa.struct([("a", pa.int64()), ("b", pa.string())]),
    "l": pa.list_(pa.struct([("z", pa.int64())])),
}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "n": st.integers(-9, 9),
    "x": st.sampled_from([0.5, float("nan"), -1.0]),
    "s": st.sampled_from(["", "é", "b"]),
    "d": st.decimals(-9, 9, places=2),
    "t": st.integers(0, 10**6),
    "st": st.fixed_dictionaries({"a": st.integers(0, 3), "b": st.none() | st.just("x")}),
    "l": st.lists(st.fixed_dictionaries({"z": st.integers(0, 3)}), max_size=2),
}
CONDITIONS = (
    "n > 0",
    "x > 0",
    "s = 'é'",
    "d < 0",
    "st.a = 1",
    "n IS NULL",
    "len(l) = 2",
    "st IS NULL",
    "true",
)


@st.composite
def files(draw: st.DrawFn) -> list[pa.Table]:
    tables = [
        pa.table(
            {"id": pa.array([0], pa.int64()), **{name: pa.nulls(1, kind) for name, kind in TYPES.items()}}
        )
    ]
    for number in range(draw(st.integers(1, 4))):
        names = draw(st.lists(st.sampled_from(sorted(TYPES)), unique=True))
        rows = draw(st.integers(1, 3))
        columns: dict[str, pa.Array] = {}
        for name in draw(st.permutations(["id", *names])):
            if name == "id":
                columns[name] = pa.array(range(10 * number + 1, 10 * number + 1 + rows), pa.int64())
            elif draw(st.integers(0, 4)) == 0:  # a column without a value, as pandas writes it
                columns[name] = pa.nulls(rows)
            else:
                values = draw(st.lists(st.none() | VALUES[name], min_size=rows, max_size=rows))
                columns[name] = pa.array(values, TYPES[name])
        tables.append(pa.table(columns))
    return tables


def write(root: Path, tables: list[pa.Table]) -> None:
    for day, table in enumerate(tables):
        folder = root / "t" / f"day={day}"
        folder.mkdir(parents=True)
        pq.write_table(table, folder / "a.parquet", row_group_size=1)


def count_scans(lake: Lake, sql: str) -> int:
    (read,) = merge_scans(lake.plan(sql))
    return len(set(unite_parquet(read.table, read.schemas)))


def ask(lake: Lake, sql: str) -> list[str]:
    return sorted(map(repr, lake.sql(sql).arrow().to_pylist()))


@settings(deadline=None, max_examples=40)
@given(tables=files(), condition=st.sampled_from(CONDITIONS))
def test_files_that_lack_columns_are_read_as_by_arrow_and_as_each_alone(
    tables: list[pa.Table], condition: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), tables)
        with lakeq.connect(folder) as lake, lakeq.connect(folder, scanner="arrow") as by_arrow:
            sql = f"SELECT * FROM t WHERE ({condition})"
            found = ask(lake, sql)
            assert found == ask(by_arrow, sql)
            alone = [row for day in range(len(tables)) for row in ask(lake, f"{sql} AND day = {day}")]
            assert found == sorted(alone)
            assert lake.sql("SELECT count(*) FROM t").arrow()[0].to_pylist() == [
                sum(t.num_rows for t in tables)
            ]


def test_a_hundred_files_that_each_lack_other_columns_are_one_scan(tmp_path: Path) -> None:
    names = [f"c{n}" for n in range(7)]
    tables = [
        pa.table({"id": [day], **{c: [day] for bit, c in enumerate(names) if day >> bit & 1}})
        for day in range(100)
    ]
    write(tmp_path, tables)
    with lakeq.connect(tmp_path) as lake:
        assert count_scans(lake, "SELECT * FROM t") == 1
        sums = lake.sql("SELECT sum(c0), sum(c6) FROM t").arrow().to_pylist()[0]
        assert [int(value) for value in sums.values()] == [sum(range(1, 100, 2)), sum(range(64, 100))]


@pytest.mark.parametrize(
    ("other", "scans"),
    [
        (pa.table({"id": pa.array([1], pa.int32())}), 2),  # another type
        (pa.table({"ID": [1]}), 2),  # another spelling
        (pa.table({"s": ["x"], "id": [1]}), 1),
        (pa.table({"id": pa.nulls(1), "s": ["x"]}), 1),
        (pa.table({"id": [1], "day": [7]}), 2),  # a column that the path hides
    ],
)
def test_what_does_not_agree_is_a_scan_of_its_own(tmp_path: Path, other: pa.Table, scans: int) -> None:
    write(tmp_path, [pa.table({"id": [1], "s": ["a"]}), other])
    with lakeq.connect(tmp_path) as lake:
        assert count_scans(lake, "SELECT * FROM t") == scans
        assert ask(lake, "SELECT day FROM t") == ["{'day': 0}", "{'day': 1}"]


def test_row_groups_are_asked_for_of_the_shapes_of_the_files_that_are_left(tmp_path: Path) -> None:
    tables = [pa.table({"id": [day] * 3, f"c{day}": [1, 2, 3]}) for day in range(12)]
    write(tmp_path, tables)
    with lakeq.connect(tmp_path) as lake:
        for day in range(12):
            (scan,) = lake.plan(f"SELECT c{day} FROM t WHERE day = {day} AND c{day} > 2").scans
            assert (scan.files.count, scan.row_groups) == (1, 1)
        (scan,) = lake.plan("SELECT * FROM t WHERE day IN (2, 5) AND id = 5").scans
        assert scan.files.count == 1


LEAVES = ("n", "x", "s", "st.a", "l")
PRUNES = (
    "n > 0",
    "n = 5",
    "x > 0",
    "s = 'é'",
    "st.a = 1",
    "st.b IS NULL",
    "n IS NULL AND id > 5",
    "d < 0",
    "true",
)


@st.composite
def many_files(draw: st.DrawFn) -> list[pa.Table]:
    """Enough of other schemas for row groups to be merged: with a column of other types, as a struct, spelled
    otherwise, of NULL alone."""
    tables = [table for _ in range(3) for table in draw(files())]
    others = {
        "n": pa.array([5], pa.int32()),
        "N": pa.array([5], pa.int64()),
        "x": pa.array([2], pa.int64()),
        "st": pa.array([{"a": 1}], pa.struct([("a", pa.int64())])),
        "s": pa.nulls(1),
    }
    for name in draw(st.lists(st.sampled_from(sorted(others)), unique=True)):
        tables.append(pa.table({"id": pa.array([9], pa.int64()), name: others[name]}))
    return tables


@settings(deadline=None, max_examples=30)
@given(tables=many_files(), condition=st.sampled_from(PRUNES))
def test_merged_row_groups_leave_what_those_of_each_schema_leave(
    tables: list[pa.Table], condition: str
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), tables)
        with lakeq.connect(folder) as lake:
            sql = f"SELECT {', '.join(LEAVES)} FROM t WHERE {condition}"
            plans = [lake.plan(sql).scans[0] for _ in range(3)]
            assert len({(p.row_groups, p.row_groups_total, p.column_bytes, p.files.size) for p in plans}) == 1
            kept = {tuple(plan.files.to_table()["path"].to_pylist()) for plan in plans}
            assert len(kept) == 1
            with lakeq.connect(folder, scanner="arrow") as by_arrow:
                assert ask(lake, sql) == ask(by_arrow, sql)


def test_row_groups_of_many_schemas_are_merged_once_they_are_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, [pa.table({"id": [day], f"c{day}": [day]}) for day in range(9)])
    made: list[int] = []

    def merge(tables: Iterable[RowGroupTable]) -> tuple[list[MergedShapes], list[RowGroupTable]]:
        found = merge_shapes(tables)
        made.append(sum(len(group.tables) for group in found[0]))
        return found

    monkeypatch.setattr(row_group_index, "merge_shapes", merge)
    with lakeq.connect(tmp_path) as lake:
        for count, column in enumerate(["c3", "c4", "c5", "c6"]):
            (scan,) = lake.plan(f"SELECT {column} FROM t WHERE id = 3").scans
            assert (scan.files.count, made) == (1, [9] if count else [])
