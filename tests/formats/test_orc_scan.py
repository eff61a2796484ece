"""A scan of ORC reads the stripes that are kept, of the columns asked for, and counts what it reads."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.orc as orc
import pytest

from lakeq.formats.arrow_reads import ArrowReads
from lakeq.formats.base import GROUP_FOOTER, ArrowFile, Column, FileFacts
from lakeq.formats.orc import OrcFormat
from tests.formats.decoders import FileSource, inspect

ORC = OrcFormat()
KEY = Column("k", pa.int64())
ROWS, STRIPES = 1000, 6


@pytest.fixture
def source(tmp_path: Path) -> FileSource:
    rows = ROWS * STRIPES
    table = pa.table({"n": range(rows), "s": [f"{i % 97:050}" for i in range(rows)]})
    orc.write_table(table, str(tmp_path / "a.orc"), stripe_size=1, batch_size=ROWS)
    return FileSource(tmp_path / "a.orc")


def footer_starts(facts: FileFacts) -> list[int]:
    starts = [group.chunks[GROUP_FOOTER].start for group in facts.row_groups or ()]
    return [start for start in starts if start is not None]


def scan(source: FileSource, reads: ArrowReads, groups: frozenset[int] | None = None) -> ds.Dataset:
    facts = inspect(ORC, source)
    file = ArrowFile(source.path, source.size, ds.field("k") == 7, facts.row_count, groups)
    return ORC.arrow_dataset([file], facts.schema, [KEY], pa.fs.LocalFileSystem(), reads)


def stripe_bytes(source: FileSource, stripes: Sequence[int], *columns: str) -> int:
    groups = inspect(ORC, source).row_groups or ()
    return sum(groups[stripe].chunks[column].bytes for stripe in stripes for column in columns)


@pytest.mark.parametrize("kept", [[0], [5], [1, 4], [0, 1, 2, 3, 4, 5]])
@pytest.mark.parametrize("compression", ["uncompressed", "zlib"])
def test_only_the_stripes_kept_are_there_and_read(
    tmp_path: Path, source: FileSource, kept: list[int], compression: str
) -> None:
    if compression != "uncompressed":
        table = pa.table({"n": range(600_000), "s": [str(i) for i in range(600_000)]})
        orc.write_table(table, str(source.file), stripe_size=100_000, compression=compression)
    starts = footer_starts(inspect(ORC, source))
    assert len(starts) >= STRIPES
    reads = ArrowReads()
    dataset = scan(source, reads, frozenset(starts[stripe] for stripe in kept))
    file = orc.ORCFile(str(source.file))
    expected = [n for stripe in kept for n in file.read_stripe(stripe, columns=["n"])["n"].to_pylist()]
    assert dataset.to_table(columns=["n"])["n"].to_pylist() == expected
    assert reads.data == stripe_bytes(source, kept, "n")
    assert dataset.to_table(columns=["n", "s", "k"]).num_rows == len(expected)
    assert reads.data == stripe_bytes(source, kept, "n", "n", "s")


def test_a_scan_of_partition_values_reads_nothing(source: FileSource) -> None:
    reads = ArrowReads()
    dataset = scan(source, reads)
    assert dataset.to_table(columns=["k"])["k"].to_pylist() == [7] * ROWS * STRIPES
    assert dataset.to_table(columns=["k"], filter=ds.field("k") > 7).num_rows == 0
    assert dataset.scanner(columns=[]).count_rows() == ROWS * STRIPES
    assert (reads.data, reads.total) == (0, 0)


def test_a_filter_over_stored_columns_is_applied_to_a_scan_of_partition_values(source: FileSource) -> None:
    reads = ArrowReads()
    found = scan(source, reads).to_table(columns=["k"], filter=ds.field("n") < 5)
    assert found["k"].to_pylist() == [7] * 5
    assert reads.data == stripe_bytes(source, range(STRIPES), "n")


def test_duckdb_asks_for_columns_and_counts_by_the_first(source: FileSource) -> None:
    reads = ArrowReads()
    with duckdb.connect() as connection:
        connection.register("t", scan(source, reads))
        count = "SELECT count(*), min(k) FROM t"
        assert connection.execute(count).fetchall() == [(ROWS * STRIPES, 7)]
        assert reads.data == 0
        assert connection.execute("SELECT sum(n) FROM t WHERE n < 10 AND k = 7").fetchall() == [(45,)]
        assert connection.execute("SELECT count(*) FROM t WHERE k = 8").fetchall() == [(0,)]
        assert reads.data == stripe_bytes(source, range(STRIPES), "n")
        joined = "SELECT count(*) FROM t a JOIN t b USING (n) JOIN (SELECT n FROM t) c USING (n)"
        assert connection.execute(joined).fetchall() == [(ROWS * STRIPES,)]


def test_stripes_that_are_not_where_they_were_planned_are_an_error(source: FileSource) -> None:
    with pytest.raises(OSError, match="not where they were"):
        scan(source, ArrowReads(), frozenset([12_345])).to_table()


def test_a_file_that_lost_its_end_since_is_an_error(source: FileSource) -> None:
    dataset = scan(source, ArrowReads())
    source.file.write_bytes(source.file.read_bytes()[:5000])
    with pytest.raises((OSError, pa.ArrowException)):
        dataset.to_table()


def test_reads_fail_once_the_query_has_ended_and_all_files_are_closed(source: FileSource) -> None:
    reads = ArrowReads()
    batches = iter(scan(source, reads).scanner(batch_size=10, batch_readahead=1).to_reader())
    next(batches)
    reads.stop()
    with pytest.raises(OSError, match="has ended"):
        scan(source, reads)
    with pytest.raises(OSError, match="has ended"):
        for _ in batches:
            pass
    del batches
    reads.settle()
    with pytest.raises(OSError, match="has ended"):
        reads.open()


def test_waiting_for_files_ends_when_the_last_is_closed() -> None:
    reads = ArrowReads()
    reads.open()
    reads.open()
    waited: list[Any] = []
    waiting = threading.Thread(target=lambda: waited.append(reads.settle()))
    waiting.start()
    reads.close()
    reads.close()
    waiting.join(timeout=5)
    assert waited == [None]


def test_nobody_waits_for_files_that_are_open_and_not_read() -> None:
    reads = ArrowReads()
    reads.open()
    reads.stop()
    waited: list[Any] = []
    waiting = threading.Thread(target=lambda: waited.append(reads.settle()))
    waiting.start()
    waiting.join(timeout=8)  # the most that is waited for files that are read
    assert waited == [None]
    reads.close()
