"""A lake, its tables and its results as notebooks show them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.lake_html import draw_lake
from tests.html.pages import parse_output, read_text


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[lakeq.Lake]:
    for day in (1, 2):
        folder = tmp_path / "t" / f"day={day}"
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"n": range(25)}), folder / "part-0.parquet")
    (tmp_path / "t" / "day=1" / "_SUCCESS").write_text("")
    with lakeq.connect(tmp_path) as lake:
        yield lake


def test_a_lake_shows_its_tables(lake: lakeq.Lake) -> None:
    told = read_text(lake._repr_html_())
    assert told.startswith(
        f"{lake.location} table format layout partitions files size t parquet day={{day}}/ 2 2"
    )


def test_a_table_that_cannot_be_read_says_why(lake: lakeq.Lake) -> None:
    (Path(lake.location) / "broken").mkdir()
    (Path(lake.location) / "broken" / "x.parquet").write_bytes(b"PAR1 nothing else")
    with lakeq.connect(lake.location) as anew:
        told = read_text(anew._repr_html_())
        (broken,) = [table for table in anew.tables() if table.problem is not None]
        assert f"{broken.name} cannot be read" in told
        assert "problem" in read_text(broken._repr_html_())


def test_a_closed_lake_says_so(lake: lakeq.Lake) -> None:
    lake.close()
    assert "This lake is closed" in read_text(lake._repr_html_())


def test_of_very_many_tables_the_first_are_shown(lake: lakeq.Lake) -> None:
    tables = [dataclasses.replace(lake.describe("t"), name=f"t{number}") for number in range(5_000)]
    drawn = draw_lake("lake", tables, ())
    assert "… 4,900 more tables" in read_text(drawn)
    assert len(drawn) < 200_000


def test_a_table_shows_its_columns_and_what_was_left_out(lake: lakeq.Lake) -> None:
    told = read_text(lake.describe("t")._repr_html_())
    assert told.startswith("t · parquet location")
    assert "2 columns column type from n BIGINT file day BIGINT path" in told
    (ignored,) = lake.ignored("t")
    assert f"ignored {ignored}" in told


def test_showing_a_result_does_not_run_it(lake: lakeq.Lake) -> None:
    result = lake.sql("SELECT n FROM t WHERE day = 2")
    told = read_text(result._repr_html_())
    assert told.startswith("Not run yet: .df(), .pl(), .arrow() or .show() reads the rows")
    assert "1 of 2" in told
    assert (result.stats.rows, result.stats.bytes_scanned) == (0, 0)
    assert lake.history().num_rows == 0


def test_a_result_that_was_read_shows_its_first_rows(lake: lakeq.Lake) -> None:
    result = lake.sql("SELECT n FROM t ORDER BY n")
    result.arrow()
    assert read_text(result._repr_html_()).endswith("9 9 50 rows, the first 20 shown")
    result.shown_rows = 2
    assert len(list(parse_output(result._repr_html_()).iter("td"))) == 2
