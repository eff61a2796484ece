"""A column whose name is empty cannot be asked for: it is left out and told, and the rest can be queried."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet as pq
import pytest

import lakeq


@pytest.mark.parametrize("format", ["json", "parquet", "orc"])
@pytest.mark.parametrize("scanner", ["auto", "arrow"])
def test_a_column_without_a_name_is_left_out_and_told(tmp_path: Path, format: str, scanner: str) -> None:
    (tmp_path / "t").mkdir()
    path, rows = tmp_path / "t" / f"a.{format}", pa.table([[1], [2]], names=["", "a"])
    if format == "json":
        path.write_text('{"": 1, "a": 2}\n')
    elif format == "parquet":
        pq.write_table(rows, path)
    else:
        pyarrow.orc.write_table(rows, path)
    with lakeq.connect(tmp_path, scanner=scanner) as lake:
        assert lake.sql("SELECT * FROM t").arrow().to_pylist() == [{"a": 2}]
        assert any("without a name is left out" in line for line in lake.describe("t").evidence)


def test_an_object_with_a_key_without_a_name_is_its_text(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "a.json").write_text('{"o": {"": 1, "x": 2}}\n')
    with lakeq.connect(tmp_path) as lake:
        assert lake.sql("SELECT o FROM t").arrow().to_pylist() == [{"o": '{"":1,"x":2}'}]
