"""One file as a table of a lake, read by lakeq in every way; and read by a decoder of its own."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq

import lakeq
from lakeq.errors import LakeqError
from lakeq.formats.types import quote_name
from tests.badfiles.values import digest_rows

MOST_ROWS = 100_000
"""Rows whose values are compared; of more only the number is."""

Outcome = dict[str, Any]
"""What one way of reading came to: `rows`, and for values their `digest`; or `error` and `message`, where
`error` is the name of a LakeqError; or `fault`, the name of another exception."""


def read_by_lakeq(
    files: Sequence[Path], kind: str, scanner: str, sibling: Path, thorough: bool
) -> list[dict[str, Outcome]]:
    """The outcomes of `count` and `select` over each file, as a table of one lake. Where it is to be `thorough`
    also of `filter`, of `estimate`, of `both` (the file and its good `sibling` are one table), and of `others`:
    whether another table of the lake, a good one, can still be read."""
    with tempfile.TemporaryDirectory(prefix="badfile-") as folder:
        for number, file in enumerate(files):
            _place(file, f"{folder}/t{number}/bad{find_suffix(file, kind)}")
            if thorough:
                _place(file, f"{folder}/both{number}/bad{find_suffix(file, kind)}")
                _place(sibling, f"{folder}/both{number}/good{find_suffix(sibling, kind)}")
        _place(sibling, f"{folder}/good/good{find_suffix(sibling, kind)}")
        # Declared, for folders that look alike would be one table.
        tables = sorted(path.name for path in Path(folder).iterdir())
        (Path(folder) / "lakeq.toml").write_text("".join(f"[tables.{name}]\n" for name in tables))
        with lakeq.connect(
            f"{folder}/lakeq.toml",
            cache=False,
            history=False,
            scanner=scanner,
            memory_limit="500MB",
            threads=1,
        ) as lake:
            return [_read_file(lake, number, thorough) for number in range(len(files))]


def _read_file(lake: lakeq.Lake, number: int, thorough: bool) -> dict[str, Outcome]:
    table = f"t{number}"
    outcomes = read_table(lake, table)
    first = outcomes["select"].pop("first", None)
    if not thorough:
        return outcomes
    return {
        **outcomes,
        "filter": {} if first is None else _try(lambda: _filter(lake, table, first)),
        "estimate": _try(lambda: _estimate(lake, table)),
        "both": _try(lambda: _count(lake, f"both{number}")),
        "others": _try(lambda: _count(lake, "good")),
    }


def read_table(lake: lakeq.Lake, table: str) -> dict[str, Outcome]:
    """The outcomes of `count` and `select` over a table; the latter tells of its `first` column, too."""
    return {"count": _try(lambda: _count(lake, table)), "select": _try(lambda: _select(lake, table))}


def _place(file: Path, name: str) -> None:
    Path(name).parent.mkdir(exist_ok=True)
    shutil.copyfile(file, name)


def read_by_decoder(file: Path, kind: str) -> Outcome:
    """The outcome of a reader that shares nothing with lakeq but Arrow: of Parquet and ORC pyarrow's own, of
    text Python's."""
    return _try(lambda: _tell_rows(*_DECODERS[kind](file)), foreign=True)


def find_suffix(file: Path, kind: str) -> str:
    """The ending that says what the file is to be taken for."""
    return f".{kind}{file.suffix if file.suffix in ('.gz', '.zst') else ''}"


def _try(read: Callable[[], Outcome], foreign: bool = False) -> Outcome:
    try:
        return read()
    except LakeqError as error:
        return {"error": type(error).__name__, "message": str(error)[:300]}
    except Exception as error:  # noqa: BLE001  # whatever it is, is a finding
        kind = "error" if foreign else "fault"
        return {kind: type(error).__name__, "message": str(error)[:300]}


def _estimate(lake: lakeq.Lake, table: str) -> Outcome:
    return {"bytes": lake.estimate(f"SELECT * FROM {table}").bytes_scanned}


def _count(lake: lakeq.Lake, table: str, condition: str = "true") -> Outcome:
    return {"rows": lake.sql(f"SELECT count(*) FROM {table} WHERE {condition}").fetchall()[0][0]}


def _select(lake: lakeq.Lake, name: str) -> Outcome:
    table = lake.sql(f"SELECT * FROM {name}").arrow()
    outcome = _tell_rows(table.column_names, table.num_rows, lambda: _arrow_rows(table))
    if table.num_columns and table.num_rows:
        values = table.column(0)
        outcome["first"] = {"name": table.column_names[0], "nulls": values.null_count}
    return outcome


def _filter(lake: lakeq.Lake, table: str, first: dict[str, Any]) -> Outcome:
    """Rows where the first column is NULL, and is not: both are pruned by what footers tell."""
    name = quote_name(first["name"])
    null, other = (
        _count(lake, f"SELECT count(*) FROM t WHERE {name} IS {test}")["rows"]
        for test in ("NULL", "NOT NULL")
    )
    if null != first["nulls"]:
        raise AssertionError(f"{null} rows where {name} is NULL, {first['nulls']} among all rows")
    return {"rows": null + other}


def _tell_rows(names: list[str], rows: int, values: Callable[[], Any]) -> Outcome:
    outcome: Outcome = {"rows": rows, "columns": len(names)}
    if rows <= MOST_ROWS:
        with suppress(OverflowError):  # a time that Python's own cannot tell: only rows are compared
            outcome["digest"] = digest_rows(values())
    return outcome


def _arrow_rows(table: pa.Table) -> list[tuple[Any, ...]]:
    columns = [column.to_pylist() for column in table.columns]
    return list(zip(*columns, strict=True)) if columns else [()] * table.num_rows


# --- other decoders ---------------------------------------------------------------------------------

Decoded = tuple[list[str], int, Callable[[], Any]]


def _decode_parquet(file: Path) -> Decoded:
    opened = pq.ParquetFile(file, coerce_int96_timestamp_unit="us", page_checksum_verification=True)
    table = opened.read(use_threads=False)
    return table.column_names, table.num_rows, lambda: _arrow_rows(table)


def _decode_orc(file: Path) -> Decoded:
    table = orc.ORCFile(file).read()
    return table.column_names, table.num_rows, lambda: _arrow_rows(table)


def _decode_csv(file: Path) -> Decoded:
    """Rows by Python's own reader, all of one width; a value is not compared, for types are lakeq's to find."""
    rows = [row for row in csv.reader(io.StringIO(_read_text(file), newline=""), strict=True) if row]
    width = len(rows[0]) if rows else 0
    if any(len(row) != width for row in rows):
        raise ValueError("rows of several widths")
    return [""] * width, len(rows), list


def _decode_json(file: Path) -> Decoded:
    """Objects in an array, one alone, or one a line."""
    text = _read_text(file)
    try:
        found = json.loads(text, parse_constant=_refuse)
    except ValueError:
        found = [json.loads(line, parse_constant=_refuse) for line in text.split("\n") if line.strip()]
    records = found if isinstance(found, list) else [found]
    if not all(isinstance(record, dict) for record in records):
        raise ValueError("not objects")
    names = list(dict.fromkeys(name for record in records for name in record))
    return names, len(records), lambda: [[record.get(name) for name in names] for record in records]


def _read_text(file: Path) -> str:
    data = file.read_bytes()
    if data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    elif data.startswith(b"\x28\xb5\x2f\xfd"):
        with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
            data = stream.read()
    return data.removeprefix(codecs.BOM_UTF8).decode()


def _refuse(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


_DECODERS: dict[str, Callable[[Path], Decoded]] = {
    "parquet": _decode_parquet,
    "orc": _decode_orc,
    "csv": _decode_csv,
    "json": _decode_json,
}
