"""Where a table keeps the promise of its declared `time`, no file and no prefix that holds a matching row is
left out, whatever the layout, the condition and the session's time zone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lakeq.catalog.database import Database, match_rows, partition_column
from lakeq.catalog.index import FileIndex
from lakeq.catalog.layout import Layout
from lakeq.catalog.table import Table
from lakeq.catalog.time_mapping import TimeMapping
from lakeq.formats.base import Column
from lakeq.planner.bind import bind_query
from lakeq.planner.pruning import plan_prefixes, plan_pruning

NOW = dt.datetime(2026, 3, 29, 1, 30, tzinfo=dt.UTC)
INTEGER, TEXT, DATE = pa.int64(), pa.string(), pa.date32()
UTC_TYPES = [pa.timestamp("us", "UTC"), pa.timestamp("ms", "UTC"), pa.timestamp("ns", "UTC")]
TYPES = [*map(pa.timestamp, ("s", "ms", "us", "ns")), pa.timestamp("us"), DATE, *UTC_TYPES]


@dataclass(frozen=True)
class Folders:
    """Keys that name a time: their types, the unit of the last, and the values of one folder."""

    keys: dict[str, pa.DataType]
    unit: str
    write: str

    def values(self, start: dt.datetime) -> tuple[Any, ...]:
        return tuple(eval(part, {"t": start, "date": start.date()}) for part in self.write.split("|"))


LAYOUTS = [
    Folders({"year": INTEGER}, "year", "t.year"),
    Folders({"y": INTEGER, "m": INTEGER}, "month", "t.year|t.month"),
    Folders({"y": INTEGER, "m": INTEGER, "d": INTEGER}, "day", "t.year|t.month|t.day"),
    Folders(dict.fromkeys(["y", "m", "d", "h"], INTEGER), "hour", "t.year|t.month|t.day|t.hour"),
    Folders(dict.fromkeys(["y", "m", "d", "h"], TEXT), "hour", "str(t.year)|f'{t.month:02}'|f'{t.day:02}'|str(t.hour)"),
    Folders({"dt": DATE}, "day", "date"),
    Folders({"dt": DATE, "h": INTEGER}, "hour", "date|t.hour"),
    Folders({"dt": INTEGER}, "day", "int(f'{t:%Y%m%d}')"),
    Folders({"dt": INTEGER, "h": INTEGER}, "hour", "int(f'{t:%Y%m%d}')|t.hour"),
    Folders({"ym": TEXT}, "month", "f'{t:%Y-%m}'"),
    Folders({"ym": TEXT, "d": INTEGER}, "day", "f'{t:%Y-%m}'|t.day"),
    Folders({"hour": TEXT}, "hour", "f'{t:%Y-%m-%dT%H}'"),
    Folders({"hour": INTEGER}, "hour", "int(f'{t:%Y%m%d%H}')"),
]  # fmt: skip
GARBAGE = {INTEGER: [None, 0, 13, 31, 32, 99, 2026], TEXT: [None, "", "x", "31", "2026-13"], DATE: [None]}
STARTS = [
    dt.datetime(2025, 12, 31, 23), dt.datetime(2026, 1, 1), dt.datetime(2026, 1, 31, 5), dt.datetime(2026, 2, 28, 23),
    dt.datetime(2026, 3, 1), dt.datetime(2026, 3, 29, 2), dt.datetime(2026, 3, 29, 0), dt.datetime(2024, 2, 29, 12), dt.datetime(2025, 10, 26, 2),
]  # fmt: skip
MOMENTS = sorted({
    *(f"{s + shift:%Y-%m-%d %H:%M:%S.%f}" for s in STARTS for shift in map(dt.timedelta, (0, 1, -1))),
    "2026-01-01 00:00:00.000001", "2025-12-31 23:59:59.999999", "2026-02-01", "2026-01-01", "2026-03-01", "2025-12-31 21:00:00", "2026-03-29 03:00:00",
    "2026-01-01 00:00:00.0005", "2025-12-31 23:59:59.9996", "2026-03-01 01:30:00",
})  # fmt: skip

moments = st.sampled_from(MOMENTS)
values = st.one_of(
    moments.map(lambda m: f"'{m}'"),
    moments.map(lambda m: f"TIMESTAMP '{m}'"),
    moments.map(lambda m: f"TIMESTAMPTZ '{m}'"),
    moments.map(lambda m: f"DATE '{m[:10]}'"),
    st.sampled_from(["NULL", "now()", "now() - INTERVAL 2 HOUR", "current_date", "DATE '2026-01-01' + INTERVAL 1 DAY", "k"]),
)  # fmt: skip
operators = st.sampled_from(["=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"])
days = moments.map(lambda m: f"DATE '{m[:10]}'")
RISING = {
    "ts::DATE": days, "CAST(ts AS TIMESTAMP)": values, "date_trunc('day', ts)": values, "date_trunc('month', ts)": values,
    "date_trunc('hour', ts)": values, "date_trunc('week', ts)": days, "year(ts)": st.sampled_from(["2026", "2025", "NULL", "'2026'"]),
    "extract(year FROM ts)": st.sampled_from(["2026", "2025"]), "strftime(ts, '%Y-%m')": st.sampled_from(["'2026-01'", "'2025-12'", "'2026'", "''"]),
    "strftime(ts, '%Y%m%d')": st.sampled_from(["'20260101'", "'20251231'"]), "month(ts)": st.sampled_from(["1", "12"]), "date(ts)": days,
    "ts": values, "strftime(ts, '%m-%Y')": st.just("'01-2026'"),
}  # fmt: skip
comparisons = st.sampled_from(sorted(RISING)).flatmap(
    lambda left: st.builds(
        lambda op, right, flip: f"({right} {op} {left})" if flip else f"({left} {op} {right})",
        operators,
        RISING[left],
        st.booleans(),
    )
)
lists = st.lists(values, min_size=1, max_size=3).map(", ".join)
leaves = st.one_of(
    comparisons,
    st.tuples(values, values).map(lambda v: f"(ts BETWEEN {v[0]} AND {v[1]})"),
    st.tuples(values, values).map(lambda v: f"(ts NOT BETWEEN {v[0]} AND {v[1]})"),
    lists.map(lambda v: f"(ts IN ({v}))"),
    lists.map(lambda v: f"(ts NOT IN ({v}))"),
    st.sampled_from(["(ts IS NULL)", "(ts IS NOT NULL)", "(x > 0)", "(coalesce(ts, now()) > '2026-01-01')", "((ts > '2026-01-01') IS NOT TRUE)"]),
)  # fmt: skip
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda p: f"({p[0]} AND {p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]} OR {p[1]})"),
        inner.map(lambda c: f"(NOT {c})"),
    ),
    max_leaves=4,
)
UNITS = {"year": 366 * 86400, "month": 28 * 86400, "day": 86400, "hour": 3600}


@dataclass
class Example:
    table: Table
    folders: list[tuple[Any, ...]]
    rows: list[dict[str, Any]]


def floor(moment: dt.datetime, unit: str) -> dt.datetime:
    parts = {"year": {"month": 1, "day": 1, "hour": 0}, "month": {"day": 1, "hour": 0}, "day": {"hour": 0}}
    return moment.replace(**parts.get(unit, {}), minute=0, second=0, microsecond=0)


@st.composite
def examples(draw: st.DrawFn) -> Example:
    layout, kind = draw(st.sampled_from(LAYOUTS)), draw(st.sampled_from(TYPES))
    late, early = draw(st.sampled_from([0, 0, 60, 7200, 90000])), draw(st.sampled_from([0, 0, 60]))
    keys = (*(Column(*key) for key in layout.keys.items()), Column("k", DATE))
    mapping = TimeMapping("ts", tuple(layout.keys), late, early)
    columns = (Column("x", INTEGER), Column("ts", kind), *keys)
    table = Table("t", "/l/t", "/l", "csv", Layout("hive"), columns, keys, 0, 0, 0, time=mapping)
    folders: list[tuple[Any, ...]] = []
    rows: list[dict[str, Any]] = []
    for number, start in enumerate(draw(st.lists(st.sampled_from(STARTS), min_size=1, max_size=6))):
        texts, first = layout.values(start), floor(start, layout.unit)
        last = floor(first + dt.timedelta(seconds=UNITS[layout.unit] * 1.2), layout.unit)
        if last == first:
            last = floor(first + dt.timedelta(seconds=UNITS[layout.unit] * 1.9), layout.unit)
        edges = (first - dt.timedelta(seconds=late), last + dt.timedelta(seconds=early))
        if draw(st.integers(0, 5)) == 0:  # what names no time promises nothing but what is above it
            spoilt = draw(st.integers(0, len(texts) - 1))
            wrong = draw(st.sampled_from(GARBAGE[list(layout.keys.values())[spoilt]]))
            texts = (*texts[:spoilt], wrong, *texts[spoilt + 1 :])
            edges = edges if spoilt else (dt.datetime(2020, 1, 1), dt.datetime(2030, 1, 1))
            if spoilt == 0 and len(texts) == 1 and wrong == 2026:
                continue
            if spoilt == 0 and wrong == 2026:
                texts = (None, *texts[1:])
        folders.append((*texts, draw(st.sampled_from([None, dt.date(2026, 1, 1)]))))
        span = int((edges[1] - edges[0]).total_seconds() * 10**6)
        ticks = [0, 1, 1000, 10**6, span // 2, span - 10**6, span - 1000, span - 1]
        for tick in draw(st.lists(st.sampled_from([None, *ticks]), min_size=1, max_size=3)):
            rows.append(
                {"x": 1, "ts": make_value(edges, tick, kind), "file": number, "folder": len(folders) - 1}
            )
    return Example(table, folders, rows)


def make_value(edges: tuple[dt.datetime, dt.datetime], tick: int | None, kind: pa.DataType) -> pa.Scalar:
    """A time in the interval, in the column's own precision; of a date column its day."""
    if tick is None:
        return pa.scalar(None, kind)
    moment = edges[0] + dt.timedelta(microseconds=tick)
    if pa.types.is_date(kind):
        return pa.scalar(moment.date(), kind)
    micros = int((moment - dt.datetime(1970, 1, 1)).total_seconds()) * 10**6 + moment.microsecond
    size = {"s": 10**6, "ms": 1000, "us": 1}.get(kind.unit)
    number = (
        micros // size
        if size
        else micros * 1000 + (999 if edges[1] - moment == dt.timedelta(microseconds=1) else 0)
    )
    return pa.scalar(number, pa.int64()).cast(kind)


def prune(table: Table, condition: str) -> Any:
    bound = bind_query(f"SELECT x FROM t WHERE {condition}", None, ["t"], lambda _: table, {}, NOW)
    return bound.references[0]


def index_of(database: Database, example: Example) -> FileIndex:
    count, keys = len(example.folders), example.table.partition_columns
    columns = {f"value_{i}": pa.array([f[i] for f in example.folders], k.type) for i, k in enumerate(keys)}
    texts = {f"raw_{i}": columns[f"value_{i}"].cast(pa.string()) for i in range(len(keys))}
    listing = {
        "path": [f"t/{i}" for i in range(count)],
        "size": pa.array([1] * count, pa.int64()),
        "etag": pa.nulls(count, pa.string()),
        "modified": pa.nulls(count, pa.timestamp("us", tz="UTC")),
        "storage_class": pa.nulls(count, pa.string()),
    }
    return FileIndex(database, "t", pa.table({**listing, **texts, **columns}), keys)


def data_of(example: Example) -> pa.Table:
    keys = example.table.partition_columns
    columns = {
        key.name: [example.folders[r["folder"]][i] for r in example.rows] for i, key in enumerate(keys)
    }
    kinds = {column.name: column.type for column in example.table.columns}
    stored = {"x": [1] * len(example.rows), **columns}
    times = pa.array(
        [r["ts"].as_py() if kinds["ts"] == DATE else r["ts"].value for r in example.rows],
        DATE if kinds["ts"] == DATE else pa.int64(),
    )
    return pa.table(
        {
            **{name: pa.array(column, kinds[name]) for name, column in stored.items()},
            "ts": times.cast(kinds["ts"]),
            "folder": pa.array([r["folder"] for r in example.rows], pa.int64()),
        }
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(
    example=examples(),
    condition=conditions,
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]),
)
def test_files_and_prefixes_with_a_matching_row_are_kept(
    database: duckdb.DuckDBPyConnection, index_database: Database, example: Example, condition: str, zone: str
) -> None:
    assume(example.rows)
    now = f"TIMESTAMPTZ '{NOW.isoformat(' ')}'"
    with database.cursor() as cursor:
        cursor.execute(f"SET TimeZone = '{zone}'")
        cursor.register("t", data_of(example))
        here = condition.replace("now()", now).replace("current_date", f"CAST({now} AS DATE)")
        try:
            found = cursor.execute(f"SELECT DISTINCT folder FROM t WHERE {here}").fetchall()
        except duckdb.Error:
            assume(False)
            return
    matching = {folder for (folder,) in found}
    index_database.cursor().execute(f"SET GLOBAL TimeZone = '{zone}'")
    index, reference = index_of(index_database, example), prune(example.table, condition)
    pruning = plan_pruning(example.table, reference.predicate, reference.missed)
    for conditions_ in ((pruning.files, pruning.guarded_files), (pruning.guarded_files,)):
        kept = index.select(*conditions_, derived=pruning.derived).to_table()["file_id"].to_pylist()
        assert matching <= set(kept), condition
    wanted = plan_prefixes(example.table, reference.predicate)
    keys = example.table.partition_columns
    for known in range(len(keys)):
        numbers = frozenset(range(known + 1))
        values_ = {
            partition_column(i): pa.array([f[i] for f in example.folders], keys[i].type) for i in numbers
        }
        kept = match_rows(index_database, pa.table(values_), wanted.render(numbers)).tolist()
        assert matching <= {folder for folder, keeps in enumerate(kept) if keeps}, (condition, known)


HOURLY = LAYOUTS[3]


def kept_of(
    database: Database,
    layout: Folders,
    starts: list[dt.datetime],
    condition: str,
    late: int = 0,
    kind: pa.DataType = TYPES[2],
    early: int = 0,
    zone: str = "UTC",
) -> list[int]:
    """Which of the folders that begin then are kept."""
    keys = tuple(Column(*key) for key in layout.keys.items())
    columns = (Column("x", INTEGER), Column("ts", kind), *keys)
    mapping = TimeMapping("ts", tuple(layout.keys), late, early)
    table = Table("t", "/l/t", "/l", "csv", Layout("hive"), columns, keys, 0, 0, 0, time=mapping)
    database.cursor().execute(f"SET GLOBAL TimeZone = '{zone}'")
    index = index_of(database, Example(table, [layout.values(start) for start in starts], []))
    reference = prune(table, condition)
    pruning = plan_pruning(table, reference.predicate, reference.missed)
    rows = index.select(pruning.files, pruning.guarded_files, derived=pruning.derived).to_table()
    kept: list[int] = rows["file_id"].to_pylist()
    return kept


HOURS = [dt.datetime(2026, 3, 1, h) for h in range(6)]


@pytest.mark.parametrize(
    ("condition", "late", "kept"),
    [
        ("ts BETWEEN '2026-03-01 02:00:00' AND '2026-03-01 03:00:00'", 0, [2, 3]),
        ("ts >= '2026-03-01 02:00:00' AND ts < '2026-03-01 03:00:00'", 0, [2]),
        ("ts >= '2026-03-01 02:00:00' AND ts < '2026-03-01 03:00:00'", 3600, [2, 3]),
        ("ts >= '2026-03-01 02:00:00' AND ts < '2026-03-01 03:00:00'", 7200, [2, 3, 4]),
        ("ts > '2026-03-01 04:59:59.999998'", 0, [4, 5]), ("ts > '2026-03-01 04:59:59.999999'", 0, [5]),
        ("ts = '2026-03-01 02:30:00'", 0, [2]), ("ts IN ('2026-03-01 02:30:00', '2026-03-01 05:00:00')", 0, [2, 5]),
        ("date_trunc('hour', ts) = '2026-03-01 02:00:00'", 0, [2]), ("NOT ts < '2026-03-01 04:00:00'", 0, [4, 5]),
        ("ts::DATE = '2026-03-02'", 0, []), ("year(ts) = 2025", 0, []), ("extract(year FROM ts) = 2027", 0, []),
        ("strftime(ts, '%Y-%m') = '2026-02'", 0, []), ("ts > now()", 0, []), ("ts > '2026-03-01 04:00:00'::TIMESTAMPTZ", 0, [4, 5]),
        ("ts = '2026-03-01 02:30:00' OR h = 5", 0, [2, 5]), ("ts = '2026-03-01 02:30:00' OR x > 0", 0, [0, 1, 2, 3, 4, 5]),
        ("ts IS NULL", 0, [0, 1, 2, 3, 4, 5]), ("ts IS NOT DISTINCT FROM '2026-03-01 02:30:00'", 0, [0, 1, 2, 3, 4, 5]),
    ],
)  # fmt: skip
def test_times_prune_what_they_can(
    index_database: Database, condition: str, late: int, kept: list[int]
) -> None:
    """Sound is not enough: keeping everything would be sound too."""
    assert kept_of(index_database, HOURLY, HOURS, condition, late) == kept


@pytest.mark.parametrize(
    "layout", [layout for layout in LAYOUTS if layout.unit in ("day", "hour")], ids=lambda f: f.write
)
@pytest.mark.parametrize("kind", TYPES, ids=str)
def test_a_day_is_found_in_every_layout_and_type(
    index_database: Database, layout: Folders, kind: pa.DataType
) -> None:
    starts = [dt.datetime(2026, 2, 28), dt.datetime(2026, 3, 1), dt.datetime(2026, 3, 2)]
    # The index of nanoseconds with a zone keeps the folder that ends where the day begins.
    kept = [0, 1] if kind == UTC_TYPES[2] and layout.unit == "day" else [1]
    assert (
        kept_of(index_database, layout, starts, "ts >= '2026-03-01' AND ts < '2026-03-02'", kind=kind) == kept
    )


def test_nanoseconds_are_not_lost_at_the_end_of_a_folder(index_database: Database) -> None:
    kind = pa.timestamp("ns")
    assert kept_of(index_database, HOURLY, HOURS, "ts > '2026-03-01 04:59:59.999999'", kind=kind) == [4, 5]
    assert kept_of(index_database, HOURLY, HOURS, "ts >= '2026-03-01 05:00:00'", kind=kind) == [5]


def test_the_hour_that_clocks_skip_is_kept_where_it_may_lie_behind_its_folder(
    database: duckdb.DuckDBPyConnection, index_database: Database
) -> None:
    """Of a time without a zone, 02:50 in the hour that Berlin skips is a later instant than 03:00:30."""
    condition = "ts > TIMESTAMPTZ '2026-03-29 01:30:00+00'"
    with database.cursor() as connection:
        connection.execute("SET TimeZone = 'Europe/Berlin'")
        times = "SELECT unnest(['2026-03-29 02:50:00', '2026-03-29 03:00:30'])::TIMESTAMP AS ts"
        assert connection.execute(f"SELECT {condition} FROM ({times})").fetchall() == [(True,), (False,)]
    skipped = [dt.datetime(2026, 3, 29, 2)]
    assert kept_of(index_database, HOURLY, skipped, condition, early=60, zone="Europe/Berlin") == [0]
    assert (
        kept_of(index_database, HOURLY, skipped, condition.replace("29 01", "31 01"), zone="Europe/Berlin")
        == []
    )
