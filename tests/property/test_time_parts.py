"""Parts of times are right, whatever bounds DuckDB knows of the times: see lakeq/planner/time_parts.py."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lakeq
from lakeq.planner.time_parts import HiddenBounds

TIMES = st.lists(
    st.none() | st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2100, 1, 1)), min_size=1, max_size=4
)
PARTS: dict[str, Callable[[dt.datetime], int]] = {
    "year": lambda t: t.year,
    "month": lambda t: t.month,
    "day": lambda t: t.day,
    "doy": lambda t: t.timetuple().tm_yday,
    "hour": lambda t: t.hour,
    "century": lambda t: (t.year - 1) // 100 + 1,
    "isoyear": lambda t: t.isocalendar().year,
}
CALLS = ("extract({part} FROM {t})", "date_part('{part}', {t})", "datepart('{part}', {t})")


@settings(deadline=None, max_examples=60)
@given(
    times=TIMES,
    part=st.sampled_from(sorted(PARTS)),
    call=st.sampled_from(CALLS),
    time=st.sampled_from(
        [
            "ns",
            "CAST(us AS TIMESTAMP_NS)",
            "us::TIMESTAMP_S",
            "ns::TIMESTAMP_MS",
            "us::TIMESTAMP(9)",
            "us",
            "min(ns) OVER (PARTITION BY id)",
        ]
    ),
    is_key=st.booleans(),
)
def test_a_part_of_a_time_is_shown_and_found(
    times: list[dt.datetime | None], part: str, call: str, time: str, is_key: bool
) -> None:
    expected = [None if t is None else PARTS[part](t) for t in times]
    text = call.format(part=part, t=time)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "t" / "d=2025-02-07"
        place.mkdir(parents=True)
        columns = {kind: pa.array(times, pa.timestamp(kind)) for kind in ("us", "ns")}
        pq.write_table(pa.table({"id": range(len(times)), **columns}), place / "a.parquet")
        with lakeq.connect(folder) as lake:
            shown = lake.sql(f"SELECT {text} AS p FROM t ORDER BY id").arrow()["p"].to_pylist()
            assert shown == expected
            for value in {value for value in expected if value is not None}:
                condition = f"QUALIFY {text} = {value}" if "OVER" in time else f"WHERE {text} = {value}"
                found = lake.sql(f"SELECT id FROM t {condition} ORDER BY id").arrow()["id"].to_pylist()
                assert found == [i for i, other in enumerate(expected) if other == value]
            if is_key:
                key = call.format(part=part, t="CAST(d AS TIMESTAMP_NS)")
                day = PARTS[part](dt.datetime(2025, 2, 7))
                counted = lake.sql(f"SELECT count(*) FROM t WHERE {key} = {day}").arrow()[0].to_pylist()
                assert counted == [len(times)]


@pytest.mark.parametrize("kind", ["TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S", "TIMESTAMP"])
def test_a_key_of_any_unit_prunes_by_its_parts(kind: str, tmp_path: Path) -> None:
    for day in ("2025-01-01", "2025-02-07"):
        folder = tmp_path / "t" / f"d={day} 00%3A00%3A00"
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"id": [1]}), folder / "a.parquet")
    declared = f'[tables.t]\nlocation = "t"\npartition_types = {{ d = "{kind}" }}\n'
    (tmp_path / "lakeq.toml").write_text(declared)
    with lakeq.connect(tmp_path / "lakeq.toml") as lake:
        assert lake.plan("SELECT * FROM t WHERE extract(year FROM d) = 2025").scans[0].files.count == 2
        assert lake.plan("SELECT * FROM t WHERE extract(month FROM d) = 2").scans[0].files.count == 1


def test_views_are_looked_into_too(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    pq.write_table(
        pa.table({"ns": pa.array([dt.datetime(2025, 1, 1)], pa.timestamp("ns"))}),
        tmp_path / "t" / "a.parquet",
    )
    (tmp_path / "lakeq.toml").write_text('[views]\nyears = "SELECT extract(year FROM ns) AS y FROM t"\n')
    with lakeq.connect(tmp_path / "lakeq.toml") as lake:
        assert lake.sql("SELECT y FROM years WHERE y = 2025").arrow()["y"].to_pylist() == [2025]


def test_duckdb_still_needs_it(tmp_path: Path) -> None:
    """When this fails, DuckDB is mended, and lakeq/planner/time_parts.py and its uses can go."""
    path, times = tmp_path / "a.parquet", [dt.datetime(2025, 1, 1), dt.datetime(2025, 3, 1)]
    pq.write_table(pa.table({"ns": pa.array(times, pa.timestamp("ns"))}), path)
    found = duckdb.connect().execute(f"SELECT 1 FROM '{path}' WHERE extract(year FROM ns) = 2025").fetchall()
    assert found != [(1,), (1,)]


@pytest.mark.parametrize("sql", ["SELECT ns FROM t", "SELECT year(ns) FROM t WHERE ns > '2025-01-01'"])
def test_bounds_are_hidden_from_no_query_that_asks_for_no_part(sql: str, tmp_path: Path) -> None:
    assert pa.timestamp("ns") not in HiddenBounds([sql])
    assert pa.timestamp("ns") in HiddenBounds([sql, "SELECT EXTRACT('day' FROM x)"])
    assert pa.timestamp("us") not in HiddenBounds(["SELECT date_part('day', x)"])
    assert pa.date32() in HiddenBounds(["SELECT date_part('day', x::timestamp_ns)"])
    assert pa.date32() not in HiddenBounds(["SELECT date_part('day', timestamp_utc)"])
