"""ORC files as a dataset of exactly the stripes that a plan keeps, its reads counted.

Arrow reads all stripes of a file; and all columns, where a scan asks for none of them. So it is shown each
file with a tail that lists the stripes kept alone, and a scan of no stored column does not reach it.
"""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs

from lakeq.formats.arrow_reads import ArrowReads
from lakeq.formats.base import ArrowFile, Column
from lakeq.formats.checked_texts import check_texts
from lakeq.formats.fragments import scan_files, scan_schema
from lakeq.formats.orc_tail import MAGIC, Stripe, Tail, keep_stripes, read_stripes, read_tail

_BATCH_ROWS = 131_072
_TAIL_BYTES = 16 * 1024
"""What is read of a file's end at first: no more than planning did, which may have kept it."""


class OrcDataset(ds.Dataset):  # type: ignore[misc]  # pyarrow is untyped
    """Files of one schema, each with partition values. Scanned any number of times, by several at once.

    DuckDB and Arrow ask a dataset for its `schema`, and for a `scanner` of some columns and a filter.
    """

    def __init__(
        self,
        files: Sequence[ArrowFile],
        fields: Sequence[pa.Field],
        partition_columns: Sequence[Column],
        filesystem: pa.fs.FileSystem,
        reads: ArrowReads,
    ) -> None:
        """`fields` are the files' columns. What is read of them counts into `reads`."""
        self._files = tuple(files)
        self._reads = reads
        self._keys = pa.schema([pa.field(column.name, column.type) for column in partition_columns])
        shown = pa.fs.PyFileSystem(_KeptStripes(files, filesystem, reads))
        self._stored = scan_files(ds.OrcFileFormat(), files, scan_schema(fields, partition_columns), shown)

    @property
    def schema(self) -> pa.Schema:
        """The partition columns, then those of the files."""
        return self._stored.schema

    def scanner(self, columns: Any = None, filter: ds.Expression | None = None, **options: Any) -> ds.Scanner:
        """A scan of these columns (names, or expressions by name; None: all), in the rows that `filter`
        keeps."""
        if isinstance(columns, list) and set(columns) <= set(self._keys.names) and self._counts_rows:
            keys = pa.RecordBatchReader.from_batches(self._keys, self._repeat_keys())
            try:
                return ds.Scanner.from_batches(keys, columns=columns, filter=filter, **_common(options))
            except pa.ArrowInvalid:  # the filter speaks of stored columns
                pass
        return check_texts(self._stored.scanner(columns=columns, filter=filter, **options))

    @property
    def _counts_rows(self) -> bool:
        return bool(self._keys.names) and all(file.row_count is not None for file in self._files)

    def _repeat_keys(self) -> Iterator[pa.RecordBatch]:
        """The partition values of each row, until the query ends."""
        self._reads.open()
        try:
            for file in self._files:
                values = ds.get_partition_keys(file.partition)
                left = file.row_count or 0
                while left > 0:
                    self._reads.add()
                    rows = min(left, _BATCH_ROWS)
                    arrays = [pa.repeat(pa.scalar(values.get(f.name), f.type), rows) for f in self._keys]
                    yield pa.record_batch(arrays, schema=self._keys)
                    left -= rows
        finally:
            self._reads.close()


def _common(options: dict[str, Any]) -> dict[str, Any]:
    """The options of a scan that one over batches has too."""
    return {name: options[name] for name in ("use_threads", "memory_pool") if name in options}


class _KeptStripes(pa.fs.FileSystemHandler):  # type: ignore[misc]  # pyarrow is untyped
    """The files of a dataset, each as if it had the stripes alone that are kept of it."""

    def __init__(self, files: Sequence[ArrowFile], filesystem: pa.fs.FileSystem, reads: ArrowReads) -> None:
        self._files = {file.path: file for file in files}
        self._filesystem = filesystem
        self._reads = reads
        reads.add()

    def get_type_name(self) -> str:
        return "orc"

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: Sequence[str]) -> list[pa.fs.FileInfo]:
        return [pa.fs.FileInfo(path, pa.fs.FileType.File, size=self._files[path].size) for path in paths]

    def open_input_file(self, path: str) -> pa.NativeFile:
        self._reads.open()
        try:
            opened = self._filesystem.open_input_file(path)
            return pa.PythonFile(_KeptFile(opened, self._files[path], self._reads), mode="r")
        except BaseException:
            self._reads.close()
            raise

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise io.UnsupportedOperation("Only files that are planned can be read.")

    get_file_info_selector = open_input_stream = open_output_stream = open_append_stream = _refuse
    create_dir = delete_dir = delete_dir_contents = delete_root_dir_contents = delete_file = _refuse
    move = copy_file = _refuse


class _KeptFile(io.RawIOBase):
    """One opening of a file, read by one thread at a time."""

    def __init__(self, opened: pa.NativeFile, file: ArrowFile, reads: ArrowReads) -> None:
        super().__init__()
        self._opened = opened
        self._reads = reads
        self._at = 0
        try:
            self._end = read_tail(self._read_stored, file.size, _TAIL_BYTES)
            stripes, self._tail = _choose_stripes(self._end, file.groups)
        except (LookupError, ValueError) as error:
            raise OSError(f"not a whole ORC file: {file.path}: {error}") from error
        self._stripes = sorted(stripes, key=lambda stripe: stripe.offset)
        self._starts = [stripe.offset for stripe in self._stripes]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        size = self._end.start + len(self._tail)
        self._at = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: size}[whence] + offset
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Up to `size` bytes, fewer only at the end."""
        end = self._end.start
        left = max(0, end + len(self._tail) - self._at)
        length = left if size is None or size < 0 else min(size, left)
        start, self._at = self._at, self._at + length
        before = min(max(end - start, 0), length)
        # What reaches into the tail is a look for it, however far before it that begins.
        self._reads.add(data=length if before == length and self._is_data(start) else 0)
        data = self._read_before(start, before) if before else b""
        at = max(start - end, 0)
        return data + self._tail[at : at + length - before] if before < length else data

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._opened.close()
            self._reads.close()

    def _read_before(self, start: int, length: int) -> bytes:
        known = self._end.find(start, length)
        return self._read_stored(start, length) if known is None else known

    def _is_data(self, start: int) -> bool:
        """Whether streams lie there, not a footer or the magic that a file begins with."""
        at = bisect_right(self._starts, start) - 1
        return start >= len(MAGIC) if at < 0 else start < self._stripes[at].footer_start

    def _read_stored(self, start: int, length: int) -> bytes:
        data: bytes = self._opened.read_at(length, start)
        self._reads.add(total=length)
        return data


def _choose_stripes(tail: Tail, kept: frozenset[int] | None) -> tuple[tuple[Stripe, ...], bytes]:
    """The stripes before a tail, as far as that can be told, and the tail that lists those `kept` alone."""
    if not tail.is_readable:
        return (), tail.stored
    stripes = read_stripes(tail.read_footer(), tail.start)
    if kept is None:
        return stripes, tail.stored
    if kept - {stripe.footer_start for stripe in stripes}:
        raise ValueError("its stripes are not where they were when the query was planned")
    return stripes, tail.stored if len(kept) == len(stripes) else keep_stripes(tail, kept)
