"""Write the rows of a query: CSV, JSON, NDJSON, Parquet and Arrow, streamed batch by batch."""

from __future__ import annotations

import contextlib
import csv
import glob
import io
import json
import os
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakeq.cli.writing import choose_dictionaries, gather_groups, work_ahead
from lakeq.errors import ConfigError
from lakeq.storage.locks import hold, is_held
from lakeq.texts import is_plain, spell_json, spell_values

_YOUNG_SECONDS = 60.0
"""A file so young may not be locked yet by who makes it."""

Buffer = Any
"""What a file takes: bytes, or a buffer of Arrow's."""
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
_IS_BLANK = np.isin(np.arange(256), list(b"\t\n\f\r "))
"""Whether a byte is a blank, by its code."""


def write_csv(schema: pa.Schema, batches: Iterable[pa.RecordBatch], sink: BinaryIO) -> None:
    """RFC 4180 in UTF-8 with a header. NULL is an empty field, an empty text is `""`."""
    header = io.StringIO()
    csv.writer(header, lineterminator="\n").writerow(schema.names)
    sink.write(header.getvalue().encode())
    for lines in work_ahead(_spell_csv, batches, os.cpu_count() or 1):
        sink.write(lines)


def write_ndjson(schema: pa.Schema, batches: Iterable[pa.RecordBatch], sink: BinaryIO) -> None:
    """One JSON object a line, in UTF-8."""
    for batch in batches:
        sink.write(_join_lines(_members(schema, batch), ", ", "{", "}\n"))


def write_json(schema: pa.Schema, batches: Iterable[pa.RecordBatch], sink: BinaryIO) -> None:
    """One JSON array of objects, in UTF-8."""
    before = b"[\n"
    for batch in batches:
        rows = bytes(_join_lines(_members(schema, batch), ", ", "  {", "},\n")).removesuffix(b",\n")
        if rows:
            sink.write(before + rows)
            before = b",\n"
    sink.write(b"[]\n" if before == b"[\n" else b"\n]\n")


def write_parquet(schema: pa.Schema, batches: Iterable[pa.RecordBatch], sink: BinaryIO) -> None:
    """One Parquet file in row groups of about 250,000 rows, compressed with Snappy as DuckDB's."""
    groups = gather_groups(batches)
    first = next(groups, None)
    encoded = [] if first is None else choose_dictionaries(first)
    with (
        _refuse_types("Parquet"),
        pq.ParquetWriter(sink, schema, compression="snappy", use_dictionary=encoded) as writer,
    ):
        for _ in work_ahead(writer.write_table, chain([] if first is None else [first], groups), 1):
            pass


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
    for left in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _YOUNG_SECONDS and not is_held(left):
                left.unlink()  # of a run that was killed
    handle, part = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as sink:
            hold(sink)
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


def _spell_csv(batch: pa.RecordBatch) -> Buffer:
    fields = []
    for column in batch.columns:
        texts = spell_values(column)
        fields.append(texts if is_plain(column.type) else quote_csv(texts))
    return _join_lines(fields, ",", "", "\n")


def quote_csv(texts: pa.Array) -> pa.Array:
    """Each text as a CSV field, quoted where it must be: where it is empty, begins or ends with a blank, or
    holds a comma, a quote or an end of line. NULL stays null."""
    special = _find_special(texts)
    if not special.any():
        return texts
    mask = pa.array(special)
    doubled = pc.replace_substring(texts.filter(mask), '"', '""')
    return pc.replace_with_mask(texts, mask, pc.binary_join_element_wise('"', doubled, '"', ""))


def _find_special(texts: pa.Array) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which texts are to be quoted. The bytes of all texts lie in one row: a sign that is not among those is
    in no text, and what a text begins and ends with stands at its bounds."""
    _, offsets, values = texts.buffers()
    if not len(texts) or values is None or not values.size:
        return np.ones(len(texts), bool)
    bounds = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    starts, ends = bounds[:-1], bounds[1:]
    codes = np.frombuffer(values, np.uint8)
    is_empty = starts == ends
    is_blank = _IS_BLANK[codes[np.minimum(starts, len(codes) - 1)]] | _IS_BLANK[codes[ends - 1]]
    special: np.ndarray[Any, np.dtype[np.bool_]] = is_empty | is_blank
    raw = values.slice(int(bounds[0]), int(bounds[-1] - bounds[0])).to_pybytes()
    for sign in ',"\r\n':
        if sign.encode() in raw:
            found = pc.fill_null(pc.match_substring(texts, sign), False)
            special |= found.to_numpy(zero_copy_only=False)
    return special


def _join_lines(fields: list[pa.Array], separator: str, start: str, end: str) -> Buffer:
    """A line a row, with the row's fields between `start` and `end`; a NULL is no text."""
    join = partial(pc.binary_join_element_wise, null_handling="replace", null_replacement="")
    fields = [join(start, fields[0], "") if start else fields[0], *fields[1:]]
    fields[-1] = join(fields[-1], end, "")
    rows = join(*fields, separator)
    _, offsets, values = rows.buffers()
    if values is None:
        return b""
    lines: Buffer = values.slice(0, int(np.frombuffer(offsets, np.int32)[len(rows)]))
    return lines
