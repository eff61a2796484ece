"""Charts of partitions: what is a day, what a bar, and that nothing of a table is missing from them."""

from __future__ import annotations

import datetime as dt
import pickle
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lakeq
from lakeq.catalog.database import Database, open_index_database
from lakeq.catalog.index import FileIndex
from lakeq.catalog.layout import hive_layout
from lakeq.catalog.partition_chart import ChartBar, ChartDay, chart_partitions
from lakeq.catalog.partition_texts import RawPartitions
from lakeq.catalog.partition_values import type_partitions
from lakeq.catalog.table import Table
from lakeq.catalog.time_mapping import TimeMapping
from lakeq.errors import ConfigError

Row = tuple[str | None, ...]


def make_table(
    keys: Sequence[str],
    rows: Sequence[Row],
    time: TimeMapping | None = None,
    database: Database | None = None,
) -> tuple[Table, FileIndex]:
    """A table of one file a row, which holds the texts of its partition keys. File i has 10 ** i bytes of the
    first six, then 1,000,000 each."""
    layout = hive_layout(tuple(keys))
    paths = pa.array([f"t/{i:06}" for i in range(len(rows))], pa.string())
    texts = tuple(pa.array([row[i] for row in rows], pa.string()) for i in range(len(keys)))
    columns, values = type_partitions(RawPartitions(layout, texts), {}, paths)
    files = {
        "path": paths,
        "size": pa.array([10 ** min(i, 6) for i in range(len(rows))], pa.int64()),
        "etag": paths,
        "modified": pa.nulls(len(rows), pa.timestamp("us", tz="UTC")),
        "storage_class": pa.nulls(len(rows), pa.string()),
    }
    for i, (text, value) in enumerate(zip(texts, values, strict=True)):
        files |= {f"raw_{i}": text, f"value_{i}": value}
    index = FileIndex(database or open_index_database(), "t", pa.table(files), columns)
    table = Table("t", "t/", "", "parquet", layout, columns, columns, None, None, None, time=time)
    return table, index


@pytest.mark.parametrize(
    ("keys", "row"),
    [
        (("year", "month", "day"), ("2026", "11", "03")),
        (("Y", "M", "D", "H"), ("2026", "11", "3", "14")),
        (("yr", "mm", "dd"), ("2026", "11", "3")),
        (("yyyy", "mm", "dd"), ("2026", "11", "03")),
        (("country", "year", "month", "day"), ("de", "2026", "11", "03")),
        (("dt",), ("2026-11-03",)),
        (("dt", "hour"), ("2026-11-03", "14")),
        (("loaded",), ("20261103",)),
        (("loaded",), ("2026110314",)),
        (("ts",), ("2026-11-03 14:00:00",)),
        (("ts",), ("2026-11-03 14:00:00Z",)),
        (
            ("source", "arrival"),
            (
                "web",
                "2026-11-03_14",
            ),
        ),
        (("year", "month", "day"), ("2026", "2026-11", "2026-11-03")),
    ],
)
def test_a_layout_that_names_days_is_a_calendar(keys: tuple[str, ...], row: Row) -> None:
    chart = chart_partitions(*make_table(keys, [row, row]))
    assert chart.days == (ChartDay(dt.date(2026, 11, 3), 11, 11, 2),)
    assert (chart.bars, chart.undated, chart.others) == ((), None, None)


def test_days_come_in_the_order_of_time_and_hours_of_a_day_are_one() -> None:
    rows = [("2026", "1", "2", "5"), ("2025", "12", "31", "0"), ("2026", "1", "2", "6")]
    chart = chart_partitions(*make_table(("year", "month", "day", "hour"), rows))
    assert chart.days == (
        ChartDay(dt.date(2025, 12, 31), 10, 10, 1),
        ChartDay(dt.date(2026, 1, 2), 101, 101, 2),
    )
    assert chart.keys == ("year", "month", "day")


def test_what_is_null_or_no_day_is_told_apart() -> None:
    rows = [("2026", "2", "28"), ("2026", "2", "30"), ("2026", None, "1"), ("2026", "13", "1")]
    chart = chart_partitions(*make_table(("year", "month", "day"), rows))
    assert [day.day for day in chart.days] == [dt.date(2026, 2, 28)]
    assert chart.undated == ChartBar("no day", 1110, 1110, 3)


def test_years_and_months_are_bars_in_the_order_of_time() -> None:
    rows = [("2026", "11"), ("2026", "2"), ("2025", "12"), ("2026", "2")]
    chart = chart_partitions(*make_table(("year", "month"), rows), most=1)
    assert [(bar.label, bar.bytes) for bar in chart.bars] == [
        ("2025-12", 100),
        ("2026-02", 1010),
        ("2026-11", 1),
    ]
    assert (chart.days, chart.others) == ((), None)


def test_years_alone_are_bars_in_the_order_of_time() -> None:
    chart = chart_partitions(*make_table(("year", "country"), [("2026", "de"), ("2025", "fr")]))
    assert [(bar.label, bar.bytes) for bar in chart.bars] == [("2025", 10), ("2026", 1)]


def test_a_declared_time_names_the_days() -> None:
    time = TimeMapping("ts", ("a", "b", "c"))
    chart = chart_partitions(*make_table(("a", "b", "c"), [("2026", "11", "3")], time))
    assert [day.day for day in chart.days] == [dt.date(2026, 11, 3)]


@pytest.mark.parametrize("text", ["20261399", "2026", "7", "web", "2026-11-03x"])
def test_a_key_of_another_name_is_a_date_only_if_all_of_its_values_are(text: str) -> None:
    chart = chart_partitions(*make_table(("batch",), [("20261103",), (text,)]))
    assert {bar.label for bar in chart.bars} == {"20261103", text}
    assert chart.days == ()


def test_numbers_of_months_and_days_without_a_year_are_no_times() -> None:
    chart = chart_partitions(*make_table(("month", "day"), [("1", "2"), ("12", "31")]))
    assert [bar.label for bar in chart.bars] == ["12", "1"]


def test_other_layouts_are_bars_of_the_first_key_largest_first() -> None:
    rows = [("de", "1"), ("fr", "1"), (None, "1"), ("it's", "2"), ("de", "2")]
    chart = chart_partitions(*make_table(("country", "part"), rows), most=2)
    assert chart.bars == (ChartBar("de", 10001, 10001, 2), ChartBar("it's", 1000, 1000, 1))
    assert chart.others == ChartBar("1 other value", 10, 10, 1)
    assert chart.undated == ChartBar("NULL", 100, 100, 1)
    assert chart.keys == ("country",)


def test_bars_are_labelled_by_the_typed_value() -> None:
    chart = chart_partitions(*make_table(("shard",), [("007",), ("7",)]))
    assert chart.bars == (ChartBar("7", 11, 11, 2),)


def test_a_table_without_keys_is_one_bar_and_an_empty_one_none() -> None:
    table, index = make_table((), [(), ()])
    assert chart_partitions(table, index).bars == (ChartBar("t", 11, 11, 2),)
    assert chart_partitions(*make_table(("year",), [])).parts == ()


def test_kept_files_are_found_by_their_path_in_another_listing() -> None:
    rows = [("2026-11-03",), ("2026-11-04",), ("2026-11-04",)]
    table, index = make_table(("dt",), rows)
    kept = index.select("path = 't/000002'")
    for selection in (kept, pickle.loads(pickle.dumps(kept))):
        chart = chart_partitions(table, index, selection)
        assert [(day.bytes, day.kept_bytes) for day in chart.days] == [(1, 0), (110, 100)]


def test_what_is_kept_of_many_files_is_told_file_by_file() -> None:
    count = 130_000  # more than are written to the index at once
    table, index = make_table(("shard",), [(str(i % 7),) for i in range(count)])
    ids = np.arange(3, count, 5)
    expected = {str(shard): sum(10 ** min(int(i), 6) for i in ids[ids % 7 == shard]) for shard in range(7)}
    chart = chart_partitions(table, index, index.take(ids))
    assert {bar.label: bar.kept_bytes for bar in chart.bars} == expected


KEY_TEXTS = st.none() | st.sampled_from(
    ["2025", "2026", "02", "2", "11", "13", "30", "31", "2026-02", "2026-02-30", "20261103", "de", "", "it's"]
)
NAMES = st.lists(
    st.sampled_from(["year", "month", "day", "hour", "dt", "country"]), min_size=1, max_size=4, unique=True
)


@settings(max_examples=30)
@given(data=st.data(), keys=NAMES)
def test_a_chart_leaves_nothing_out_and_keeps_what_is_kept(
    index_database: Database, data: st.DataObject, keys: list[str]
) -> None:
    rows = data.draw(st.lists(st.tuples(*[KEY_TEXTS for _ in keys]), min_size=1, max_size=12))
    table, index = make_table(keys, rows, database=index_database)
    ids = data.draw(st.sets(st.integers(0, len(rows) - 1)))
    kept = index.take(pa.array(sorted(ids), pa.int32()).to_numpy())
    chart = chart_partitions(table, index, kept, most=data.draw(st.integers(0, 5)))
    assert (chart.bytes, chart.kept_bytes) == (index.size, kept.size)
    assert sum(part.files for part in chart.parts) == index.count
    assert all(0 <= part.kept_bytes <= part.bytes for part in chart.parts)
    assert not (chart.days and chart.bars)


@given(dates=st.lists(st.tuples(st.integers(2024, 2026), st.integers(0, 13), st.integers(0, 32)), min_size=1))
def test_the_bytes_of_a_day_are_those_of_its_folders(
    index_database: Database, dates: list[tuple[int, int, int]]
) -> None:
    table, index = make_table(
        ("year", "month", "day"), [tuple(map(str, date)) for date in dates], database=index_database
    )
    sums: Counter[dt.date | None] = Counter()
    for i, (year, month, day) in enumerate(dates):
        try:
            sums[dt.date(year, month, day)] += 10 ** min(i, 6)
        except ValueError:
            sums[None] += 10 ** min(i, 6)
    chart = chart_partitions(table, index)
    if len(sums) > (None in sums):  # some are days
        assert {day.day: day.bytes for day in chart.days} == {d: size for d, size in sums.items() if d}
        assert (chart.undated.bytes if chart.undated else 0) == sums[None]


def test_a_lake_charts_a_table_and_what_a_query_keeps_of_it(tmp_path: Path) -> None:
    for day in (3, 4, 5):
        folder = tmp_path / f"events/dt=2026-11-{day:02}"
        folder.mkdir(parents=True)
        (folder / "a.csv").write_text("x\n" + "1\n" * day)
    (tmp_path / "others").mkdir()
    (tmp_path / "others/a.csv").write_text("y\n1\n")
    with lakeq.connect(tmp_path) as lake:
        assert [(day.bytes, day.kept_bytes) for day in lake.chart("EVENTS").days] == [
            (8, 8),
            (10, 10),
            (12, 12),
        ]
        query = "FROM events WHERE dt = '2026-11-04' UNION ALL FROM events WHERE dt >= '2026-11-04'"
        assert [day.kept_bytes for day in lake.chart("events", query).days] == [0, 10, 12]
        nothing = lake.chart("events", "FROM events WHERE dt < '2000-01-01'")
        assert (nothing.bytes, nothing.kept_bytes) == (30, 0)
        with pytest.raises(ConfigError, match="does not read table 'events'"):
            lake.chart("events", "FROM others")
