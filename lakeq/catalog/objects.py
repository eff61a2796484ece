"""Which objects of a listing are data, in which format, and why the others are ignored.

Names are judged as Athena judges them (`.` and `_` hide), except that `_key=value` is data as in Spark.
"""

from __future__ import annotations

import mimetypes
import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakeq.catalog.table import IgnoredObjects, Totals
from lakeq.errors import FormatError, StorageError
from lakeq.formats.base import TEXT_FORMATS
from lakeq.formats.detect import detect_format, guess_format
from lakeq.storage.base import Store, StoredFile
from lakeq.storage.classes import is_archived

T = TypeVar("T")

EXAMPLES = 5
DELTA_LOG = "Delta log (below _delta_log)"
UNKNOWN_FORMAT = "not a known format"

_REASONS = (
    ("folder marker", r"(/|_\$folder\$)$"),
    ("temporary (below _temporary)", r"(?i)(^|/)_temporary(/|$)"),
    (DELTA_LOG, r"(^|/)_delta_log(/|$)"),
    ("hidden name (starts with . or _)", r"(^|/)(\.[^/]*|_[^/=]*)(/|$)"),
    ("copy in progress (._COPYING_)", r"\._COPYING_$"),
    ("lake definition (lakeq.toml)", r"^lakeq\.toml$"),
)
_CLOSED = "could not be opened to tell its format"
_EMPTY = "empty object (0 bytes)"
_SUFFIX = r"(?P<suffix>(?:\.[A-Za-z0-9_]{1,10}){0,2})$"
_SUFFIX_LENGTH = 22
_PROSE = (".md", ".rst", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".sql", ".lock")
"""Text that may look like rows, and that Python's table of types does not know in every version."""

_PART_ROWS = 128 * 1024
_SAMPLES = 3


def sort_listing(listing: pa.Table) -> pa.Table:
    """The listing sorted by path."""
    paths = listing.column("path")
    ordered = pc.all(pc.less_equal(paths.slice(0, max(len(paths) - 1, 0)), paths.slice(1))).as_py()
    return listing if ordered else listing.sort_by("path")


def unite_listings(objects: pa.Table, loose: pa.Table) -> pa.Table:
    """Both listings as one, sorted, each path once."""
    if not loose.num_rows:
        return objects
    known = set(objects.column("path").to_pylist())
    is_new = pa.array([path not in known for path in loose.column("path").to_pylist()], pa.bool_())
    return sort_listing(pa.concat_tables([objects, loose.filter(is_new)]))


def judge_objects(listing: pa.Table, root: str = "") -> pa.Table:
    """See _judge_part, which takes a part of the listing at a time: what it needs on the way is large."""
    parts = [listing.slice(at, _PART_ROWS) for at in range(0, listing.num_rows, _PART_ROWS)] or [listing]
    return pa.concat_tables([_judge_part(part, root) for part in parts])


def keep_rows(table: pa.Table, mask: pa.Array) -> pa.Table:
    """The rows for which the mask holds, without copying when these are all."""
    return table if pc.all(mask, min_count=0).as_py() else table.filter(mask)


def _judge_part(listing: pa.Table, root: str) -> pa.Table:
    """The listing of what lies below the folder `root`, with `reason` (why an object is ignored, else null)
    and `format` (from its name; null where the name does not tell). Names above `root` hide nothing."""
    paths = _chunk(listing.column("path"))
    paths = pc.utf8_slice_codeunits(paths, len(root)) if root else paths
    reason: pa.Array = pa.nulls(len(paths), pa.string())
    for text, pattern in _REASONS if _any_odd(paths) else ():
        reason = _fill(reason, pc.match_substring_regex(paths, pattern), text)
    reason = _fill(reason, pc.equal(_chunk(listing.column("size")), 0), _EMPTY)
    suffixes = _split_suffixes(paths)
    names = suffixes.dictionary.to_pylist()
    types = mimetypes.MimeTypes()
    formats = pa.array([guess_format(f"x{suffix}") for suffix in names], pa.string())
    foreign = pa.array([_is_foreign(suffix, types) for suffix in names], pa.bool_())
    reason = _fill(reason, foreign.take(suffixes.indices), UNKNOWN_FORMAT)
    return listing.append_column("reason", reason).append_column("format", formats.take(suffixes.indices))


def _any_odd(paths: pa.Array) -> bool:
    """Whether one of the patterns of _REASONS may fit a path: they take ten times as long."""
    parts = (pc.match_substring(paths, "/_"), pc.match_substring(paths, "/."), pc.equal(paths, "lakeq.toml"))
    ends = [pc.starts_with(paths, start) for start in "._"] + [pc.ends_with(paths, end) for end in "/$_"]
    return any(pc.any(found, min_count=0).as_py() for found in (*parts, *ends))


def _split_suffixes(paths: pa.Array) -> pa.DictionaryArray:
    """The last one or two extensions of each path."""
    ends = pc.utf8_slice_codeunits(paths, -_SUFFIX_LENGTH)
    found = re.search(_SUFFIX, ends[0].as_py()) if len(ends) else None
    if found is not None:  # most tables have one, and to look for it is quicker than for a pattern
        suffix = found["suffix"]
        has_no_more = pc.equal(pc.count_substring(ends, "."), suffix.count("."))
        if pc.all(pc.and_(pc.ends_with(ends, suffix), has_no_more)).as_py():
            codes = pa.array(np.zeros(len(ends), dtype=np.int32))
            return pa.DictionaryArray.from_arrays(codes, pa.array([suffix]))
    return pc.struct_field(pc.extract_regex(ends, _SUFFIX), 0).dictionary_encode()


def settle_formats(objects: pa.Table, store: Store, declared: str | None) -> pa.Table:
    """The objects of `judge_objects` with a format for every one that is not ignored.

    Where names do not tell, a few files in each folder and extension are opened, and more where those
    disagree. With a `declared` format everything else is ignored; declared text is believed, not opened.
    """
    undecided = pc.and_(
        pc.is_null(_chunk(objects.column("reason"))), pc.is_null(_chunk(objects.column("format")))
    )
    if declared in TEXT_FORMATS:
        formats = pc.if_else(undecided, declared, _chunk(objects.column("format")))
        objects = _replace(objects, _chunk(objects.column("reason")), formats)
    elif pc.any(undecided).as_py():
        objects = _detect_formats(objects, undecided, store)
    if declared is None:
        return objects
    formats = _chunk(objects.column("format"))
    other = pc.fill_null(pc.not_equal(formats, declared), False)
    reason = _fill(_chunk(objects.column("reason")), other, f"not {declared}, the declared format")
    return _replace(objects, reason, formats)


def _detect_formats(objects: pa.Table, undecided: pa.Array, store: Store) -> pa.Table:
    files = objects.filter(undecided)
    closed = [is_archived(name) for name in files["storage_class"].to_pylist()]
    found = _detect(stored_files(files, store), closed)
    formats = pa.array([kind for kind, _ in found], pa.string())
    reasons = pa.array([why for _, why in found], pa.string())
    return _replace(
        objects,
        pc.replace_with_mask(_chunk(objects.column("reason")), undecided, reasons),
        pc.replace_with_mask(_chunk(objects.column("format")), undecided, formats),
    )


def count_ignored(objects: pa.Table) -> tuple[IgnoredObjects, ...]:
    """The ignored objects among these by reason, each with its count, bytes and first few paths."""
    ignored = objects.filter(pc.is_valid(objects.column("reason")))
    groups = []
    for reason in sorted(pc.unique(ignored.column("reason")).to_pylist()):
        rows = ignored.filter(pc.equal(ignored.column("reason"), reason))
        examples = tuple(rows.column("path").slice(0, EXAMPLES).to_pylist())
        groups.append(IgnoredObjects(reason, rows.num_rows, pc.sum(rows.column("size")).as_py(), examples))
    return tuple(groups)


def data_objects(objects: pa.Table) -> pa.Table:
    """The objects that are not ignored."""
    return keep_rows(objects, pc.is_null(objects.column("reason")))


def sum_objects(listing: pa.Table, depth: int) -> Totals:
    """The data among objects, by their names; partitions are the folders `depth` levels deep that hold
    some."""
    data = data_objects(judge_objects(listing))
    heads = pc.struct_field(pc.extract_regex(data["path"], rf"^(?P<head>(?:[^/]*/){{{depth}}})"), 0)
    folders = pc.count_distinct(heads).as_py() if data.num_rows else 0
    return Totals(data.num_rows, folders, pc.sum(data["size"]).as_py() or 0)


def path_range(paths: pa.Array, place: str) -> tuple[int, int]:
    """Where the sorted `paths` begin and end that lie below the folder `place` ("" or ending in `/`).

    A `place` that does not end in `/` is one path.
    """

    def find(text: str) -> int:
        return bisect_left(range(len(paths)), text, key=lambda row: paths[row].as_py())

    if not place:
        return 0, len(paths)
    # "0" follows "/": the first text after every path in the folder. "\0" follows the end of a file's path.
    return find(place), find(f"{place[:-1]}0" if place.endswith("/") else f"{place}\0")


def objects_below(objects: pa.Table, place: str) -> pa.Table:
    """The objects in or below a folder, or the one file, without copying."""
    start, stop = path_range(objects.column("path"), place)
    return objects.slice(start, stop - start)


def stored_files(objects: pa.Table, store: Store) -> list[StoredFile]:
    """The objects as Sources."""
    columns = (objects.column(name).to_pylist() for name in ("path", "size", "etag"))
    return [StoredFile(store, path, size, etag) for path, size, etag in zip(*columns, strict=True)]


def _detect(files: Sequence[StoredFile], closed: Sequence[bool]) -> list[tuple[str | None, str | None]]:
    """The format of each file by content, or why there is none.

    Files of one folder and extension are sampled together; where the samples disagree, the folders below
    are asked on their own, in the end each file. Those that are `closed` are what the others are.
    """
    found: list[tuple[str | None, str | None]] = [(None, None)] * len(files)
    pending = [(0, list(range(len(files))))]
    while pending:
        depth, members = pending.pop()
        groups: dict[tuple[str, str, str], list[int]] = {}
        for member in members:
            *folders, name = files[member].key.split("/")
            folder = folders[depth] if depth < len(folders) else ""
            single = name if depth > len(folders) else ""
            groups.setdefault((folder, single, name.partition(".")[2]), []).append(member)
        for group in groups.values():
            readable = [member for member in group if not closed[member]] or group
            answers = {_detect_one(files[member]) for member in spread(readable, _SAMPLES)}
            if len(answers) > 1:
                pending.append((depth + 1, group))
                continue
            answer = answers.pop()
            for member in group:
                found[member] = answer
    return found


def _detect_one(file: StoredFile) -> tuple[str | None, str | None]:
    try:
        kind = detect_format(file)
    except FormatError:
        return None, UNKNOWN_FORMAT
    except StorageError:
        return None, _CLOSED
    return kind, None if kind else UNKNOWN_FORMAT


def spread(members: Sequence[T], count: int) -> Sequence[T]:
    """At most `count` of the members: the first, the last, and some evenly between."""
    if len(members) <= count:
        return members
    return [members[position * (len(members) - 1) // (count - 1)] for position in range(count)]


def all_archived(rows: pa.Table) -> bool:
    """Whether there are objects, and each must be restored before it is read."""
    return bool(rows.num_rows) and all(map(is_archived, pc.unique(rows["storage_class"]).to_pylist()))


def take_readable(rows: pa.Table) -> pa.Table:
    """The objects that can be read as they are; all, where none can."""
    archived = [name for name in pc.unique(rows["storage_class"]).to_pylist() if is_archived(name)]
    if not archived:
        return rows
    readable = rows.filter(pc.invert(pc.is_in(rows["storage_class"], pa.array(archived, pa.string()))))
    return readable if readable.num_rows else rows


def take_spread(rows: pa.Table, count: int) -> pa.Table:
    """The same of rows."""
    return rows.take(pa.array(spread(range(rows.num_rows), count), pa.int64()))


def _is_foreign(suffix: str, types: mimetypes.MimeTypes) -> bool:
    """Whether a suffix is that of a known type which is not data, so that the file need not be opened.

    `types` is Python's own table, not the machine's: the answer is the same everywhere.
    """
    if guess_format(f"x{suffix}") is not None:
        return False
    if suffix.lower().endswith(_PROSE):
        return True
    kind, _ = types.guess_type(f"x{suffix}")
    return kind is not None and kind not in ("text/plain", "application/octet-stream")


def _fill(reason: pa.Array, mask: pa.Array, text: str) -> pa.Array:
    """`reason` with `text` where it is null and the mask holds."""
    if not pc.any(mask, min_count=0).as_py():
        return reason
    return pc.if_else(pc.and_(pc.is_null(reason), mask), text, reason)


def _replace(objects: pa.Table, reason: pa.Array, formats: pa.Array) -> pa.Table:
    kept = objects.drop_columns(["reason", "format"])
    return kept.append_column("reason", reason).append_column("format", formats)


def _chunk(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
