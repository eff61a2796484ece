"""The API as a user meets it: one lake, every promise of the front page."""

from __future__ import annotations

import datetime as dt
import gzip
import pickle
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.catalog import entry
from lakeq.errors import (
    BudgetExceededError,
    ColumnNotFoundError,
    ConfigError,
    CorruptFileError,
    ObjectChangedError,
    ObjectNotFoundError,
    PartitionLayoutError,
    QueryCancelledError,
    SchemaConflictError,
    TableNotFoundError,
    UnsupportedSqlError,
)
from lakeq.lake import Lake


def write(path: Path, content: bytes | pa.Table) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        pq.write_table(content, path)
    return path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for month in (1, 2, 3):
        columns = {"id": list(range(month * 10, month * 10 + 10)), "amount": [1.5] * 10}
        if month == 3:
            columns["channel"] = ["web"] * 10  # a column added in March
        write(tmp_path / f"events/year=2026/month={month:02d}/part-0.parquet", pa.table(columns))
    write(tmp_path / "orders/2026/01/o.csv", b"id,price\n1,2.50\n2,3\n")
    write(tmp_path / "orders/2026/02/o.csv.gz", gzip.compress(b"id,price\n3,4\n"))
    write(tmp_path / "events/_temporary/0/part-1.parquet", b"half")
    write(tmp_path / "events/_SUCCESS", b"")
    return tmp_path


@pytest.fixture
def lake(root: Path) -> Iterator[Lake]:
    with lakeq.connect(root) as opened:
        yield opened


def test_tables_are_found_without_being_told(lake: Lake) -> None:
    events, orders = lake.tables()
    assert (events.name, events.format, [c.name for c in events.partition_columns]) == (
        "events",
        "parquet",
        ["year", "month"],
    )
    assert [c.name for c in events.columns] == ["id", "amount", "channel", "year", "month"]
    assert (orders.format, orders.layout.template) == ("csv", "{year:int}/{month:int}/")
    assert {i.reason: i.count for i in lake.ignored("events")} != {}
    assert sum(i.count for i in lake.ignored("events")) == 2


def test_an_estimate_says_what_the_query_then_reads(lake: Lake) -> None:
    result = lake.sql("SELECT sum(amount) FROM events WHERE month = 2")
    estimate = result.estimate
    assert (estimate.files, estimate.files_total, estimate.partitions, estimate.accuracy) == (
        1,
        3,
        1,
        "exact",
    )
    assert result.fetchall() == [(15.0,)]
    assert result.stats.bytes_scanned == estimate.bytes_scanned == estimate.low == estimate.high > 0
    assert estimate.cost_usd == Decimal("0.0000476837158203125")
    (table,) = estimate.to_dict()["tables"]
    assert (table["columns"], table["predicate"], table["row_groups"]) == (
        ["amount", "month"],
        "month = 2",
        1,
    )


def test_padded_months_match_as_number_and_as_text(lake: Lake) -> None:
    for condition in ("month = 2", "month = '02'", "month = '2'", "lpad(month::TEXT, 2, '0') = '02'"):
        assert lake.sql(f"SELECT min(id) FROM events WHERE {condition}").fetchall() == [(20,)]
        assert lake.estimate(f"SELECT id FROM events WHERE {condition}").files == 1


def test_a_column_added_later_is_null_before(lake: Lake) -> None:
    sql = "SELECT month, count(channel) FROM events GROUP BY month ORDER BY month"
    assert lake.sql(sql).fetchall() == [(1, 0), (2, 0), (3, 10)]


def test_counting_rows_and_asking_for_keys_scan_no_column(lake: Lake) -> None:
    for sql in (
        "SELECT count(*) FROM events",
        "SELECT year, month FROM events",
        "SELECT count(*) FROM events WHERE month > 1",
    ):
        result = lake.sql(sql)
        assert result.estimate.bytes_scanned == 0
        result.arrow()
        assert result.stats.bytes_scanned == 0


def test_keys_alone_are_answered_without_opening_a_file(root: Path, lake: Lake) -> None:
    assert lake.sql("SELECT max(month) FROM events").fetchall() == [(3,)]
    for file in root.rglob("*.parquet"):
        file.unlink()
    assert lake.sql("SELECT DISTINCT month FROM events ORDER BY 1").fetchall() == [(1,), (2,), (3,)]
    assert lake.sql("SELECT max(month) FROM orders").fetchall() == [(2,)]


def test_hidden_columns_name_the_file_of_a_row(root: Path, lake: Lake) -> None:
    row = lake.sql(
        'SELECT *, "$path", "$file_size", "$partition" FROM events WHERE month = 2 LIMIT 1'
    ).arrow()
    path = root / "events/year=2026/month=02/part-0.parquet"
    assert row.column_names == [
        "id",
        "amount",
        "channel",
        "year",
        "month",
        "$path",
        "$file_size",
        "$partition",
    ]
    assert row.to_pylist()[0]["$path"] == str(path)
    assert row.to_pylist()[0]["$file_size"] == path.stat().st_size
    assert row.to_pylist()[0]["$partition"] == "year=2026/month=02"
    assert lake.estimate("SELECT id FROM events WHERE \"$path\" LIKE '%month=02%'").files == 1
    (stamp,) = lake.sql('SELECT DISTINCT "$file_modified_time" FROM orders WHERE month = 1').fetchall()[0]
    assert abs(stamp - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=5)


def test_files_and_partitions_are_tables(lake: Lake) -> None:
    assert lake.sql('SELECT count(*), sum(row_count) FROM "events$files"').fetchall() == [(3, 30)]
    assert lake.sql('SELECT month, files FROM "events$partitions" WHERE month < 3 ORDER BY 1').fetchall() == [
        (1, 1),
        (2, 1),
    ]
    assert lake.partitions("events").column("row_count").to_pylist() == [10, 10, 10]
    assert lake.files("orders").num_rows == 2


def test_nothing_is_read_before_the_result_is(root: Path, lake: Lake) -> None:
    result = lake.sql("SELECT * FROM events")
    for file in root.rglob("*.parquet"):
        file.unlink()
    with pytest.raises(ObjectChangedError):
        result.arrow()


def test_a_budget_refuses_before_anything_is_read(lake: Lake) -> None:
    sql = "SELECT id FROM events"
    needed = lake.estimate(sql).bytes_scanned
    assert lake.sql(sql, max_bytes=needed).arrow().num_rows == 30
    with pytest.raises(
        BudgetExceededError, match=r"Add a filter on year or month, or raise max_bytes"
    ) as caught:
        lake.sql(sql, max_bytes=needed - 1)
    assert caught.value.limit == needed - 1
    with pytest.raises(BudgetExceededError, match="max_cost"):
        lake.sql(sql, max_cost="0.00001")


def test_parameters(lake: Lake) -> None:
    sql = "SELECT count(*) FROM events WHERE month = ? AND id > ?"
    assert lake.sql(sql, [2, 24]).fetchall() == [(5,)]
    assert lake.estimate(sql, [2, 24]).files == 1
    assert lake.sql("SELECT count(*) FROM events WHERE month = $m", {"m": 3}).fetchall() == [(10,)]


def test_a_registered_table_overrides_what_would_be_found(root: Path, lake: Lake) -> None:
    write(root / "raw/eu/1.txt", b"1|a\n2|\\N\n")
    write(root / "raw/us/1.txt", b"3|c\n")
    table = lake.register(
        "raw",
        "raw/",
        layout="{region}/",
        format="csv",
        delimiter="|",
        header=False,
        null="\\N",
        columns={"id": "bigint", "tag": "text"},
    )
    assert [c.name for c in table.columns] == ["id", "tag", "region"]
    assert lake.sql("SELECT * FROM raw WHERE region = 'eu' ORDER BY id").fetchall() == [
        (1, "a", "eu"),
        (2, None, "eu"),
    ]
    with pytest.raises(ConfigError, match="Did you mean 'delimiter'"):
        lake.register("raw", "raw/", delimter="|")


def test_a_lake_toml_names_tables_views_and_limits(root: Path) -> None:
    write(
        root / "lakeq.toml",
        b'location = "."\n[tables.sales]\nlocation = "orders/"\nlayout = "{year:int}/{month:int}/"\n'
        b'[views]\nrecent = "SELECT * FROM sales WHERE month = 2"\n[limits]\nmax_bytes = 100\n',
    )
    with lakeq.connect(root / "lakeq.toml") as lake:
        assert lake.sql("SELECT id FROM recent").fetchall() == [(3,)]
        assert lake.estimate("SELECT id FROM recent").files == 1
        with pytest.raises(BudgetExceededError):
            lake.sql("SELECT * FROM events")


def test_views_are_pruned_through_and_checked_when_made(lake: Lake) -> None:
    lake.create_view("late", "SELECT * FROM events WHERE month > 1")
    assert lake.estimate("SELECT id FROM late WHERE month < 3").files == 1
    assert lake.sql("SELECT count(*) FROM late").fetchall() == [(20,)]
    with pytest.raises(ColumnNotFoundError):
        lake.create_view("wrong", "SELECT nope FROM events")
    with pytest.raises(ConfigError):
        lake.create_view("events", "SELECT 1")


def test_a_lake_is_a_snapshot_until_it_is_refreshed(root: Path, lake: Lake) -> None:
    assert lake.sql("SELECT count(*) FROM events").fetchall() == [(30,)]
    write(root / "events/year=2026/month=04/part-0.parquet", pa.table({"id": [1], "amount": [2.0]}))
    assert lake.sql("SELECT count(*) FROM events").fetchall() == [(30,)]
    lake.refresh()
    assert lake.sql("SELECT count(*) FROM events").fetchall() == [(31,)]


def test_a_plan_prints_pickles_and_says_what_could_not_prune(lake: Lake) -> None:
    sql = "SELECT sum(amount) FROM events WHERE month = 2 AND amount + id > 3 AND random() < 2"
    text = lake.explain(sql)
    assert "pruned by: month = 2" in text
    assert "not pruned by: RANDOM() < 2" in text
    plan = lake.plan(sql)
    copy = pickle.loads(pickle.dumps(plan))
    assert copy.text == sql
    assert copy.scans[0].files.to_table().equals(plan.scans[0].files.to_table())


def test_the_clock_of_the_plan_is_the_clock_of_the_query(lake: Lake) -> None:
    result = lake.sql(
        "SELECT now(), count(*) FROM events WHERE make_date(year, month, 1) <= current_date - 10000"
    )
    assert result.estimate.files == 0
    assert result.fetchall()[0][0] == result.plan.clock
    future = "SELECT count(*) FROM events WHERE make_date(year, month, 1) <= current_date + 10000"
    assert lake.sql(future).fetchall() == [(30,)]


def test_a_broken_file_fails_the_queries_that_need_it_and_no_others(root: Path) -> None:
    write(root / "events/year=2026/month=04/part-0.parquet", b"PAR1 not really PAR1")
    with lakeq.connect(root) as lake:
        assert lake.sql("SELECT count(*) FROM events WHERE month < 4").fetchall() == [(30,)]
        for sql in ("SELECT count(*) FROM events", "SELECT id FROM events WHERE month = 4"):
            with pytest.raises(CorruptFileError, match=r"month=04/part-0\.parquet"):
                lake.sql(sql).arrow()


def test_a_broken_table_does_not_hide_the_others(root: Path) -> None:
    write(root / "mixed/a=1/b=2/x.csv", b"i\n1\n")
    write(root / "mixed/a=1/x.csv", b"i\n1\n")
    write(root / "torn/a=1/x.parquet", pa.table({"v": [1]}))
    write(root / "torn/a=2/x.parquet", pa.table({"v": [{"z": 1}]}))
    with lakeq.connect(root) as lake:
        problems = {table.name: type(table.problem) for table in lake.tables()}
        assert problems == {
            "events": type(None),
            "orders": type(None),
            "mixed": PartitionLayoutError,
            "torn": SchemaConflictError,
        }
        assert lake.sql("SELECT count(*) FROM orders").fetchall() == [(3,)]
        with pytest.raises(SchemaConflictError, match=r"a=1/x\.parquet.*a=2/x\.parquet"):
            lake.sql("SELECT * FROM torn")


def test_count_and_select_agree_on_what_is_broken(tmp_path: Path) -> None:
    rows = b"id,v\n" + b"1,2\n" * 200_000
    write(tmp_path / "typed/a.csv", rows + b"x,3\n")
    write(tmp_path / "ragged/a.csv", rows + b"3\n")
    write(tmp_path / "lines/a.json", b'{"a":1}\n' * 60_000 + b'{"a":\n')
    with lakeq.connect(tmp_path) as lake:
        for table in ("typed", "ragged", "lines"):
            for what in ("*", "count(*)"):
                with pytest.raises(CorruptFileError, match=f"{table}/a"):
                    lake.sql(f"SELECT {what} FROM {table}").arrow()


def test_files_beyond_those_looked_into_still_count(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The column added in March is in a file that the schema's sample did not meet."""
    for month in range(4, 10):
        write(
            root / f"events/year=2026/month={month:02d}/part-0.parquet",
            pa.table({"id": [month], "amount": [1.0]}),
        )
    monkeypatch.setattr(entry, "LOCAL_SAMPLES", 2)
    with lakeq.connect(root) as lake:
        assert lake.describe("events").column("channel") is None
        assert lake.sql("SELECT count(channel) FROM events").fetchall() == [(10,)]
    with lakeq.connect(root) as lake:
        assert "channel" in lake.sql("SELECT * FROM events WHERE month = 3").arrow().column_names
        with pytest.raises(ColumnNotFoundError):
            lake.sql("SELECT chanel FROM events")


@pytest.mark.parametrize("name", ["evnts", "order"])
def test_a_wrong_name_gets_the_nearest(lake: Lake, name: str) -> None:
    for ask in (lake.describe, lake.partitions, lambda n: lake.sql(f"SELECT * FROM {n}")):
        with pytest.raises(TableNotFoundError, match="Did you mean"):
            ask(name)


def test_a_location_that_is_not_there_is_an_error_and_an_empty_one_is_not(tmp_path: Path) -> None:
    with pytest.raises(ObjectNotFoundError, match="nowhere"):
        lakeq.connect(tmp_path / "nowhere")
    with lakeq.connect(tmp_path) as lake:
        assert lake.tables() == []
        with pytest.raises(TableNotFoundError, match="no tables"):
            lake.sql("SELECT * FROM t")


def test_results_come_in_every_form(lake: Lake) -> None:
    sql = "SELECT id, amount FROM events WHERE id < 12 ORDER BY id"
    assert lake.sql(sql).arrow().num_rows == 2
    assert lake.sql(sql).df()["id"].tolist() == [10, 11]
    assert lake.sql(sql).pl()["id"].to_list() == [10, 11]
    assert sum(batch.num_rows for batch in lake.sql(sql).batches()) == 2
    with lake.sql(sql) as result:
        assert result.schema.names == ["id", "amount"]
        assert result.fetchall() == [(10, 1.5), (11, 1.5)]
        assert result.arrow().num_rows == 2


def test_show_prints_rows_types_and_the_count(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    lake.sql("SELECT id, channel FROM events ORDER BY id").show(2)
    assert capsys.readouterr().out.splitlines() == [
        "   id  channel",
        "int64  string",
        "-----  -------",
        "   10  NULL",
        "   11  NULL",
        "(30 rows, the first 2 shown)",
    ]


def test_the_arrow_scanner_gives_the_same_answers(root: Path, lake: Lake) -> None:
    with lakeq.connect(root, scanner="arrow") as other:
        for sql in ("SELECT * FROM events ORDER BY id", "SELECT * FROM orders ORDER BY id"):
            assert other.sql(sql).fetchall() == lake.sql(sql).fetchall()


def test_one_lake_serves_many_threads(lake: Lake) -> None:
    answers: list[object] = []

    def ask(month: int) -> None:
        answers.append(
            (month, lake.sql("SELECT min(id) FROM events WHERE month = ?", [month]).fetchall()[0][0])
        )

    threads = [threading.Thread(target=ask, args=(i % 3 + 1,)) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == sorted((i % 3 + 1, (i % 3 + 1) * 10) for i in range(12))


def test_a_cancelled_result_says_so(lake: Lake) -> None:
    result = lake.sql("SELECT count(*) FROM events a, range(1000000000) b, range(1000) c")
    result.cancel()
    with pytest.raises(QueryCancelledError):
        result.arrow()


@pytest.mark.parametrize("sql", ["SELECT * FROM read_csv('x.csv')", "COPY events TO 'x'", "SET threads = 1"])
def test_lakeq_only_reads(lake: Lake, sql: str) -> None:
    with pytest.raises(UnsupportedSqlError):
        lake.sql(sql)


def test_sql_that_only_duckdb_can_parse_is_run_unpruned(lake: Lake) -> None:
    sql = "SELECT min(id) FROM events WHERE month = 2 AND 4! = 24"
    assert lake.sql(sql).fetchall() == [(20,)]
    assert lake.estimate(sql).files == 3
    assert "nothing was pruned" in lake.explain(sql)


NO_FILTER = "is only read with a filter on year and month; it has 3 partitions"


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("", NO_FILTER),
        ("WHERE id > 3", NO_FILTER),
        ("WHERE year = 2026", "a filter on month; .* Add a condition such as month = …"),
        ("WHERE year = 2026 OR id = 1", NO_FILTER),
        ("WHERE year = 2026 AND (month = 1 OR id = 1)", "a filter on month"),
        ("WHERE year = 2026 AND month + 0 = 2", ""),
        ("WHERE Year >= 2026 AND MONTH IN (1, 2)", ""),
        ("WHERE year * 100 + month = 202602", ""),
    ],
)
def test_a_table_may_require_conditions_on_its_keys(root: Path, where: str, words: str) -> None:
    with lakeq.connect(root) as lake:
        lake.register("events", "events", require_partition_filter=["Year", "month"])
        sql = f"SELECT count(*) FROM events {where}"
        lake.estimate(sql)  # is free
        if not words:
            assert lake.sql(sql).fetchall()[0][0] > 0
            return
        with pytest.raises(BudgetExceededError, match=f"Query not run: table 'events' .*{words}"):
            lake.sql(sql)


def test_each_mention_of_a_table_needs_its_own_condition(root: Path) -> None:
    with lakeq.connect(root) as lake:
        lake.register("events", "events", require_partition_filter=True)
        lake.create_view("march", "SELECT * FROM events WHERE month = 3")
        assert lake.sql("SELECT count(*) FROM march").fetchall() == [(10,)]
        for sql in (
            "SELECT * FROM events a JOIN events b USING (id) WHERE a.month = 1",
            "SELECT * FROM march UNION ALL SELECT * FROM events",
            "SELECT * FROM orders WHERE id IN (SELECT id FROM events)",
        ):
            with pytest.raises(BudgetExceededError, match="a filter on year or month"):
                lake.sql(sql)


def test_a_required_key_that_is_none_is_told(root: Path) -> None:
    (root / "lakeq.toml").write_text('[tables.events]\nrequire_partition_filter = ["day"]\n')
    with lakeq.connect(root / "lakeq.toml") as lake:
        with pytest.raises(ConfigError, match=r"'day', which is no partition column\. It has: year, month"):
            lake.sql("SELECT 1 FROM events")
        with pytest.raises(ConfigError, match="must be true or a list"):
            lake.register("orders", "orders", require_partition_filter="year")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[limits]\nmax_byte = 1\n", "Did you mean 'max_bytes'"),
        ("[pricing]\nmodell = 'none'\n", "Did you mean 'model'"),
    ],
)
def test_a_limit_or_price_that_is_misspelt_is_told(root: Path, text: str, words: str) -> None:
    (root / "lakeq.toml").write_text(text)
    with pytest.raises(ConfigError, match=words):
        lakeq.connect(root / "lakeq.toml")


def test_limits_come_from_the_argument_else_the_lake_else_the_environment(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEQ_MAX_BYTES", "10")
    sql = "SELECT sum(id) FROM events"
    with lakeq.connect(root) as lake:
        with pytest.raises(BudgetExceededError, match="over the limit of 10 bytes"):
            lake.sql(sql)
        assert lake.sql(sql, max_bytes="1GB").fetchall() == [(600 + 135,)]
    (root / "lakeq.toml").write_text("[limits]\nmax_bytes = 1000000\n")
    with lakeq.connect(root / "lakeq.toml") as lake:
        assert lake.sql(sql).stats.rows == 0
    monkeypatch.setenv("LAKEQ_MAX_BYTES", "much")
    with lakeq.connect(root) as lake, pytest.raises(ConfigError, match="much"):
        lake.sql(sql)


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A table of 300 files, of which opening it looks into a few."""
    monkeypatch.setattr(entry, "LOCAL_SAMPLES", 5)
    for number in range(300):
        rows = 100 + number % 7
        table = pa.table({"id": range(number * 200, number * 200 + rows), "note": ["x" * number] * rows})
        write(tmp_path / f"t/year={2024 + number % 2}/{number:03}.parquet", table)
    return tmp_path


def test_of_many_files_a_sample_of_the_footers_is_read(many: Path) -> None:
    query = "SELECT sum(id) FROM t WHERE note <> ''"
    with lakeq.connect(many, max_footers=100) as lake:
        sampled = lake.estimate(query)
        inspected = lake._catalog.view().entry("t").index.inspected
        again = lake.estimate(query)
        assert lake._catalog.view().entry("t").index.inspected == inspected <= 130
        exact = lake.estimate(query, exact=True)
        assert lake._catalog.view().entry("t").index.inspected == 300
        known = lake.estimate(query)
    assert (sampled.accuracy, exact.accuracy, known.accuracy) == ("sampled", "exact", "exact")
    assert (again.low, again.bytes_scanned, again.high) == (sampled.low, sampled.bytes_scanned, sampled.high)
    assert sampled.low <= exact.bytes_scanned <= sampled.high
    assert sampled.low < sampled.bytes_scanned < sampled.high
    assert sampled.cost_low <= sampled.cost_usd <= sampled.cost_high
    assert str(sampled).endswith(f"about {sampled.bytes_scanned / 1024:.1f} KB ($0.000048)")
    assert sampled.to_dict()["tables"][0]["footers"] == inspected


def test_a_sample_stays_one_in_a_cte_used_twice_and_in_a_self_join(many: Path) -> None:
    with lakeq.connect(many, max_footers=100) as lake:
        single = lake.estimate("SELECT id FROM t")
        twice = lake.estimate("WITH c AS (SELECT id FROM t) SELECT a.id FROM c a JOIN c b ON a.id = b.id")
        joined = lake.estimate("SELECT a.id FROM t a JOIN t b ON a.id = b.id")
    assert (single.accuracy, twice.accuracy, joined.accuracy) == ("sampled",) * 3
    assert twice.bytes_scanned == joined.bytes_scanned == 2 * single.bytes_scanned
    assert joined.high == 2 * single.high


def test_a_sampled_plan_runs_over_every_file(many: Path) -> None:
    with lakeq.connect(many, max_footers=100) as lake:
        plan = lake.plan("SELECT count(*), min(id), max(id) FROM t")
        assert plan.scans[0].sampled is not None
        assert "  footers read: " in lake.explain("SELECT id FROM t")
        result = lake.sql("SELECT count(*), min(id), max(id) FROM t")
        assert result.estimate.accuracy == "exact"
        assert result.fetchall() == [(sum(100 + n % 7 for n in range(300)), 0, 299 * 200 + 99 + 299 % 7)]


def test_a_limit_is_judged_by_a_sample_only_as_far_as_that_is_sure(many: Path) -> None:
    with lakeq.connect(many, max_footers=100) as lake:
        exact = lake.estimate("SELECT id FROM t", exact=True)
    with lakeq.connect(many, max_footers=100) as lake, pytest.raises(BudgetExceededError) as refused:
        lake.sql("SELECT id FROM t", max_bytes=exact.bytes_scanned // 3)
    assert refused.value.estimate.accuracy == "sampled"
    assert str(refused.value).startswith("Query not run: it would scan about ")
    with lakeq.connect(many, max_footers=100) as lake, pytest.raises(BudgetExceededError) as close:
        lake.sql("SELECT id FROM t", max_bytes=exact.bytes_scanned - 1)
    assert close.value.estimate.bytes_scanned == exact.bytes_scanned
    with lakeq.connect(many, max_footers=100) as lake:
        assert lake.sql("SELECT id FROM t", max_bytes=exact.bytes_scanned).arrow().num_rows > 30_000


@pytest.mark.parametrize("footers", [0, 99, -1, 2.5, "many", True])
def test_a_sample_that_says_nothing_is_refused(root: Path, footers: object) -> None:
    with pytest.raises(ConfigError, match="max_footers is a whole number from 100"):
        lakeq.connect(root, max_footers=footers)  # type: ignore[arg-type]
    (root / "lakeq.toml").write_text(f"[limits]\nmax_footers = {str(footers).lower()!r}\n")
    with pytest.raises(ConfigError, match="max_footers is a whole number from 100"):
        lakeq.connect(root / "lakeq.toml")


def test_row_groups_have_a_total_once_every_footer_is_known(many: Path) -> None:
    with lakeq.connect(many) as lake:
        one_year = "SELECT sum(id) FROM t WHERE year = 2024"
        assert lake.plan(one_year).scans[0].row_groups == 150
        assert lake.plan(one_year).scans[0].row_groups_total is None
        lake.plan("SELECT sum(id) FROM t")
        assert lake.plan(one_year).scans[0].row_groups_total == 300


def test_what_is_known_is_told_without_listing(lake: Lake, root: Path) -> None:
    assert (lake.known_tables(), lake.partition_values("events", "year")) == ([], [])
    lake.tables()
    write(root / "events/year=2027/month=01/part-0.parquet", pa.table({"id": [1]}))
    assert [(t.name, t.files_total, len(t.columns)) for t in lake.known_tables()] == [
        ("events", 3, 5),
        ("orders", 2, 4),
    ]
    assert lake.partition_values("EVENTS", "Month", {"year": "2026"}) == ["3", "2", "1"]
    assert lake.partition_values("events", "month", {"YEAR": "'2025'"}) == []
    assert lake.partition_values("events", "month", most=1) == ["3"]
    assert lake.partition_values("events", "amount") == lake.partition_values("none", "year") == []


def test_a_table_that_cannot_be_settled_is_known_with_its_problem(tmp_path: Path) -> None:
    write(tmp_path / "t/year=2025/a.parquet", pa.table({"x": [1]}))
    write(tmp_path / "t/year=2026/a.parquet", pa.table({"x": [[1]]}))
    with lakeq.connect(tmp_path) as lake:
        lake.tables()
        (table,) = lake.known_tables()
        assert isinstance(table.problem, SchemaConflictError)


def test_functions_are_those_that_a_query_may_call(lake: Lake) -> None:
    names = lake.functions()
    assert {"count", "date_trunc", "row_number", "regexp_extract", "range", "unnest"} <= set(names)
    assert not {"read_csv", "read_parquet", "glob", "query", "pg_typeof", "duckdb_functions"} & set(names)
    assert list(names) == sorted(names)
    assert lake.sql("SELECT * FROM range(2)").fetchall() == [(0,), (1,)]


def test_views_are_told_by_name(lake: Lake) -> None:
    lake.create_view("late", "FROM events WHERE month = 3")
    assert dict(lake.views) == {"late": "FROM events WHERE month = 3"}
