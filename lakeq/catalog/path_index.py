"""PathIndex: the objects of a large listing on disk, sorted by path, and in memory what leads to them.

A folder holds `part-….parquet`, the objects in row groups of some 30,000, and `top.parquet`: a row for each
run of objects that lie in one folder (its files, bytes, newest object), and in its metadata where the row
groups begin. The top is loaded whole; of the parts only the row groups that a question wants are read. The
top is written last and the folder renamed into place, so what is there is whole. See path_index_writer.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakeq.catalog.known_objects import KeyRange, check_count, cut_range, folder_range
from lakeq.catalog.table import Totals
from lakeq.catalog.whole_files import digest_footer, is_sealed
from lakeq.errors import CatalogError
from lakeq.storage.base import LISTING_SCHEMA, FolderListing, split_folder

VERSION = 1
TOP, KEY = "top.parquet", b"lakeq"
RUNS_SCHEMA = pa.schema(
    [
        pa.field("path", pa.string()),
        pa.field("folder", pa.string()),
        pa.field("start", pa.int64()),
        pa.field("objects", pa.int64()),
        pa.field("files", pa.int64()),
        pa.field("bytes", pa.int64()),
        pa.field("newest", pa.timestamp("us", tz="UTC")),
    ]
)
"""A row a run of objects in one folder: the first `path`, the number of the first object, how many there are,
and of those that are data how many (`files`), their `bytes` and when the `newest` was written."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of objects: its name, its size in bytes, the digest of its footer, and its objects."""

    name: str
    size: int
    digest: str
    objects: int


class PathIndex:
    """The objects of the paths in `range`, as they were at `at` (seconds since 1970). Thread-safe.

    `levels` is how many folders deep the top tells of folders (None: all); `origin` names the inventory.
    """

    def __init__(self, folder: Path, top: pa.Table, content: dict[str, Any]) -> None:
        """`top` are rows of RUNS_SCHEMA; `content` is the metadata that `open_path_index` reads."""
        self.folder_path = folder
        self.range = KeyRange(*content["range"])
        self.at: float = content["at"]
        self.origin: str = content["origin"]
        self.lacks: tuple[str, ...] = tuple(content["lacks"])
        self.ignored: tuple[tuple[str, int, int, list[str]], ...] = tuple(map(tuple, content["ignored"]))
        self.levels: int | None = content["levels"]
        self._top = top
        self._firsts = top["path"].combine_chunks()
        self._parts = [Part(*part) for part in content["parts"]]
        self._groups: list[tuple[str, int, int]] = [tuple(group) for group in content["groups"]]
        self._objects = top["objects"].to_numpy()
        self.objects = int(self._objects.sum())

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self.folder_path.iterdir())

    def count(self, asked: KeyRange) -> int:
        """How many objects a range holds; where it cuts a run, that run counts whole."""
        start, stop = self._runs(asked)
        return int(self._objects[start:stop].sum())

    def sum_files(self, asked: KeyRange, depth: int) -> Totals:
        """The data files of a range; its partitions are the folders `depth` levels deep that hold some. Where
        it cuts a run, that run counts whole."""
        start, stop = self._runs(asked)
        rows = self._top.slice(start, stop - start)
        rows = rows.filter(pc.greater(rows["files"], 0))
        heads = pc.struct_field(pc.extract_regex(rows["folder"], rf"^(?P<head>(?:[^/]*/){{0,{depth}}})"), 0)
        files, size = (pc.sum(rows[name]).as_py() or 0 for name in ("files", "bytes"))
        return Totals(files, pc.count_distinct(heads).as_py() if rows.num_rows else 0, size)

    def newest(self, asked: KeyRange) -> float | None:
        """When the newest data file of a range was written (seconds since 1970); None where nothing tells."""
        start, stop = self._runs(asked)
        found = pc.max(self._top["newest"].slice(start, stop - start))
        return found.cast(pa.int64()).as_py() / 1e6 if found.is_valid else None

    def slice(self, asked: KeyRange) -> pa.Table:
        """The objects of a range, in LISTING_SCHEMA. CatalogError when the files are gone or damaged."""
        names = [group[0] for group in self._groups]
        first = max(bisect_right(names, asked.start) - 1, 0)
        last = bisect_left(names, asked.stop)
        rows = self._read_groups(self._groups[first:last])
        return cut_range(rows, asked)

    def head(self, asked: KeyRange, count: int) -> pa.Table:
        """The first objects of a range, at most `count`."""
        names = [group[0] for group in self._groups]
        at = max(bisect_right(names, asked.start) - 1, 0)
        stop = bisect_left(names, asked.stop)
        found = [LISTING_SCHEMA.empty_table()]
        while at < stop and sum(rows.num_rows for rows in found) < count:
            found.append(cut_range(self._read_groups(self._groups[at : at + 1]), asked))
            at += 1
        return pa.concat_tables(found).slice(0, count)

    def folder(self, name: str, within: KeyRange) -> FolderListing:
        """What lies directly in a folder, of its objects in the range `within` it."""
        if self.levels is not None and name.count("/") >= self.levels:
            check_count(self.count(within), f"Objects below '{name}'")
            return split_folder(self.slice(within), name)
        start, stop = self._runs(within)
        here = split_folder(self._top.slice(start, stop - start), name)
        listings = [here]
        if within.start != folder_range(name).start and start:
            # The run before may reach into the range.
            end = self._firsts[start].as_py() if start < len(self._firsts) else within.stop
            listings.append(split_folder(self.slice(KeyRange(within.start, min(end, within.stop))), name))
        check_count(pc.sum(here.objects["objects"]).as_py() or 0, f"Objects in '{name}'")
        loose = [self._loose(run, within) for run in here.objects.to_pylist()]
        loose += [listing.objects for listing in listings[1:]]
        folders = {folder for listing in listings for folder in listing.folders}
        objects = pa.concat_tables(loose).sort_by("path") if loose else LISTING_SCHEMA.empty_table()
        return FolderListing(tuple(sorted(folders)), objects)

    def _loose(self, run: dict[str, Any], within: KeyRange) -> pa.Table:
        """The objects of a run, which lie directly in a folder, as far as they are within a range."""
        after = bisect_right(range(len(self._firsts)), run["path"], key=lambda row: self._firsts[row].as_py())
        stop = self._firsts[after].as_py() if after < len(self._firsts) else within.stop
        return self.slice(KeyRange(run["path"], min(stop, within.stop)))

    def _runs(self, asked: KeyRange) -> tuple[int, int]:
        """The runs that begin in a range."""
        rows = range(len(self._firsts))
        start, stop = (
            bisect_left(rows, text, key=lambda row: self._firsts[row].as_py())
            for text in (asked.start, asked.stop)
        )
        return start, max(start, stop)

    def _read_groups(self, groups: Sequence[tuple[str, int, int]]) -> pa.Table:
        """The objects of these row groups, each (first path, part, number in it)."""
        wanted: dict[int, list[int]] = {}
        for _, part, number in groups:
            wanted.setdefault(part, []).append(number)
        tables = [self._read_part(self._parts[part], numbers) for part, numbers in wanted.items()]
        if not tables:
            return LISTING_SCHEMA.empty_table()
        rows = pa.concat_tables(tables).combine_chunks()
        quoted = pc.binary_join_element_wise('"', rows["etag"], '"', "")
        return rows.set_column(2, "etag", quoted).cast(LISTING_SCHEMA)

    def _read_part(self, part: Part, numbers: list[int]) -> pa.Table:
        path = self.folder_path / part.name
        try:
            if path.stat().st_size != part.size or digest_footer(path) != part.digest:
                raise _damaged(path, "is not what was written")
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                return file.read_row_groups(numbers)
        except (OSError, ValueError, pa.ArrowException) as error:
            raise _damaged(path, f"cannot be read ({error})") from error


def open_path_index(folder: Path) -> PathIndex | None:
    """The index in a folder; None when there is none, it is damaged, or of another version."""
    with suppress(OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        data = (folder / TOP).read_bytes()
        if is_sealed(data):
            top = pq.read_table(pa.BufferReader(data))
            content = json.loads(top.schema.metadata[KEY])
            if content["version"] == VERSION:
                return PathIndex(folder, top.replace_schema_metadata(None), content)
    return None


def _damaged(path: Path, what: str) -> CatalogError:
    return CatalogError(
        f"The index of the lake's files {what}: {path}. Run `lakeq refresh` with the inventory once more."
    )


def count_levels(folders: pa.Array) -> np.ndarray[Any, Any]:
    """How deep each folder is; 0 for the root."""
    levels: np.ndarray[Any, Any] = pc.count_substring(folders, "/").to_numpy(zero_copy_only=False)
    return levels
