"""The words below the prompt, and when they warn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

import lakeq
from lakeq.cli.repl.live import Judged
from lakeq.cli.repl.prompt import ERROR, ESTIMATE, HINT, WARNING
from lakeq.cli.repl.toolbar import describe_judged
from lakeq.errors import ColumnNotFoundError, LakeqError, SqlSyntaxError
from lakeq.lake import Lake
from lakeq.planner.budget import AskAbove
from lakeq.quantities import format_bytes

MONTH = "select amount from sales where year = 2026 and month = 3"


@pytest.fixture(scope="module")
def opened(lake: str) -> Iterator[Lake]:
    with lakeq.connect(lake, history=False) as opened_lake:
        yield opened_lake


def tell(lake: Lake, sql: str, ask_above: AskAbove = AskAbove()) -> tuple[str, str]:  # noqa: B008 - frozen
    return describe_judged(Judged(sql, lake.preview(sql)), "hint", ask_above)


def test_an_estimate_tells_partitions_bytes_and_dollars(opened: Lake) -> None:
    style, words = tell(opened, MONTH)
    assert style == ESTIMATE
    assert words.startswith("1 of 24 partitions · ")
    assert words.endswith(" bytes · $0.000048")


def test_how_sure_the_bytes_are_is_told_by_a_sign(opened: Lake) -> None:
    preview = opened.preview(MONTH)
    for accuracy, sign in (("sampled", " · ~"), ("upper_bound", " · ≤ "), ("exact", " · ")):
        judged = replace(preview, estimate=replace(preview.estimate, accuracy=accuracy))
        size = format_bytes(preview.estimate.bytes_scanned)
        assert f"{sign}{size} · $" in describe_judged(Judged(MONTH, judged), "hint", AskAbove())[1]


def test_a_table_read_whole_is_a_warning_that_names_its_keys(opened: Lake) -> None:
    style, words = tell(opened, "select amount from sales where amount > 1")
    assert style == WARNING
    assert words.endswith("full scan of sales: filter on year or month")


def test_what_would_be_asked_about_is_a_warning(opened: Lake) -> None:
    style, words = tell(opened, MONTH, AskAbove(bytes=10))
    assert style == WARNING
    assert words.endswith("asks before it runs")
    assert tell(opened, MONTH, AskAbove(bytes=10_000))[0] == ESTIMATE


def test_a_limit_that_is_passed_is_a_warning(opened: Lake) -> None:
    style, words = describe_judged(Judged(MONTH, opened.preview(MONTH, max_bytes=1)), "hint", AskAbove())
    assert style == WARNING
    assert "over the limit of 1 byte" in words


def test_what_the_engine_has_against_it_stands_behind_the_estimate(opened: Lake) -> None:
    _, words = tell(opened, "select product, sum(amount) from sales where month = 3")
    assert words.startswith("2 of 24 partitions · ")
    assert "must appear in the GROUP BY" in words


def test_the_beginning_of_a_query_is_told_as_such(opened: Lake) -> None:
    assert tell(opened, f"{MONTH} and product like '")[1].startswith("so far 1 of 24 partitions")


def test_a_query_without_tables_reads_none(opened: Lake) -> None:
    assert tell(opened, "select 1") == (ESTIMATE, "reads no table")


@pytest.mark.parametrize(
    ("error", "style"),
    [
        (SqlSyntaxError("Syntax error", "selec"), HINT),
        (ColumnNotFoundError("Column not found: 'x\x1b[31m'", "select x"), ERROR),
        (LakeqError("no rights"), ERROR),
    ],
)
def test_a_reason_is_told_and_unfinished_sql_is_no_mistake(error: LakeqError, style: str) -> None:
    told, words = describe_judged(Judged("sql", error=error), "hint", AskAbove())
    assert told == style
    assert "\x1b" not in words


def test_while_a_store_is_asked_and_where_nothing_is_typed_a_hint_stands() -> None:
    assert describe_judged(Judged("sql"), "hint", AskAbove()) == (HINT, "asking the store …")
    assert describe_judged(None, "hint", AskAbove()) == (HINT, "hint")
