"""Rows as bytes: what a reader of each format gets back."""

from __future__ import annotations

import csv
import fcntl
import io
import json
import os
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakeq.cli.output import WRITERS, open_output, quote_csv
from lakeq.errors import ConfigError

TEXTS = st.lists(st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]))), min_size=1)


def write(name: str, table: pa.Table) -> bytes:
    sink = io.BytesIO()
    sink.seekable = lambda: False  # type: ignore[method-assign]
    WRITERS[name](table.schema, table.to_batches(), sink)
    return sink.getvalue()


@given(TEXTS, st.sampled_from(["n", 'a"b', "a,b", "é"]))
def test_csv_gives_texts_and_nulls_back(texts: list[str | None], name: str) -> None:
    table = pa.table({"row": range(len(texts)), name: pa.array(texts, pa.string())})
    convert = pa_csv.ConvertOptions(
        column_types=table.schema,
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    parse = pa_csv.ParseOptions(newlines_in_values=True)
    assert pa_csv.read_csv(io.BytesIO(write("csv", table)), None, parse, convert).equals(table)


@given(
    st.lists(st.one_of(st.none(), st.text(st.sampled_from('a ,"\r\n\t\f\x0bé'), max_size=3))),
    st.integers(0, 3),
)
def test_a_csv_field_is_quoted_only_where_it_must_be(texts: list[str | None], start: int) -> None:
    def spell(text: str | None) -> str | None:
        if text is None or not (text == "" or text != text.strip("\t\n\f\r ") or set(text) & set(',"\r\n')):
            return text
        return '"' + text.replace('"', '""') + '"'

    assert quote_csv(pa.array(texts, pa.string())[start:]).to_pylist() == list(map(spell, texts[start:]))


@pytest.mark.parametrize("name", ["csv", "parquet"])
def test_duckdb_reads_back_what_was_written_in_many_row_groups(name: str, tmp_path: Path) -> None:
    made = duckdb.sql(
        """
        SELECT i AS id, i::FLOAT / 3 AS f, i / 7.0 AS x, (i * 1.01)::DECIMAL(20, 4) AS amount, i % 2 = 0 AS flag,
            DATE '2026-01-01' + (i % 400)::INT AS day, make_timestamp(1767225600000000 + i * 250000) AS moment,
            make_timestamp(1767225600000000 + i * 250000)::TIMESTAMPTZ AS zoned,
            ['tea', '', ' a "quoted", word', NULL, E'two\nlines'][1 + i % 5] AS product, NULLIF(i % 3, 0) AS n
        FROM range(600_000) r(i)
        """
    )
    rows = made.to_arrow_table()
    path = tmp_path / f"out.{name}"
    with open_output(str(path)) as sink:
        WRITERS[name](rows.schema, rows.to_batches(max_chunksize=10_000), sink)
    types = ", ".join(f"'{column[0]}': '{column[1]}'" for column in duckdb.sql("DESCRIBE rows").fetchall())
    read = (
        f"'{path}'"
        if name == "parquet"
        else f"read_csv('{path}', types={{{types}}}, allow_quoted_nulls=false)"
    )
    assert duckdb.sql(f"FROM {read}").to_arrow_table().equals(rows)


def test_parquet_has_large_row_groups_and_dictionaries_for_what_repeats(tmp_path: Path) -> None:
    ids = pa.array(range(500_000))
    rows = pa.table({"id": ids, "product": pa.array(["tea", None, "coffee", "milk"] * 125_000)})
    with open_output(str(tmp_path / "out.parquet")) as sink:
        WRITERS["parquet"](rows.schema, rows.to_batches(max_chunksize=50_000), sink)
    told = pq.ParquetFile(tmp_path / "out.parquet").metadata
    groups = [told.row_group(n) for n in range(told.num_row_groups)]
    assert [group.num_rows for group in groups] == [250_000, 250_000]
    assert {
        (c.path_in_schema, c.dictionary_page_offset is not None)
        for g in groups
        for c in (g.column(0), g.column(1))
    } == {
        ("id", False),
        ("product", True),
    }


def test_parquet_of_no_rows_has_its_columns() -> None:
    empty = pa.table({"n": pa.array([], pa.int64()), "l": pa.array([], pa.list_(pa.string()))})
    assert pq.read_table(io.BytesIO(write("parquet", empty))).equals(empty)


def test_nested_columns_come_back_from_parquet() -> None:
    rows = pa.table({"l": [[1, None], None, []], "s": [{"a": "x"}, None, {"a": None}]})
    assert pq.read_table(io.BytesIO(write("parquet", rows))).equals(rows)


@given(TEXTS, st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_json_gives_texts_and_nulls_back(texts: list[str | None], name: str) -> None:
    table = pa.table({name: pa.array(texts, pa.string())})
    expected = [{name: text} for text in texts]
    assert json.loads(write("json", table)) == expected
    assert [
        json.loads(line) for line in write("ndjson", table).decode().removesuffix("\n").split("\n")
    ] == expected


@given(
    st.lists(
        st.decimals(allow_nan=False, allow_infinity=False, places=4, max_value=10**20, min_value=-(10**20)),
        min_size=1,
    )
)
def test_numbers_keep_all_their_digits(numbers: list[Decimal]) -> None:
    table = pa.table({"n": pa.array(numbers, pa.decimal128(38, 4))})
    read = json.loads(write("json", table), parse_float=Decimal, parse_int=Decimal)
    assert [row["n"] for row in read] == numbers
    assert [Decimal(row["n"]) for row in csv.DictReader(io.StringIO(write("csv", table).decode()))] == numbers


def test_json_of_no_rows_is_an_empty_array_in_any_number_of_batches() -> None:
    empty = pa.table({"n": pa.array([], pa.int64())})
    assert json.loads(write("json", empty)) == []
    sink = io.BytesIO()
    batch = pa.record_batch({"n": [1]})
    WRITERS["json"](batch.schema, [batch.slice(0, 0), batch, batch.slice(0, 0), batch], sink)
    assert json.loads(sink.getvalue()) == [{"n": 1}, {"n": 1}]


def test_nested_values_are_json_in_json_and_in_csv() -> None:
    value = {"a": 1, "list": [Decimal("1.50"), None], "m": [("k", True)]}
    kind = pa.struct(
        [("a", pa.int32()), ("list", pa.list_(pa.decimal128(4, 2))), ("m", pa.map_(pa.string(), pa.bool_()))]
    )
    table = pa.table({"v": pa.array([value, None], kind)})
    expected = {"a": 1, "list": [1.5, None], "m": {"k": True}}
    assert json.loads(write("json", table)) == [{"v": expected}, {"v": None}]
    first = next(csv.DictReader(io.StringIO(write("csv", table).decode())))
    assert json.loads(first["v"]) == expected


def test_floats_that_are_no_numbers_are_null_in_json_and_spelled_in_csv() -> None:
    table = pa.table({"x": [1.5, float("nan"), float("inf"), None]})
    assert [row["x"] for row in json.loads(write("json", table))] == [1.5, None, None, None]
    assert write("csv", table).split() == [b"x", b"1.5", b"nan", b"inf"]


def test_an_arrow_file_is_a_file_and_a_pipe_gets_a_stream() -> None:
    table = pa.table({"n": [1, 2]})
    sink = io.BytesIO()
    WRITERS["arrow"](table.schema, table.to_batches(), sink)
    assert pa.ipc.open_file(sink.getvalue()).read_all().equals(table)
    assert pa.ipc.open_stream(write("arrow", table)).read_all().equals(table)


def test_a_type_that_parquet_has_not_is_told() -> None:
    table = pa.table({"i": pa.array([pa.MonthDayNano([1, 2, 3])])})
    with pytest.raises(ConfigError, match="Parquet"):
        write("parquet", table)


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    with pytest.raises(ZeroDivisionError), open_output(str(target)) as sink:
        sink.write(b"half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
    with open_output(str(target)) as sink:
        sink.write(b"whole")
        assert not target.exists()
    assert target.read_bytes() == b"whole"


@pytest.mark.skipif(sys.platform == "win32", reason="permission bits are POSIX")
def test_what_a_killed_run_left_goes_and_what_another_writes_stays(tmp_path: Path) -> None:
    dead, alive, other = (tmp_path / name for name in (".a.csv.x.part", ".a.csv.y.part", ".b.csv.z.part"))
    for path in (dead, alive, other):
        path.write_bytes(b"x")
        os.utime(path, (1, 1))
    with alive.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with open_output(str(tmp_path / "a.csv")) as sink:
            sink.write(b"n")
    assert sorted(path.name for path in tmp_path.iterdir()) == [alive.name, other.name, "a.csv"]


def test_a_new_file_has_the_usual_rights_and_a_replaced_one_keeps_its_own(tmp_path: Path) -> None:
    usual, target = tmp_path / "usual", tmp_path / "out.csv"
    usual.touch()
    with open_output(str(target)):
        pass
    assert target.stat().st_mode == usual.stat().st_mode
    target.chmod(0o640)
    with open_output(str(target)):
        pass
    assert target.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("name", ["", "missing/out.csv"])
def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="Cannot write to"), open_output(str(tmp_path / name)):
        pass


def test_a_device_is_written_and_not_replaced() -> None:
    before = os.stat(os.devnull).st_mode
    with open_output(os.devnull) as sink:
        sink.write(b"gone")
    assert os.stat(os.devnull).st_mode == before
