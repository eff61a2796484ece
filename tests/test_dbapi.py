"""PEP 249 over a lake: what the public compliance suite (tests/conformance) does not ask."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lakeq
from lakeq import dbapi, errors
from lakeq.dbapi import rows
from lakeq.dbapi.errors import translate_error
from lakeq.dbapi.types import NESTED, TypeObject
from lakeq.engines.results import BATCH_ROWS

LARGE = 4 * BATCH_ROWS
ENDLESS = "SELECT count(*) FROM t a, range(1000000000) b, range(1000) c"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lake")
    for name in ("t", "large"):
        (folder / name).mkdir()
    pq.write_table(
        pa.table({"n": range(10), "kind": [f"k{n % 3}" for n in range(10)]}), folder / "t/0.parquet"
    )
    texts = [str(n) for n in range(LARGE - 1)] + ["no number"]
    pq.write_table(pa.table({"n": range(LARGE), "text": texts}), folder / "large/0.parquet")
    return folder


@pytest.fixture
def connection(root: Path) -> Iterator[dbapi.Connection]:
    with dbapi.connect(root) as opened:
        yield opened


@pytest.fixture
def cursor(connection: dbapi.Connection) -> dbapi.Cursor:
    return connection.cursor()


@pytest.mark.parametrize(
    ("sql", "parameters", "kind", "cause"),
    [
        ("SELECT n FROM nowhere", None, dbapi.ProgrammingError, errors.TableNotFoundError),
        ("SELECT m FROM t", None, dbapi.ProgrammingError, errors.ColumnNotFoundError),
        ("SELECT n FROM t WHERE", None, dbapi.ProgrammingError, errors.SqlSyntaxError),
        ("SELECT ?", None, dbapi.ProgrammingError, errors.QueryError),
        ("SELECT ?", [1, 2], dbapi.ProgrammingError, errors.QueryError),
        ("DELETE FROM t", None, dbapi.NotSupportedError, errors.UnsupportedSqlError),
        ("SELECT * FROM read_csv('x.csv')", None, dbapi.NotSupportedError, errors.UnsupportedSqlError),
        ("SELECT kind::INT FROM t", None, dbapi.OperationalError, errors.ExecutionError),
    ],
)
def test_an_error_is_the_peps_with_the_words_and_the_data_of_lakeqs(
    cursor: dbapi.Cursor, sql: str, parameters: Any, kind: type[Exception], cause: type[Exception]
) -> None:
    with pytest.raises(kind) as caught:
        cursor.execute(sql, parameters).fetchall()
    assert type(caught.value) is kind and isinstance(caught.value.__cause__, cause)
    assert str(caught.value) == str(caught.value.__cause__)


def test_every_error_of_lakeq_has_its_kind() -> None:
    def find_kinds(kind: type[errors.LakeqError]) -> Iterator[type[errors.LakeqError]]:
        yield kind
        for child in kind.__subclasses__():
            yield from find_kinds(child)

    found = [kind for kind in find_kinds(errors.LakeqError) if kind.__module__ == errors.__name__]
    assert len(found) > 20
    bare = [kind for kind in found if type(translate_error(kind.__new__(kind))) is dbapi.DatabaseError]
    assert bare == [errors.LakeqError]


def test_what_is_no_query_or_no_parameters_is_refused(cursor: dbapi.Cursor) -> None:
    for sql, parameters in ((None, None), ("SELECT ?", 1), ("SELECT ?", "x"), ("SELECT ?", b"x")):
        with pytest.raises(dbapi.ProgrammingError, match=type(parameters if sql else sql).__name__):
            cursor.execute(sql, parameters)
        with pytest.raises(dbapi.ProgrammingError, match=type(parameters if sql else sql).__name__):
            cursor.estimate(sql, parameters)


def test_the_limits_of_the_connection_are_those_of_each_query(root: Path) -> None:
    for limits in ({"max_bytes": "10 bytes"}, {"max_cost": Decimal("0.0000001")}):
        with dbapi.connect(root, **limits) as connection:
            cursor = connection.cursor()
            for _ in range(2):
                with pytest.raises(dbapi.OperationalError) as caught:
                    cursor.execute("SELECT n FROM large")
            cause = caught.value.__cause__
            assert isinstance(cause, errors.BudgetExceededError) and cause.estimate.bytes_scanned > 1000


def test_what_cannot_be_opened_is_an_error_of_the_pep(tmp_path: Path) -> None:
    with pytest.raises(dbapi.OperationalError, match="nowhere"):
        dbapi.connect(tmp_path / "nowhere")
    with pytest.raises(dbapi.InterfaceError, match="pricing"):
        dbapi.connect(tmp_path, pricing="free")


def test_parameters_go_by_place_and_by_name(cursor: dbapi.Cursor) -> None:
    assert cursor.execute("SELECT kind FROM t WHERE n = ?", (4,)).fetchall() == [("k1",)]
    assert cursor.execute("SELECT kind FROM t WHERE n = $1", [5]).fetchall() == [("k2",)]
    assert cursor.execute("SELECT kind FROM t WHERE n = $n", {"n": 6}).fetchall() == [("k0",)]


ONE_OF_EACH = """SELECT 1::TINYINT AS tiny, 2::UINTEGER AS u, 3::HUGEINT AS huge, 1.50::DECIMAL(10,2) AS price,
    0.5::FLOAT AS f, true AS yes, 'text' AS s, 'x'::ENUM('x', 'y') AS e, 'ab'::BLOB AS b, DATE '2026-11-03' AS d,
    TIME '12:30' AS at, TIMESTAMP '2026-11-03 12:30' AS ts, TIMESTAMPTZ '2026-11-03 12:30:00+02' AS zoned,
    TIMESTAMP_NS '2026-11-03 12:30:00.123456789' AS ns, NULL AS nothing, [1, NULL] AS list,
    {'a': 1, 'ns': [TIMESTAMP_NS '2026-11-03 12:30:00.123456789']} AS struct, MAP {'k': 1.5} AS map"""


def test_values_are_those_of_python(cursor: dbapi.Cursor) -> None:
    (row,) = cursor.execute(ONE_OF_EACH).fetchall()
    moment = dt.datetime(2026, 11, 3, 12, 30)
    assert row[:9] == (1, 2, Decimal(3), Decimal("1.50"), 0.5, True, "text", "x", b"ab")
    assert row[9:12] == (moment.date(), dt.time(12, 30), moment)
    assert row[12] == moment.replace(hour=10, tzinfo=ZoneInfo("UTC")) and row[12].tzinfo is not None
    exact = moment.replace(microsecond=123456)
    assert row[13:15] == (exact, None) and type(row[13]) is dt.datetime
    assert row[15:] == ([1, None], {"a": 1, "ns": [exact]}, [("k", Decimal("1.5"))])


def test_the_description_tells_types_that_compare(cursor: dbapi.Cursor) -> None:
    columns = {column[0]: column for column in cursor.execute(ONE_OF_EACH).description or ()}
    assert all(len(column) == 7 for column in columns.values())
    expected = {
        dbapi.NUMBER: ["tiny", "u", "huge", "price", "f"],
        dbapi.STRING: ["s", "e", "nothing"],
        dbapi.BINARY: ["b"],
        dbapi.DATETIME: ["d", "at", "ts", "zoned", "ns"],
        dbapi.ROWID: [],
        TypeObject("BOOLEAN"): ["yes"],
        TypeObject(NESTED): ["list", "struct", "map"],
    }
    for kind, names in expected.items():
        assert [name for name, column in columns.items() if column[1] == kind] == names
        assert [name for name, column in columns.items() if kind != column[1]] == [
            name for name in columns if name not in names
        ]
    assert columns["price"] == ("price", "DECIMAL(10,2)", None, 16, 10, 2, None)
    assert columns["tiny"] == ("tiny", "TINYINT", None, 1, None, None, None)
    assert columns["d"] == ("d", "DATE", None, None, None, None, None)


def test_the_constructors_make_what_parameters_take(cursor: dbapi.Cursor) -> None:
    values = (
        dbapi.Date(2026, 11, 3),
        dbapi.Time(12, 30),
        dbapi.Timestamp(2026, 11, 3, 12),
        dbapi.Binary(b"a"),
    )
    assert cursor.execute("SELECT ?, ?, ?, ?", values).fetchone() == values
    now = dt.datetime(2026, 11, 3, 12, 30)
    made = (dbapi.DateFromTicks, dbapi.TimeFromTicks, dbapi.TimestampFromTicks)
    assert [make(now.timestamp()) for make in made] == [now.date(), now.time(), now]


def test_rows_are_counted_once_all_are_read(cursor: dbapi.Cursor) -> None:
    assert (cursor.rowcount, cursor.rownumber, cursor.description) == (-1, None, None)
    cursor.execute("SELECT n FROM t ORDER BY n")
    assert (cursor.rowcount, cursor.rownumber) == (-1, 0)
    assert cursor.fetchmany() == [(0,)] and cursor.rownumber == 1
    cursor.arraysize = 4
    assert cursor.fetchmany() == [(1,), (2,), (3,), (4,)] and cursor.rownumber == 5
    assert list(cursor) == [(n,) for n in range(5, 10)]
    assert (cursor.rowcount, cursor.rownumber) == (10, 10)
    assert (cursor.fetchone(), cursor.fetchmany(3), cursor.fetchall()) == (None, [], [])


def test_whoever_stops_at_the_last_row_has_read_all(root: Path) -> None:
    with lakeq.connect(root) as lake, dbapi.Connection(lake) as connection:
        cursor = connection.cursor()
        assert cursor.execute("SELECT count(*) FROM t").fetchone() == (10,)
        assert cursor.rowcount == 1
        cursor.execute("SELECT n FROM large").fetchone()
        assert cursor.rowcount == -1
        cursor.close()
        assert lake.history()["outcome"].to_pylist()[-2:] == ["done", "cancelled"]


def test_fetching_a_row_holds_one_batch_and_converts_a_piece(
    cursor: dbapi.Cursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    converted, batches = [], []
    make_rows, read = rows.make_rows, lakeq.Result.batches
    monkeypatch.setattr(rows, "make_rows", lambda piece: converted.append(piece.num_rows) or make_rows(piece))
    monkeypatch.setattr(
        lakeq.Result, "batches", lambda result: (batches.append(b.num_rows) or b for b in read(result))
    )
    cursor.execute("SELECT n FROM large")
    assert (batches, converted) == ([], [])
    assert cursor.fetchone() == (0,)
    assert sum(batches) <= BATCH_ROWS and converted == [rows.CONVERTED_ROWS]
    for _ in range(3):
        cursor.fetchone()
    assert len(batches) == 1 and len(converted) == 1
    assert sum(1 for _ in cursor) == LARGE - 4
    assert sum(batches) == sum(converted) == LARGE and max(converted) == rows.CONVERTED_ROWS


@given(
    steps=st.lists(st.sampled_from(["one", "many", "batch"]), max_size=12),
    piece=st.integers(1, 4),
    sizes=st.lists(st.integers(0, 5), min_size=1, max_size=4),
    whole=st.booleans(),
)
def test_each_row_comes_once_and_in_order_however_it_is_fetched(
    steps: list[str], piece: int, sizes: list[int], whole: bool
) -> None:
    class Ready:
        schema = pa.schema([("n", pa.int64())])

        def batches(self) -> Iterator[pa.RecordBatch]:
            start = 0
            for size in sizes:
                yield pa.record_batch({"n": pa.array(range(start, start + size), pa.int64())})
                start += size

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rows, "CONVERTED_ROWS", piece)
        patch.setattr(rows, "BATCH_ROWS", 3)
        stream, seen = rows.RowStream(Ready()), []
        for step in steps:
            if step == "batch":
                batch = stream.take_batch()
                seen += [] if batch is None else batch["n"].to_pylist()
            else:
                seen += [n for (n,) in stream.take_rows(1 if step == "one" else 3)]
            assert stream.position == len(seen)
        if whole:
            seen += [n for (n,) in stream.take_rows()]
        while (batch := stream.take_batch()) is not None:
            seen += batch["n"].to_pylist()
        assert seen == list(range(sum(sizes)))
        assert stream.total == stream.position == sum(sizes)


def test_a_query_that_fails_midway_never_looks_like_its_end(cursor: dbapi.Cursor) -> None:
    fetches: list[Callable[[], Any]] = [cursor.fetchall, cursor.fetch_arrow_table, lambda: list(cursor)]
    for fetch in fetches:
        cursor.execute("SELECT text::BIGINT FROM large")
        with pytest.raises(dbapi.OperationalError, match="no number"):
            assert cursor.fetchone() == (0,)  # the error may come before it, where threads are slow
            fetch()
        with pytest.raises(dbapi.ProgrammingError, match="execute a query first"):
            cursor.fetchone()
        assert cursor.description is None
    assert cursor.execute("SELECT 1").fetchall() == [(1,)]


def test_a_refused_query_drops_the_one_before(cursor: dbapi.Cursor) -> None:
    cursor.execute("SELECT n FROM t")
    with pytest.raises(dbapi.NotSupportedError):
        cursor.execute("DROP TABLE t")
    with pytest.raises(dbapi.ProgrammingError):
        cursor.fetchone()


def test_arrow_has_what_is_left(cursor: dbapi.Cursor) -> None:
    cursor.execute("SELECT n FROM large")
    assert cursor.fetchmany(3) == [(0,), (1,), (2,)]
    reader = cursor.fetch_record_batch()
    assert reader.schema == pa.schema([("n", pa.int64())])
    first = reader.read_next_batch()
    assert first["n"][0].as_py() == 3
    table = cursor.fetch_arrow_table()
    assert first.num_rows + table.num_rows == LARGE - 3 and cursor.rowcount == LARGE
    assert table["n"][0].as_py() == first["n"][-1].as_py() + 1
    empty = cursor.execute("SELECT n FROM t WHERE n < 0").fetch_arrow_table()
    assert empty == pa.table({"n": pa.array([], pa.int64())})


def test_a_reader_does_not_go_on_with_another_query(cursor: dbapi.Cursor) -> None:
    reader = cursor.execute("SELECT n FROM large").fetch_record_batch()
    cursor.execute("SELECT n FROM t WHERE n = 1")
    with pytest.raises(dbapi.InterfaceError, match="another query"):
        reader.read_next_batch()
    assert cursor.fetchall() == [(1,)]
    reader = cursor.execute("SELECT n FROM large").fetch_record_batch()
    cursor.close()
    with pytest.raises(dbapi.InterfaceError, match="closed"):
        reader.read_next_batch()


def test_an_estimate_runs_nothing_and_leaves_the_rows_alone(cursor: dbapi.Cursor) -> None:
    cursor.execute("SELECT n FROM t ORDER BY n").fetchone()
    estimate = cursor.estimate("SELECT n FROM large WHERE n = ?", [1])
    assert isinstance(estimate, lakeq.Estimate) and estimate.bytes_scanned > 0
    assert cursor.fetchone() == (1,)
    with pytest.raises(dbapi.ProgrammingError, match="'m'"):
        cursor.estimate("SELECT m FROM t")


def test_what_is_to_be_known_of_an_answer_is_a_message(
    root: Path, cursor: dbapi.Cursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cursor.execute("SELECT n FROM t").messages == []
    monkeypatch.setenv("LAKEQ_DIALECT", "athena")
    with dbapi.connect(root) as connection:
        told = connection.cursor().execute("SELECT date_add('day', 1, DATE '2026-11-03')").messages
    assert [kind for kind, _ in told] == [dbapi.Warning] and "Translated from Athena" in str(told[0][1])


@pytest.mark.parametrize("stop", [dbapi.Cursor.cancel, dbapi.Cursor.close])
def test_a_query_is_stopped_from_another_thread(
    cursor: dbapi.Cursor, stop: Callable[[dbapi.Cursor], None]
) -> None:
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(lambda: cursor.execute(ENDLESS).fetchall())
        # It may come before there is anything to stop.
        while not running.done():
            stop(cursor)
            threading.Event().wait(0.01)
    with pytest.raises(dbapi.Error) as caught:
        running.result()
    if stop is dbapi.Cursor.cancel:
        assert isinstance(caught.value.__cause__, errors.QueryCancelledError)
        assert cursor.execute("SELECT 1").fetchall() == [(1,)]


def test_closing_the_connection_stops_its_queries(root: Path) -> None:
    connection = dbapi.connect(root)
    cursor, begun = connection.cursor(), threading.Event()

    def run() -> None:
        begun.set()
        cursor.execute(ENDLESS).fetchall()

    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(run)
        begun.wait()
        connection.close()
        with pytest.raises((dbapi.OperationalError, dbapi.InterfaceError)):
            running.result()


@pytest.mark.parametrize("closed", ["cursor", "connection"])
def test_what_is_closed_refuses(connection: dbapi.Connection, cursor: dbapi.Cursor, closed: str) -> None:
    cursor.execute("SELECT n FROM t")
    for _ in range(2):  # closing twice is no error
        (cursor if closed == "cursor" else connection).close()
    uses: list[Callable[[], Any]] = [
        lambda: cursor.execute("SELECT 1"),
        lambda: cursor.executemany("SELECT ?", [(1,)]),
        lambda: cursor.estimate("SELECT 1"),
        cursor.fetchone,
        cursor.fetchmany,
        cursor.fetchall,
        cursor.fetch_arrow_table,
        cursor.fetch_record_batch,
        lambda: next(cursor),
        lambda: cursor.setinputsizes([1]),
        lambda: cursor.setoutputsize(1),
    ]
    if closed == "connection":
        uses += [connection.cursor, connection.commit, connection.rollback]
    for use in uses:
        with pytest.raises(dbapi.InterfaceError, match="closed"):
            use()


def test_contexts_close_what_they_opened(root: Path) -> None:
    with dbapi.connect(root) as connection, connection.cursor() as cursor:
        assert cursor.execute("SELECT n FROM t WHERE n = 1").fetchone() == (1,)
        assert cursor.connection is connection
    with pytest.raises(dbapi.InterfaceError):
        cursor.fetchone()
    with pytest.raises(dbapi.InterfaceError):
        connection.cursor()


def test_a_lake_outlives_a_connection_that_was_given_it(root: Path) -> None:
    with lakeq.connect(root) as lake:
        with dbapi.Connection(lake, max_bytes=10) as connection:
            cursor = connection.cursor()
            with pytest.raises(dbapi.OperationalError):
                cursor.execute("SELECT n FROM large")
            cursor.execute("SELECT 1")
        assert lake.sql("SELECT count(*) FROM t").fetchall() == [(10,)]


def test_there_is_nothing_to_commit_or_to_roll_back(connection: dbapi.Connection) -> None:
    connection.commit()
    with pytest.raises(dbapi.NotSupportedError, match="roll back"):
        connection.rollback()
    with pytest.raises(dbapi.NotSupportedError, match="by itself"):
        connection.cursor().executemany("SELECT ?", [(1,)])


def test_threads_share_a_connection_as_declared(connection: dbapi.Connection) -> None:
    assert dbapi.threadsafety == 2

    def ask(n: int) -> list[tuple[int, str]]:
        with connection.cursor() as cursor:
            return cursor.execute("SELECT n, kind FROM t WHERE n = ?", [n % 10]).fetchall()

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(80)))
    assert answers == [[(n % 10, f"k{n % 10 % 3}")] for n in range(80)]


def test_pandas_reads_a_connection(connection: dbapi.Connection) -> None:
    """It warns of every connection that is not SQLAlchemy's, ADBC's or sqlite3's own, and reads it."""
    with pytest.warns(UserWarning, match="pandas only supports SQLAlchemy"):
        frame = pd.read_sql("SELECT n, kind FROM t WHERE n < ? ORDER BY n", connection, params=(2,))
    assert frame.to_dict("list") == {"n": [0, 1], "kind": ["k0", "k1"]}
    with pytest.warns(UserWarning, match="pandas only supports SQLAlchemy"):
        frames = list(pd.read_sql("SELECT n FROM t WHERE n < $n", connection, params={"n": 8}, chunksize=3))
    assert [len(frame) for frame in frames] == [3, 3, 2]


def test_polars_reads_a_connection_with_its_types(connection: dbapi.Connection) -> None:
    options = {"parameters": [2]}
    frame = pl.read_database("SELECT n FROM t WHERE n < ? ORDER BY n", connection, execute_options=options)
    assert frame.equals(pl.DataFrame({"n": [0, 1]}))
    sql = ONE_OF_EACH.replace(", MAP {'k': 1.5} AS map", "")  # by rows, Polars takes no map
    types = pl.read_database(sql, connection).schema
    assert (types["tiny"], types["u"], types["price"], types["f"]) == (
        pl.Int8,
        pl.UInt32,
        pl.Decimal(10, 2),
        pl.Float32,
    )
    assert types["list"] == pl.List(pl.Int64) and isinstance(types["struct"], pl.Struct)
    batches = pl.read_database("SELECT n FROM t", connection, iter_batches=True, batch_size=4)
    assert [batch.height for batch in batches] == [4, 4, 2]
    assert pl.DataFrame(connection.cursor().execute(ONE_OF_EACH).fetch_arrow_table()).height == 1
