"""The declared time of a table: what is refused, what it prunes in files and listings, and who breaks it."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.catalog.database import match_rows
from lakeq.catalog.definitions import define_table, load_definition
from lakeq.catalog.layout import Layout, hive_layout
from lakeq.catalog.listings import Listings
from lakeq.catalog.prefixes import UNKNOWN_DENSITY, PrefixWalk
from lakeq.catalog.table import Table
from lakeq.catalog.time_mapping import TimeMapping
from lakeq.errors import BudgetExceededError, ConfigError
from lakeq.formats.base import Column
from lakeq.planner.bind import bind_query
from lakeq.planner.pruning import plan_prefixes
from tests.catalog.memory_store import ROWS, PrefixMemoryStore
from tests.servers import run_latency_s3

START = dt.datetime(2026, 3, 1)
BY_HOUR = {"column": "ts", "from": ["year", "month", "day", "hour"], "lateness": "2h"}


def write_hours(root: Path, count: int = 48, late: int = 7200, kind: pa.DataType | None = None) -> None:
    """`root/events`, a file an hour: rows at its end, at its begin, so many seconds before it, and NULL."""
    for number in range(count):
        hour = START + dt.timedelta(hours=number)
        folder = (
            root / "events" / f"year={hour.year}/month={hour.month:02}/day={hour.day:02}/hour={hour.hour:02}"
        )
        folder.mkdir(parents=True)
        end = hour + dt.timedelta(minutes=59, seconds=59, microseconds=999_999)
        times = [hour, end, hour - dt.timedelta(seconds=late if number % 5 == 0 else 0), None]
        rows = pa.table({"x": range(4), "ts": pa.array(times, kind or pa.timestamp("us"))})
        pq.write_table(rows, folder / "f.parquet")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_hours(tmp_path)
    return tmp_path


def test_a_declaration_is_read_from_toml_and_from_arguments() -> None:
    text = """
        [tables.events.time]
        column = "ts"
        from = ["year", "month", "day", "hour"]
        lateness = "90m"
        earliness = "1.5s"
        zone = "Europe/Berlin"
    """
    (table,) = load_definition(text).tables
    expected = TimeMapping("ts", ("year", "month", "day", "hour"), 5400, 2, "Europe/Berlin")
    assert table.time == expected
    inline = 'tables.events.time = { column = "ts", from = ["dt"] }'
    assert load_definition(inline).tables[0].time == TimeMapping("ts", ("dt",))


@pytest.mark.parametrize(
    ("time", "words"),
    [
        ("ts", "must be a table with 'column' and 'from'"), ({"from": ["year"]}, "needs 'column'"), ({"column": "ts"}, "must list the partition columns"),
        ({"column": "ts", "from": []}, "must list the partition columns"), ({"column": "ts", "from": "year"}, "must list the partition columns"),
        ({"column": "ts", "from": ["y", "Y"]}, "must list the partition columns"), ({"column": "ts", "from": list("abcde")}, "must list"),
        ({"column": "ts", "from": ["y"], "lateness": "soon"}, "must be a duration"), ({"column": "ts", "from": ["y"], "lateness": 7200}, "must be a text"),
        ({"column": "ts", "from": ["y"], "lateness": "99999d"}, "must be a duration"), ({"column": "ts", "from": ["y"], "zone": "Mars"}, "Unknown zone 'Mars'"),
        ({"column": "ts", "form": ["y"]}, "Did you mean 'from'"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_told_with_its_table(time: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words.replace("(", r"\(")) as error:
        define_table("events", "events/", time=time)
    assert "'events'" in str(error.value)


@pytest.mark.parametrize(
    ("time", "words"),
    [
        ({"column": "at", "from": ["year"]}, "the files have no column 'at'"), ({"column": "x", "from": ["year"]}, "of type BIGINT, not a timestamp"),
        ({"column": "ts", "from": ["jahr"]}, "'jahr' in 'from' is no partition column"), ({"column": "year", "from": ["month"]}, "prunes by itself"),
        ({"column": "ts", "from": ["year"], "zone": "Europe/Berlin"}, "'zone' is for columns with a time zone"),
        ({"column": "ts", "from": ["month", "year"]}, "'from' goes from coarse to fine"),
    ],
)  # fmt: skip
def test_what_does_not_fit_the_table_is_told(root: Path, time: Any, words: str) -> None:
    with lakeq.connect(root) as lake, pytest.raises(ConfigError, match=words):
        lake.register("events", "events/", time=time)


def test_a_key_that_names_no_interval_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "t" / "at=2026-03-01 05:00:00"
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"ts": [START]}), folder / "f.parquet")
    with (
        lakeq.connect(tmp_path) as lake,
        pytest.raises(ConfigError, match="TIMESTAMP, which names no interval"),
    ):
        lake.register("t", "t/", time={"column": "ts", "from": ["at"]})


CONDITIONS = [
    "ts BETWEEN '2026-03-01 05:00:00' AND '2026-03-01 06:30:00'", "ts >= '2026-03-02' AND ts < '2026-03-02 01:00:00'", "ts::DATE = '2026-03-01'",
    "date_trunc('hour', ts) IN ('2026-03-01 09:00:00', '2026-03-01 23:00:00')", "NOT ts < '2026-03-02 20:00:00'", "ts IS NULL AND hour = 3",
    "ts = '2026-03-01 09:59:59.999999' OR ts = '2026-03-01 08:00:00'", "year(ts) = 2025", "ts > now()", "ts < '2026-03-01'", "ts < now() AND day = 2",
    "ts IS NOT DISTINCT FROM '2026-03-01 09:00:00'", "strftime(ts, '%Y-%m-%d') = '2026-02-28'", "coalesce(ts, '2026-03-01 05:00:00') = '2026-03-01 05:00:00'",
]  # fmt: skip


@pytest.mark.parametrize("kind", [pa.timestamp("us"), pa.timestamp("us", "UTC")], ids=str)
def test_answers_are_those_without_the_declaration(tmp_path: Path, kind: pa.DataType) -> None:
    write_hours(tmp_path, kind=kind)
    files = 0
    with lakeq.connect(tmp_path) as plain, lakeq.connect(tmp_path) as lake:
        lake.register("events", "events/", time=BY_HOUR)
        for condition in CONDITIONS:
            sql = f"SELECT x, ts::TEXT, day, hour FROM events WHERE {condition} ORDER BY ALL"
            assert lake.sql(sql).fetchall() == plain.sql(sql).fetchall(), condition
            files += lake.estimate(sql).files
    assert files < 48 * len(CONDITIONS) / 3


def test_a_nested_field_may_hold_the_time(tmp_path: Path) -> None:
    for day in range(1, 6):
        folder = tmp_path / "events" / f"dt=2026-03-{day:02}"
        folder.mkdir(parents=True)
        rows = [json.dumps({"meta": {"at": f"2026-03-{day:02} {hour:02}:30:00"}}) for hour in range(3)]
        (folder / "f.json").write_text("\n".join(rows) + "\n")
    with lakeq.connect(tmp_path) as lake:
        columns = {"meta": "struct(at timestamp)"}
        lake.register("events", "events/", columns=columns, time={"column": "Meta.at", "from": ["dt"]})
        result = lake.sql(
            "SELECT count(*) FROM events WHERE meta.at BETWEEN '2026-03-03' AND '2026-03-04 01:00:00'"
        )
        assert (result.fetchall(), result.estimate.files) == ([(4,)], 2)


def test_the_plan_says_what_it_trusts(root: Path) -> None:
    sql = "SELECT x FROM events WHERE ts >= '2026-03-02 10:00:00' AND ts < '2026-03-02 11:00:00'"
    with lakeq.connect(root) as lake:
        lake.register("events", "events/", time=BY_HOUR)
        assert "pruned by: ts >= '2026-03-02 10:00:00'" in lake.explain(sql)
        assert "(declared: ts lands at most 2h late)" in lake.explain(sql)
        (scan,) = lake.estimate(sql).to_dict()["tables"]
        assert scan["declared_time"] == "declared: ts lands at most 2h late"
        assert scan["warnings"] == []
        (other,) = lake.estimate("SELECT x FROM events WHERE day = 1").to_dict()["tables"]
        assert other["declared_time"] is None


def test_a_promise_that_known_footers_break_is_told_with_a_file(root: Path) -> None:
    sql = "SELECT x FROM events WHERE ts >= '2026-03-02 10:00:00'"
    with lakeq.connect(root) as lake:
        lake.register("events", "events/", time={**BY_HOUR, "lateness": "1h"})
        (warning,) = lake.plan(sql).scans[0].warnings
        assert "10 at least, events/year=2026/month=03/day=01/hour=00/f.parquet for one" in warning
        assert f"warning: {warning}" in lake.explain(sql)
        assert lake.estimate(sql).to_dict()["tables"][0]["warnings"] == [warning]
        assert lake.plan("SELECT x FROM events WHERE day = 1").scans[0].warnings == ()


def test_a_condition_on_the_time_is_one_on_the_keys_that_a_table_requires(root: Path) -> None:
    sql = "SELECT x FROM events WHERE ts > '2026-03-02'"
    required = ["year", "day"]
    with lakeq.connect(root) as lake:
        answer = lake.sql(sql).fetchall()
        lake.register("events", "events/", require_partition_filter=required)
        with pytest.raises(BudgetExceededError):
            lake.sql(sql)
        lake.register("events", "events/", require_partition_filter=required, time=BY_HOUR)
        assert lake.sql(sql).fetchall() == answer
        with pytest.raises(BudgetExceededError):
            lake.sql("SELECT x FROM events WHERE ts IS NULL")


KEYS = ("year", "month", "day", "hour")
HOURS = [
    f"t/year={y}/month={m:02}/day={d:02}/hour={h:02}/p.csv"
    for y, m, d, h in itertools.product((2025, 2026), range(1, 13), range(1, 29), range(24))
]


def walk(condition: str, lateness: int = 0) -> tuple[list[str], PrefixMemoryStore]:
    """The paths listed of a table by the hour for a condition, and the store that counted the requests."""
    store = PrefixMemoryStore(dict.fromkeys(HOURS, ROWS))
    keys = tuple(Column(key, pa.int64()) for key in KEYS)
    mapping = TimeMapping("ts", KEYS, lateness)
    columns = (Column("ts", pa.timestamp("us")), *keys)
    table = Table("t", "/l/t", "/l", "csv", Layout("hive"), columns, keys, None, None, None, time=mapping)
    now = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
    (reference,) = bind_query(
        f"SELECT 1 FROM t WHERE {condition}", None, ["t"], lambda _: table, {}, now
    ).references
    listings = Listings(store)
    with duckdb.connect() as database:
        how = (partial(match_rows, database), "t/", hive_layout(KEYS), [pa.int64()] * 4, UNKNOWN_DENSITY, 0.0)
        narrowed = PrefixWalk(listings, *how).run([plan_prefixes(table, reference.predicate)])
    return listings.ranges(narrowed.ranges, 0.0).column("path").to_pylist(), store


def test_two_hours_are_listed_by_their_levels_alone() -> None:
    paths, store = walk("ts >= '2026-03-02 09:00:00' AND ts < '2026-03-02 11:00:00'")
    assert paths == [f"t/year=2026/month=03/day=02/hour={hour:02}/p.csv" for hour in (9, 10)]
    assert store.lists == 5
    assert store.listed[:4] == ["t/", "t/year=2026/", "t/year=2026/month=03/", "t/year=2026/month=03/day=02/"]


def test_lateness_lists_the_folders_in_which_a_late_row_may_lie() -> None:
    paths, store = walk("ts BETWEEN '2025-12-28 22:00:00' AND '2025-12-28 22:30:00'", lateness=4 * 86400)
    hours = {path.removeprefix("t/").removesuffix("/p.csv") for path in paths}
    assert "year=2025/month=12/day=28/hour=22" in hours
    assert "year=2026/month=01/day=01/hour=22" in hours
    assert not any("hour=21" in hour and "day=28" in hour for hour in hours)
    assert not any("day=02" in hour for hour in hours)
    assert store.lists <= 9


def test_a_condition_that_null_may_meet_lists_everything() -> None:
    paths, _ = walk("ts IS NULL OR ts > '2026-03-02'")
    assert paths == HOURS


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of a store with the bucket `late`: 1,100 hours in a folder each."""
    folder = tmp_path_factory.mktemp("buckets")
    write_hours(folder / "late", 1_100)
    with run_latency_s3(folder, "--latency-ms", "0", "--log") as endpoint:
        yield endpoint


def test_a_remote_table_is_asked_for_the_folders_of_the_time_alone(served: str, tmp_path: Path) -> None:
    definition = tmp_path / "lakeq.toml"
    definition.write_text(
        'location = "s3://late"\n[tables.events.time]\ncolumn = "ts"\nfrom = ["year", "month", "day", "hour"]\n'
        'lateness = "2h"\n'
    )
    storage = {"endpoint_url": served, "key": "k", "secret": "s", "region": "us-east-1"}
    sql = "SELECT count(*) FROM events WHERE ts >= '2026-03-20 22:30:00' AND ts < '2026-03-20 22:40:00'"
    read_log(served)
    with lakeq.connect(definition, cache_dir=tmp_path / "cache", **storage) as lake:
        lake.tables()
        read_log(served)
        estimate = lake.estimate(sql)
        prefixes = {e["query"].get("prefix", "") for e in read_log(served) if e["query"]}
        assert estimate.files <= 3
        assert lake.sql(sql).fetchall() == [(0,)]
    assert "events/year=2026/month=03/" in prefixes
    assert not any("month=04" in prefix for prefix in prefixes), prefixes


def read_log(endpoint: str) -> list[dict[str, Any]]:
    """The requests since the log was read last."""
    with urllib.request.urlopen(f"{endpoint}/_log") as answer:
        log: list[dict[str, Any]] = json.load(answer)
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/_reset", method="POST")).close()
    return log
