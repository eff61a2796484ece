"""No value of a query is left in its redacted text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeq.planner.redact import redact_sql


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        (
            "SELECT a FROM t WHERE name = 'O''Hara' AND n >= 12.5e3",
            "SELECT a FROM t WHERE name = ? AND n >= ?",
        ),
        ("select -1, x'ab', e'a\\'b', $$secret$$, $tag$a 'b$tag$", "select -?, x?, ?, ?, ?"),
        ('SELECT "a b"."c""d" /* secret */ FROM t -- secret', 'SELECT "a b"."c""d" FROM t'),
        ("SELECT $name, ?, $1, date '2026-01-01', {'k': 1_000}", "SELECT $name, ?, $?, date ?, {?: ?}"),
        ("select\n  count(*)\nfrom t", "select count(*) from t"),
    ],
)
def test_literals_and_comments_are_left_out(sql: str, shown: str) -> None:
    assert redact_sql(sql) == shown


@pytest.mark.parametrize("sql", ["SELECT 'secret", "SELECT $$secret", 'SELECT "secret', "/* secret"])
def test_a_text_that_is_no_sql_leaks_nothing(sql: str) -> None:
    shown = redact_sql(sql)
    assert "secret" not in shown
    assert redact_sql(sql) == shown != redact_sql(sql + "x")


@given(st.text(alphabet=st.characters(exclude_characters="\0"), max_size=30))
def test_no_text_in_quotes_is_ever_shown(text: str) -> None:
    secret = f"zq{text}qz"
    quoted = secret.replace("'", "''")
    for sql in (f"SELECT a FROM t WHERE b = '{quoted}' AND c = 1", f"SELECT '{quoted}', '{quoted}'"):
        assert "zq" not in redact_sql(sql) and "qz" not in redact_sql(sql)
