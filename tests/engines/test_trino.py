"""Trino as an engine, against a server that speaks its protocol from a script."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.engines.trino.target import parse_target
from lakeq.errors import (
    AccessDeniedError,
    BudgetExceededError,
    ConfigError,
    EngineError,
    ExecutionError,
    LakeqError,
    QueryCancelledError,
    ResourceLimitError,
    UnsupportedSqlError,
)
from tests.engines.fake_trino import FakeTrino, failure, rows, run_fake_trino

SQL = "SELECT n FROM events WHERE month = 2"
DONE = rows([], ["bigint"], state="FINISHED", physicalInputBytes=700, progressPercentage=100.0)


@pytest.fixture(scope="module")
def server() -> Iterator[FakeTrino]:
    with run_fake_trino() as running:
        yield running


@pytest.fixture
def fake(server: FakeTrino) -> FakeTrino:
    """The server, which has forgotten what it was asked and told before."""
    server.pages, server.status, server.body, server.waits = (), 200, None, None
    server.queries.clear()
    server.stopped = 0
    return server


@pytest.fixture(scope="module")
def lake_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trino") / "lake"
    for month in (1, 2, 3):
        place = folder / "events" / "year=2026" / f"month={month}"
        place.mkdir(parents=True)
        pq.write_table(
            pa.table({"n": pa.array([month], pa.int64()), "price": pa.array([Decimal("1.50")])}),
            place / "a.parquet",
        )
    (folder / "clicks").mkdir()
    moments = pa.array([dt.datetime(2026, 3, 1, tzinfo=dt.UTC)], pa.timestamp("us", "UTC"))
    pq.write_table(pa.table({"seen": moments}), folder / "clicks" / "a.parquet")
    (folder / "notes" / "kind=a").mkdir(parents=True)
    (folder / "notes" / "kind=a" / "a.csv").write_text("n,text\n1,one\n2,two\n")
    (folder / "visits").mkdir()
    orc.write_table(pa.table({"n": [1]}), folder / "visits" / "a.orc")
    return folder


@pytest.fixture(scope="module")
def lake(lake_folder: Path, server: FakeTrino) -> Iterator[lakeq.Lake]:
    """A lake for what is wrong with the server, not with the lake."""
    with open_lake(lake_folder, server) as opened:
        yield opened


def open_lake(folder: Path, fake: FakeTrino, **options: Any) -> lakeq.Lake:
    target = fake.url.replace("http://", "http://ada@") + "/hive/raw"
    return lakeq.connect(folder, engine="trino", engines={"trino": target}, history=False, **options)


def test_rows_come_back_as_duckdb_types_them(lake_folder: Path, fake: FakeTrino) -> None:
    fake.pages = [
        {"stats": {"state": "QUEUED"}},
        rows([[2]], ["bigint"]),
        rows([[3], [None]], ["bigint"]),
        DONE,
    ]
    with open_lake(lake_folder, fake) as lake:
        result = lake.sql(SQL)
        assert result.arrow() == pa.table({"n": pa.array([2, 3, None], pa.int64())})
        assert result.engine == "trino"
        assert (result.stats.rows, result.stats.bytes_scanned) == (3, 700)
        assert any("Trino read the files that it found" in note for note in result.notes)
    assert fake.stopped == 0


def test_it_is_told_user_place_zone_and_the_partitions_kept(lake_folder: Path, fake: FakeTrino) -> None:
    fake.pages = [DONE]
    with open_lake(lake_folder, fake) as lake:
        lake.sql(SQL).arrow()
    sql, headers = fake.queries[0]
    assert '(SELECT * FROM "hive"."raw"."events" WHERE "year" = 2026 AND "month" = 2)' in sql
    told = {name.removeprefix("X-Trino-"): value for name, value in headers.items()}
    assert (told["User"], told["Catalog"], told["Schema"]) == ("ada", "hive", "raw")
    assert (told["Source"], told["Time-Zone"]) == ("lakeq", "UTC")


def test_a_budget_and_a_time_limit_are_trinos_own_limits_too(lake_folder: Path, fake: FakeTrino) -> None:
    fake.pages = [DONE]
    with open_lake(lake_folder, fake, time_limit="90s") as lake:
        lake.sql(SQL, max_bytes="1MB").arrow()
    session = fake.queries[0][1]["X-Trino-Session"]
    assert session == "query_max_scan_physical_bytes=1048576B,query_max_run_time=90.000s"


@pytest.mark.parametrize(
    ("table", "given", "session"),
    [
        ("clicks", {}, "hive.timestamp_precision=MICROSECONDS"),
        ("visits", {}, "hive.orc_use_column_names=true"),
        ("visits", {"hive.orc_use_column_names": "", "query_priority": "5"}, "query_priority=5"),
        ("events", {}, ""),
    ],
)
def test_the_hive_connector_is_told_to_see_tables_as_lakeq_does(
    lake_folder: Path, fake: FakeTrino, table: str, given: dict[str, str], session: str
) -> None:
    fake.pages = [DONE]
    target = {"url": f"{fake.url}/hive/raw", "session": given}
    with lakeq.connect(lake_folder, engine="trino", engines={"trino": target}, history=False) as lake:
        lake.sql(f"SELECT * FROM {table}").arrow()
    assert fake.queries[0][1]["X-Trino-Session"] == session


def test_a_time_with_a_zone_comes_without_and_is_utc(lake_folder: Path, fake: FakeTrino) -> None:
    fake.pages = [rows([["2026-03-01 04:05:06.000000"]], ["timestamp(6)"]), DONE]
    with open_lake(lake_folder, fake) as lake:
        answer = lake.sql("SELECT seen FROM clicks").arrow()
    assert pa.types.is_timestamp(answer.schema.field("seen").type)
    assert answer.schema.field("seen").type.tz is not None
    assert answer["seen"][0].as_py().astimezone(dt.UTC) == dt.datetime(2026, 3, 1, 4, 5, 6, tzinfo=dt.UTC)


def test_a_query_that_scans_more_than_its_budget_is_stopped(lake_folder: Path, fake: FakeTrino) -> None:
    fake.pages = [rows([[1]], ["bigint"], physicalInputBytes=2**21), DONE]
    with (
        open_lake(lake_folder, fake) as lake,
        pytest.raises(BudgetExceededError, match=r"2\.0 MB.*1\.0 MB") as caught,
    ):
        lake.sql(SQL, max_bytes="1MB").arrow()
    assert caught.value.limit == 2**20
    assert caught.value.estimate is not None
    assert fake.stopped == 1


def test_rows_over_the_row_limit_stop_it(lake_folder: Path, fake: FakeTrino) -> None:
    fake.pages = [rows([[1], [2]], ["bigint"]), rows([[3]], ["bigint"]), DONE]
    with (
        open_lake(lake_folder, fake, row_limit=1) as lake,
        pytest.raises(ResourceLimitError, match="row_limit") as caught,
    ):
        lake.sql(SQL).arrow()
    assert (caught.value.engine, fake.stopped) == ("trino", 1)


def test_a_reader_who_leaves_stops_it(lake_folder: Path, fake: FakeTrino) -> None:
    fake.pages = [rows([[1]], ["bigint"]), rows([[2]], ["bigint"]), DONE]
    with open_lake(lake_folder, fake) as lake:
        batches = lake.sql(SQL).batches()
        assert next(batches).num_rows == 1
        batches.close()  # type: ignore[attr-defined]  # a generator
    assert fake.stopped == 1


def test_cancel_ends_it_while_it_waits(lake_folder: Path, fake: FakeTrino) -> None:
    fake.pages, fake.waits = [rows([[1]], ["bigint"]), DONE], threading.Event()
    with open_lake(lake_folder, fake) as lake:
        result = lake.sql(SQL)
        batches = result.batches()
        next(batches)
        waiting = threading.Timer(0.05, lambda: (result.cancel(), fake.waits.set()))
        waiting.start()
        with pytest.raises(QueryCancelledError):
            next(batches)
        waiting.join()
    assert fake.stopped >= 1


def test_closing_the_lake_leaves_nothing_running(lake_folder: Path, fake: FakeTrino) -> None:
    fake.pages = [rows([[1]], ["bigint"]), rows([[2]], ["bigint"]), DONE]
    lake = open_lake(lake_folder, fake)
    batches = lake.sql(SQL).batches()
    next(batches)
    lake.close()
    assert fake.stopped == 1
    with pytest.raises(QueryCancelledError):
        next(batches)


@pytest.mark.parametrize(
    ("page", "error", "words"),
    [
        (failure("TABLE_NOT_FOUND", "Table 'hive.raw.events' does not exist"), ExecutionError, "lakeq ddl LAKE TABLE --dialect trino"),
        (failure("SCHEMA_NOT_FOUND", "Schema 'raw' does not exist"), ConfigError, "Schema 'raw'.*Check the URL"),
        (failure("TYPE_MISMATCH", "Cannot apply"), ExecutionError, "TYPE_MISMATCH.*SELECT"),
        (failure("PERMISSION_DENIED", "Access Denied: no"), AccessDeniedError, "'ada'"),
        (failure("EXCEEDED_SCAN_LIMIT", "exceeded"), BudgetExceededError, r"1\.0 MB"),
        (failure("EXCEEDED_TIME_LIMIT", "too long"), ResourceLimitError, "time_limit"),
        (failure("EXCEEDED_LOCAL_MEMORY_LIMIT", "much", "INSUFFICIENT_RESOURCES"), ResourceLimitError, "much"),
        (failure("ADMINISTRATIVELY_KILLED", "by root"), QueryCancelledError, "by root"),
        (failure("HIVE_BAD_DATA", "broken", "EXTERNAL"), ExecutionError, "could not run.*HIVE_BAD_DATA"),
        (failure("GENERIC_INTERNAL_ERROR", "oops", "INTERNAL_ERROR"), ExecutionError, "oops"),
    ],
)  # fmt: skip
def test_what_trino_reports_is_told_with_the_remedy(
    lake: lakeq.Lake, fake: FakeTrino, page: Any, error: type[LakeqError], words: str
) -> None:
    fake.pages = [page]
    with pytest.raises(error, match=words):
        lake.sql(SQL, max_bytes="1MB").arrow()


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, AccessDeniedError, "'ada'.*password_env"),
        (403, AccessDeniedError, "refused"),
        (404, ConfigError, "Not the URL of a Trino"),
        (500, EngineError, "answered 500"),
    ],
)
def test_a_server_that_refuses_is_told_by_its_status(
    lake: lakeq.Lake, fake: FakeTrino, status: int, error: type[LakeqError], words: str
) -> None:
    fake.status = status
    with pytest.raises(error, match=words):
        lake.sql(SQL).arrow()


@pytest.mark.parametrize("body", [b"<html>hello</html>", b'{"hello": 1}', b"[]"])
def test_another_server_is_no_trino(lake: lakeq.Lake, fake: FakeTrino, body: bytes) -> None:
    fake.body = body
    with pytest.raises(ConfigError, match="no Trino"):
        lake.sql(SQL).arrow()


def test_no_cluster_is_told_with_its_url(lake_folder: Path) -> None:
    target = "http://127.0.0.1:9/hive/raw"
    with (
        lakeq.connect(lake_folder, engines={"trino": target}, history=False) as lake,
        pytest.raises(EngineError, match=r"does not answer at http://127\.0\.0\.1:9: Connection refused"),
    ):
        lake.sql(SQL, engine="trino").arrow()


def test_values_that_do_not_fit_are_an_error_that_names_the_column(
    lake_folder: Path, fake: FakeTrino
) -> None:
    fake.pages = [rows([["1.5"]], ["decimal(2,1)"]), DONE]
    with (
        open_lake(lake_folder, fake) as lake,
        pytest.raises(ExecutionError, match=r"column 'n' as int64.*1\.5"),
    ):
        lake.sql(SQL).arrow()


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ('SELECT count(*) FROM "events$files"', r"events\$files"),
        ('SELECT "$path" FROM events', r"\$path"),
        ("SELECT INTERVAL 1 DAY AS i FROM events", "column.*'i'|Column 'i'"),
        ("PIVOT events ON month USING sum(n)", "depend on its rows"),
    ],
)
def test_what_only_lakeq_can_answer_is_refused_before_it_runs(
    lake_folder: Path, fake: FakeTrino, sql: str, words: str
) -> None:
    with open_lake(lake_folder, fake) as lake, pytest.raises(UnsupportedSqlError, match=words):
        lake.sql(sql)
    assert not fake.queries


def test_actual_bytes_go_to_the_history_beside_the_estimate(
    lake_folder: Path, fake: FakeTrino, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LAKEQ_DATA_DIR", str(tmp_path))
    fake.pages = [rows([[2]], ["bigint"]), DONE]
    target = fake.url + "/hive/raw"
    with lakeq.connect(lake_folder, engine="trino", engines={"trino": target}, history=True) as lake:
        lake.sql(SQL).arrow()
        (entry,) = lake.history().to_pylist()
    assert (entry["engine"], entry["scanned_bytes"], entry["rows"]) == ("trino", 700, 1)
    assert entry["estimated_bytes"] > 0


def test_what_the_index_would_answer_is_estimated_as_the_engine_reads_it(
    lake_folder: Path, fake: FakeTrino
) -> None:
    size = (lake_folder / "notes" / "kind=a" / "a.csv").stat().st_size
    with open_lake(lake_folder, fake) as lake:
        sql = "SELECT DISTINCT kind FROM notes"
        assert lake.sql(sql).estimate.bytes_scanned == size
        assert lake.sql(sql, engine="duckdb").estimate.bytes_scanned == 0
        with pytest.raises(BudgetExceededError):
            lake.sql(sql, max_bytes=1)
    assert not fake.queries


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (None, "not said where Trino is"),
        ("localhost:8080", "Not the URL"),
        ("ftp://host/a/b", "Not the URL"),
        ("http://host:99999/a/b", "Not the URL"),
        ("http://host:8080", "no catalog and schema"),
        ("https://me:secret@host/a/b", "password_env"),
        ({"url": "http://h/a/b", "pasword_env": "X"}, "Did you mean 'password_env'"),
        ({"url": "http://h/a/b", "password_env": "X"}, "no password.*over http"),
        ({"url": "https://h/a/b", "password_env": "X", "token_env": "Y"}, "contradict"),
        ({"url": "http://h/a/b", "tables": {"t": 1}}, "'tables'"),
    ],
)
def test_a_target_that_cannot_be_one_is_refused(target: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        parse_target(target)
    assert "secret" not in str(caught.value)


def test_tables_are_named_in_full_and_may_be_called_otherwise() -> None:
    target = parse_target({"url": "https://me@h/hive/raw", "tables": {"b": "x.b2", "c": '"odd"."c.d"'}})
    assert [target.name_table(name) for name in ("a", "b", "c", "d.e")] == [
        '"hive"."raw"."a"', '"hive"."x"."b2"', '"odd"."c.d"', '"hive"."raw"."d.e"',
    ]  # fmt: skip
    assert (target.host, target.port, target.user) == ("h", 443, "me")


def test_a_secret_that_is_not_there_is_told_by_its_variable(
    lake_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_SECRET", raising=False)
    target = {"url": "https://127.0.0.1:9/hive/raw", "password_env": "NO_SUCH_SECRET"}
    options: dict[str, Any] = {"engines": {"trino": target}, "history": False}
    with lakeq.connect(lake_folder, **options) as lake, pytest.raises(ConfigError, match="NO_SUCH_SECRET"):
        lake.sql(SQL, engine="trino").arrow()
