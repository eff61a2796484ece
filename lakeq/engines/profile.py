"""What DuckDB's profile of a finished query says it read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from duckdb import DuckDBPyConnection

from lakeq.engines.groups import FileGroup
from lakeq.engines.needs import FOOTER_BYTES
from lakeq.engines.tables import OpenedTable

_READERS = {"READ_PARQUET": "parquet", "PARQUET_SCAN": "parquet", "READ_CSV": "csv", "READ_JSON": "json"}


@dataclass(frozen=True, slots=True)
class BytesRead:
    """`scanned`: bytes of data, footers left out; `transferred`: all that came from the stores."""

    scanned: int
    transferred: int


Profile = Mapping[str, Any]
"""What DuckDB tells of a statement that ended."""


def read_profile(connection: DuckDBPyConnection) -> Profile:
    """The profile of the last statement that ended on `connection`."""
    profile: Profile = json.loads(connection.get_profiling_information(format="json"))
    return profile


def count_bytes(profile: Profile | None, tables: Sequence[OpenedTable], planned: int) -> BytesRead:
    """The bytes that a query read of `tables`; `planned` of them through the planned filesystem.

    Of Parquet, what DuckDB asked for less the footers counts as scanned; of ORC, the streams that Arrow
    asked for. Text counts whole files, once for each scan that opened them, and so does all else that Arrow
    decodes. Where a scan opened only some files of a group, the profile says how many and not which: they
    count with the group's mean. Files that the engine opens by itself are transferred as far as it asked for
    them; whole, if Arrow did and nobody counts. A PIVOT without IN reads its tables twice, and its second
    footers count as data. While there is no profile yet, only what came through the planned filesystem is
    known.
    """
    if profile is None:
        return BytesRead(0, planned)
    asked = int(profile.get("io", {}).get("total_bytes_read", 0))
    decoded = [group for table in tables if not table.by_arrow for group in table.groups]
    footers = whole = text_asked = 0
    for kind, count, first in _scans(profile.get("operator", [])):
        group = next((group for group in decoded if first in group.paths), None)
        if group is not None and kind == "parquet":
            footers += _sum_sizes(group, count, FOOTER_BYTES)
            if first != group.paths[0]:  # read for the schema, though DuckDB then left the file out
                footers += min(FOOTER_BYTES, group.files["size"][0].as_py())
        elif group is not None:
            size = _sum_sizes(group, count)
            whole += size
            text_asked += size
    by_arrow = [table for table in tables if table.by_arrow]
    scanned = whole + max(0, asked - footers - text_asked) + sum(map(_count_decoded, by_arrow))
    native = _count_native(decoded, asked, planned) + sum(map(_count_native_decoded, by_arrow))
    return BytesRead(scanned, planned + native)


def _count_decoded(table: OpenedTable) -> int:
    """Bytes of data that Arrow has decoded."""
    counted = table.decoded.data
    return sum(map(_sum_sizes, table.groups)) if counted is None else counted


def _count_native_decoded(table: OpenedTable) -> int:
    """Bytes that Arrow has read past the planned filesystem."""
    native = [group for group in table.groups if group.native]
    counted = table.decoded.total if native else 0
    return sum(map(_sum_sizes, native)) if counted is None else counted


def _count_native(decoded: Sequence[FileGroup], asked: int, planned: int) -> int:
    """What DuckDB has read past the planned filesystem; what it asked for is one figure for both ways."""
    if not any(group.native for group in decoded):
        return 0
    return asked if all(group.native for group in decoded) else max(0, asked - planned)


def _scans(operators: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, int, str]]:
    """Format, number of files opened and the first of them, for each scan of files."""
    for operator in operators:
        info = operator.get("extra_info", {})
        kind = _READERS.get(str(info.get("Function", "")).upper())
        if kind is not None and "Total Files Read" in info:
            first = str(info.get("Filename(s)", "")).split(", ")[0]
            yield kind, int(info["Total Files Read"]), first
        yield from _scans(operator.get("children", []))


def _sum_sizes(group: FileGroup, opened: int | None = None, most: int | None = None) -> int:
    """The sizes of the files together, of each at most `most`; in proportion, if only some were opened."""
    sizes = group.files["size"]
    if most is not None:
        sizes = pc.min_element_wise(sizes, pa.scalar(most, pa.int64()))
    total = int(pc.sum(sizes).as_py() or 0)
    return total if opened is None else round(total * opened / len(group.paths))
