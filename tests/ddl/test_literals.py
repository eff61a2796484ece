"""Texts in statements are read back as they were, and nothing in them ends a statement or a line."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st

from lakeq.ddl.literals import back_quoted, double_quoted, hive_text, redshift_text, trino_text

SPELLINGS = [(hive_text, "hive"), (hive_text, "spark"), (trino_text, "trino"), (redshift_text, "redshift")]
PRINTABLE = st.text(st.characters(exclude_categories=("C", "Z"), include_characters=" '\"\\;-`"), max_size=8)


@settings(max_examples=30)
@given(text=PRINTABLE)
@pytest.mark.parametrize(("spell", "dialect"), SPELLINGS)
def test_a_text_is_read_back_as_it_was(spell: Callable[[str], str], dialect: str, text: str) -> None:
    (literal,) = sqlglot.parse_one(f"SELECT {spell(text)}", read=dialect).find_all(sqlglot.exp.Literal)
    assert literal.this == text


@settings(max_examples=30)
@given(text=st.text(max_size=8))
@pytest.mark.parametrize(("spell", "dialect"), SPELLINGS)
def test_statements_hold_no_character_that_a_terminal_obeys(
    spell: Callable[[str], str], dialect: str, text: str
) -> None:
    literal = spell(text)
    assert literal.isprintable()
    assert len(sqlglot.parse(f"SELECT {literal}", read=dialect)) == 1


def test_control_characters_are_spelled_in_the_engines_own_escapes() -> None:
    assert hive_text("a\t\x01") == "'a\\u0009\\u0001'"
    assert trino_text("a\\\t") == "U&'a\\+00005c\\+000009'"
    assert redshift_text("\x01é\x7f") == "'\\001é\\177'"
    assert hive_text("\U000e0001") == "'\\udb40\\udc01'"


@settings(max_examples=30)
@given(name=PRINTABLE.filter(bool))
def test_a_name_is_read_back_as_it_was(name: str) -> None:
    for quote, dialect in ((back_quoted, "spark"), (double_quoted, "trino")):
        (column,) = sqlglot.parse_one(f"SELECT {quote(name)}", read=dialect).find_all(sqlglot.exp.Column)
        assert column.name == name
