"""Write the rows of a query: CSV, JSON, NDJSON, Parquet and Arrow, streamed batch by batch."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakeq.errors import ConfigError
from lakeq.texts import spell_json, spell_values

Writer = Callable[[pa.Schema, Iterable[pa.RecordBatch], BinaryIO], None]

BINARY_FORMATS = ("parquet", "arrow")
SUFFIXES = {
    ".csv": "csv",
    ".json": "json",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".parquet": "parquet",
    ".arrow": "arrow",
}
"""The format that the name of an output file stands for."""


def write_csv(schema: pa.Schema, batches: Iterable[pa.RecordBatch], sink: BinaryIO) -> None:
    """RFC 4180 in UTF-8 with a header. NULL is an empty field, an empty text is `""`."""
    header = io.StringIO()
    csv.writer(header, lineterminator="\n").writerow(schema.names)
    sink.write(header.getvalue().encode())
    for batch in batches:
        sink.write(_join_lines([_quote_csv(spell_values(column)) for column in batch.columns], ","))


def write_ndjson(schema: pa.Schema, batches: Iterable[pa.RecordBatch], sink: BinaryIO) -> None:
    """One JSON object a line, in UTF-8."""
    for batch in batches:
        sink.write(_join_lines(_members(schema, batch), ", ", "{", "}"))


def write_json(schema: pa.Schema, batches: Iterable[pa.RecordBatch], sink: BinaryIO) -> None:
    """One JSON array of objects, in UTF-8."""
    before = b"[\n"
    for batch in batches:
        rows = _join_lines(_members(schema, batch), ", ", "  {", "},").removesuffix(b",\n")
        if rows:
            sink.write(before + rows)
            before = b",\n"
    sink.write(b"[]\n" if before == b"[\n" else b"\n]\n")


def write_parquet(schema: pa.Schema, batches: Iterable[pa.RecordBatch], sink: BinaryIO) -> None:
    """One Parquet file, a row group a batch at least."""
    with _refuse_types("Parquet"), pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)


def write_arrow(schema: pa.Schema, batches: Iterable[pa.RecordBatch], sink: BinaryIO) -> None:
    """An Arrow IPC stream into a pipe, an Arrow IPC file into a file."""
    start = pa.ipc.new_file if sink.seekable() else pa.ipc.new_stream
    with start(sink, schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


WRITERS: dict[str, Writer] = {
    "csv": write_csv,
    "json": write_json,
    "ndjson": write_ndjson,
    "parquet": write_parquet,
    "arrow": write_arrow,
}


@contextlib.contextmanager
def open_output(path: str | None) -> Iterator[BinaryIO]:
    """The file to write, or standard output for None. A file appears whole at the end, or not at all."""
    if path is None:
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = Path(path)
    try:
        if target.exists() and not target.is_file():
            if stat.S_ISDIR(target.stat().st_mode):
                raise ConfigError(f"Cannot write to {path}: it is a folder. Name a file in it.")
            with target.open("wb") as sink:  # a device or a named pipe: nothing to rename
                yield sink
            return
        with _replace_file(target.resolve()) as sink:
            yield sink
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise ConfigError(f"Cannot write to {path}: {error.strerror or error}.") from error


@contextlib.contextmanager
def _replace_file(target: Path) -> Iterator[BinaryIO]:
    handle, part = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as sink:
            yield sink
        os.chmod(part, target.stat().st_mode if target.exists() else 0o666 & ~_umask())
        os.replace(part, target)
    except BaseException:
        os.unlink(part)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def _refuse_types(name: str) -> Iterator[None]:
    try:
        yield
    except pa.ArrowNotImplementedError as error:
        raise ConfigError(f"The result does not fit {name}: {error}. Cast that column to text.") from error


def _members(schema: pa.Schema, batch: pa.RecordBatch) -> list[pa.Array]:
    names = (json.dumps(name, ensure_ascii=False) for name in schema.names)
    return [
        pc.binary_join_element_wise(f"{name}: ", spell_json(column), "")
        for name, column in zip(names, batch.columns, strict=True)
    ]


def _quote_csv(texts: pa.Array) -> pa.Array:
    """Each text as a CSV field: quoted where it must be, `""` for an empty text, nothing for NULL."""
    special = pc.match_substring_regex(texts, '[",\r\n]|^$|^\\s|\\s$')
    doubled = pc.replace_substring(texts, '"', '""')
    quoted = pc.binary_join_element_wise('"', doubled, '"', "")
    return pc.fill_null(pc.if_else(special, quoted, texts), "")


def _join_lines(fields: list[pa.Array], separator: str, start: str = "", end: str = "") -> bytes:
    """A line a row, with the row's fields between `start` and `end`."""
    rows = pc.binary_join_element_wise(*fields, separator).to_pylist()
    return "".join([f"{start}{row}{end}\n" for row in rows]).encode()
