"""The names that scripts rely on."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import tomllib
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.catalog.table import Table
from lakeq.planner.plan import ScanPlan

ROOT = Path(__file__).parent.parent


@pytest.fixture
def lake(tmp_path: Path) -> lakeq.Lake:
    for day in (1, 2):
        folder = tmp_path / "t" / f"day={day}"
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"n": [day, 10 * day]}), folder / "part-0.parquet")
    return lakeq.connect(str(tmp_path))


def test_every_exported_name_is_there() -> None:
    assert len(set(lakeq.__all__)) == len(lakeq.__all__)
    assert {"col", "connect", "DataFrame", "Lake", "Result", "Estimate", "LakeqError"} <= set(lakeq.__all__)
    for name in lakeq.__all__:
        assert getattr(lakeq, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'conect'"):
        _ = lakeq.conect


def test_the_version_is_the_one_in_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert lakeq.__version__ == project["version"]


def test_every_module_says_what_it_is_for() -> None:
    modules = pkgutil.walk_packages(lakeq.__path__, "lakeq.")
    sources = [m.name for m in modules if not m.ispkg and m.name != "lakeq.__main__"]
    assert len(sources) > 30
    undocumented = [name for name in sources if not inspect.getdoc(importlib.import_module(name))]
    assert undocumented == []


def test_a_lake_tells_its_tables(lake: lakeq.Lake) -> None:
    (table,) = lake.tables()
    assert isinstance(table, Table)
    assert (table.name, table.format) == ("t", "parquet")
    assert [c.name for c in table.columns] == ["n", "day"]
    assert [c.name for c in table.partition_columns] == ["day"]
    assert lake.describe("T") == table
    assert {"day", "files", "bytes"} <= set(lake.partitions("t").column_names)
    assert {"path", "size", "day"} <= set(lake.files("t").column_names)
    assert lake.ignored("t") == ()


def test_an_estimate_has_the_documented_fields(lake: lakeq.Lake) -> None:
    estimate = lake.estimate("SELECT n FROM t WHERE day = ?", [2])
    names = {field.name for field in dataclasses.fields(estimate)}
    assert names >= {"bytes_scanned", "cost_usd", "accuracy", "low", "high", "files", "files_total"}
    assert names >= {"partitions", "partitions_total", "scans"}
    assert (estimate.files, estimate.files_total, estimate.accuracy) == (1, 2, "exact")
    assert isinstance(estimate.cost_usd, Decimal)
    assert len(estimate.scans) == 1
    assert "\n" not in str(estimate)


def test_a_result_is_lazy_and_gives_its_rows_in_each_form(lake: lakeq.Lake) -> None:
    result = lake.sql("SELECT n, day FROM t WHERE day = $d ORDER BY n", {"d": 2})
    assert result.estimate.files == 1
    assert result.stats.rows == 0
    assert result.arrow() == pa.table({"n": [2, 20], "day": [2, 2]})
    assert result.fetchall() == [(2, 2), (20, 2)]
    assert result.df()["n"].tolist() == [2, 20]
    assert result.pl()["n"].to_list() == [2, 20]
    assert result.stats.rows == 2 and result.stats.bytes_scanned == result.estimate.bytes_scanned
    assert sum(b.num_rows for b in lake.sql("SELECT * FROM t").batches()) == 4


def test_show_prints_rows(lake: lakeq.Lake, capsys: pytest.CaptureFixture[str]) -> None:
    lake.sql("SELECT n FROM t WHERE n = 20").show()
    assert "20" in capsys.readouterr().out.split()


def test_views_and_registered_tables_can_be_queried(lake: lakeq.Lake) -> None:
    lake.create_view("second", "SELECT n FROM t WHERE day = 2")
    assert lake.sql("SELECT sum(n) FROM second").fetchall() == [(Decimal(22),)]
    assert lake.estimate("SELECT n FROM second").files == 1
    lake.register("daily", "t", layout="day={d:text}/")
    assert lake.sql("SELECT DISTINCT d FROM daily ORDER BY d").fetchall() == [("1",), ("2",)]


def test_a_lake_names_the_functions_that_queries_call(lake: lakeq.Lake) -> None:
    names = lake.functions()
    assert {"date_trunc", "sum", "upper"} <= set(names) and list(names) == sorted(set(names))
    assert all(name.isidentifier() for name in names) and "read_parquet" not in names


def test_a_closed_lake_refuses(lake: lakeq.Lake) -> None:
    with lake as same:
        assert same is lake
    with pytest.raises(lakeq.LakeqError):
        lake.sql("SELECT n FROM t").arrow()


def test_explain_is_text(lake: lakeq.Lake) -> None:
    assert "1 of 2" in lake.explain("SELECT n FROM t WHERE day = 1")
    assert isinstance(lake.plan("SELECT n FROM t"), ScanPlan)
