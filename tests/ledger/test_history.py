"""What the history says of estimates, and what it adds up to."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from lakeq.errors import ConfigError
from lakeq.ledger.entries import QueryEntry, TableShare
from lakeq.ledger.history import (
    HISTORY_SCHEMA,
    find_error,
    measure_errors,
    parse_since,
    read_history,
    summarize,
    tabulate,
)
from lakeq.ledger.journal import Journal
from tests.ledger.entries import DAY, NOON, begun, ended

NOW = dt.datetime(2026, 11, 26, 18, tzinfo=dt.UTC)


def query(size: int | None, scanned: int | None, outcome: str = "done", **more: object) -> QueryEntry:
    return QueryEntry(begun("a", size, **more), ended("a", outcome, scanned))


def test_errors_are_shares_of_what_was_scanned() -> None:
    queries = [query(100, 100), query(110, 100), query(50, 100), query(0, 0), query(5, 0)]
    assert [find_error(one) for one in queries] == [0, 0.1, 0.5, 0, 1]
    queries += [
        query(9, None, "failed"),
        query(9, 1, "stopped"),
        query(None, 5),
        QueryEntry(begun("a"), None),
    ]
    errors = measure_errors(queries)
    assert (errors.exact, errors.median, errors.worst, errors.bracketed) == (5, 0.1, 1, 0)
    assert measure_errors(queries[1:5]).median == pytest.approx(0.3)


def test_estimates_with_two_ends_are_right_between_them() -> None:
    queries = [query(100, n, accuracy="upper_bound", low=20) for n in (19, 20, 100, 101)]
    errors = measure_errors(queries)
    assert (errors.bracketed, errors.within, errors.exact, errors.median) == (4, 2, 0, None)


def test_sums_divide_a_query_among_its_tables() -> None:
    both = query(40, 80, tables=(TableShare("t", 30), TableShare("u", 10)))
    refused = query(500, None, "refused")
    t, u = summarize([both, refused], "table")
    assert (t.name, t.queries, t.refused, t.counted.bytes) == ("t", 2, 1, 60)
    assert (u.name, u.queries, u.refused, u.counted.bytes, u.counted.cost) == ("u", 1, 0, 20, Decimal("0.2"))
    (day,) = summarize([both, refused], "day")
    assert (day.name, day.queries, day.counted.bytes) == ("2026-11-26", 2, 80)
    names = [one.name for one in summarize([query(1, 1, user="b"), query(1, 1, user="a")], "user")]
    assert names == ["a", "b"]
    with pytest.raises(ConfigError, match="table, day, user"):
        summarize([], "month")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-01", dt.datetime(2026, 11, 1, tzinfo=dt.UTC)),
        ("2026-11-01T12:00+02:00", dt.datetime(2026, 11, 1, 10, tzinfo=dt.UTC)),
        ("12h", NOW - dt.timedelta(hours=12)),
        ("7d", NOW - dt.timedelta(days=7)),
        (" 2w ", NOW - dt.timedelta(days=14)),
        (DAY, dt.datetime(2026, 11, 26, tzinfo=dt.UTC)),
        (NOON, NOON),
        (NOON.replace(tzinfo=None), NOON),
    ],
)
def test_moments_are_written_in_many_ways(text: str | dt.date, moment: dt.datetime) -> None:
    assert parse_since(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "soon", "7 months", "-1d", "2026-13-01"])
def test_other_moments_are_errors(text: str) -> None:
    with pytest.raises(ConfigError, match="Not a moment"):
        parse_since(text, NOW)


def test_a_query_that_ended_on_the_next_day_is_one_row_of_its_own(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for day in (DAY, DAY + dt.timedelta(days=1)):
        with journal.open_day(day) as file:
            file.append(begun(day.isoformat(), moment=dt.datetime.combine(day, dt.time(1), dt.UTC)))
    with journal.open_day(DAY) as file:
        file.append(ended(DAY.isoformat(), scanned=5))
    first, second = read_history(journal)
    assert (first.outcome, second.outcome) == ("done", "running")
    assert [one.begun.id for one in read_history(journal, since="2026-11-26T02:00")] == ["2026-11-27"]
    assert read_history(journal, lake="/other") == [] == read_history(None)


def test_the_table_has_its_columns_even_without_rows() -> None:
    assert tabulate([]).schema == HISTORY_SCHEMA
    cost = Decimal(5) * 10 / 2**20  # as Athena's least price: more digits than the column has
    (row,) = tabulate([query(1, 1, cost=cost)]).to_pylist()
    assert row["estimated_usd"] == cost.quantize(Decimal(1).scaleb(-15))
    assert row["time"] == NOON and row["tables"] == ["t"]


def test_a_history_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "history").write_text("no folder")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_history(Journal(tmp_path / "history"))
