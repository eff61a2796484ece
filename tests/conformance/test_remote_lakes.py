"""A lake in a bucket gives what the same lake gives as a folder: answers, estimates, schemas, errors."""

from __future__ import annotations

import contextlib
import functools
import gzip
import json
import random
import urllib.request
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.catalog.hive_names import escape_hive
from lakeq.engines.duckdb import Scanner
from lakeq.errors import (
    BudgetExceededError,
    ColumnNotFoundError,
    FormatError,
    LakeqError,
    PartitionLayoutError,
    TableNotFoundError,
)
from lakeq.lake import Lake
from tests.conformance.partition_cases import load_cases
from tests.property.lakes import make, plain_table, write_lake
from tests.property.test_answers_are_equal import QUERIES, rows_of
from tests.servers import S3Server, run_latency_s3

NULL = "__HIVE_DEFAULT_PARTITION__"
ODD_TEXTS = (
    "2026-01-01 00%3A05",
    "a b",
    'it\'s "q"',
    "ünïcode",
    "e\u0301",
    "emoji😀",
    "a=b",
    "a%3Db",
    "100%25",
    "%C3%BC",
    "+plus+",
    "#h?q&x;y",
    "[g]*{x}",
    "back\\slash",
    " lead",
    "~t,(1)",
    NULL,
)


def write_parquet(path: Path, **columns: Any) -> None:
    pq.write_table(pa.table(columns), make(path))


def write_everything(root: Path) -> None:
    """Tables of every layout, format and oddity, each a folder of `root`."""
    write_lake(root)
    for month in (1, 2, 3):
        write_parquet(root / f"spelled/month={month}/f.parquet", x=[month])
        write_parquet(root / f"spelled/month={month:02}/f.parquet", x=[month * 10])
        make(root / f"texts/2026/{month:02}/f.csv").write_text(f"id,name\n{month},m{month}\n7,\n")
        orc.write_table(pa.table({"v": [month, None]}), make(root / f"stripes/m={month}/f.orc"))
        make(root / f"arrays/m={month}/f.json").write_text(json.dumps([{"v": month}, {"v": None}]))
        make(root / f"packed/m={month}/f.csv.gz").write_bytes(gzip.compress(b"a,b\n1,x\n2,y\n"))
        write_parquet(root / f"stored/year=202{month}/f.parquet", year=[1999], x=[month])
    for value in (NULL, "1", "2", "10"):
        write_parquet(root / f"nulls/p={value}/q={value}/f.parquet", x=[len(value)])
    for number, text in enumerate(ODD_TEXTS):
        write_parquet(root / f"odd/name={text}/f.parquet", x=[number])
        if "=" not in text and text != NULL:
            make(root / f"odd_csv/{text}/part {number}.csv").write_text(f"x\n{number}\n")
    write_parquet(root / "orders/a=1/b=x/f.parquet", v=[1])
    write_parquet(root / "orders/b=y/a=2/f.parquet", v=[2])
    for month in range(1, 13):
        more = {"extra": [f"e{month}"]} if month >= 3 else {}
        kind = pa.int64() if month >= 6 else pa.int32()
        write_parquet(root / f"grown/month={month:02}/f.parquet", x=pa.array([month], kind), **more)
    for place in ("d=1/f", "_temporary/0/d=2/f", "d=1/_hidden", "d=1/.f"):
        write_parquet(root / f"marked/{place}.parquet", x=[1])
    for name in ("_SUCCESS", "d=1/empty.parquet", "d=2/empty.parquet", "d=1/README.md", "d=1/f._COPYING_"):
        make(root / "marked" / name).write_bytes(b"# read me\n" if name.endswith(".md") else b"")
    make(root / "marked_csv/d=1/a.csv").write_text("x\n1\n")
    make(root / "marked_csv/d=1/b.csv").write_bytes(b"")
    write_parquet(root / "flat/one.parquet", id=[1, 2], name=["a", "b"])
    write_parquet(root / "flat/two.parquet", id=[3], name=["c"])
    write_parquet(root / "mixed/a.parquet", x=[1])
    make(root / "mixed/b.csv").write_text("x\n2\n")
    write_parquet(root / "quarrel/x=1/f.parquet", n=[1])
    write_parquet(root / "quarrel/y=1/f.parquet", n=[1])
    write_parquet(root / "damaged/p=1/f.parquet", n=[1])
    make(root / "damaged/p=2/f.parquet").write_bytes(b"PAR1" + bytes(500))
    make(root / "loose.txt").write_text("no rows here")


TABLES = (
    *("hive", "padded", "placed", "orcs", "csvs", "jsons", "spelled", "texts", "stripes", "arrays", "packed"),
    *("stored", "nulls", "odd", "odd_csv", "orders", "grown", "marked", "marked_csv", "flat"),
)
JOINS = (
    "SELECT a.x, b.s FROM hive a JOIN padded b USING (year, month, day, ts) WHERE a.year = 2026 AND b.day = 28",
    "SELECT n.x, f.name FROM nulls n LEFT JOIN flat f ON n.p = f.id ORDER BY ALL",
    "SELECT x FROM hive WHERE month IN (SELECT x FROM spelled WHERE month < 3)",
    "SELECT count(*) FROM csvs c SEMI JOIN texts t ON c.month = t.month_2 OR true WHERE c.year = 2025",
    "SELECT month, extra FROM grown UNION ALL SELECT year, x::TEXT FROM stored",
)


class Both:
    """The same lake as a folder and in a bucket."""

    def __init__(self, folder: Lake, bucket: Lake) -> None:
        self.folder = folder
        self.bucket = bucket

    def check(self, ask: Callable[[Lake], Any]) -> Any:
        """What both say when they are asked, which is the same; names of places count from the root."""
        expected, found = (outcome(ask, lake) for lake in (self.folder, self.bucket))
        assert found == expected
        return expected


def outcome(ask: Callable[[Lake], Any], lake: Lake) -> str:
    """What is said as text, or the error."""
    try:
        said = repr(ask(lake))
    except LakeqError as error:
        said = f"{type(error).__name__}: {error}"
    return said.replace(lake.location, "ROOT")


def ask_query(sql: str, params: Any = None) -> Callable[[Lake], Any]:
    """Ask for the estimate, and for types and rows."""

    def ask(lake: Lake) -> Any:
        result = lake.sql(sql, params)
        table = result.arrow()
        told = {**result.estimate.to_dict(), "listed_at": None}
        asked_of_s3 = [told.pop(name) for name in ("storage", "here_usd", "total_usd")]
        assert asked_of_s3[0] is not None
        for scan in told["tables"]:  # a total is known once all footers are
            scan.pop("row_groups_total")
        return table.schema, rows_of(table), told

    return ask


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Folders that a simulator of S3 serves as buckets, and where it does."""
    root = tmp_path_factory.mktemp("served")
    write_everything(root / "everything")
    write_lake(root / "plain")
    write_cases(root / "cases")
    write_large(root / "large")
    write_striped(root / "striped")
    with run_latency_s3(root, "--latency-ms", "0", "--log") as endpoint:
        yield root, endpoint


def open_served(served: tuple[Path, str], name: str, **options: Any) -> Lake:
    return lakeq.connect(f"s3://{name}", endpoint_url=served[1], key="k", secret="s", **options)


@pytest.fixture(scope="module")
def open_folder(served: tuple[Path, str]) -> Iterator[Callable[..., Lake]]:
    """Opens the folder of a bucket that is served, each in each way once."""
    with contextlib.ExitStack() as opened:

        @functools.cache
        def connect(name: str, scanner: Scanner = "auto") -> Lake:
            return opened.enter_context(lakeq.connect(served[0] / name, scanner=scanner))

        yield connect


WAYS: dict[str, dict[str, Any]] = {
    "moto": {},
    "index": {"freshness": "index"},
    "arrow": {"scanner": "arrow", "cache": False},
}
"""How the lake in the bucket is opened: on moto's server, or on the simulator, where all is known before."""


@pytest.fixture(scope="module", params=WAYS)
def both(
    request: pytest.FixtureRequest,
    served: tuple[Path, str],
    open_folder: Callable[..., Lake],
    s3_server: S3Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Both]:
    """The lake as a folder, and in a bucket in each of the WAYS."""
    folder = served[0] / "everything"
    options = {**WAYS[request.param], "cache_dir": tmp_path_factory.mktemp("cache")}
    scanner = options.get("scanner", "auto")
    if request.param == "moto":
        for path in folder.rglob("*"):
            if path.is_file():
                s3_server.put("everything", str(path.relative_to(folder)), path.read_bytes())
        remote = lakeq.connect("s3://everything", **options, **s3_server.storage_options)
    else:
        if request.param != "arrow":
            with open_served(served, "everything", cache_dir=options["cache_dir"]) as lake:
                lake.refresh()
                for name in TABLES:
                    lake.sql(f"SELECT * FROM {name}").arrow()
        remote = open_served(served, "everything", **options)
    with remote:
        yield Both(open_folder("everything", scanner), remote)


@pytest.mark.parametrize("name", TABLES)
def test_every_question_about_a_table_has_one_answer(both: Both, name: str) -> None:
    def describe(lake: Lake) -> Any:
        table = lake.describe(name)
        keys = (
            "location",
            "format",
            "layout",
            "columns",
            "partition_columns",
            "ignored",
            "options",
            "problem",
        )
        totals = (table.files_total, table.partitions_total, table.bytes_total)
        return [getattr(table, key) for key in keys], totals

    every = f"SELECT * FROM {name}"
    both.check(ask_query(every))
    both.check(describe)
    both.check(lambda lake: lake.partitions(name).drop_columns("row_count").to_pylist())
    both.check(ask_query(f'SELECT count(*), min("$path"), max("$partition"), sum("$file_size") FROM {name}'))
    for key in both.folder.describe(name).partition_columns:
        values = both.folder.partitions(name).column(key.name).unique().drop_null().sort()
        both.check(ask_query(f'{every} WHERE "{key.name}" IS NOT DISTINCT FROM ?', [values[-1].as_py()]))
        both.check(
            ask_query(f'SELECT count(*) FROM {name} WHERE NOT ("{key.name}" <= ?)', [values[0].as_py()])
        )


@pytest.mark.parametrize("sql", JOINS)
def test_joins_have_one_answer(both: Both, sql: str) -> None:
    assert "Error" not in both.check(ask_query(sql.replace("t.month_2", "t.id")))


def test_an_odd_value_finds_its_own_partition(both: Both) -> None:
    """The value is what Hive decodes, once, and no character in it means anything."""
    values = dict(both.folder.sql("SELECT x, name FROM odd").fetchall())
    assert values[ODD_TEXTS.index("back\\slash")] == "back\\slash"
    assert values[ODD_TEXTS.index("100%25")] == "100%"
    assert values[ODD_TEXTS.index("%C3%BC")] == "ü"
    assert values[ODD_TEXTS.index(NULL)] is None
    for value in values.values():
        numbers = sorted(n for n, other in values.items() if other == value)
        sql = "SELECT x FROM odd WHERE name IS NOT DISTINCT FROM ? ORDER BY x"
        assert [n for (n,) in both.bucket.sql(sql, [value]).fetchall()] == numbers, value


@pytest.mark.parametrize(
    ("ask", "kind"),
    [
        (ask_query("SELECT * FROM nowhere"), TableNotFoundError),
        (ask_query("SELECT nothing FROM hive"), ColumnNotFoundError),
        (ask_query("SELECT * FROM quarrel"), PartitionLayoutError),
        (lambda lake: lake.describe("quarrel"), PartitionLayoutError),
        (ask_query("SELECT * FROM damaged"), FormatError),
        (ask_query("SELECT n FROM damaged WHERE p = 2"), FormatError),
        (lambda lake: lake.sql("SELECT * FROM hive", max_bytes=10), BudgetExceededError),
    ],
)
def test_an_error_is_the_same_error(both: Both, ask: Callable[[Lake], Any], kind: type[LakeqError]) -> None:
    said = both.check(ask)
    errors = {c.__name__ for c in [kind, *kind.__subclasses__()]}
    assert said.partition(":")[0] in errors


def test_a_damaged_file_harms_no_query_that_leaves_it_out(both: Both) -> None:
    assert "Error" not in both.check(ask_query("SELECT n FROM damaged WHERE p = 1"))


def test_the_tables_and_what_was_ignored_are_the_same(both: Both) -> None:
    def list_tables(lake: Lake) -> Any:
        return [(t.name, t.format, t.layout, str(t.problem), t.files_total, t.ignored) for t in lake.tables()]

    assert "mixed" in both.check(list_tables)
    assert "loose.txt" in both.check(lambda lake: lake.ignored())
    for table in both.folder.tables():
        if table.problem is None and table.name.startswith("mixed"):
            both.check(ask_query(f"SELECT * FROM {table.name}"))


@pytest.mark.parametrize("template", QUERIES)
def test_answers_over_a_bucket_are_those_over_all_rows(both: Both, template: str) -> None:
    names = {
        "c": "(year * 100 + month >= 202511 OR s LIKE 'a%') AND day > 1",
        "k": "month = '02'",
        "k1": "year = 2026",
        "k2": "month IN (1, 11)",
        "c2": "b.day = 28",
    }
    with plain_table() as plain:
        expected = rows_of(plain.sql(template.format(t="t", **names)).to_arrow_table())
    table = "placed" if len(template) % 2 else "hive"
    assert rows_of(both.bucket.sql(template.format(t=table, **names)).arrow()) == expected


# --- Partition cases of other systems, and a lake larger than a page, served from the same folder -------


def case_texts() -> list[list[str | None]]:
    """Lists of partition texts of one column, from the case files."""
    found: list[list[str | None]] = []
    for case in load_cases("duckdb_hive")["type_rules"] + load_cases("polars_hive")["inference"]:
        values = case.get("values")
        if isinstance(values, list):
            found.append([None if value is None else str(value) for value in values])
    found.append(load_cases("duckdb_hive")["escape_roundtrip"]["values"])
    found += [[case["value"]] for case in load_cases("spark_partition")["value_type_inference"]]
    found += [[case["text"], "1"] for case in load_cases("lakeq_own")["value_text_traps"]]
    return found


def write_cases(root: Path) -> int:
    """The table `case<n>` for each of `case_texts`; how many there are."""
    cases = case_texts()
    for number, texts in enumerate(cases):
        for at, text in enumerate(texts):
            spelled = NULL if text is None else escape_hive(text)
            make(root / f"case{number:03}" / f"p={spelled}" / f"{at}.csv").write_text(f"x\n{at}\n")
    return len(cases)


def write_large(root: Path) -> None:
    """More objects than a listing's page holds, by keys and by position, and a small table beside them."""
    body = pa.BufferOutputStream()
    pq.write_table(pa.table({"x": [1, 2, None], "s": ["a", None, "c"]}), body)
    for year, month, day in product((2025, 2026), range(1, 13), range(1, 29)):
        spelled = f"month={month:02}" if day % 2 else f"month={month}"
        for hour in (0, 12):
            name = f"keyed/year={year}/{spelled}/day={day}/h{hour}.parquet"
            make(root / name).write_bytes(body.getvalue())
        make(root / f"placed/{year}/{month:02}/{day:02}/f.csv").write_text(f"x,s\n{day},d{month}\n{month},\n")
    make(root / f"keyed/year={NULL}/month=1/day=1/h0.parquet").write_bytes(body.getvalue())
    make(root / "keyed/_SUCCESS").touch()
    make(root / "keyed/_temporary/0/year=2027/f.parquet").write_bytes(body.getvalue())
    write_parquet(root / "months/f.parquet", month=list(range(1, 13)), name=[f"m{m}" for m in range(1, 13)])


def write_striped(root: Path) -> None:
    """An ORC file of several stripes, too large to be fetched whole."""
    drawn = random.Random(3)
    numbers = [drawn.randrange(1 << 60) for _ in range(300_000)]
    table = pa.table({"n": range(300_000), "a": numbers, "b": numbers[::-1]})
    orc.write_table(table, str(make(root / "t/f.orc")), stripe_size=1 << 20, compression="zlib")


def read_log(endpoint: str) -> list[dict[str, Any]]:
    """The requests since the log was read last."""
    with urllib.request.urlopen(f"{endpoint}/_log") as answer:
        log: list[dict[str, Any]] = json.load(answer)
    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/_reset", method="POST")).close()
    return log


@pytest.fixture(scope="module", params=["always", "index"])
def cases(
    request: pytest.FixtureRequest,
    served: tuple[Path, str],
    open_folder: Callable[..., Lake],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Both]:
    cache = tmp_path_factory.mktemp("cache")
    if request.param == "index":
        with open_served(served, "cases", cache_dir=cache) as lake:
            lake.refresh()
    freshness = "index" if request.param == "index" else "always"
    with open_served(served, "cases", cache_dir=cache, freshness=freshness) as remote:
        yield Both(open_folder("cases"), remote)


@pytest.mark.parametrize("number", range(len(case_texts())))
def test_partition_values_of_the_case_files_are_the_same_over_a_bucket(cases: Both, number: int) -> None:
    name = f"case{number:03}"
    cases.check(lambda lake: (lake.partitions(name).schema, lake.partitions(name).column("p").to_pylist()))
    cases.check(
        ask_query(f"SELECT p, x FROM {name} WHERE p IS NOT DISTINCT FROM (SELECT max(p) FROM {name})")
    )


LARGE = (
    "SELECT * FROM {t} WHERE year = 2026 AND month = 3 AND day = 28",
    "SELECT count(*), sum(x), min(s) FROM {t} WHERE year = 2025 AND month IN (1, 11)",
    "SELECT year, month, count(*), sum(x) FROM {t} WHERE day = 7 GROUP BY ALL",
    "SELECT * FROM {t} WHERE month = 12 AND day > 26",
    "SELECT * FROM {t} WHERE year = 2030",
    "SELECT * FROM {t} WHERE FALSE",
    "SELECT count(*) FROM {t} WHERE (year = 2026 AND month = 2 OR x = 1) AND day > 25",
    "SELECT count(*) FROM {t} WHERE NOT (year = 2026) AND NOT (day < 27)",
    "SELECT * FROM {t} WHERE year IS NULL",
    "SELECT count(*) FROM {t} WHERE coalesce(year, 0) = 0 OR month % 6 = 1 AND day = 2",
    "SELECT a.x, b.s FROM {t} a JOIN {t} b USING (year, month) WHERE a.year = 2025 AND a.day = 1 AND b.day = 2",
    "SELECT name, sum(x) FROM {t} JOIN months USING (month) WHERE year = 2026 AND day = 28 GROUP BY ALL",
    "SELECT x FROM {t} WHERE year = 2026 AND month = (SELECT max(month) FROM months) AND day = 3",
    "SELECT count(*), count(DISTINCT month) FROM {t} WHERE day = 28",
)
"""The totals are not compared: what is not listed is not counted."""


@pytest.fixture(scope="module", params=["always", "index"])
def large(
    request: pytest.FixtureRequest,
    served: tuple[Path, str],
    open_folder: Callable[..., Lake],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Both]:
    cache = tmp_path_factory.mktemp("cache")
    if request.param == "index":
        with open_served(served, "large", cache_dir=cache) as lake:
            lake.refresh()
    freshness = "index" if request.param == "index" else "always"
    with open_served(served, "large", cache_dir=cache, freshness=freshness) as remote:
        yield Both(open_folder("large"), remote)


@pytest.mark.parametrize("table", ["keyed", "placed"])
@pytest.mark.parametrize("sql", LARGE)
def test_a_lake_larger_than_a_page_has_the_same_answers(large: Both, sql: str, table: str) -> None:
    def ask(lake: Lake) -> Any:
        sql_here = sql.format(t=table)
        result = lake.sql(sql_here)
        estimate = result.estimate
        return rows_of(result.arrow()), estimate.bytes_scanned, estimate.files, estimate.partitions

    assert "Error" not in large.check(ask)


@pytest.mark.parametrize("table", ["keyed", "placed", "months"])
def test_a_lake_larger_than_a_page_is_told_the_same(large: Both, table: str) -> None:
    large.check(lambda lake: lake.partitions(table).drop_columns("row_count").to_pylist())
    large.check(lambda lake: lake.files(table).select(["path", "size"]).to_pylist())
    large.check(lambda lake: [(t.name, t.layout, t.columns, t.files_total, t.ignored) for t in lake.tables()])
    large.check(lambda lake: (lake.ignored(), lake.ignored(table)))


def test_a_query_over_a_large_lake_lists_and_reads_what_it_keeps(
    served: tuple[Path, str], tmp_path: Path
) -> None:
    sql = "SELECT count(*) FROM keyed WHERE year = 2026 AND month = 3 AND day = 28"
    with open_served(served, "large", cache_dir=tmp_path) as lake:
        read_log(served[1])
        planned = {
            path for scan in lake.plan(sql).scans for path in scan.files.to_table()["path"].to_pylist()
        }
        lake.sql(sql).arrow()
        log = read_log(served[1])
    sampled = [entry["path"] for entry in log if entry["method"] == "GET" and not entry["query"]]
    assert planned == {f"keyed/year=2026/month=3/day=28/h{hour}.parquet" for hour in (0, 12)}
    assert {f"/large/{path}" for path in planned} <= set(sampled)
    below = [e["query"].get("prefix", "") for e in log if e["query"] and "delimiter" not in e["query"]]
    assert not [prefix for prefix in below if prefix.startswith("keyed/year=2025/month=")]


def test_what_is_known_is_not_fetched_again(served: tuple[Path, str], tmp_path: Path) -> None:
    sqls = [f"SELECT * FROM {name}" for name in ("hive", "csvs", "jsons", "orcs")]
    answers = []
    for _ in range(2):
        read_log(served[1])
        with open_served(served, "plain", cache_dir=tmp_path) as lake:
            answers.append([rows_of(lake.sql(sql).arrow()) for sql in sqls])
    assert answers[0] == answers[1]
    assert [entry["path"] for entry in read_log(served[1]) if entry["path"] > "/plain/"] == []


def read_ranges(endpoint: str) -> list[int]:
    """The length of each range of an object that was fetched since the log was read last."""
    ranges = [entry["range"].removeprefix("bytes=") for entry in read_log(endpoint) if not entry["query"]]
    return [int(stop) - int(start) + 1 for start, _, stop in (text.partition("-") for text in ranges)]


def test_of_a_large_orc_file_the_columns_of_the_stripes_kept_are_fetched_and_no_more(
    served: tuple[Path, str], open_folder: Callable[..., Lake], tmp_path: Path
) -> None:
    size = (served[0] / "striped/t/f.orc").stat().st_size
    sql = "SELECT sum(a) FROM t WHERE n BETWEEN 150000 AND 150100"
    with open_served(served, "striped", cache_dir=tmp_path) as lake:
        read_log(served[1])
        estimate = lake.estimate(sql)
        (scan,) = estimate.scans
        assert (scan.row_groups, estimate.accuracy) == (1, "exact")
        assert (scan.row_groups_total or 0) > 3
        footers = read_ranges(served[1])
        assert len(footers) == scan.row_groups_total
        assert sum(footers) < size / 10
        result = lake.sql(sql)
        assert result.fetchall() == open_folder("striped").sql(sql).fetchall()
        assert result.stats.bytes_scanned == estimate.bytes_scanned
        fetched = read_ranges(served[1])
    assert len(fetched) <= 2
    assert sum(fetched) <= 1.1 * estimate.bytes_scanned
