"""Hive's spelling of partition names."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakeq.catalog.hive_names import NULL_TEXT, escape_hive, hive_folder, unescape_hive
from lakeq.catalog.layout import Layout
from lakeq.catalog.partition_texts import split_partitions

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NAME = TEXT.filter(bool)


@settings(deadline=None)
@given(TEXT)
def test_every_text_survives_escaping(text: str) -> None:
    escaped = escape_hive(text)
    assert "/" not in escaped
    assert "=" not in escaped
    assert unescape_hive(escaped) == text


@settings(deadline=None)
@given(st.dictionaries(NAME, st.none() | TEXT, min_size=1, max_size=4))
def test_written_partitions_are_read_back(values: dict[str, str | None]) -> None:
    folded = {key.casefold(): (key, value) for key, value in values.items()}
    path = "/".join(hive_folder(key, value) for key, value in folded.values()) + "/f.csv"
    found = split_partitions(pa.array([path]), Layout("hive"))
    assert found.layout.keys == tuple(key for key, _ in folded.values())
    assert [text[0].as_py() for text in found.texts] == [value for _, value in folded.values()]


@settings(deadline=None)
@given(TEXT.filter(bool))
def test_arrow_reads_escaped_values_alike(text: str) -> None:
    partitioning = ds.partitioning(pa.schema([("key", pa.string())]), flavor="hive")
    expression = partitioning.parse(f"/{hive_folder('key', text)}/f")
    assert expression.equals(ds.field("key") == pa.scalar(text)) or text == NULL_TEXT


@pytest.mark.parametrize("text", ["100%", "%", "%zz", "a%2", "a+b", "a b&c~}", "é"])
def test_what_is_no_escape_stays(text: str) -> None:
    assert unescape_hive(text) == text


def test_bytes_that_are_not_utf8_are_refused() -> None:
    with pytest.raises(ValueError, match="utf-8"):
        unescape_hive("%AF")


def test_null_and_the_text_that_reads_like_it_differ() -> None:
    assert hive_folder("p", None) == f"p={NULL_TEXT}"
    assert hive_folder("p", NULL_TEXT) == "p=%5F_HIVE_DEFAULT_PARTITION__"
