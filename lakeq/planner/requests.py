"""How many requests a plan makes and how many bytes they bring, by storage class, when nothing is cached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lakeq.catalog.selection import unite_files
from lakeq.formats.base import TEXT_FORMATS
from lakeq.formats.detect import FORMATS
from lakeq.formats.head import HEAD_BYTES
from lakeq.planner.plan import ScanPlan
from lakeq.planner.scan import TableScan
from lakeq.storage.caching import WHOLE_OBJECT_BYTES
from lakeq.storage.ranges import PIECE_BYTES, count_requests

_FOOTER_BYTES = 16 * 1024
"""What an engine reads of a Parquet file's end; planning has read at least as much."""

Numbers = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class ClassReads:
    """Reads of the files of one storage class (None: unknown): GET requests and the bytes that they bring.

    `is_exact`: a query that reads its tables whole, with nothing cached, makes just these.
    """

    storage_class: str | None
    gets: int
    size: int
    is_exact: bool


def count_reads(plan: ScanPlan, prefix: str) -> tuple[ClassReads, ...]:
    """The reads of the files that a plan reads in stores whose root starts with `prefix`, a class each."""
    tables: dict[str, list[TableScan]] = {}
    for scan in plan.scans:
        if scan.table.store_root.startswith(prefix):
            tables.setdefault(scan.table.name, []).append(scan)
    found: dict[str | None, ClassReads] = {}
    for scans in tables.values():
        if not all(scan.from_index for scan in scans):
            for reads in _count_table(scans, plan.stops_early):
                known = found.get(reads.storage_class)
                found[reads.storage_class] = reads if known is None else _add(known, reads)
    return tuple(found[name] for name in sorted(found, key=lambda name: (name is None, name or "")))


def _add(a: ClassReads, b: ClassReads) -> ClassReads:
    return ClassReads(a.storage_class, a.gets + b.gets, a.size + b.size, a.is_exact and b.is_exact)


def _count_table(scans: Sequence[TableScan], stops_early: bool) -> list[ClassReads]:
    """The reads of one table, of which several scans may want the same file."""
    ids, sizes, classes = unite_files([scan.files for scan in scans])
    gets, asked = _count_files(scans, ids, sizes)
    # Of a larger text file a copy may come in one request; of other files an engine may skip parts.
    is_guess = sizes > (PIECE_BYTES if scans[0].table.format in TEXT_FORMATS else WHOLE_OBJECT_BYTES)
    encoded = classes.dictionary_encode(null_encoding="encode")
    codes = encoded.indices.to_numpy()
    found = []
    for code, name in enumerate(encoded.dictionary.to_pylist()):
        mine = codes == code
        is_sure = not stops_early and all(scan.sampled is None for scan in scans)
        is_exact = is_sure and not is_guess[mine].any()
        found.append(ClassReads(name, int(gets[mine].sum()), int(asked[mine].sum()), bool(is_exact)))
    return found


def _count_files(scans: Sequence[TableScan], ids: Numbers, sizes: Numbers) -> tuple[Numbers, Numbers]:
    """GET requests and bytes of each file: small ones in one, of larger ones first the head or the footer."""
    gets, asked = (sizes > 0).astype(np.int64), sizes.copy()
    large = np.flatnonzero(sizes > WHOLE_OBJECT_BYTES)
    if not len(large):
        return gets, asked
    left = sizes[large]
    if not FORMATS[scans[0].table.format].has_footers:
        gets[large] += -(-left // PIECE_BYTES)
        asked[large] += HEAD_BYTES
        return gets, asked
    tail = min(max(scan.footer_read for scan in scans), int(left.min()))
    spans = [_find_spans(scan.chunks, ids[large], left) for scan in scans if scan.chunks is not None]
    if not spans:  # a sample told how much is read, and not where
        share = sum(map(_scanned, scans)) / max(sum(scan.files.size for scan in scans), 1)
        wanted = np.ceil(left * share).astype(np.int64)
        gets[large] += -(-wanted // PIECE_BYTES)
        asked[large] = wanted + tail
        return gets, asked
    file, starts, stops = (np.concatenate(part) for part in zip(*spans, strict=True))
    more, size = count_requests(left, (file, starts, stops), left - tail)
    gets[large] += more
    asked[large] = size + tail
    return gets, asked


def _scanned(scan: TableScan) -> int:
    return scan.files.size if scan.column_bytes is None else scan.column_bytes


def _find_spans(chunks: pa.Table, ids: Numbers, sizes: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """The column chunks of the files `ids`, and their footers. A file of which one is not known where it lies
    is taken to be read whole."""
    owner, length = (chunks[name].to_numpy() for name in ("file_id", "length"))
    place = np.minimum(np.searchsorted(ids, owner), len(ids) - 1)
    start = pc.fill_null(chunks["start"], 0).to_numpy().astype(np.int64)
    unknown = pc.is_null(chunks["start"]).to_numpy()
    stop = np.where(unknown, sizes[place], np.minimum(start + length, sizes[place]))
    kept = (ids[place] == owner) & (start < stop)
    footers = np.arange(len(ids))
    return (
        np.concatenate([footers, place[kept]]),
        np.concatenate([np.maximum(sizes - _FOOTER_BYTES, 0), start[kept]]),
        np.concatenate([sizes, stop[kept].astype(np.int64)]),
    )
