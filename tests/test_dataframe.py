"""The DataFrame: lazy, within its limits, and its errors our own."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq import DataFrame, Lake, col
from lakeq.errors import (
    BudgetExceededError,
    ColumnNotFoundError,
    QueryError,
    TableNotFoundError,
    UnsupportedVerbError,
)
from tests.dataframe_lake import write_lake


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lake")
    write_lake(folder)
    return folder


@pytest.fixture(scope="module")
def lake(root: Path) -> Iterator[Lake]:
    with lakeq.connect(root, history=False) as opened:
        yield opened


def test_nothing_is_read_before_a_frame_is_collected(root: Path, tmp_path: Path) -> None:
    (tmp_path / "events").symlink_to(root / "events")
    with lakeq.connect(root, history=False) as lake:
        calls: list[str] = []
        for name in ("estimate", "explain", "plan", "sql"):
            setattr(lake, name, lambda *_, name=name, **__: calls.append(name))
        events = lake.table("events").filter(month=1)
        joined = events.join(lake.table("users"), on="user_id").group_by("country").agg(lakeq.len())
        parts = joined.sort("country").head(2).split(a=1, key="country")
        assert parts["a"].columns == ["country", "len"]
        assert "SELECT" in repr(parts["a"]) and joined.schema.names == ["country", "len"]
        assert calls == []


def test_a_frame_shows_its_columns_and_its_sql(lake: Lake) -> None:
    frame = lake.table("EVENTS").filter(month=1).select("id", "ts")
    assert repr(frame).split("\n") == [
        "DataFrame of 2 columns, not read: id, ts",
        "SELECT id, ts",
        "FROM events",
        "WHERE month = 1",
    ]
    assert frame.columns == ["id", "ts"]
    assert frame.schema == pa.schema([("id", pa.int64()), ("ts", pa.timestamp("us"))])
    assert frame.schema == frame.collect().schema


def test_the_sql_of_a_frame_is_the_same_each_time_and_runs_as_it_is(lake: Lake) -> None:
    def make() -> DataFrame:
        events = lake.table("events").unique("user_id", order_by="id", keep="first")
        return events.filter(col("id") == col("id").min().over("day")).select("id").sort("id")

    assert make().sql() == make().sql()
    assert "row_index_1" in make().sql()
    assert lake.sql(make().sql()).arrow() == make().collect()


def test_rows_come_in_each_form(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    frame = lake.table("users").filter(month=1).sort("user_id").select("user_id")
    values = frame.collect()["user_id"].to_pylist()
    assert values == [None, 0, 3, 6, 9]
    assert frame.to_polars()["user_id"].to_list() == values
    assert frame.to_pandas()["user_id"].dropna().tolist() == values[1:]
    assert frame.result().fetchall() == [(value,) for value in values]
    frame.show(3)
    shown = capsys.readouterr().out
    assert "(3 rows)" in shown and "9" not in shown


def test_batches_have_the_size_and_columns_asked_for(lake: Lake) -> None:
    frame = lake.table("events").filter(year=2026).sort("id")
    batches = list(frame.to_batches(columns=["id"], batch_size=100))
    assert [batch.num_rows for batch in batches] == [100, 100, 70]
    assert pa.Table.from_batches(batches) == frame.select("id").collect()
    assert sum(batch.num_rows for batch in frame.to_batches()) == 270
    assert list(frame.filter(col("id") < 0).to_batches(batch_size=10)) == []
    with pytest.raises(QueryError, match="batch_size is 0"):
        frame.to_batches(batch_size=0)


def test_limits_hold(lake: Lake) -> None:
    frame = lake.table("events")
    with pytest.raises(BudgetExceededError):
        frame.collect(max_bytes=10)
    with pytest.raises(BudgetExceededError):
        frame.to_batches(max_bytes="10 B")
    assert frame.filter(month=1).collect(max_bytes="1 MB").num_rows == 90
    assert frame.filter(month=1).estimate().bytes_scanned < frame.estimate().bytes_scanned
    assert "3 of 10" in frame.filter(month=1).explain()


def test_a_query_goes_on_as_a_frame_with_its_parameters(lake: Lake) -> None:
    sql = "SELECT id, ts, $day AS d FROM events -- all of\nWHERE day = $n AND name LIKE $like;  "
    params = {"n": 2, "like": "a%'", "day": date(2026, 1, 2)}
    frame = lake.sql(sql, params).lazy()
    assert frame.columns == ["id", "ts", "d"]
    assert frame.collect().num_rows == 0
    frame = lake.sql("SELECT id, month AS m FROM events WHERE day = ?", [15]).lazy()
    assert frame.filter(m=2).collect().num_rows == 30
    assert frame.filter(m=2).estimate().files == 1
    both = frame.join(lake.sql("SELECT 2 AS m -- two").lazy(), on="m")
    assert both.collect().num_rows == 30
    assert "query_2" in both.sql()


def test_a_query_of_another_dialect_goes_on_as_a_frame(lake: Lake) -> None:
    result = lake.sql(
        "SELECT id, date_trunc('month', ts) AS m FROM events WHERE day = ?", [2], dialect="trino"
    )
    assert result.lazy().filter(col("id") < 2000).collect().num_rows == 30


def test_names_that_a_frame_gives_hide_no_table(root: Path, tmp_path: Path) -> None:
    for name in ("step_1", "query_1", "select"):
        (tmp_path / name).mkdir()
        pq.write_table(pa.table({"k": [1, 2], "From": [name, name]}), tmp_path / name / "f.parquet")
    with lakeq.connect(tmp_path, history=False) as lake:
        for name in ("step_1", "query_1", "select"):
            lake.register(name, name)
        steps = lake.table("step_1").rename({"From": "a"}).filter(k=1)
        query = lake.sql('SELECT k, "From" AS b FROM query_1').lazy().join(lake.table("query_1"), on="k")
        both = steps.join(query, on="k").join(lake.table("select"), on="k", suffix="_s")
        assert both.collect().to_pylist() == [
            {"k": 1, "a": "step_1", "b": "query_1", "From": "query_1", "From_s": "select"}
        ]


def test_views_and_metadata_are_frames_too(root: Path) -> None:
    with lakeq.connect(root, history=False) as lake:
        lake.create_view("january", "SELECT id, day FROM events WHERE month = 1 AND year = 2026")
        frame = lake.table("january").filter(day=2)
        assert (frame.columns, frame.collect().num_rows, frame.estimate().files) == (["id", "day"], 30, 1)
        assert lake.table("events$files").filter(month=1).collect().num_rows == 3


def test_frames_of_two_lakes_are_not_joined(lake: Lake, root: Path) -> None:
    with lakeq.connect(root, history=False) as other, pytest.raises(UnsupportedVerbError, match="two Lakes"):
        lake.table("events").join(other.table("users"), on="user_id")
    with pytest.raises(UnsupportedVerbError, match="takes a DataFrame"):
        lake.table("events").join([1, 2], on="user_id")  # type: ignore[arg-type]  # what is refused


MISSING: dict[str, tuple[Callable[[DataFrame], Any], str]] = {
    "filter": (lambda frame: frame.filter(col("mnth") == 1), "month"),
    "filter, by name": (lambda frame: frame.filter(mnth=1), "month"),
    "select": (lambda frame: frame.select("mnth"), "month"),
    "select, computed": (lambda frame: frame.select(x=col("mnth") + 1), "month"),
    "with_columns": (lambda frame: frame.with_columns(x=col("amuont") * 2), "amount"),
    "group_by": (lambda frame: frame.group_by("mnth"), "month"),
    "agg": (lambda frame: frame.group_by("month").agg(col("amuont").sum()), "amount"),
    "sort": (lambda frame: frame.sort("tss"), "ts"),
    "unique": (lambda frame: frame.unique(["user"]), "user_id"),
    "drop": (lambda frame: frame.drop("tsg"), "ts"),
    "rename": (lambda frame: frame.rename({"nam": "x"}), "name"),
    "drop_nulls": (lambda frame: frame.drop_nulls("amonut"), "amount"),
    "join": (lambda frame: frame.join(frame, on="user_di"), "user_id"),
    "window": (lambda frame: frame.select(col("id").sum().over("mnth")), "month"),
    "split": (lambda frame: frame.split(a=1.0, key="user"), "user_id"),
    "to_batches": (lambda frame: frame.to_batches(columns=["amonut"]), "amount"),
}


@pytest.mark.parametrize("case", MISSING)
def test_a_column_that_is_not_there_is_told_with_the_nearest_name(lake: Lake, case: str) -> None:
    change, near = MISSING[case]
    with pytest.raises(ColumnNotFoundError, match=f"Did you mean .*'{near}'") as caught:
        change(lake.table("events"))
    assert near in caught.value.near


def test_a_table_that_is_not_there_is_told_with_the_nearest_name(lake: Lake) -> None:
    with pytest.raises(TableNotFoundError, match="Did you mean 'events'"):
        lake.table("evnts")


UNSUPPORTED: dict[str, tuple[Callable[[DataFrame], Any], str]] = {
    "a function of Python": (lambda frame: frame.select(col("id").map_batches(lambda s: s)), "lake.sql"),
    "no order": (lambda frame: frame.select(col("id").cum_sum()), "order_by"),
    "no aggregate": (lambda frame: frame.group_by("month").agg(col("id")), "does not aggregate"),
    "a mask": (lambda frame: frame.filter([True, False]), "lake.sql"),
    "interpolation": (lambda frame: frame.select(col("id").quantile(0.5, "nearest")), "lake.sql"),
    "a name twice": (lambda frame: frame.select("id", "ID"), "two columns called 'id'"),
    "no number": (lambda frame: frame.head(-1), "a number of rows"),
    "tail": (lambda frame: frame.tail(), "sort"),
    "pivot": (lambda frame: frame.pivot("month"), "PIVOT"),
    "join_asof": (lambda frame: frame.join_asof, "ASOF"),
}


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_what_has_no_sql_is_told_with_what_to_write_instead(lake: Lake, case: str) -> None:
    change, told = UNSUPPORTED[case]
    with pytest.raises(UnsupportedVerbError, match=told):
        change(lake.table("events"))


def test_what_the_engine_does_not_accept_is_an_error_of_ours(lake: Lake) -> None:
    with pytest.raises(QueryError, match=r"\+\(VARCHAR"):
        lake.table("events").with_columns(x=col("name") + 1)
    with pytest.raises(QueryError, match="has no literal"):
        lake.sql("SELECT list_contains(?, 1) AS c", [[1]]).lazy()
    with pytest.raises(UnsupportedVerbError, match="PIVOT"):
        lake.sql("PIVOT (SELECT month, id FROM events) ON month USING count(id)").lazy()


def test_who_asks_for_an_attribute_gets_an_answer(lake: Lake) -> None:
    frame = lake.table("events")
    assert not hasattr(frame, "tail") and not hasattr(frame, "_repr_html_") and hasattr(frame, "head")
    with pytest.raises(AttributeError, match="no attribute 'fliter'"):
        _ = frame.fliter
    error = pickle.loads(pickle.dumps(UnsupportedVerbError("no")))
    assert isinstance(error, QueryError)
    assert {"col", "DataFrame", "connect"} <= set(dir(lakeq))


def test_a_split_is_the_same_on_every_machine_and_version(lake: Lake) -> None:
    # MD5 of "0", "1", …: cfcd20…, c4ca42…, c81e72…, eccbc8…, a87ff6…, e4da3b…
    users = lake.table("users").filter(col("user_id") < 6)
    parts = users.split(low=0.75, high=0.25, key="user_id")
    low = parts["low"].select("user_id").sort("user_id").collect()["user_id"].to_pylist()
    assert low == [4]
    assert parts["high"].select("user_id").sort("user_id").collect()["user_id"].to_pylist() == [0, 1, 2, 3, 5]
    nobody = lake.table("users").split(low=0.75, high=0.25, key="user_id")["low"]
    assert nobody.filter(col("user_id").is_null()).collect().num_rows == 1


@pytest.mark.parametrize(
    ("shares", "key", "told"),
    [
        ({"a": 0.8, "b": 0.3}, "id", "sum to 1.1"),
        ({"a": 0.8, "b": 0}, "id", "above 0"),
        ({"a": -0.1}, "id", "above 0"),
        ({"a": "much"}, "id", "above 0"),
        ({}, "id", "needs parts"),
        ({"a": 0.8}, "amount", "DOUBLE"),
        ({"a": 0.8}, "s", "STRUCT"),
    ],
)
def test_a_split_that_cannot_be_is_told(lake: Lake, shares: dict[str, Any], key: str, told: str) -> None:
    with pytest.raises(QueryError, match=told):
        lake.table("events").split(key=key, **shares)


def test_thirds_leave_no_row_out(lake: Lake) -> None:
    parts = lake.table("events").split(a=1 / 3, b=1 / 3, c=1 / 3, key="id")
    assert sum(part.collect().num_rows for part in parts.values()) == 300
    assert "<" not in parts["c"].sql()


def test_a_printed_query_that_would_mean_another_is_not_taken(lake: Lake) -> None:
    shadow = lake.table("events")._home.shadow
    assert shadow.means_same('SELECT ("a" + 1) AS "b" FROM "t"', "SELECT a + 1 AS b\nFROM t")
    assert not shadow.means_same('SELECT ("a" + 1) * 2 FROM "t"', "SELECT a + 1 * 2 FROM t")
    assert not shadow.means_same("SELECT 1", "SELECT 1 FROM")
    assert not shadow.means_same("SELEC 1", "SELEC 1")
