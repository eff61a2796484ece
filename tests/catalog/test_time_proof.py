"""Footers prove a declaration of time, or nothing."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.catalog.definitions import load_definition
from lakeq.catalog.time_mapping import TimeMapping
from lakeq.catalog.time_proof import TimeProposal, time_keys
from lakeq.formats.base import Column
from tests.catalog.test_time_mapping import write_hours
from tests.cli.conftest import Run
from tests.cli.conftest import run as run  # a fixture

KEYS = ("year", "month", "day", "hour")


def proposals(root: Path) -> tuple[TimeProposal, ...]:
    with lakeq.connect(root) as lake:
        return lake.propose_times("events")


@pytest.mark.parametrize(
    ("late", "rounded"), [(0, 0), (60, 60), (6000, 7200), (7200, 7200), (7201, 10800), (86400 * 7, 86400 * 7)]
)
def test_the_lateness_seen_is_rounded_up(tmp_path: Path, late: int, rounded: int) -> None:
    write_hours(tmp_path, late=late)
    expected = TimeProposal("events", TimeMapping("ts", KEYS, rounded), 48, 48)
    assert proposals(tmp_path) == (expected,)


def test_times_that_folders_do_not_tell_prove_nothing(tmp_path: Path) -> None:
    write_hours(tmp_path, late=86400 * 400)
    assert proposals(tmp_path) == ()


def test_the_finest_keys_that_hold_are_proposed(tmp_path: Path) -> None:
    for number in range(20):
        day = dt.datetime(2026, 3, 1 + number)
        folder = tmp_path / "events" / f"{day:%Y/%m/%d}" / f"{number % 3}"
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"at": [day, day + dt.timedelta(hours=23)]}), folder / "f.parquet")
    with lakeq.connect(tmp_path) as lake:
        lake.register("events", "events/", layout="{a:int}/{b:int}/{c:int}/{part:int}/")
        (proposal,) = lake.propose_times("events")
    assert proposal.mapping == TimeMapping("at", ("a", "b", "c"))


@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        ("year:text month:text day:text hour:text", ["year month day hour", "year month day", "year month", "year"]),
        ("site:text dt:date hour:int", ["dt hour", "dt", "hour"]),
        ("dt:text hour:text", ["dt hour", "dt"]),
        ("hour:date", ["hour"]),
        ("year:int dt:text", ["year"]),
        ("a:int b:int c:int d:int e:int", ["a b c d", "a b c", "a b", "a"]),
        ("a:text b:text", []),
    ],
)  # fmt: skip
def test_keys_that_may_name_a_time_are_tried_from_the_finest_on(keys: str, chosen: list[str]) -> None:
    kinds = {"text": pa.string(), "int": pa.int64(), "date": pa.date32()}
    columns = [Column(name, kinds[kind]) for name, kind in (key.split(":") for key in keys.split())]
    assert list(time_keys(columns)) == [tuple(names.split()) for names in chosen]
    if keys.startswith("site"):
        assert list(time_keys(columns, by_name=True)) == [("dt", "hour"), ("dt",)]
    if keys.startswith("year:text"):
        assert next(time_keys(columns, finest="day")) == ("year", "month", "day")


def test_one_folder_or_a_file_without_bounds_proves_nothing(tmp_path: Path) -> None:
    write_hours(tmp_path, 1)
    assert proposals(tmp_path) == ()
    write_hours(tmp_path / "more", 5)
    folder = tmp_path / "more" / "events" / "year=2026/month=03/day=05/hour=00"
    folder.mkdir(parents=True)
    rows = pa.table({"x": [1], "ts": pa.array([dt.datetime(2026, 3, 5)], pa.timestamp("us"))})
    pq.write_table(rows, folder / "f.parquet", write_statistics=False)
    assert proposals(tmp_path / "more") == ()


def test_a_table_that_has_a_declaration_gets_no_proposal(tmp_path: Path) -> None:
    write_hours(tmp_path)
    with lakeq.connect(tmp_path) as lake:
        lake.register("events", "events/", time={"column": "ts", "from": ["year"], "lateness": "2h"})
        assert lake.propose_times("events") == ()


def test_describe_shows_what_was_declared(tmp_path: Path, run: Run) -> None:
    write_hours(tmp_path)
    toml = tmp_path / "lakeq.toml"
    toml.write_text('[tables.events.time]\ncolumn = "ts"\nfrom = ["year", "month"]\nlateness = "2h"\n')
    out = run("describe", str(toml), "events")[1]
    assert "time        declared: ts lands at most 2h late (from year, month)" in out
    assert "looked into" not in out
    table = json.loads(run("describe", str(toml), "events", "--json")[1])
    assert (table["declared_time"], table["proposed_times"]) == ("declared: ts lands at most 2h late", [])


def test_describe_shows_lines_that_a_lakeq_toml_takes(tmp_path: Path, run: Run) -> None:
    write_hours(tmp_path)
    status, out, _ = run("describe", str(tmp_path), "events")
    assert status == 0
    assert "All 48 files have ts in the time of their folder. Declare it" in out
    start = out.index("[tables.events.time]")
    lines = "\n".join(line.strip() for line in out[start:].splitlines())
    (table,) = load_definition(lines).tables
    assert table.time == TimeMapping("ts", KEYS, 7200)
    assert (
        '"proposed_times": [\n    "[tables.events.time]'
        in run("describe", str(tmp_path), "events", "--json")[1]
    )


def test_a_query_that_relies_on_a_broken_promise_warns_beside_its_rows(tmp_path: Path, run: Run) -> None:
    write_hours(tmp_path)
    toml = tmp_path / "lakeq.toml"
    toml.write_text('[tables.events.time]\ncolumn = "ts"\nfrom = ["year", "month", "day", "hour"]\n')
    sql = "SELECT x FROM events WHERE ts >= '2026-03-02 10:00:00'"
    status, out, err = run("query", str(toml), sql, "--format", "csv")
    assert status == 0 and out.startswith("x\n")
    assert "Files of events hold rows outside the time of their folder" in err
