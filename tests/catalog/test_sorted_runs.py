"""Any number of rows comes out sorted, each path once, and nothing is left on disk."""

from __future__ import annotations

import tempfile
from pathlib import Path
from unittest import mock

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from lakeq.catalog import sorted_runs
from lakeq.catalog.sorted_runs import sort_rows
from lakeq.storage.base import LISTING_SCHEMA


def rows(paths: list[str]) -> pa.Table:
    told = [{"path": p, "size": len(p), "etag": None, "modified": None, "storage_class": "X"} for p in paths]
    return pa.Table.from_pylist(told, LISTING_SCHEMA)


@settings(max_examples=15)
@given(
    st.lists(st.lists(st.text("abé/", max_size=3), max_size=9), max_size=9),
    st.integers(1, 12),
    st.integers(1, 20),
)
def test_runs_are_merged_sorted_and_each_path_once(parts: list[list[str]], run_rows: int, held: int) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.multiple(sorted_runs, _BLOCK_ROWS=2, _MOST_RUNS=3, _HELD_ROWS=held, _TOLD_ROWS=4),
    ):
        found = list(sort_rows([rows(part) for part in parts], Path(folder), run_rows))
        assert not list(Path(folder).iterdir())
    every = [path for part in parts for path in part]
    assert [path for part in found for path in part["path"].to_pylist()] == sorted(set(every))
    assert all(part.num_rows for part in found)
    assert all(
        size == len(path)
        for part in found
        for path, size in zip(part["path"].to_pylist(), part["size"].to_pylist(), strict=True)
    )
