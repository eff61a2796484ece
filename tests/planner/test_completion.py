"""What completion offers at the cursor, `|` in the texts here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeq.planner.completion import Completion, SourceColumn, complete_sql
from lakeq.planner.completion.matching import RESERVED, Matcher, spell_name
from lakeq.planner.tokens import scan_tokens

USER = pa.struct([("id", pa.int64()), ("home", pa.struct([("city", pa.string())]))])
EVENTS = (
    SourceColumn("event_id", pa.int64()),
    SourceColumn("kind", pa.string()),
    SourceColumn("user", USER),
    SourceColumn("Unit Price", pa.float64()),
    SourceColumn("year", pa.int64(), is_key=True),
    SourceColumn("month", pa.int64(), is_key=True),
    SourceColumn("dt", pa.date32(), is_key=True),
)
ORDERS = (SourceColumn("order_id", pa.int64()), SourceColumn("kind_of", pa.string()))
VALUES = {"year": ("2026", "2025", "2024"), "month": ("11", "10"), "dt": ("'2026-11-03'", "'2026-10-01'")}


class Source:
    """A lake of two tables and a view, which notes what was asked of partitions."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str]]] = []

    def table_names(self) -> Sequence[str]:
        return ["events", "Orders", "odd name"]

    def view_names(self) -> Sequence[str]:
        return ["recent"]

    def describe(self, name: str) -> str:
        return {"events": "12 files, 1.2 GB"}.get(name, "")

    def columns(self, table: str) -> Sequence[SourceColumn]:
        return {"events": EVENTS, "Orders": ORDERS}.get(table, ())

    def partition_values(self, table: str, key: str, where: Mapping[str, str]) -> Sequence[str]:
        self.asked.append((table, key, dict(where)))
        return VALUES[key]

    def functions(self) -> Sequence[str]:
        return ["corr", "count", "kurtosis", "max", "year"]


def complete(marked: str, source: Source | None = None) -> list[Completion]:
    before, _, after = marked.partition("|")
    return complete_sql(before + after, len(before), source or Source())


def texts(marked: str, *kinds: str) -> list[str]:
    """The texts of the completions at `|`, of these kinds or all."""
    return [each.text for each in complete(marked) if not kinds or each.kind in kinds]


NAMES = ("column", "key")


@pytest.mark.parametrize(
    ("marked", "kinds", "expected"),
    [
        # Tables
        ("SELECT * FROM |", ("table", "view"), ["events", "Orders", '"odd name"', "recent"]),
        ("SELECT * FROM ev|", ("table",), ["events"]),
        ("SELECT * FROM events e, or|", ("table",), ["Orders"]),
        ("SELECT * FROM events JOIN O|", ("table",), ["Orders", '"odd name"']),
        ("SELECT * FROM (events JOIN o|", ("table",), ["Orders", '"odd name"']),
        ("FROM |", ("table",), ["events", "Orders", '"odd name"']),
        ("DESCRIBE e|", ("table",), ["events"]),
        ('FROM "od|', ("table",), ['"odd name"']),
        ('FROM "or|"', ("table",), ['"Orders"']),
        ("WITH late AS (SELECT 1 AS x) FROM la|", ("view",), ["late"]),
        ("WITH a AS (FROM events), b AS (FROM |)", ("view",), ["a", "recent"]),
        ("SELECT * FROM events WHERE year IN (SELECT year FROM o|)", ("table",), ["Orders", '"odd name"']),
        # Columns, also of tables that come later
        ("SELECT k| FROM events", NAMES, ["kind"]),
        ("SELECT | FROM Orders", NAMES, ["order_id", "kind_of"]),
        ("SELECT kind, | FROM events", ("key",), ["year", "month", "dt"]),
        ("SELECT max(k|) FROM events", NAMES, ["kind"]),
        ("FROM events SELECT k|", NAMES, ["kind"]),
        ("SELECT k|", NAMES, ["kind", "kind_of"]),
        ('SELECT "un|', NAMES, ['"Unit Price"']),
        ("SELECT unit| FROM events", NAMES, ['"Unit Price"']),
        ("SELECT * FROM events WHERE |", ("key",), ["year", "month", "dt"]),
        ("SELECT * FROM events WHERE kind = 'x' AND |", ("key",), ["year", "month", "dt"]),
        ("SELECT * FROM events GROUP BY |", ("key",), ["year", "month", "dt"]),
        ("SELECT * FROM events ORDER BY year DESC, mo|", NAMES, ["month"]),
        ("SELECT count(*) AS total FROM events ORDER BY to|", ("alias",), ["total"]),
        ("SELECT * FROM events JOIN Orders ON o|", NAMES, ["order_id"]),
        ("SELECT * FROM events JOIN Orders USING (k|", NAMES, ["kind", "kind_of"]),
        ("SELECT EXTRACT(year FROM d|) FROM events", NAMES, ["dt"]),
        ("SELECT * FROM events WHERE kind IS DISTINCT FROM ki|", NAMES, ["kind"]),
        ("SELECT * EXCEPT (kind) FROM events WHERE k|", NAMES, ["kind"]),
        ("SELECT * FROM events LIMIT |", (), []),
        # Behind an alias
        ("SELECT e.k| FROM events e JOIN Orders o ON true", (), ["kind"]),
        ("SELECT o.| FROM events e JOIN Orders AS o ON true", (), ["order_id", "kind_of"]),
        ("SELECT EVENTS.ye| FROM events", (), ["year"]),
        ("SELECT x.| FROM (SELECT kind, count(*) AS n FROM events GROUP BY 1) x", (), ["kind", "n"]),
        ("WITH w AS (SELECT year AS y, max(kind) most FROM events) SELECT w.| FROM w", (), ["y", "most"]),
        ("WITH w(a, b) AS (SELECT 1, 2) SELECT | FROM w AS v(c)", NAMES, ["c"]),
        ("WITH w AS (FROM Orders) SELECT | FROM w", NAMES, ["order_id", "kind_of"]),
        ("SELECT | FROM (SELECT o.* FROM Orders o UNION ALL SELECT 1, 2) q", NAMES, ["order_id", "kind_of"]),
        ("SELECT * FROM Orders o WHERE EXISTS (FROM events e WHERE e.kind = o.ki|)", (), ["kind_of"]),
        ("SELECT e. FROM events e WHERE e.ye|", (), ["year"]),
        ("SELECT nothing.|", (), []),
        # Behind a struct
        ("SELECT user.| FROM events", (), ["id", "home"]),
        ("SELECT e.user.home.c| FROM events e", (), ["city"]),
        ("SELECT kind.| FROM events", (), []),
        ("SELECT max(kind).| FROM events", (), []),
        # Values
        ("SELECT * FROM events WHERE year = |", ("value",), ["2026", "2025", "2024"]),
        ("SELECT * FROM events WHERE year = 20|", (), ["2026", "2025", "2024"]),
        ("SELECT * FROM events WHERE year IN (2025, |", ("value",), ["2026", "2024"]),
        ("SELECT * FROM events WHERE year NOT IN (|)", ("value",), ["2026", "2025", "2024"]),
        ("SELECT * FROM events WHERE month BETWEEN |", ("value",), ["11", "10"]),
        ("SELECT * FROM events WHERE month BETWEEN 1 AND |", ("value",), ["11", "10"]),
        ("SELECT * FROM events e WHERE e.month >= |", ("value",), ["11", "10"]),
        ("SELECT * FROM events WHERE dt = |", ("value",), ["'2026-11-03'", "'2026-10-01'"]),
        ("SELECT * FROM events WHERE dt = '|", (), ["'2026-11-03'", "'2026-10-01'"]),
        ("SELECT * FROM events WHERE dt = '2026-11|", (), ["'2026-11-03'"]),
        ("SELECT * FROM events WHERE dt = '2026-11|'", (), ["'2026-11-03"]),
        (
            "WITH w AS (SELECT year AS y FROM events) SELECT * FROM w WHERE y = |",
            ("value",),
            list(VALUES["year"]),
        ),
        ("SELECT * FROM events WHERE kind = |", ("value",), []),
        ("SELECT * FROM events WHERE 1 + year = |", ("value",), []),
        ("SELECT * FROM events WHERE year = 2026 |", ("value",), []),
        # Nothing
        ("SELECT 1 -- FROM |", (), []),
        ("SELECT /* FROM | */ 1", (), []),
        ("SELECT * FROM events WHERE kind = 'k|'", (), []),
        ("SELECT * FROM events WHERE kind = 'k'|", (), []),
        ("SELECT 12|", (), []),
        ("SELECT $na|", (), []),
        # Statements
        ("SELECT * FROM Orders; SELECT k| FROM events", NAMES, ["kind"]),
        ("SELECT k| FROM events; SELECT * FROM Orders", NAMES, ["kind"]),
        ("SELECT ';', k| FROM events", NAMES, ["kind"]),
        ("FROM Orders;|", ("keyword",), ["SELECT", "FROM", "WITH", ...]),
        ("|", ("keyword",), ["SELECT", "FROM", "WITH", ...]),
        # Keywords
        ("SEL|", ("keyword",), ["SELECT"]),
        ("sel|", ("keyword",), ["select"]),
        ("select kind fr|", ("keyword",), ["from"]),
        ("SELECT kind FR|", ("keyword",), ["FROM"]),
        ("select * from events where year = 2026 |", ("keyword",), ["and", "or", "group by", ...]),
        ("SELECT * FROM events WHERE year |", ("keyword",), ["IN", "BETWEEN", "LIKE", ...]),
        ("SELECT * FROM events WHERE kind IS |", ("keyword",), ["NULL", "NOT NULL", "TRUE", ...]),
        ("SELECT * FROM events |", ("keyword",), ["WHERE", "GROUP BY", "HAVING", ...]),
        ("SELECT * FROM events LEFT |", ("keyword",), ["JOIN", "OUTER JOIN", "SEMI JOIN", ...]),
        ("SELECT * FROM events JOIN Orders |", ("keyword",), ["ON", "USING", "WHERE", ...]),
        ("SELECT * FROM events GROUP |", ("keyword",), ["BY"]),
        ("SELECT * FROM events ORDER BY year |", ("keyword",), ["ASC", "DESC", "NULLS FIRST", ...]),
        ("SELECT * |", ("keyword",), ["FROM", "AS", "IN", ...]),
        ("SELECT CASE WHEN year = 1 |", ("keyword",), ["WHEN", "THEN", "ELSE", ...]),
        ("SELECT CAST(kind AS BIG|", ("keyword",), ["BIGINT"]),
        ("SELECT kind::VARC|", ("keyword",), ["VARCHAR"]),
        ("FROM events UNION |", ("keyword",), ["ALL", "BY NAME", "SELECT", ...]),
        ("SELECT sum(x) OVER (|", ("keyword",), ["PARTITION BY", "ORDER BY", "ROWS", ...]),
        # Functions
        ("SELECT cou| FROM events", ("function",), ["count("]),
        ("SELECT co| FROM events", ("function",), ["count(", "coalesce(", "columns(", "corr("]),
        ("SELECT cou|(*) FROM events", ("function",), ["count"]),
    ],
)
def test_the_cursor_is_offered(marked: str, kinds: tuple[str, ...], expected: list[Any]) -> None:
    found: list[Any] = texts(marked, *kinds)
    if ... in expected:
        found = [*found[: len(expected) - 1], ...]
    assert found == expected


def test_the_values_are_narrowed_by_other_equalities_of_the_same_table() -> None:
    for marked, where in (
        ("FROM events WHERE year = 2026 AND month = |", {"year": "2026"}),
        ("FROM events WHERE month = | AND year = 2026", {"year": "2026"}),
        ("FROM events e WHERE e.year = 2026 AND (kind = 'x' OR e.month IN (|", {"year": "2026"}),
        ("FROM events WHERE dt = '2026-11-03' AND year = 2026 AND month = 1|", {"dt": "'2026-11-03'", "year": "2026"}),
        ("FROM events WHERE year = 2025 OR year = 2026 AND month = |", {"year": "2026"}),
        ("FROM events WHERE (year = 2025 OR kind = 'x') AND month = |", {}),
        ("FROM events WHERE NOT year = 2026 AND month = |", {}),
        ("FROM events WHERE year = 2026 - 1 AND month = |", {}),
        ("FROM events WHERE year > 2026 AND month = |", {}),
        ("FROM events a, events b WHERE a.year = 2026 AND b.month = |", {}),
        ("FROM events WHERE year = 2026; FROM events WHERE month = |", {}),
    ):  # fmt: skip
        source = Source()
        complete(marked, source)
        assert source.asked == [("events", "month", where)], marked


def test_the_word_that_is_typed_is_replaced() -> None:
    assert {each.start for each in complete("SELECT ki| FROM events")} == {7}
    assert {each.start for each in complete("FROM events WHERE dt = '2026|'")} == {23}
    assert {each.start for each in complete("SELECT e.| FROM events e")} == {9}


def test_details_tell_types_keys_and_tables() -> None:
    assert complete("FROM ev|")[0].detail == "12 files, 1.2 GB"
    assert complete("SELECT ye| FROM events")[0] == Completion("year", "key", "bigint · partition key", 7)
    assert complete("SELECT k|")[0].detail == "varchar · events"


def test_what_begins_so_comes_before_what_has_it_inside_and_that_before_beginnings_of_words() -> None:
    assert texts("SELECT id| FROM Orders", *NAMES) == ["order_id"]
    assert texts("SELECT evid| FROM events", *NAMES) == ["event_id"]
    found = complete("SELECT ear| FROM events")
    assert [each.text for each in found][:2] == ["year", "year("]
    matcher = Matcher("or")
    assert [matcher.fit(name) for name in ("Order", "floor", "other_rows", "row")] == [0, 1, 2, None]


def test_a_long_name_that_nearly_fits_is_refused_as_fast_as_any() -> None:
    assert Matcher("a" * 20 + "b").fit("a_" * 60 + "xb") is None  # by trying all ways it would take for ever
    assert Matcher("abab").fit("a_a_b_xab") is None
    assert Matcher("aab").fit("a_a_b") == 2


def test_keys_come_before_columns_where_rows_are_chosen_and_in_their_order_where_they_are_shown() -> None:
    assert texts("SELECT | FROM events", *NAMES)[0] == "event_id"
    assert texts("FROM events WHERE |", *NAMES)[:4] == ["year", "month", "dt", "event_id"]


def test_names_are_quoted_where_sql_needs_it() -> None:
    assert [spell_name(name) for name in ("a1", "größe", "Order", "1a", 'a"b', "")] == [
        "a1",
        "größe",
        '"Order"',
        '"1a"',
        '"a""b"',
        '""',
    ]
    with duckdb.connect() as connection:
        words = connection.sql(
            "FROM duckdb_keywords() SELECT keyword_name WHERE keyword_category = 'reserved'"
        )
        assert {word for (word,) in words.fetchall()} <= RESERVED


def test_a_name_that_was_completed_is_one_that_duckdb_reads() -> None:
    with duckdb.connect() as connection:
        for name in ("select", "Unit Price", "a.b", "x", 'q"'):
            assert connection.sql(f"SELECT 1 AS {spell_name(name)}").columns == [name]


def test_every_character_but_spaces_is_in_a_token() -> None:
    text = "SELECT 'it''s' || E'\\'' /* a */ \"b\"\"c\" $$x$$ -- end"
    tokens = list(scan_tokens(text))
    assert all(text[token.start : token.end] == token.text and token.is_closed for token in tokens)
    assert "".join(token.text for token in tokens).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("text", ["'a", "'a''", '"a', "/* a", "$$a", "$t$ $$", "E'a\\'", "`a"])
def test_what_is_not_finished_is_one_open_token(text: str) -> None:
    assert [token.is_closed for token in scan_tokens(text)] == [False]


WORDS = """SELECT FROM WHERE JOIN ON AND OR NOT IN BETWEEN WITH AS UNION ALL GROUP BY ORDER LIMIT CASE WHEN END
LATERAL DISTINCT EXCEPT USING CAST EXTRACT OVER events Orders e o w year month dt user kind ( ) [ ] { } , . * =
< ; :: ' " ` $$ -- /* */ 2026 'x' '2026-11-03' "odd" count(*) ☃ é $1 ? E'\\'"""
PIECES = st.sampled_from([*WORDS.split(), "\n", "\x00"])


@given(
    st.lists(PIECES, max_size=40).map(" ".join) | st.lists(PIECES, max_size=20).map("".join) | st.text(),
    st.data(),
)
def test_any_text_is_completed_without_an_error(text: str, data: st.DataObject) -> None:
    cursor = data.draw(st.integers(-1, len(text) + 1))
    for each in complete_sql(text, cursor, Source()):
        assert 0 <= each.start <= min(max(cursor, 0), len(text))
        assert each.text


@given(st.lists(PIECES, max_size=30).map(" ".join))
def test_completing_twice_changes_nothing(text: str) -> None:
    assert complete_sql(text, len(text), Source()) == complete_sql(text, len(text), Source())
