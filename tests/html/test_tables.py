"""Tables in HTML."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa

from lakeq.html.tables import draw_facts, draw_rows, draw_table
from tests.html.pages import HOSTILE, parse_output, parse_page, read_text


def test_numbers_are_aligned_to_the_right() -> None:
    tree = parse_page(draw_table(("name", "size"), [("a", "1")], right=(1,)))
    cells = [*tree.iter("th"), *tree.iter("td")]
    assert ["text-align: right" in cell.attrib["style"] for cell in cells] == [False, True, False, True]


def test_a_table_without_a_header_has_none() -> None:
    assert "thead" not in draw_table((), [("a",)])


def test_facts_that_are_not_known_are_left_out() -> None:
    assert read_text(draw_facts([("size", "3"), ("listed", None), ("time", "")])) == "size 3"


def test_the_first_rows_are_shown_and_their_number_told() -> None:
    table = pa.table({"n": range(30), "day": [dt.date(2026, 11, 3)] * 30})
    told = read_text(draw_rows(table, 20))
    assert told.startswith("n int64 day date32[day] 0 2026-11-03 1 2026-11-03")
    assert told.endswith("19 2026-11-03 30 rows, the first 20 shown")
    assert read_text(draw_rows(table.slice(0, 1), 20)).endswith("1 row")


def test_null_is_told_from_the_text() -> None:
    tree = parse_page(draw_rows(pa.table({"t": ["NULL", None]}), 20))
    plain, null = tree.iter("td")
    assert (plain.text, [part.tag for part in null]) == ("NULL", ["span"])


def test_hostile_names_and_values_are_inert() -> None:
    nested = pa.array([{HOSTILE: [HOSTILE]}])
    drawn = draw_rows(pa.table({HOSTILE: [HOSTILE], "n": nested, "b": [b"\x00<"]}), 20)
    parse_output(drawn)
    assert "&lt;script&gt;" in drawn
    assert "003c" in read_text(drawn)


def test_columns_may_share_a_name_and_there_may_be_none() -> None:
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    assert read_text(draw_rows(twice, 5)) == "a int64 a int64 1 2 1 row"
    parse_page(draw_rows(pa.table({}), 5))


def test_a_long_text_is_cut() -> None:
    drawn = draw_rows(pa.table({"t": ["x" * 100_000]}), 20)
    assert len(drawn) < 2_000 and "x…" in drawn
