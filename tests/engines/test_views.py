"""The view of a table shows exactly the planned files, in the catalog's types, whatever their layout."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.orc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakeq.catalog.hive_names import hive_folder
from lakeq.errors import ExecutionError
from lakeq.formats.base import Column
from tests.engines.lakes import local_engine, make_table, open_folder, plan, run, scan

FORMATS = ("parquet", "csv", "json", "orc")
SUFFIXES = {"parquet": ".parquet", "csv": ".csv.gz", "json": ".json", "orc": ".orc"}
YEAR, MONTH = Column("year", pa.int64()), Column("month", pa.int64())


def write_rows(path: Path, kind: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows as a file of a format. None is NULL in each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(list(rows)), path)
    elif kind == "orc":
        pyarrow.orc.write_table(pa.Table.from_pylist(list(rows)), path)
    elif kind == "json":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        lines = [
            ",".join(rows[0]),
            *(",".join("" if v is None else str(v) for v in row.values()) for row in rows),
        ]
        path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))


def write_calendar(folder: Path, kind: str) -> tuple[dict[str, tuple[int, int]], list[dict[str, Any]]]:
    """A Hive lake of four months whose older files lack a column, and all its rows."""
    values, expected = {}, []
    for year in (2025, 2026):
        for month in (1, 2):
            path = f"year={year}/month={month:02}/f{SUFFIXES[kind]}"
            rows = [{"id": year * 100 + month * 10 + i, "name": f"n{i}"} for i in range(3)]
            if year == 2026:
                rows = [{**row, "price": i + 0.5} for i, row in enumerate(rows)]
            write_rows(folder / path, kind, rows)
            values[path] = (year, month)
            expected += [{"price": None, **row, "year": year, "month": month} for row in rows]
    return values, expected


@pytest.mark.parametrize("remote", [False, True], ids=["local", "planned"])
@pytest.mark.parametrize("scanner", ["auto", "arrow"])
@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_by_every_way_gives_the_same_rows(
    tmp_path: Path, kind: str, scanner: str, remote: bool
) -> None:
    values, expected = write_calendar(tmp_path, kind)
    store = open_folder(tmp_path, remote)
    raws = {path: (str(y), f"{m:02}") for path, (y, m) in values.items()}
    table = make_table(store, "sales", kind, keys=[YEAR, MONTH], values=values, raws=raws)
    with local_engine(store, scanner=scanner) as engine:
        rows = run(engine, plan("select * from sales order by id", scan(table)))
        assert rows == [{k: row[k] for k in rows[0]} for row in sorted(expected, key=lambda r: r["id"])]
        kept = scan(table, "p0 = 2026 and p1 = 2")
        some = run(engine, plan("select id, price from sales where month = 2 order by id", kept))
        assert some == [{"id": 202620 + i, "price": i + 0.5} for i in range(3)]
        hidden = scan(table, hidden=["$path", "$file_size", "$file_modified_time", "$partition"])
        names = '"$path" path, "$file_size" size, "$file_modified_time" since, "$partition" part'
        sql = f"select distinct {names} from sales where year = 2026 order by path"
        shown = run(engine, plan(sql, hidden))
    assert [row["part"] for row in shown] == ["year=2026/month=01", "year=2026/month=02"]
    for row in shown:
        status = Path(row["path"]).stat()
        assert row["size"] == status.st_size
        assert abs(row["since"].timestamp() - status.st_mtime) < 1e-3


@pytest.mark.parametrize("scanner", ["auto", "arrow"])
@pytest.mark.parametrize("kind", FORMATS)
def test_a_table_without_partitions_is_read(tmp_path: Path, kind: str, scanner: str) -> None:
    write_rows(tmp_path / f"a{SUFFIXES[kind]}", kind, [{"id": 1, "name": "x"}, {"id": 2, "name": None}])
    store = open_folder(tmp_path)
    with local_engine(store, scanner=scanner) as engine:
        table = make_table(store, "flat", kind)
        assert run(engine, plan("from flat order by id", scan(table))) == [
            {"id": 1, "name": "x"},
            {"id": 2, "name": None},
        ]
        counted = plan(
            'select count(*) n, any_value("$partition") p from flat', scan(table, hidden=["$partition"])
        )
        assert run(engine, counted) == [{"n": 2, "p": ""}]


def test_no_files_are_no_rows_of_the_right_types(tmp_path: Path) -> None:
    values, _ = write_calendar(tmp_path, "parquet")
    store = open_folder(tmp_path)
    table = make_table(store, "sales", "parquet", keys=[YEAR, MONTH], values=values)
    with local_engine(store) as engine:
        none = scan(table, "p0 = 1999", hidden=["$path"])
        result = engine.execute(plan('select *, "$path" from sales', none))
        assert list(result.batches()) == []
        empty = engine.execute(plan("select * from sales", scan(table, "p0 = 1999")))
        assert empty.schema == table[0].schema


@pytest.mark.parametrize("remote", [False, True], ids=["local", "planned"])
@pytest.mark.parametrize("kind", ["parquet", "csv", "json"])
def test_duckdb_prunes_further_through_the_view(tmp_path: Path, kind: str, remote: bool) -> None:
    values, _ = write_calendar(tmp_path, kind)
    store = open_folder(tmp_path, remote)
    table = make_table(store, "sales", kind, keys=[YEAR, MONTH], values=values)
    # Two references with conditions of their own share the union of their files.
    sql = (
        "select count(a.id + b.id) n from sales a, sales b "
        "where a.year = 2026 and a.month = 1 and b.year = 2025 and b.month = 2"
    )
    with local_engine(store) as engine:
        result = engine.execute(plan(sql, scan(table, alias="a"), scan(table, "p1 = 2", alias="b")))
        assert [batch.to_pylist() for batch in result.batches()] == [[{"n": 9}]]
        assert sum(opened_files(result)) == 2


def opened_files(result: Any) -> list[int]:
    """How many files each scan of a finished query opened."""
    found = []

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if "Total Files Read" in node:
                found.append(int(node["Total Files Read"]))
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(result._profile)
    return found


def test_scans_of_one_table_are_united(tmp_path: Path) -> None:
    values, _ = write_calendar(tmp_path, "parquet")
    store = open_folder(tmp_path)
    table = make_table(store, "sales", "parquet", keys=[YEAR, MONTH], values=values)
    sql = (
        "select a.y, b.p from (select max(year) y from sales where month = 1) a, "
        '(select min("$partition") p from sales) b'
    )
    with local_engine(store) as engine:
        rows = run(
            engine,
            plan(sql, scan(table, "p0 = 2026 and p1 = 1"), scan(table, "p1 = 1", hidden=["$partition"])),
        )
    assert rows == [{"y": 2026, "p": "year=2025/month=1"}]


def test_types_that_drift_are_widened_to_the_frozen_ones(tmp_path: Path) -> None:
    pq.write_table(pa.table({"n": pa.array([1], pa.int32()), "s": [{"x": 1}]}), tmp_path / "a.parquet")
    pq.write_table(
        pa.table({"n": [2.5], "s": [{"y": "q", "x": 2}], "d": [date(2026, 1, 1)]}), tmp_path / "b.parquet"
    )
    pq.write_table(
        pa.table({"D": [datetime(2026, 1, 2, 3)], "n": pa.array([None], pa.null())}), tmp_path / "c.parquet"
    )
    columns = [
        Column("n", pa.float64()),
        Column("s", pa.struct([("x", pa.int64()), ("y", pa.string())])),
        Column("d", pa.timestamp("us")),
    ]
    expected = [
        {"n": 1.0, "s": {"x": 1, "y": None}, "d": None},
        {"n": 2.5, "s": {"x": 2, "y": "q"}, "d": datetime(2026, 1, 1)},
        {"n": None, "s": None, "d": datetime(2026, 1, 2, 3)},
    ]
    for scanner in ("auto", "arrow"):
        store = open_folder(tmp_path)
        table = make_table(store, "drift", "parquet", columns=columns)
        with local_engine(store, scanner=scanner) as engine:
            result = engine.execute(plan("from drift order by n nulls last", scan(table)))
            rows = [row for batch in result.batches() for row in batch.to_pylist()]
        assert rows == expected


@pytest.mark.parametrize("remote", [False, True], ids=["local", "planned"])
@pytest.mark.parametrize("scanner", ["auto", "arrow"])
@pytest.mark.parametrize("kind", FORMATS)
def test_the_path_wins_over_a_like_named_column(
    tmp_path: Path, kind: str, scanner: str, remote: bool
) -> None:
    write_rows(tmp_path / f"year=2026/f{SUFFIXES[kind]}", kind, [{"Year": 1999, "id": 7}])
    store = open_folder(tmp_path, remote)
    columns = [Column("id", pa.int64())]
    values = {f"year=2026/f{SUFFIXES[kind]}": (2026,)}
    table = make_table(store, "t", kind, keys=[YEAR], values=values, columns=columns)
    with local_engine(store, scanner=scanner) as engine:
        assert run(engine, plan("from t", scan(table))) == [{"id": 7, "year": 2026}]


@pytest.mark.parametrize("scanner", ["auto", "arrow"])
def test_a_key_above_the_table_hides_no_column(tmp_path: Path, scanner: str) -> None:
    root = tmp_path / "env=prod" / "id=9"
    write_rows(root / "year=2026/f.parquet", "parquet", [{"env": "file", "id": 7}])
    store = open_folder(root)
    table = make_table(store, "t", "parquet", keys=[YEAR], values={"year=2026/f.parquet": (2026,)})
    with local_engine(store, scanner=scanner) as engine:
        assert run(engine, plan("from t", scan(table))) == [{"env": "file", "id": 7, "year": 2026}]


@pytest.mark.parametrize(
    "name", ["a*b", "q?", "[x]", "x=1=2", "sp ace", "quo'te", "per%20cent", "{a,b}", "ü", "\\"]
)
@pytest.mark.parametrize("layout", ["file", "folder", "root"])
def test_odd_names_mean_themselves(tmp_path: Path, name: str, layout: str) -> None:
    root = tmp_path / name if layout == "root" else tmp_path
    path = {"file": f"year=2026/{name}.csv.gz", "folder": f"year=2026/{name}/f.csv.gz"}.get(
        layout, "year=2026/f.csv.gz"
    )
    write_rows(root / path, "csv", [{"id": 7, "name": "x"}])
    store = open_folder(root)
    table = make_table(store, "t", "csv", keys=[YEAR], values={path: (2026,)})
    with local_engine(store) as engine:
        shown = run(engine, plan('select year, id, "$path" p from t', scan(table, hidden=["$path"])))
    assert shown == [{"year": 2026, "id": 7, "p": str(root / path)}]


@pytest.mark.parametrize("scanner", ["auto", "arrow"])
def test_positional_folders_are_partitions(tmp_path: Path, scanner: str) -> None:
    values = {}
    for month in (1, 2):
        path = f"2026/{month:02}/f.parquet"
        write_rows(tmp_path / path, "parquet", [{"id": month}])
        values[path] = (2026, month)
    store = open_folder(tmp_path)
    table = make_table(
        store, "t", "parquet", keys=[YEAR, MONTH], values=values, template="{year:int}/{month:int}/"
    )
    with local_engine(store, scanner=scanner) as engine:
        rows = run(engine, plan("from t where month = 2", scan(table)))
    assert rows == [{"id": 2, "year": 2026, "month": 2}]


TYPED = [
    (
        pa.string(),
        ["a b/c%", "", "NULL", "__HIVE_DEFAULT_PARTITION__", None, "x=1", "+", "é", "'\"*?[", "%41"],
    ),
    (pa.int64(), [-5, 2**62, None]),
    (pa.decimal128(38, 0), [Decimal(10) ** 30, None]),
    (pa.float64(), [1.5, 1e300, None]),
    (pa.bool_(), [True, False, None]),
    (pa.date32(), [date(2026, 2, 28), None]),
    (pa.timestamp("us"), [datetime(2026, 1, 1, 2, 3, 4, 5), None]),
    (pa.timestamp("us", "UTC"), [datetime(2026, 1, 1, 2, 3, 4, 5, UTC), None]),
]


@pytest.mark.parametrize(("kind", "values"), TYPED, ids=[str(kind) for kind, _ in TYPED])
@pytest.mark.parametrize("way", ["local", "planned", "arrow"])
def test_partition_values_of_every_type_arrive(
    tmp_path: Path, way: str, kind: pa.DataType, values: list[Any]
) -> None:
    paths = {}
    for i, value in enumerate(values):
        path = f"{hive_folder('k', None if value is None else str(value))}/f{i}.parquet"
        write_rows(tmp_path / path, "parquet", [{"id": i}])
        paths[path] = (value,)
    store = open_folder(tmp_path, way == "planned")
    table = make_table(store, "t", "parquet", keys=[Column("k", kind)], values=paths)
    with local_engine(store, scanner="arrow" if way == "arrow" else "auto") as engine:
        result = engine.execute(plan("select k from t order by id", scan(table)))
        rows = pa.Table.from_batches(list(result.batches()))
    assert rows.column("k").cast(kind).to_pylist() == values


def test_any_text_is_a_partition_value(tmp_path: Path) -> None:
    store = open_folder(tmp_path)
    prefixes = (f"{i}/" for i in itertools.count())

    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12), unique=True))
    def holds(texts: list[str]) -> None:
        prefix, values = next(prefixes), {}
        for i, text in enumerate(texts):
            path = f"{prefix}{hive_folder('k', text)}/f{i}.json"
            write_rows(tmp_path / path, "json", [{"id": i}])
            values[path] = (text,)
        if values:
            table = make_table(store, "t", "json", prefix, [Column("k", pa.string())], values)
            rows = run(engine, plan("select k from t order by id", scan(table)))
            assert [row["k"] for row in rows] == texts

    with local_engine(store) as engine:
        holds()


def test_a_table_without_columns_says_so(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("")
    store = open_folder(tmp_path)
    with local_engine(store) as engine:
        bare = make_table(store, "t", "csv")
        with pytest.raises(ExecutionError, match="no columns"):
            engine.execute(plan("from t", scan(bare)))
        with pytest.raises(ExecutionError, match="no columns"):
            engine.validate("from t", None, {"t": []})
