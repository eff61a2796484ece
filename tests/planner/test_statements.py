"""A text is taken apart at the semicolons that end statements, and at no others."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeq.planner.statements import find_statement, split_statements


@pytest.mark.parametrize(
    ("text", "statements"),
    [
        ("", []),
        (" ; ;\n", []),
        ("-- nothing; here\n/* nor; here */", []),
        ("select 1", [("select 1", False)]),
        ("select 1;", [("select 1", True)]),
        ("select 1; select 2", [("select 1", True), ("select 2", False)]),
        ("select ';'; select 2;", [("select ';'", True), ("select 2", True)]),
        ("select 'it''s; fine';", [("select 'it''s; fine'", True)]),
        ("select e'it\\'s; fine';", [("select e'it\\'s; fine'", True)]),
        ('select ";" from t;', [('select ";" from t', True)]),
        ("select $$a;b$$; select $x$;$$;$x$;", [("select $$a;b$$", True), ("select $x$;$$;$x$", True)]),
        ("select 1 -- one; two\n;", [("select 1 -- one; two", True)]),
        ("select 'open; ", [("select 'open;", False)]),
        ("select /* open; ", [("select /* open;", False)]),
    ],
)
def test_statements_end_at_semicolons_outside_quotes_and_comments(
    text: str, statements: list[tuple[str, bool]]
) -> None:
    assert [(s.text, s.is_ended) for s in split_statements(text)] == statements


def test_the_statement_is_the_one_with_the_cursor() -> None:
    text = "select 1; select 2;\n"
    found = [find_statement(text, position) for position in (0, 5, 12, len(text))]
    assert [s and s.text for s in found] == ["select 1", "select 1", "select 2", "select 2"]
    assert find_statement(" ; ", 1) is None


@given(st.text(alphabet="ab '\"$;-/*\\\ne", max_size=40))
def test_a_statement_is_where_it_says(text: str) -> None:
    statements = split_statements(text)
    assert all(text[s.start : s.stop] == s.text != "" for s in statements)
    assert all(s.is_ended for s in statements[:-1])
    assert all(a.stop < b.start for a, b in pairwise(statements))
