"""Which files go by their real path, and how the references to one table become one read."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakeq.engines.groups import group_files, merge_scans
from lakeq.errors import ExecutionError, LakeqError
from lakeq.formats.base import Column
from tests.engines.lakes import local_engine, make_table, open_folder, plan, run, scan

YEAR = Column("year", pa.int64())


def groups_of(root: Path, path: str, keys: tuple[Column, ...] = (YEAR,), **more: Any) -> tuple[bool, str]:
    """Whether the one file at `path` goes by its real path, and the path it goes by."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"id": [1], **more.pop("data", {})}), root / path)
    store = open_folder(root)
    made = make_table(store, "t", "parquet", keys=keys, values={path: (2026,) * len(keys)}, **more)
    (read,) = merge_scans(plan("from t", scan(made)))
    (group,) = group_files(read, store, "q/0", by_path=True, may_open=True)
    return group.native, group.paths[0]


@pytest.mark.parametrize(
    "path", ["year=2026/f.parquet", "t/year=2026/f", "year=2026/sub/f.parquet", "year=/f"]
)
def test_plain_hive_files_go_by_their_real_path(tmp_path: Path, path: str) -> None:
    assert groups_of(tmp_path, path) == (True, str(tmp_path / path))


@pytest.mark.parametrize(
    "path",
    [
        "Year=2026/f.parquet",
        "year=2026/x=1/f.parquet",
        "x=1/year=2026/f.parquet",
        "year=2026/a=b.parquet",
        "year=20%36/f.parquet",
        "year=2026/f*.parquet",
        "year=2026/[f]/f.parquet",
        "year=2026/a\\b.parquet",
        "year=2026?/f.parquet",
        "2026/f.parquet",
    ],
)
def test_what_duckdb_would_read_otherwise_is_planned(tmp_path: Path, path: str) -> None:
    assert groups_of(tmp_path, path) == (False, "lake://q/0/lakeq_p0=2026/f0")


def test_a_key_that_is_in_the_file_is_planned(tmp_path: Path) -> None:
    assert not groups_of(tmp_path, "year=2026/f", data={"YEAR": [1]})[0]


@pytest.mark.parametrize(
    ("above", "native"), [("env=prod", True), ("ID=7", False), ("year=1", False), ("a*", False)]
)
def test_a_root_counts_too(tmp_path: Path, above: str, native: bool) -> None:
    assert groups_of(tmp_path / above, "year=2026/f.parquet")[0] is native


@pytest.mark.parametrize(
    ("path", "native"), [("x=1/f.parquet", True), ("f*.parquet", False), ("f.parquet", True)]
)
def test_a_flat_file_is_plain_without_a_glob(tmp_path: Path, path: str, native: bool) -> None:
    opens, shown = groups_of(tmp_path, path, keys=())
    assert opens is native
    assert shown == (str(tmp_path / path) if native else "lake://q/0/f0")


def test_references_to_one_table_are_one_read_of_their_files_together(tmp_path: Path) -> None:
    values = {}
    for year in range(2020, 2026):
        path = f"year={year}/f.parquet"
        (tmp_path / path).parent.mkdir()
        pq.write_table(pa.table({"id": [1]} if year < 2023 else {"id": [1], "b": [2]}), tmp_path / path)
        values[path] = (year,)
    made = make_table(open_folder(tmp_path), "t", "parquet", keys=[YEAR], values=values)
    scans = [scan(made, "p0 < 2023"), scan(made, "p0 between 2022 and 2024", hidden=["$path"])]
    whole = plan("from t", *scans)
    for each in (whole, pickle.loads(pickle.dumps(whole))):
        (read,) = merge_scans(each)
        assert sorted(read.files["value_0"].to_pylist()) == [2020, 2021, 2022, 2023, 2024]
        assert read.hidden == ("$path",)
        groups = group_files(read, open_folder(tmp_path), "q/0", by_path=True, may_open=False)
        assert [sorted(group.files["value_0"].to_pylist()) for group in groups] == [
            [2020, 2021, 2022],
            [2023, 2024],
        ]
        assert [len(group.schema.columns) for group in groups] == [1, 2]


def test_only_keys_that_are_asked_for_are_spelled(tmp_path: Path) -> None:
    """Fewer folders for copies, and one copy for more queries."""
    for path in ("2025/x/a", "2026/y/b"):
        (tmp_path / path).parent.mkdir(parents=True)
        pq.write_table(pa.table({"id": [1]}), tmp_path / path)
    keys = [YEAR, Column("p", pa.string())]
    store = open_folder(tmp_path)
    values = {"2025/x/a": (2025, "x"), "2026/y/b": (2026, "y")}
    made = make_table(store, "t", "parquet", keys=keys, values=values, template="{year}/{p}/")
    for asked, folders in (((), ["", ""]), (("P",), ["lakeq_p1=x/", "lakeq_p1=y/"])):
        query = plan("from t", replace(scan(made), partition_keys=asked))
        (read,) = merge_scans(query)
        (group,) = group_files(read, store, "q/0", by_path=True, may_open=True)
        assert list(group.paths) == [f"lake://q/0/{folder}f{n}" for n, folder in enumerate(folders)]
        with local_engine(store) as engine:
            assert run(engine, replace(query, sql="SELECT sum(id) AS s FROM t", text="")) == [{"s": 2}]
            whole = replace(query, sql="SELECT year FROM t")
            with pytest.raises(LakeqError, match="left year out"):
                run(engine, whole)


def test_a_file_that_was_never_looked_into_is_not_left_out(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": [1]}), tmp_path / "f.parquet")
    store = open_folder(tmp_path)
    (read,) = merge_scans(plan("from t", scan(make_table(store, "t", "parquet"))))
    position = read.files.schema.get_field_index("schema_id")
    unknown = read.files.set_column(position, "schema_id", pa.nulls(1, pa.int32()))
    blind = replace(read, files=unknown)
    with pytest.raises(ExecutionError, match="looked into"):
        group_files(blind, store, "q/0", by_path=True, may_open=True)
