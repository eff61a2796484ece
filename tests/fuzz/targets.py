"""What is fuzzed: one function a target, which takes bytes and fails on anything but an error of lakeq."""

from __future__ import annotations

import contextlib
import functools
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pyarrow as pa
import pyarrow.parquet as pq

import lakeq
from lakeq.catalog.definitions import load_definition
from lakeq.catalog.hive_names import escape_hive, hive_folder, unescape_hive
from lakeq.catalog.layout import parse_layout
from lakeq.catalog.partition_texts import parse_hive_name, split_partitions
from lakeq.catalog.partition_values import type_partitions
from lakeq.errors import LakeqError
from lakeq.formats.base import FileFacts, Format, ReadOptions
from lakeq.formats.csv import CsvFormat
from lakeq.formats.json import JsonFormat
from lakeq.formats.orc import OrcFormat
from lakeq.formats.orc_tail import keep_stripes, read_stripes, read_tail
from lakeq.formats.parquet import ParquetFormat
from lakeq.formats.parquet_facts import read_common_facts, read_facts_by_arrow
from tests.fuzz.words import join_words


@dataclass(frozen=True, slots=True)
class StoredBytes:
    """A Source of bytes in memory; asked for more than there are, it fails, as a store would."""

    data: bytes
    path: str = "fuzzed"

    @property
    def size(self) -> int:
        return len(self.data)

    def read(self, start: int, length: int) -> bytes:
        if start < 0 or length < 0 or start + length > len(self.data):
            raise AssertionError(f"a read outside the file: {start}+{length} of {len(self.data)}")
        return self.data[start : start + length]


def read_layout(data: bytes) -> None:
    """The first line is a layout, the others are paths: each has a text for each key, and is spelled back."""
    lines = data.decode("utf-8", "replace").split("\n")
    layout_text, paths = lines[0], pa.array(lines[1:] or ["a"], pa.string())
    for line in lines:
        if "\0" not in line:
            assert unescape_hive(escape_hive(line)) == line
            assert parse_hive_name(hive_folder("k", line)) == ("k", line)
    with contextlib.suppress(LakeqError):
        layout = parse_layout(layout_text)
        split = split_partitions(paths, layout, "s3://bucket/table/")
        assert len(split.texts) == len(split.layout.keys)
        columns, values = type_partitions(split, {}, paths, "s3://bucket/table/")
        assert len(columns) == len(values)
        if layout.kind != "flat":
            assert all(len(column) == len(paths) for column in values)


def read_parquet(data: bytes) -> None:
    """The metadata of a footer: read here, it is what Arrow reads, if Arrow may see it."""
    footer = b"PAR1" + data + len(data).to_bytes(4, "little") + b"PAR1"
    facts = _inspect(ParquetFormat(), footer)
    # What is made of the bytes here must be what Arrow makes of them.
    known = read_common_facts(footer)
    if known is not None and facts is not None:
        assert repr(known) == repr(read_facts_by_arrow(footer))


def read_orc(data: bytes) -> None:
    """A whole file: its facts, and its tail made anew for one stripe."""
    facts = _inspect(_orc_format(), data)
    if facts is not None:
        tail = read_tail(StoredBytes(data).read, len(data))
        if tail.is_readable:
            stripes = read_stripes(tail.read_footer(), tail.start)
            assert len(stripes) == len(facts.row_groups or ())
            keep_stripes(tail, [stripe.footer_start for stripe in stripes[:1]])


def read_csv(data: bytes) -> None:
    """The head of a CSV file, whole and as a sample."""
    _inspect(CsvFormat(), data)
    _inspect(CsvFormat(), data, len(data) // 2)


def read_json(data: bytes) -> None:
    """The head of a JSON file, whole and as a sample."""
    _inspect(JsonFormat(), data)
    _inspect(JsonFormat(), data, len(data) // 2)


def plan_sql(data: bytes) -> None:
    """A query is planned or refused. Where the first byte is odd, each other byte is a word of SQL."""
    sql = join_words(data[1:]) if data[:1] and data[0] & 1 else data[1:].decode("utf-8", "replace")
    with contextlib.suppress(LakeqError):
        plan = _open_lake().plan(sql)
        assert plan.sql


def read_config(data: bytes) -> None:
    """A lakeq.toml; refused with a ConfigError or read."""
    with contextlib.suppress(LakeqError):
        load_definition("\n" + data.decode("utf-8", "replace") + "\n", "s3://bucket")


def _inspect(format: Format, data: bytes, sample: int | None = None) -> FileFacts | None:
    extra = {} if sample is None else {"sample": sample}
    try:
        facts = format.inspect(StoredBytes(data), ReadOptions(extra=extra))
    except LakeqError as error:
        assert "fuzzed" in str(error), f"which file it is, is not told: {error}"
        return None
    stored = sum(c.bytes for group in facts.row_groups or () for c in group.chunks.values())
    assert stored >= 0, "bytes below zero"
    "".join(column.name for column in facts.schema.columns).encode()  # else no engine can be asked for it
    assert facts.row_count is None or facts.row_count >= 0
    return facts


@functools.cache
def _orc_format() -> OrcFormat:
    return OrcFormat()  # has a pool of threads of its own


@functools.cache
def _open_lake() -> lakeq.Lake:
    """A lake of three tables, kept for as long as the process runs."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-lake-"))
    _write_tables(folder)
    return lakeq.connect(str(folder), cache=False, history=False)


def _write_tables(folder: Path) -> None:
    rows = pa.table(
        {
            "id": pa.array([1, 2, None], pa.int64()),
            "kind": ["a", None, "c"],
            "price": [1.5, float("nan"), None],
            "at": pa.array([0, 1, None], pa.timestamp("us")),
            "tags": [["x"], [], None],
            "place": [{"city": "Bern", "zip": 3000}, None, {"city": None, "zip": None}],
        }
    )
    for year in (2025, 2026):
        for day in ("01", "02"):
            path = folder / "events" / f"year={year}" / f"day={day}" / "a.parquet"
            path.parent.mkdir(parents=True)
            pq.write_table(rows, path)
    (folder / "users").mkdir()
    (folder / "users" / "a.csv").write_text("id,name\n1,Ann\n2,Bob\n")
    (folder / "logs").mkdir()
    (folder / "logs" / "a.json").write_text('{"id": 1, "level": "warn", "tags": ["x"]}\n')


TARGETS: Mapping[str, Callable[[bytes], None]] = MappingProxyType(
    {
        "layout": read_layout,
        "parquet": read_parquet,
        "orc": read_orc,
        "csv": read_csv,
        "json": read_json,
        "sql": plan_sql,
        "config": read_config,
    }
)
"""Every target by its name, which is also that of its folder in the corpus."""
