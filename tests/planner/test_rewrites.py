"""What is said to prune instead prunes, saves what it says, and keeps the same rows where it says so."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import lakeq
from lakeq.lake import Lake
from lakeq.planner.rewrites import equal_condition
from lakeq.planner.scan import Missed
from tests.planner.tables import bind

DAYS = [dt.datetime(year, month, day) for year in (2025, 2026) for month in (1, 11) for day in (1, 2, 28)]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """`events` (Parquet) and `lines` (CSV) by year, month and day; the hours of each row lie in its day."""
    root = tmp_path_factory.mktemp("lake")
    for number, day in enumerate(DAYS):
        rows = pa.table(
            {
                "x": pa.array(range(number * 1000, number * 1000 + 1000), pa.int64()),
                "name": [f"{'abcdefghijklm'[number]}{i:03}" for i in range(1000)],
                "ts": [day + dt.timedelta(seconds=80 * i) for i in range(1000)],
            }
        )
        for table in ("events", "lines"):
            folder = root / table / f"year={day.year}" / f"month={day.month}" / f"day={day.day}"
            folder.mkdir(parents=True)
            if table == "events":
                pq.write_table(rows, folder / "f.parquet")
            else:
                pa_csv.write_csv(rows, folder / "f.csv")
    with lakeq.connect(root) as opened:
        yield opened


def missed_of(lake: Lake, sql: str, alias: str = "") -> list[Missed]:
    """The conditions that did not prune, of the first scan or the one of this alias, with dollars."""
    scans = lake.estimate(sql).scans
    return list(next(s for s in scans if not alias or s.alias == alias).not_pruned_by)


@pytest.mark.parametrize(
    ("condition", "rewrite"),
    [
        ("x + 1 = 5001", "x = 5000"), ("5000 >= x - 1", "x <= 5001"), ("coalesce(x, 0) > 11000", "x > 11000"),
        ("left(name, 2) = 'b0'", "STARTS_WITH(name, 'b0')"), ("substr(name, 1, 1) = 'b'", "STARTS_WITH(name, 'b')"),
        ("(x = 5) IS TRUE", "x = 5"),
        ("ts + INTERVAL 1 DAY > TIMESTAMP '2026-11-28 12:00:00'", "ts > CAST('2026-11-28 12:00:00' AS TIMESTAMP) - INTERVAL '1' DAY"),
    ],
)  # fmt: skip
def test_an_equal_rewrite_keeps_the_rows_and_saves_what_it_says(
    lake: Lake, condition: str, rewrite: str
) -> None:
    sql = "SELECT count(x), count(ts), count(name) FROM events WHERE {}"
    (missed,) = (m for m in missed_of(lake, sql.format(condition)) if "footers alone" not in m.reason)
    assert (missed.rewrite, missed.proviso) == (rewrite, "")
    now, then = (lake.estimate(sql.format(c)) for c in (condition, rewrite))
    assert now.bytes_scanned - then.bytes_scanned == missed.saves_bytes
    assert missed.saves_bytes is not None and missed.saves_bytes > 0
    assert missed.saves_usd == now.cost_usd - then.cost_usd
    assert lake.sql(sql.format(condition)).fetchall() == lake.sql(sql.format(rewrite)).fetchall()


def test_a_part_of_a_time_gets_the_key_of_its_folder(lake: Lake) -> None:
    for part in ("month(ts)", "extract(month FROM ts)"):
        sql = f"SELECT x FROM events WHERE {part} = 11 AND year = 2026"
        (missed,) = missed_of(lake, sql)
        assert missed.rewrite.endswith(" = 11 AND month = 11")
        assert missed.proviso == "the same rows if ts lies in the month of its folder"
        then = lake.estimate(f"SELECT x FROM events WHERE {missed.rewrite} AND year = 2026")
        assert missed.saves_bytes == lake.estimate(sql).bytes_scanned - then.bytes_scanned > 0


def test_a_time_over_text_files_proposes_a_key_or_a_declaration_with_its_proviso(lake: Lake) -> None:
    (missed,) = missed_of(lake, "SELECT x FROM lines WHERE year(ts) = 2026")
    assert missed.rewrite == "YEAR(ts) = 2026 AND year = 2026"
    assert "if ts lies in the year of its folder" in missed.proviso
    sql = "SELECT x FROM lines WHERE ts >= '2026-11-01'"
    (missed,) = missed_of(lake, sql)
    assert missed.rewrite == 'tables.lines.time = { column = "ts", from = ["year", "month", "day"] }'
    assert missed.proviso == "the same rows if ts lies in the time of its folder"
    before = lake.estimate(sql).bytes_scanned
    with lakeq.connect(lake.location) as other:
        other.register("declared", "lines/", time={"column": "ts", "from": ["year", "month", "day"]})
        then = other.estimate(sql.replace("lines", "declared")).bytes_scanned
    assert before - then == missed.saves_bytes
    assert missed.saves_bytes > 0


def test_footers_that_prove_a_time_propose_it_where_they_alone_prune(lake: Lake) -> None:
    (missed,) = missed_of(lake, "SELECT x FROM events WHERE ts >= '2026-11-01' AND ts < '2026-11-02'")
    assert missed.condition == "ts >= '2026-11-01' AND ts < '2026-11-02'"
    assert missed.rewrite == 'tables.events.time = { column = "ts", from = ["year", "month", "day"] }'
    assert missed.proviso == "the same rows if all files keep it, as the 12 looked into do"
    assert missed.saves_bytes == 0
    assert missed_of(lake, "SELECT x FROM events WHERE ts >= '2026-11-01' AND year = 2026") != []
    assert missed_of(lake, "SELECT x FROM events WHERE ts IS NULL") == []


@pytest.mark.parametrize(
    ("sql", "reason", "rewrite", "proviso"),
    [
        ("SELECT a.x FROM events a LEFT JOIN lines b ON a.x = b.x AND a.year = 2026", "keeps the rows that fail", "WHERE a.year = 2026", "other rows"),
        ("SELECT x FROM events a WHERE year = (SELECT max(year) FROM lines)", "holds a subquery", "a.year = …", "the value of the subquery"),
        ("SELECT * FROM (SELECT * FROM events LIMIT 5) WHERE year = 2026", "would notice missing rows", "WHERE year = 2026 inside", "other rows"),
        ("SELECT a.x FROM events a WHERE random() > 2", "may change from call to call", "", ""),
        ("SELECT x FROM events a WHERE year = 2026 OR x % 7 = 3", "mixes partition columns", "", ""),
        ("SELECT x FROM events a WHERE x % 7 = 3", "row-group statistics say nothing", "", ""),
        ("SELECT x FROM lines a WHERE x = 3", "csv keeps no statistics", "", ""),
        ("SELECT a.x FROM events a JOIN lines b ON a.x = b.x WHERE a.year > b.x", "compares columns of several tables", "", ""),
        ("SELECT a.x FROM lines b LEFT JOIN events a ON a.x = b.x WHERE coalesce(a.year, 2026) = 2026", "lets pass", "", ""),
        ("SELECT a.x FROM events a TABLESAMPLE 10% WHERE a.year = 2026", "a sample is drawn before WHERE", "", ""),
        ("SELECT a.x FROM lines b POSITIONAL JOIN events a WHERE a.year = 2026", "positional join counts rows", "", ""),
    ],
)  # fmt: skip
def test_every_reason_is_told_with_the_rewrite_that_is_known(
    lake: Lake, sql: str, reason: str, rewrite: str, proviso: str
) -> None:
    found = [m for scan in lake.estimate(sql).scans for m in scan.not_pruned_by if reason in m.reason]
    assert found, lake.explain(sql)
    assert (found[0].rewrite == "") == (rewrite == "")
    assert found[0].rewrite.startswith(rewrite)
    assert proviso in found[0].proviso
    assert (found[0].rewrite == "") <= (found[0].saves_bytes is None)


def test_a_condition_on_the_kept_side_says_what_it_would_save_in_where(lake: Lake) -> None:
    sql = "SELECT a.x FROM events a LEFT JOIN lines b ON a.x = b.x AND a.year = 2026"
    missed = next(m for m in missed_of(lake, sql, "a") if m.rewrite)
    then = lake.estimate("SELECT a.x FROM events a LEFT JOIN lines b ON a.x = b.x WHERE a.year = 2026")
    assert missed.saves_bytes == lake.estimate(sql).bytes_scanned - then.bytes_scanned > 0


def test_what_is_said_is_on_the_screen_and_in_json(lake: Lake) -> None:
    sql = "SELECT x FROM events WHERE coalesce(x, 0) > 11000"
    text = lake.explain(sql)
    assert "not pruned by: COALESCE(x, 0) > 11000: " in text
    assert "instead: x > 11000 (saves " in text and "; the same rows)" in text
    (found,) = lake.estimate(sql).to_dict()["tables"][0]["not_pruned_by"]
    assert found["rewrite"] == "x > 11000" and found["proviso"] is None
    assert isinstance(found["saves_bytes"], int) and found["saves_usd"] == 0.0


def test_dollars_saved_are_of_the_whole_querys_price(lake: Lake) -> None:
    pricing = lakeq.planner.pricing.Pricing("dear", Decimal(5), megabyte=1, minimum_megabytes=0)
    with lakeq.connect(lake.location, pricing=pricing) as dear:
        sql = "SELECT a.x FROM events a, events b WHERE {} AND b.x > 10000"
        (missed,) = missed_of(dear, sql.format("coalesce(a.x, 0) > 11000"))
        now, then = (
            dear.estimate(sql.format(c)).cost_usd for c in ("coalesce(a.x, 0) > 11000", "a.x > 11000")
        )
        assert missed.saves_usd == now - then > 0


NUMBERS = [None, -6, -1, 0, 1, 4, 5, 6]
TEXTS = [None, "", "a", "ab", "abc", "abcd", "ab\u0301c", "é", "éa", "a\u0301bc"]
TIMES = [None, *(dt.datetime(2026, 3, day, hour) for day in (1, 28, 29, 30) for hour in (0, 1, 2, 3, 23))]
number = st.integers(-6, 6).map(str)
operator = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
candidates = st.one_of(
    st.builds(lambda d, op, v: f"coalesce(x, {d}) {op} {v}", number, operator, number),
    st.builds(lambda v, op, d: f"{v} {op} ifnull(x, {d})", number, operator, number),
    st.builds(lambda s, d, op, v: f"x {s} {d} {op} {v}", st.sampled_from("+-"), number, operator, number),
    st.builds(lambda n, t: f"left(name, {n}) = '{t}'", st.integers(0, 3), st.sampled_from(TEXTS[1:])),
    st.builds(lambda i, n, t: f"substr(name, {i}, {n}) = '{t}'", st.integers(0, 2), st.integers(0, 3), st.sampled_from(TEXTS[1:])),
    st.builds(lambda op, v: f"(x {op} {v}) IS TRUE", operator, number),
    st.builds(
        lambda s, n, u, op, t: f"ts {s} INTERVAL {n} {u} {op} TIMESTAMP '{t}'",
        st.sampled_from("+-"), st.integers(0, 3), st.sampled_from(["DAY", "HOUR", "MONTH", "MINUTE"]), operator, st.sampled_from(TIMES[1:]),
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def moments() -> Iterator[duckdb.DuckDBPyConnection]:
    """A table `t` in which these values meet."""
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (x BIGINT, name VARCHAR, ts TIMESTAMP)")
        connection.executemany(
            "INSERT INTO t VALUES (?, ?, ?)",
            [
                (NUMBERS[i % len(NUMBERS)], TEXTS[i % len(TEXTS)], TIMES[i % len(TIMES)])
                for i in range(len(TIMES) * 2)
            ],
        )
        yield connection


@settings(max_examples=200, deadline=None)
@given(condition=candidates)
def test_a_rewrite_without_a_proviso_keeps_just_the_same_rows(
    moments: duckdb.DuckDBPyConnection, condition: str
) -> None:
    (reference,) = bind(f"SELECT x FROM events WHERE {condition}").references
    rewritten = equal_condition(reference.predicate)
    assume(rewritten is not None)
    assert rewritten is not None
    before, after = (
        moments.execute(f"SELECT rowid FROM t WHERE {sql} ORDER BY rowid").fetchall()
        for sql in (condition, rewritten.sql("duckdb"))
    )
    assert before == after, (condition, rewritten.sql("duckdb"))


def test_writing_a_rewrite_down_touches_no_file(lake: Lake, tmp_path: Path) -> None:
    """A rewrite speaks only of the files kept: those were looked into, others need not be there."""
    folder = tmp_path / "t"
    for year in (2025, 2026):
        (folder / f"year={year}").mkdir(parents=True)
        pq.write_table(pa.table({"x": [year]}), folder / f"year={year}" / "f.parquet")
    with lakeq.connect(tmp_path) as small:
        assert small.describe("t").files_total == 2
        for path in folder.rglob("*.parquet"):
            path.unlink()
        (missed,) = small.plan("SELECT x FROM t WHERE coalesce(x, 0) > 2025").scans[0].not_pruned_by
    assert missed.rewrite == "x > 2025"
    assert missed.node is None


def test_a_query_that_runs_is_not_kept_waiting_for_advice(lake: Lake) -> None:
    sql = "SELECT count(*) FROM events WHERE month(ts) = 11"
    (running,) = lake.sql(sql).plan.scans[0].not_pruned_by
    (told,) = lake.plan(sql).scans[0].not_pruned_by
    assert (running.condition, running.reason) == (told.condition, told.reason)
    assert (bool(running.rewrite), bool(told.rewrite)) == (False, True)
