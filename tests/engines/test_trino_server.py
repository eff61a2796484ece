"""Trino as an engine against a real Trino, over tables that `lakeq ddl` makes it see.

LAKEQ_TRINO=…/trino-server-476.tar.gz LAKEQ_TRINO_JAVA=/…/jdk-25 pytest -m engines tests/engines
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.errors import BudgetExceededError, ExecutionError, QueryCancelledError, ResourceLimitError
from tests.servers import S3Server
from tests.trino_server import TrinoServer, run_trino, skip_without_trino

pytestmark = pytest.mark.engines

DAYS = [dt.date(2026, 2, 27) + dt.timedelta(days=i) for i in range(5)]
SITES = ("north", "it's", None)
COLUMNS = {
    "id": pa.int64(),
    "small": pa.int16(),
    "ratio": pa.float64(),
    "price": pa.decimal128(12, 2),
    "name": pa.string(),
    "moment": pa.timestamp("us"),
    "day": pa.date32(),
    "good": pa.bool_(),
}
NESTED = {"tags": pa.list_(pa.string()), "place": pa.struct([("x", pa.int64()), ("label", pa.string())])}
ZONED = {"seen": pa.timestamp("us", "UTC")}


def make_rows(seed: int, columns: dict[str, pa.DataType]) -> pa.Table:
    """Ten rows; some values are NULL, NaN, infinite, empty or odd."""
    numbers = range(10 * seed, 10 * seed + 10)
    moments = [dt.datetime(2026, 3, 1, 12, 0, n % 60, 1000 * n + 1) for n in numbers]
    values: dict[str, list[Any]] = {
        "id": [*numbers],
        "small": [None if n % 7 == 0 else n % 100 for n in numbers],
        "ratio": [None, float("nan"), float("inf"), -0.0, *(n / 7 for n in numbers[4:])],
        "price": [Decimal(n * n) / 100 for n in numbers],
        "name": ["", "ü", 'a "b", c', *(f"name {n % 3}" for n in numbers[3:])],
        "moment": moments,
        "day": [DAYS[n % 5] for n in numbers],
        "good": [None if n % 3 == 0 else n % 2 == 0 for n in numbers],
        "tags": [None if n % 4 == 0 else [f"t{n % 2}", None][: n % 3] for n in numbers],
        "place": [None if n % 5 == 0 else {"x": n, "label": "it's"} for n in numbers],
        "seen": [moment.replace(tzinfo=dt.UTC) for moment in moments],
    }
    return pa.table({name: pa.array(values[name], kind) for name, kind in columns.items()})


def write_lake(root: Path) -> None:
    """Parquet in Hive folders with a key that may be NULL, ORC in folders of days, CSV by position, JSON flat."""
    for i, day in enumerate(DAYS):
        for j, site in enumerate(SITES):
            folder = "__HIVE_DEFAULT_PARTITION__" if site is None else site.replace("'", "%27")
            place = (
                root
                / "events"
                / f"year={day.year}"
                / f"month={day.month:02}"
                / f"day_of={day.day}"
                / f"site={folder}"
            )
            place.mkdir(parents=True)
            pq.write_table(make_rows(3 * i + j, COLUMNS | NESTED | ZONED), place / "a.parquet")
        place = root / "visits" / f"dt={day.isoformat()}"
        place.mkdir(parents=True)
        orc.write_table(
            make_rows(i, {name: kind for name, kind in COLUMNS.items() if name != "moment"}), place / "a.orc"
        )
        place = root / "sales" / f"{day:%Y/%m/%d}"
        place.mkdir(parents=True)
        plain = make_rows(i + 1, {name: COLUMNS[name] for name in ("id", "small", "price", "good")})
        csv.write_csv(plain, place / "a.csv")
    (root / "notes").mkdir()
    lines = "".join(f'{{"id": {n}, "text": "note {n}", "weight": {n / 4}}}\n' for n in range(20))
    (root / "notes" / "a.json").write_text(lines)
    (root / "lakeq.toml").write_text(
        '[tables.events.time]\ncolumn = "moment"\nfrom = ["year"]\n'
        '[tables.sales]\nformat = "csv"\n[tables.sales.columns]\nprice = "decimal(12,2)"\n'
    )


@pytest.fixture(scope="module")
def trino(s3_server: S3Server) -> Iterator[TrinoServer]:
    """One that reads this machine's files, and moto's buckets."""
    skip_without_trino()
    options = s3_server.storage_options
    settings = ["fs.native-s3.enabled=true", "s3.path-style-access=true", f"s3.endpoint={s3_server.endpoint}"]
    settings += [f"s3.region={options['region']}", f"s3.aws-access-key={options['key']}"]
    with run_trino([*settings, f"s3.aws-secret-key={options['secret']}"]) as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, trino: TrinoServer) -> Path:
    root = tmp_path_factory.mktemp("real") / "lake"
    root.mkdir()
    write_lake(root)
    with lakeq.connect(root / "lakeq.toml", history=False) as lake:
        for table in ("events", "visits", "sales", "notes"):
            for statement in lake.ddl(table, "trino").statements:
                trino.run(statement)
    return root / "lakeq.toml"


@pytest.fixture(scope="module")
def lake(folder: Path, trino: TrinoServer) -> Iterator[lakeq.Lake]:
    with lakeq.connect(folder, engines={"trino": find_target(trino)}, history=False) as opened:
        yield opened


def find_target(trino: TrinoServer) -> str:
    return f"http://lakeq@127.0.0.1:{trino.port}/hive/default"


def read_rows(table: pa.Table) -> list[str]:
    columns = [column.to_pylist() for column in table.columns]
    return sorted(map(repr, zip(*columns, strict=True)))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM events",
        "SELECT * FROM visits",
        "SELECT * FROM sales",
        "SELECT * FROM notes",
        "SELECT count(*) AS n, sum(id) AS ids, sum(price) AS prices, min(moment) AS first FROM events WHERE month = 3",
        "SELECT site, count(*) AS n FROM events GROUP BY site",
        "SELECT id, seen FROM events WHERE seen < TIMESTAMPTZ '2026-03-01 12:00:30+00' AND site IS NULL",
        "SELECT id FROM events WHERE make_date(year, month, day_of) BETWEEN '2026-02-28' AND '2026-03-01'",
        "SELECT id, tags, place FROM events WHERE site = 'it''s' AND day_of > 1",
        "SELECT place.x AS x FROM events WHERE place.label = 'it''s' AND month = 2",
        "SELECT dt, max(ratio) AS most FROM visits WHERE dt >= DATE '2026-03-01' GROUP BY dt",
        "SELECT v.id, s.price FROM visits v JOIN sales s ON v.id = s.id WHERE v.dt = '2026-03-01'",
        "SELECT * FROM sales WHERE month = 3 AND small > 20",
        "SELECT avg(weight) AS weight, count(DISTINCT text) AS texts FROM notes",
        "SELECT day, sum(price) OVER (PARTITION BY day) AS total FROM visits WHERE small IS NOT NULL",
    ],
)
def test_its_answers_are_duckdbs(lake: lakeq.Lake, sql: str) -> None:
    answer, expected = lake.sql(sql, engine="trino").arrow(), lake.sql(sql).arrow()
    assert answer.schema == expected.schema
    assert read_rows(answer) == read_rows(expected)


def test_the_order_is_that_of_the_query(lake: lakeq.Lake) -> None:
    sql = "SELECT id, name FROM events ORDER BY name DESC NULLS LAST, id LIMIT 25"
    assert lake.sql(sql, engine="trino").arrow() == lake.sql(sql).arrow()


def test_the_partitions_kept_are_all_that_it_reads(lake: lakeq.Lake) -> None:
    """By a condition that Trino itself evaluates on no partition."""
    every = lake.sql("SELECT sum(id) AS s FROM events", engine="trino")
    few = lake.sql(
        "SELECT sum(id) AS s FROM events WHERE strftime(make_date(year, month, day_of), '%d') = '28'",
        engine="trino",
    )
    assert every.fetchall()
    assert few.fetchall() == [(sum(range(30, 60)),)]
    assert few.stats.bytes_scanned * 4 < every.stats.bytes_scanned


def test_a_bucket_is_read_as_a_folder_is(folder: Path, s3_server: S3Server, trino: TrinoServer) -> None:
    """By positions and by Hive's folders, with a condition on a declared time."""
    bucket, lake_folder = s3_server.new_bucket(), folder.parent
    for file in lake_folder.rglob("*.*"):
        if file.is_file() and file.suffix != ".toml":
            s3_server.put(bucket, file.relative_to(lake_folder).as_posix(), file.read_bytes())
    definition = f'location = "s3://{bucket}"\n{folder.read_text()}'
    toml = folder.with_name("remote.toml")
    toml.write_text(definition)
    engines = {
        "trino": {"url": find_target(trino), "tables": {t: f"default.{t}_far" for t in ("events", "sales")}}
    }
    options: dict[str, Any] = {"engines": engines, "history": False, "cache": False}
    with lakeq.connect(toml, **options, **s3_server.storage_options) as lake:
        for table in ("events", "sales"):
            for statement in lake.ddl(table, "trino", name=f"hive.default.{table}_far").statements:
                trino.run(statement)
        for sql in (
            "SELECT * FROM sales WHERE small > 20",
            "SELECT id, site FROM events WHERE moment > '2026-03-01 12:00:20'",
        ):
            result = lake.sql(sql, engine="trino")
            assert read_rows(result.arrow()) == read_rows(lake.sql(sql).arrow())
            assert result.stats.bytes_scanned > 0


def test_a_budget_stops_it_and_it_is_trino_who_says_so(lake: lakeq.Lake, trino: TrinoServer) -> None:
    plan = lake.plan("SELECT count(DISTINCT name) AS n FROM events")
    engine = lake._engines.open("trino")
    result = engine.execute(plan, max_bytes=2000)
    with pytest.raises(BudgetExceededError, match="Query stopped by Trino"):
        list(result.batches())
    assert wait_for_none_running(trino)


def test_cancel_ends_it_on_the_server(lake: lakeq.Lake, trino: TrinoServer) -> None:
    slow = lake.sql(
        "SELECT count(*) AS n FROM events a, events b, events c, events d, events e WHERE a.id + b.id + c.id + d.id + e.id = 7",
        engine="trino",
    )
    timer = threading.Timer(1.0, slow.cancel)
    timer.start()
    with pytest.raises(QueryCancelledError):
        slow.arrow()
    timer.join()
    assert wait_for_none_running(trino)


def test_a_time_limit_ends_it(folder: Path, trino: TrinoServer) -> None:
    sql = "SELECT count(*) AS n FROM events a, events b, events c, events d, events e WHERE a.id + b.id + c.id + d.id + e.id = 7"
    options: dict[str, Any] = {"engines": {"trino": find_target(trino)}, "history": False, "time_limit": "1s"}
    with lakeq.connect(folder, **options) as lake, pytest.raises(ResourceLimitError, match="time_limit"):
        lake.sql(sql, engine="trino").arrow()
    assert wait_for_none_running(trino)


def test_a_reader_who_leaves_leaves_nothing_running(lake: lakeq.Lake, trino: TrinoServer) -> None:
    batches = lake.sql("SELECT a.id FROM events a, events b, events c, events d", engine="trino").batches()
    next(batches)
    batches.close()  # type: ignore[attr-defined]  # a generator
    assert wait_for_none_running(trino)


def test_a_table_that_trino_has_not_is_told_with_the_command(folder: Path, trino: TrinoServer) -> None:
    trino.run("CREATE SCHEMA IF NOT EXISTS hive.empty")
    target = find_target(trino).replace("/default", "/empty")
    options: dict[str, Any] = {"engines": {"trino": target}, "history": False}
    with (
        lakeq.connect(folder, **options) as lake,
        pytest.raises(ExecutionError, match="lakeq ddl LAKE TABLE"),
    ):
        lake.sql("SELECT id FROM events", engine="trino").arrow()


def wait_for_none_running(trino: TrinoServer) -> bool:
    """Whether no query of lakeq's is left, after some seconds at most."""
    left = "SELECT count(*) FROM system.runtime.queries WHERE source = 'lakeq' AND state NOT IN ('FINISHED', 'FAILED')"
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if trino.run(left) == [(0,)]:
            return True
        threading.Event().wait(0.2)
    return False
