"""Which bytes of its files a query is going to ask for, as far as the plan tells."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from lakeq.engines.groups import FileGroup, TableRead
from lakeq.formats.base import TEXT_FORMATS
from lakeq.storage.ranges import Span, is_fetched_whole, total_bytes, unite_spans

FOOTER_BYTES = 16384
"""What DuckDB reads of each Parquet file for its footer: so much from its end, or a smaller file whole."""
ARROW_FOOTER_BYTES = 65536
"""The same, of Arrow."""
ORC_FOOTER_BYTES = 16384
"""The same of an ORC file: see `orc_scan`."""

_LARGEST_WHOLE_BYTES = 64 << 20
_EXTRA_SHARE = 0.1

Needs = Mapping[int, tuple[Span, ...]]
"""The ranges that are needed of each file, by its file_id; a file whose ranges are not known is left out."""


def find_needs(read: TableRead, by_arrow: bool) -> Needs:
    """The ranges of the files of a table, in the order in which an engine asks for them."""
    sizes = dict(zip(read.files["file_id"].to_pylist(), read.files["size"].to_pylist(), strict=True))
    if read.table.format in TEXT_FORMATS:
        return {file_id: ((0, size),) for file_id, size in sizes.items()}
    if read.chunks is None:
        return {}
    footer = ARROW_FOOTER_BYTES if by_arrow else FOOTER_BYTES
    if read.table.format == "orc":
        footer = ORC_FOOTER_BYTES
    needs: dict[int, list[Span]] = {i: [(max(0, size - footer), size)] for i, size in sizes.items()}
    unknown = set()
    wanted = [read.chunks] if read.group_footers is None else [read.group_footers, read.chunks]
    chunks = pa.concat_tables(wanted)
    columns = (chunks[name].to_pylist() for name in ("file_id", "start", "length"))
    for file_id, start, length in zip(*columns, strict=True):
        if start is None and length:
            unknown.add(file_id)
        elif length and file_id in needs:
            needs[file_id].append((start, min(start + length, sizes[file_id])))
    return {i: (spans[0], *unite_spans(spans[1:])) for i, spans in needs.items() if i not in unknown}


def is_read_whole(group: FileGroup, needs: Needs) -> bool:
    """Whether the files of `group` are small, or read nearly whole, so that whole copies cost little more."""
    stored = fetched = 0
    files = zip(group.files["file_id"].to_pylist(), group.files["size"].to_pylist(), strict=True)
    for file_id, size in files:
        needed = needs.get(file_id, ())
        whole = is_fetched_whole(size, needed)
        if size > _LARGEST_WHOLE_BYTES:
            return False
        stored += size
        fetched += size if whole else total_bytes(unite_spans(needed))
    return stored <= fetched * (1 + _EXTRA_SHARE)


def count_needed(read: TableRead, needs: Needs) -> int:
    """Bytes that are going to be fetched of a table, footers and gaps included roughly."""
    files = zip(read.files["file_id"].to_pylist(), read.files["size"].to_pylist(), strict=True)
    total = 0
    for file_id, size in files:
        needed = needs.get(file_id)
        whole = needed is None or is_fetched_whole(size, needed)
        total += size if whole or needed is None else total_bytes(unite_spans(needed))
    return total
