"""Lakes in Harlequin: its own classes over two lakes, and the program itself."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from harlequin import Harlequin
from harlequin.catalog import CatalogItem, InteractiveCatalogItem
from harlequin.components.text_modal import ErrorModal
from harlequin.exception import HarlequinConfigError, HarlequinConnectionError, HarlequinQueryError

import lakeq
from lakeq.harlequin_adapter import LakeqAdapter, catalog
from lakeq.harlequin_adapter.connection import LakeqConnection
from tests.servers import S3Server

ROOT = Path(__file__).parent.parent
ENDLESS = "SELECT count(*) FROM events a, range(1000000000) b, range(1000) c"


def write(path: Path, table: pa.Table) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[str, str]:
    shop, logs = tmp_path / "shop", tmp_path / "logs"
    for day in (1, 2, 10):
        for kind in ("it's", "view", "__HIVE_DEFAULT_PARTITION__"):
            rows = pa.table({"n": range(day), "price": pa.array([Decimal("1.50")] * day)})
            write(shop / f"events/day={day}/Kind Of={kind}/0.parquet", rows)
    write(shop / "flat/0.parquet", pa.table({"tags": [["a"]], "ok": [True]}))
    write(logs / "visits/0.parquet", pa.table({"page": ["/", "/a"]}))
    return str(shop), str(logs)


@pytest.fixture
def connection(folders: tuple[str, str]) -> Iterator[LakeqConnection]:
    opened = LakeqAdapter(folders).connect()
    yield opened
    opened.close()


def fetch(connection: LakeqConnection, sql: str) -> list[dict[str, Any]]:
    cursor = connection.execute(sql)
    assert cursor is not None
    table = cursor.fetchall()
    assert table is not None
    return table.to_pylist()


def children_of(item: CatalogItem) -> list[CatalogItem]:
    """As Harlequin asks for them."""
    if not item.children and isinstance(item, InteractiveCatalogItem) and not item.loaded:
        return list(item.fetch_children())
    return item.children


def find_item(connection: LakeqConnection, *labels: str) -> CatalogItem:
    item = CatalogItem("", "", "", "", connection.get_catalog().items)
    for label in labels:
        item = next(child for child in children_of(item) if child.label == label)
    return item


def test_harlequin_finds_the_adapter_by_its_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = project["entry-points"]["harlequin.adapter"]
    assert EntryPoint("lakeq", named["lakeq"], "harlequin.adapter").load() is LakeqAdapter


def test_options_reach_the_lake_by_its_own_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given: dict[str, Any] = {}
    connect = lakeq.connect
    monkeypatch.setattr(lakeq, "connect", lambda place, **options: given.update(options) or connect(place))
    every = {option.name.replace("-", "_"): "x" for option in LakeqAdapter.ADAPTER_OPTIONS}
    limits = {"max_bytes": "1KB", "max_cost": 0.5}
    opened = LakeqAdapter([str(tmp_path)], **{**every, **limits, "init_path": "of another adapter"}).connect()
    storage = {"region", "endpoint_url", "anonymous", "requester_pays", "profile"}
    assert given == dict.fromkeys({*storage, "pricing", "freshness", "archived"}, "x")
    assert "Over 1.0 KB or $0.50 they are refused" in opened.init_message
    given.clear()
    LakeqAdapter([str(tmp_path)], region=None, anonymous=False, max_cost=None).connect()
    assert given == {}


def test_what_cannot_be_used_is_told_before_anything_opens(tmp_path: Path) -> None:
    for lakes, options, words in (
        ([], {}, "Name a lake"),
        ([""], {}, "Name a lake"),
        (["x"], {"max_bytes": "much"}, "'much'"),
        (["x"], {"max_cost": "-1"}, "'-1'"),
    ):
        with pytest.raises(HarlequinConfigError, match=words):
            LakeqAdapter(lakes, **options)
    with pytest.raises(HarlequinConnectionError, match="nowhere"):
        LakeqAdapter([str(tmp_path), str(tmp_path / "nowhere")]).connect()
    with pytest.raises(HarlequinConnectionError, match="pricing"):
        LakeqAdapter([str(tmp_path)], pricing="free").connect()


def test_the_connection_is_known_by_its_lakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert LakeqAdapter(["a", "s3://bucket/b"]).connection_id == f"{tmp_path / 'a'},s3://bucket/b"


def test_the_catalog_has_lakes_tables_and_columns(connection: LakeqConnection) -> None:
    shop, logs = connection.get_catalog().items
    assert (shop.label, shop.type_label, logs.label) == ("shop", "lake", "logs")
    assert [(t.label, t.type_label) for t in shop.children] == [
        ("events", "parquet 9 parts"),
        ("flat", "parquet"),
    ]
    assert [(c.label, c.type_label, c.type_name) for c in shop.children[0].children[:4]] == [
        ("n", "##", "BIGINT"),
        ("price", "#.#", "DECIMAL(3,2)"),
        ("day", "## key", "BIGINT"),
        ("Kind Of", "s key", "VARCHAR"),
    ]
    assert [(c.label, c.type_label) for c in shop.children[1].children] == [("tags", "[s]"), ("ok", "t/f")]
    assert [table.query_name for table in logs.children] == ['"visits"']


def test_a_table_that_cannot_be_read_says_why(folders: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "shop/broken").mkdir()
    (tmp_path / "shop/broken/0.parquet").write_bytes(b"PAR1 no")
    opened = LakeqAdapter(folders).connect()
    broken = find_item(opened, "shop", "broken")
    assert broken.type_label == "unreadable" and "0.parquet" in str(broken.type_name)
    assert fetch(opened, "SELECT count(*) AS n FROM flat") == [{"n": 1}]


def test_a_catalog_asked_for_again_has_what_is_new(connection: LakeqConnection, tmp_path: Path) -> None:
    connection.get_catalog()
    write(tmp_path / "logs/more/0.parquet", pa.table({"n": [1]}))
    assert [table.label for table in connection.get_catalog().items[1].children] == ["more", "visits"]


def test_partitions_are_listed_when_they_are_opened(
    connection: LakeqConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[str] = []
    partitions = lakeq.Lake.partitions
    monkeypatch.setattr(
        lakeq.Lake, "partitions", lambda lake, name: listed.append(name) or partitions(lake, name)
    )
    item = find_item(connection, "shop", "events", "partitions")
    assert listed == []
    days = children_of(item)
    assert [(day.label, day.type_label.split(", ")[1]) for day in days] == [
        ("day= 1", "3 files"),
        ("day= 2", "3 files"),
        ("day=10", "3 files"),
    ]
    assert [kind.label for kind in children_of(days[0])] == ["Kind Of=NULL", "Kind Of=it's", "Kind Of=view"]
    assert listed == ["events"]


def test_the_text_of_a_partition_is_the_condition_that_keeps_it(connection: LakeqConnection) -> None:
    for day in children_of(find_item(connection, "shop", "events", "partitions")):
        leaves = children_of(day)
        assert len(leaves) == 3 and all(children_of(leaf) == [] for leaf in leaves)
        for item, files in ((day, 3), *((leaf, 1) for leaf in leaves)):
            sql = (
                f'SELECT count(*) AS n, count(DISTINCT "$path") AS files FROM events WHERE {item.query_name}'
            )
            number = int(day.label.removeprefix("day="))
            assert fetch(connection, sql) == [{"n": number * files, "files": files}]
    assert leaves[1].query_name == """day = 10 AND "Kind Of" = 'it''s'"""
    assert leaves[0].query_name == 'day = 10 AND "Kind Of" IS NULL'


def test_of_many_values_the_greatest_are_shown(
    connection: LakeqConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "MOST_VALUES", 2)
    days = children_of(find_item(connection, "shop", "events", "partitions"))
    assert [day.label for day in days] == ["day= 2", "day=10", "… 1 lesser"]
    assert children_of(days[-1]) == []


def test_a_bucket_is_browsed_and_queried(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing-secret")
    bucket = s3_server.new_bucket()
    for day in (1, 2):
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"n": [day]}), sink)
        s3_server.put(bucket, f"raw/visits/day={day}/0.parquet", sink.getvalue().to_pybytes())
    place = f"s3://{bucket}/raw"
    opened = LakeqAdapter([place], endpoint_url=s3_server.endpoint, region="us-east-1").connect()
    assert [c.label for c in find_item(opened, "raw", "visits").children] == ["n", "day", "partitions"]
    days = children_of(find_item(opened, "raw", "visits", "partitions"))
    assert [day.label for day in days] == ["day=1", "day=2"]
    assert fetch(opened, f"SELECT n FROM visits WHERE {days[1].query_name}") == [{"n": 2}]
    opened.close()


def test_a_query_gives_its_columns_and_rows(connection: LakeqConnection) -> None:
    cursor = connection.execute("SELECT n, price, n > 1 AS big FROM events WHERE day = 2 ORDER BY n LIMIT 1")
    assert cursor is not None
    assert cursor.columns() == [("n", "##"), ("price", "#.#"), ("big", "t/f")]
    assert cursor.fetchall() == pa.table(
        {"n": [0], "price": pa.array([Decimal("1.50")]), "big": pa.array([False])}
    )
    assert cursor.columns()[0] == ("n", "##")


def test_a_limit_stops_the_reading(connection: LakeqConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    batches = lakeq.Result.batches
    monkeypatch.setattr(
        lakeq.Result, "batches", lambda result: (read.append(b.num_rows) or b for b in batches(result))
    )
    for limit in (0, 1, 7):
        cursor = connection.execute("SELECT * FROM events, range(100000)")
        assert cursor is not None
        table = cursor.set_limit(limit).fetchall()
        assert table is not None and table.num_rows == limit and len(table.schema) == 5
    assert len(read) == 2


def test_a_query_over_the_limit_is_refused_with_its_estimate(folders: tuple[str, str]) -> None:
    opened = LakeqAdapter(folders, max_bytes="10 bytes").connect()
    with pytest.raises(HarlequinQueryError, match=r"would scan .*over the limit of 10 bytes") as caught:
        opened.execute("SELECT n FROM events")
    assert caught.value.title == "Over the limit."
    assert fetch(opened, "EXPLAIN SELECT n FROM events")[0]["plan"].endswith("9 of 9 partitions")


def test_explain_tells_what_a_query_would_read_and_runs_nothing(
    connection: LakeqConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lakeq.Result, "batches", lambda result: pytest.fail("a query was run"))
    lines = [row["plan"] for row in fetch(connection, "explain\nSELECT n FROM events WHERE day = 2")]
    assert "3 of 9 files" in lines[0] and lines[1].startswith("costs $") and "  pruned by: day = 2" in lines


def test_queries_run_on_the_first_lake_until_another_is_used(connection: LakeqConnection) -> None:
    assert connection.init_message.startswith("Queries run on shop, until USE logs.")
    for sql in ("SELECT page FROM visits", "SELECT page FROM logs.visits"):
        with pytest.raises(HarlequinQueryError) as caught:
            connection.execute(sql)
        assert 'Lake logs has it. Run USE "logs"; then write "visits".' in str(caught.value)
    with pytest.raises(HarlequinQueryError, match="There are: shop, logs"):
        connection.execute("USE nowhere")
    assert connection.execute('use "LOGS" ;') is None
    assert len(fetch(connection, "SELECT page FROM visits")) == 2
    assert connection.execute("USE shop") is None
    assert fetch(connection, "SELECT count(*) AS n FROM flat") == [{"n": 1}]


def test_lakes_of_one_name_are_told_apart(tmp_path: Path) -> None:
    for parent in ("a", "b", "c"):
        write(tmp_path / parent / "data/t/0.parquet", pa.table({"of": [parent]}))
    opened = LakeqAdapter([str(tmp_path / parent / "data") for parent in "abc"]).connect()
    assert [item.label for item in opened.get_catalog().items] == ["data", "data_2", "data_3"]
    opened.execute("USE data_2")
    assert fetch(opened, "FROM t") == [{"of": "b"}]


@pytest.mark.parametrize(
    "sql", ["SELECT m FROM events", "DROP TABLE events", "SELECT FROM", "EXPLAIN SELECT m"]
)
def test_what_cannot_run_is_told_in_the_words_of_lakeq(connection: LakeqConnection, sql: str) -> None:
    with pytest.raises(HarlequinQueryError) as caught:
        connection.execute(sql)
    assert caught.value.title == "lakeq cannot run this." and isinstance(caught.value.__cause__, Exception)


def test_a_query_that_fails_midway_gives_no_rows(connection: LakeqConnection) -> None:
    with pytest.raises(HarlequinQueryError, match="Could not convert"):
        fetch(connection, 'SELECT "Kind Of"::INTEGER FROM events')


def test_cancelling_ends_what_runs_without_an_error(connection: LakeqConnection) -> None:
    def run() -> pa.Table | None:
        cursor = connection.execute(ENDLESS)
        return None if cursor is None else cursor.fetchall()

    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(run)
        while not running.done():  # it may come before there is anything to cancel
            connection.cancel()
        assert running.result() is None
    assert fetch(connection, "SELECT 1 AS n") == [{"n": 1}]


def test_functions_are_proposed_beside_the_catalog(connection: LakeqConnection) -> None:
    found = {completion.label: completion.type_label for completion in connection.get_completions()}
    assert {"date_trunc", "count", "list_filter"} <= set(found) and set(found.values()) == {"fn"}


class Driver:
    """What Harlequin hands to the entries of a context menu."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def notify(self, message: str, severity: str = "information") -> None:
        self.said.append(f"{severity}: {message}")

    def insert_text_in_new_buffer(self, text: str) -> None:
        self.said.append(text)


def test_the_menus_choose_a_lake_preview_a_table_and_tell_its_cost(
    connection: LakeqConnection, tmp_path: Path
) -> None:
    driver = Driver()
    events, logs = find_item(connection, "shop", "events"), find_item(connection, "logs")
    for item in (events, logs):
        assert isinstance(item, InteractiveCatalogItem)
        for _, act in item.INTERACTIONS or ():
            act(item, driver)  # type: ignore[arg-type]  # any item will do
    preview, cost, used = driver.said
    assert preview == 'SELECT * FROM "events" LIMIT 100'
    assert cost.startswith("information: All of events: 9 of 9 partitions") and "$" in cost
    assert used == "information: Queries run on logs now."
    assert fetch(connection, "SELECT count(*) AS n FROM visits") == [{"n": 2}]


def test_closing_stops_what_runs(folders: tuple[str, str]) -> None:
    opened = LakeqAdapter(folders).connect()
    cursor = opened.execute("SELECT * FROM events, range(100000)")
    opened.close()
    with pytest.raises(HarlequinQueryError, match="closed"):
        assert cursor is not None
        cursor.fetchall()
    with pytest.raises(HarlequinQueryError, match="closed"):
        opened.execute("SELECT 1")


def test_the_program_shows_the_catalog_the_rows_and_the_refusal(
    folders: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))

    async def drive() -> None:
        adapter = LakeqAdapter(folders, max_bytes="100 bytes")
        app = Harlequin(adapter, connection_hash="", record_history=False)
        async with app.run_test(size=(140, 40)) as pilot:

            async def wait_for(find: Any) -> Any:
                for _ in range(600):
                    await pilot.pause(0.05)
                    if found := find():
                        return found
                raise AssertionError("the screen did not change")

            async def run_query(sql: str) -> None:
                # By its button, because the results take the keyboard when they come.
                await wait_for(lambda: not app.run_query_bar.run_button.has_class("hidden"))
                app.editor.text = sql
                await pilot.click("#run_query")

            tree = app.data_catalog.database_tree
            await wait_for(lambda: app.editor is not None)
            await wait_for(lambda: [str(n.label) for n in tree.root.children] == ["logs lake", "shop lake"])
            await run_query("SELECT day, count(*) AS n FROM events GROUP BY day ORDER BY day")
            await wait_for(lambda: app.results_viewer.get_visible_table())
            shown = app.results_viewer.get_visible_table()
            assert [shown.get_row_at(row) for row in range(shown.row_count)] == [[1, 3], [2, 6], [10, 30]]
            await run_query("SELECT n, price FROM events")
            await wait_for(lambda: isinstance(app.screen, ErrorModal))
            assert "over the limit of 100 bytes" in app.screen.text

    asyncio.run(drive())
