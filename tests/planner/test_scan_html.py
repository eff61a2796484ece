"""Estimates and plans as notebooks show them."""

from __future__ import annotations

import datetime as dt
import pickle
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakeq
from tests.html.pages import HOSTILE, parse_output, read_text

KEPT = "--jp-brand-color1"
NAME = HOSTILE.replace("/", "")


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[lakeq.Lake]:
    """`t` by day, and a table that is named, partitioned and filled by someone hostile."""
    for day in range(1, 4):
        folder = tmp_path / "t" / f"day=2026-11-0{day}"
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"n": [day], "s": ["a"]}), folder / "part-0.parquet")
    folder = tmp_path / NAME / f"k={NAME}"
    folder.mkdir(parents=True)
    pq.write_table(pa.table({NAME: [1], "plain": [NAME]}), folder / f"{NAME}.parquet")
    with lakeq.connect(tmp_path) as lake:
        yield lake


def quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def test_an_estimate_shows_bytes_dollars_and_what_is_kept(lake: lakeq.Lake) -> None:
    estimate = lake.estimate("SELECT n FROM t WHERE day = DATE '2026-11-02'")
    parse_output(estimate._repr_html_())
    told = read_text(estimate._repr_html_())
    assert told.startswith(f"{estimate.bytes_scanned} bytes · $0.000048 (athena) t · parquet")
    assert "partitions 1 of 3 files 1 of 3 row groups 1 of 3 columns n, day" in told
    assert "2026-11-02" in told and "all kept" in told
    assert KEPT in estimate._repr_html_()


def test_a_plan_shows_its_sql_and_what_did_not_prune(lake: lakeq.Lake) -> None:
    sql = "SELECT n\nFROM t\nWHERE length(s) = 1"
    told = read_text(lake.plan(sql)._repr_html_())
    assert told.startswith(f"Plan {' '.join(sql.split())} t · parquet")
    (missed,) = lake.plan(sql).scans[0].not_pruned_by
    assert f"not pruned by {missed.condition} : {missed.reason}" in told


def test_a_rewrite_stands_below_the_condition_that_it_replaces(lake: lakeq.Lake) -> None:
    plan = lake.plan("SELECT n FROM t WHERE CAST(n AS VARCHAR) = '1'")
    with_rewrite = [m for scan in plan.scans for m in scan.not_pruned_by if m.rewrite]
    told = read_text(plan._repr_html_())
    assert all(f"instead: {missed.rewrite}" in told for missed in with_rewrite)


def test_each_scan_is_shown_and_only_the_first_few_with_a_picture(lake: lakeq.Lake) -> None:
    sql = "SELECT 1 FROM " + ", ".join(f"t AS t{number}" for number in range(25))
    page = parse_output(lake.plan(sql)._repr_html_())
    assert len([svg for svg in page.iter("svg") if "calendar" in svg.attrib.get("aria-label", "")]) == 3
    told = " ".join(page.itertext())
    assert "t as t19" in told and "t as t20" not in told and "… 5 more scans" in told


def test_several_scans_of_ten_years_stay_small(lake: lakeq.Lake, tmp_path: Path) -> None:
    start = dt.date(2016, 1, 1)
    for number in range(3653):
        folder = tmp_path / "long" / f"day={start + dt.timedelta(number)}"
        folder.mkdir(parents=True)
        (folder / "a.csv").write_text("n\n" + "1\n" * (number % 7))
    estimate = lake.estimate("SELECT a.n FROM long a, long b, long c WHERE year(a.day) = 2020")
    html = estimate._repr_html_()
    assert len(html) < 200_000
    assert (
        len([svg for svg in parse_output(html).iter("svg") if "calendar" in svg.get("aria-label", "")]) == 10
    )


def test_hostile_names_are_inert(lake: lakeq.Lake) -> None:
    table = next(table for table in lake.tables() if table.name != "t")
    sql = f"SELECT {quote(NAME)} FROM {quote(table.name)} WHERE plain <> {chr(39)}{NAME.replace(chr(39), chr(39) * 2)}{chr(39)}"
    for drawn in (lake.estimate(sql), lake.plan(sql), lake.sql(sql), table, lake):
        html = drawn._repr_html_()
        parse_output(html)
        assert "&lt;script&gt;" in html
    result = lake.sql(sql.split("WHERE")[0])
    result.arrow()
    parse_output(result._repr_html_())


def test_a_closed_lake_and_a_travelled_plan_are_shown_without_pictures(lake: lakeq.Lake) -> None:
    sql = "SELECT n FROM t WHERE day = DATE '2026-11-02'"
    estimate, plan = lake.estimate(sql), lake.plan(sql)
    assert KEPT in plan._repr_html_()
    travelled = pickle.loads(pickle.dumps(plan))
    lake.close()
    for drawn in (estimate, plan, travelled):
        assert "1 of 3" in read_text(drawn._repr_html_())
        assert KEPT not in drawn._repr_html_()


def test_the_index_answers_without_a_file_and_says_so(lake: lakeq.Lake) -> None:
    assert "answered by the index" in lake.estimate("SELECT max(day) FROM t")._repr_html_()


def test_text_stays_short(lake: lakeq.Lake) -> None:
    class Printer:
        text_ = ""

        def text(self, text: str) -> None:
            self.text_ += text

    sql = "SELECT n FROM t"
    for drawn in (lake.estimate(sql), lake.plan(sql)):
        printer = Printer()
        drawn._repr_pretty_(printer, False)
        assert 0 < len(printer.text_) < 200
