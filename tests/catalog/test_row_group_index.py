"""The row groups of an index: what conditions leave of them, in the types of the table."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from lakeq.catalog import row_group_index
from lakeq.catalog.index import FileIndex
from lakeq.formats.base import Column, ColumnChunk, FileFacts, FileSchema, RowGroup
from tests.catalog.indexes import facts, make_index


@pytest.fixture
def index() -> FileIndex:
    return make_index()


def test_bounds_of_files_of_different_types_are_compared_in_the_tables_type(index: FileIndex) -> None:
    index.add_facts(
        [(0, facts(pa.int32(), 1, 5)), (1, facts(pa.float64(), 2.5, None)), (2, facts(pa.string(), "1", "9"))]
    )
    groups = index.groups
    groups.settle_types([Column("x", pa.float64())])
    measure = groups.measure(index.all, ('"lo:x" > 2 OR "lo:x" IS NULL',), groups.find_leaves(["x"]), ["x"])
    assert measure.files.to_table().column("file_id").to_pylist() == [1, 2]
    assert (measure.row_groups, measure.row_groups_total, measure.column_bytes) == (2, 3, 10)


def test_a_nested_column_counts_all_its_leaves(index: FileIndex) -> None:
    index.add_facts([(i, facts(pa.int64(), 1, 2)) for i in range(3)])
    groups = index.groups
    assert groups.find_leaves(["L"]) == ("l.list.element",)
    assert groups.measure(index.all, (None,), groups.find_leaves(["l", "x"]), []).column_bytes == 3 * 12
    assert groups.measure(index.all, (None,), (), []).column_bytes == 0


def test_a_column_that_files_spell_in_several_cases_is_one(index: FileIndex) -> None:
    for number, name in enumerate(("x", "X")):
        groups = (RowGroup(4, {name: ColumnChunk(5, number, number, 0)}),)
        schema = FileSchema((Column(name, pa.int32() if number else pa.int64()),))
        index.add_facts([(number, FileFacts(schema, 4, True, groups))])
    index.groups.settle_types([Column("x", pa.int64())])
    leaves = index.groups.find_leaves(["X"])
    assert leaves == ("x",)
    assert index.groups.measure(index.all, (None,), leaves, ["x"]).column_bytes == 10
    assert index.groups.measure(index.all, ('"lo:x" > 0',), leaves, ["x"]).column_bytes == 5


def test_a_column_that_a_file_lacks_is_all_null_there(index: FileIndex) -> None:
    other = FileFacts(
        FileSchema((Column("y", pa.int64()),)), 4, True, (RowGroup(4, {"y": ColumnChunk(9, 0, 1, 0)}),)
    )
    index.add_facts([(0, facts(pa.int64(), 1, 2)), (1, other)])
    index.groups.settle_types([Column("x", pa.int64()), Column("y", pa.int64())])
    measure = index.groups.measure(index.all, ('"n:x" < rows',), ["x"], ["x"])
    assert measure.files.to_table().column("file_id").to_pylist() == [0]
    assert measure.column_bytes == 5


def test_a_condition_that_row_groups_cannot_answer_is_asked_of_their_files(index: FileIndex) -> None:
    index.add_facts([(i, facts(pa.int64(), i, i)) for i in range(3)])
    index.groups.settle_types([Column("x", pa.int64())])
    kept = index.select("size >= 20")
    measure = index.groups.measure(kept, ('"lo:x" > 1',), ["x"], ["x"])
    assert (kept.count, measure.files.count, measure.row_groups, measure.column_bytes) == (2, 1, 1, 5)
    assert index.groups.measure(kept, (None,), ["x"], ["x"]).column_bytes == 2 * 5


def test_a_view_made_while_other_facts_come_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    index = make_index()
    index.add_facts([(0, facts(pa.int64(), 1, 2))])
    index.groups.settle_types([Column("x", pa.int64())])
    chunks = {"x": ColumnChunk(9, 0, 9, 0)}
    other = FileFacts(FileSchema((Column("x", pa.int32()),)), 4, True, (RowGroup(4, chunks),))
    select = row_group_index.select_row_groups

    def interrupted(*given: Any) -> str:
        monkeypatch.undo()
        index.add_facts([(1, other)])  # of another thread
        return select(*given)

    monkeypatch.setattr(row_group_index, "select_row_groups", interrupted)
    for _ in range(2):
        measure = index.groups.measure(index.all, ('"hi:x" > 5',), ["x"], ["x"])
    assert measure.files.to_table().column("file_id").to_pylist() == [1]
