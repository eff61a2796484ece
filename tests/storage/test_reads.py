"""Planned reads: what an engine sees, what is fetched for it, and that threads never mix their bytes."""

from __future__ import annotations

import array
import contextlib
import gzip
import io
import json
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset as ds
import pyarrow.fs
import pyarrow.json
import pyarrow.parquet as pq
import pytest

from lakeq.errors import ObjectChangedError, StorageError
from lakeq.storage.pieces import UNPLANNED_WHOLE_BYTES as WHOLE_FILE_BYTES
from lakeq.storage.pieces import PlannedFile
from lakeq.storage.reads import PlannedFileSystem
from lakeq.storage.stores import open_store
from lakeq.storage.workers import Workers
from tests.servers import S3Server

MIB = 1 << 20


class FakeStore:
    """Objects in memory; every read is remembered, and may first wait or fail."""

    root = "fake://lake"
    is_local = False

    def __init__(self, objects: dict[str, bytes], before: Callable[[], None] = lambda: None) -> None:
        self.objects = objects
        self.before = before
        self.reads: list[tuple[str, int, int]] = []
        self.workers = Workers(16)

    def list(self, prefix: str = "") -> pa.Table:
        raise AssertionError("planned reads never list")

    def read(self, path: str, start: int, length: int, etag: str | None) -> bytes:
        self.reads.append((path, start, length))
        self.before()
        if etag not in (None, "v1"):
            raise ObjectChangedError(f"changed: {path}", path)
        body = self.objects[path][start : start + length]
        assert len(body) == length > 0
        return body

    def url(self, path: str) -> str:
        return f"{self.root}/{path}"


@pytest.fixture
def filesystem() -> PlannedFileSystem:
    return PlannedFileSystem()


@pytest.fixture
def connection(filesystem: PlannedFileSystem) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.register_filesystem(filesystem)
        con.execute("set threads=4")
        yield con


def plan(store: Any, path: str, size: int, shown: str | None = None, etag: str | None = "v1") -> PlannedFile:
    return PlannedFile(shown or f"q1/{path}", store, path, size, etag)


def plan_all(store: FakeStore) -> list[PlannedFile]:
    return [plan(store, path, len(body)) for path, body in store.objects.items()]


def pattern(size: int) -> bytes:
    """Bytes that differ at every 4-byte position."""
    return array.array("I", range(size // 4)).tobytes()


def parquet(rows: int, row_group: int, **options: Any) -> bytes:
    sink = io.BytesIO()
    table = pa.table({"a": range(rows), "b": [f"text {i * 7919 % 1000003}" for i in range(rows)]})
    pq.write_table(table, sink, row_group_size=row_group, **options)
    return sink.getvalue()


# What an engine may ask without a read.


def test_names_and_sizes_come_from_the_plan(filesystem: PlannedFileSystem) -> None:
    store = FakeStore({"k": b"12345"})
    shown = "q1/dt=a%20b/[x]*/f"
    with filesystem.publish([plan(store, "k", 5, shown)]):
        assert filesystem.glob(f"lake://{shown}") == [shown]
        assert filesystem.glob("lake://q1/*") == []
        assert filesystem.exists(f"lake://{shown}")
        assert filesystem.isfile(shown)
        assert not filesystem.isdir(shown)
        assert filesystem.info(shown) == {"name": shown, "size": 5, "type": "file"}
        assert filesystem.size(shown) == 5
        assert filesystem.modified(shown).year == 1970
        assert filesystem.open(f"lake://{shown}").size() == 5
    assert store.reads == []


def test_nothing_else_is_there(filesystem: PlannedFileSystem) -> None:
    with filesystem.publish([plan(FakeStore({}), "k", 5, "q1/k")]):
        for path in ("lake://q1/other", "lake://q1", "lake://q1/k2"):
            assert filesystem.glob(path) == []
            assert not filesystem.exists(path)
            for ask in (filesystem.open, filesystem.info, filesystem.modified):
                with pytest.raises(FileNotFoundError, match="Not planned"):
                    ask(path)


def test_files_are_withdrawn_when_closed(filesystem: PlannedFileSystem) -> None:
    store = FakeStore({"k": b"12345"})
    first = filesystem.publish([plan(store, "k", 5, "q1/k")])
    second = filesystem.publish([plan(store, "k", 5, "q2/k")])
    first.close()
    first.close()
    assert not filesystem.exists("lake://q1/k")
    assert filesystem.exists("lake://q2/k")
    second.close()
    assert not filesystem.exists("lake://q2/k")


def test_a_path_is_published_once(filesystem: PlannedFileSystem) -> None:
    store = FakeStore({})
    with filesystem.publish([plan(store, "k", 5)]) as first:
        for files in ([plan(store, "k", 5)], [plan(store, "a", 1, "x"), plan(store, "b", 1, "x")]):
            with pytest.raises(StorageError, match="shown as one path"):
                filesystem.publish(files)
        assert filesystem.exists("lake://q1/k")
        assert first.error is None


def test_it_is_read_only(filesystem: PlannedFileSystem) -> None:
    with filesystem.publish([plan(FakeStore({}), "k", 5)]):
        for mode in ("wb", "ab", "r+b"):
            with pytest.raises(io.UnsupportedOperation):
                filesystem.open("lake://q1/k", mode)


# What is fetched.


def test_a_small_file_is_fetched_once_and_whole(filesystem: PlannedFileSystem) -> None:
    store = FakeStore({"k": pattern(1000)})
    with filesystem.publish(plan_all(store)) as query:
        for _ in range(3):
            with filesystem.open("lake://q1/k") as file:
                file.seek(-8, io.SEEK_END)
                assert file.read(100) == pattern(1000)[-8:]
                file.seek(0)
                assert file.read() == pattern(1000)
        assert store.reads == [("k", 0, 1000)]
        assert (query.counter.bytes_transferred, query.counter.requests) == (1000, 1)


def test_an_empty_file_asks_nothing(filesystem: PlannedFileSystem) -> None:
    store = FakeStore({"k": b""})
    with filesystem.publish(plan_all(store)), filesystem.open("lake://q1/k") as file:
        assert file.read(10) == b""
        file.seek(100)
        assert file.read() == b""
    assert store.reads == []


def test_ranges_of_a_large_file_are_fetched_exactly(filesystem: PlannedFileSystem) -> None:
    size = WHOLE_FILE_BYTES + 4
    store = FakeStore({"k": pattern(size)})
    with filesystem.publish(plan_all(store)) as query, filesystem.open("lake://q1/k") as file:
        for start, length in ((size - 16, 16), (4000, 5000), (4000, 5000), (4400, 100), (100, 50)):
            file.seek(start)
            assert file.read(length) == store.objects["k"][start : start + length]
        assert store.reads == [("k", size - 16, 16), ("k", 4000, 5000), ("k", 100, 50)]
        assert query.counter.bytes_transferred == 5066
        assert query.counter.requests == 3


def test_reading_in_sequence_fetches_ahead(filesystem: PlannedFileSystem) -> None:
    size = 40 * MIB
    store = FakeStore({"k": pattern(size)})
    with filesystem.publish(plan_all(store)) as query, filesystem.open("lake://q1/k") as file:
        got = b"".join(iter(lambda: file.read(32_768), b""))
        assert got == store.objects["k"]
        assert len(store.reads) <= 10
        assert query.counter.bytes_transferred <= size * 1.01


def test_many_threads_fetch_a_small_file_once(filesystem: PlannedFileSystem) -> None:
    gate = threading.Barrier(5)
    company = threading.Barrier(2)

    def await_company() -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            company.wait(0.1)

    store = FakeStore({"k": pattern(MIB)}, await_company)

    def read() -> bytes:
        with filesystem.open("lake://q1/k") as file:
            gate.wait()
            return bytes(file.read())

    with filesystem.publish(plan_all(store)), ThreadPoolExecutor(4) as pool:
        reads = [pool.submit(read) for _ in range(4)]
        gate.wait()
        assert {one.result() for one in reads} == {pattern(MIB)}
    assert len(store.reads) == 1


def test_the_first_error_is_kept_for_the_engine(filesystem: PlannedFileSystem) -> None:
    store = FakeStore({"k": b"12345"})
    with filesystem.publish([plan(store, "k", 5, etag="v0"), plan(store, "k", 5, "q1/l", "v0")]) as query:
        for path in ("lake://q1/k", "lake://q1/l"):
            with filesystem.open(path) as file, pytest.raises(ObjectChangedError) as caught:
                file.read()
            if path.endswith("k"):
                first = caught.value
        assert query.error is first


# What position a read starts at.


def test_a_read_starts_where_its_own_thread_sought(filesystem: PlannedFileSystem) -> None:
    store = FakeStore({"k": pattern(4000)})
    with (
        filesystem.publish(plan_all(store)),
        filesystem.open("lake://q1/k") as file,
        ThreadPoolExecutor(1) as other,
    ):
        file.seek(400)
        other.submit(file.seek, 800).result()
        assert file.tell() == 400
        assert file.read(4) == pattern(4000)[400:404]
        assert other.submit(file.read, 4).result() == pattern(4000)[800:804]


def test_threads_that_take_turns_read_one_sequence(filesystem: PlannedFileSystem) -> None:
    store = FakeStore({"k": pattern(4000)})
    with (
        filesystem.publish(plan_all(store)),
        filesystem.open("lake://q1/k") as file,
        ThreadPoolExecutor(1) as other,
    ):
        file.seek(400)
        assert other.submit(file.read, 4).result() == pattern(4000)[400:404]
        assert file.read(4) == pattern(4000)[404:408]
        assert other.submit(file.read, 4).result() == pattern(4000)[408:412]
        assert file.tell() == 412


@pytest.mark.parametrize("magic", [b"\x1f\x8b", b"\x28\xb5\x2f\xfd"])
def test_a_compressed_file_has_one_position(filesystem: PlannedFileSystem, magic: bytes) -> None:
    body = magic + pattern(4000)
    store = FakeStore({"k": body})
    with (
        filesystem.publish(plan_all(store)),
        filesystem.open("lake://q1/k") as file,
        ThreadPoolExecutor(1) as other,
    ):
        assert file.read(10) == body[:10]
        file.seek(10)
        other.submit(file.seek, 10).result()
        assert other.submit(file.read, 50).result() == body[10:60]
        assert file.tell() == 60
        assert file.read(50) == body[60:110]


def test_seek_counts_from_start_here_and_end(filesystem: PlannedFileSystem) -> None:
    store = FakeStore({"k": pattern(100)})
    with filesystem.publish(plan_all(store)), filesystem.open("lake://q1/k") as file:
        assert file.seek(10) == 10
        assert file.seek(5, io.SEEK_CUR) == 15
        assert file.seek(-4, io.SEEK_END) == 96
        assert file.readable() and file.seekable() and not file.writable()
        buffer = bytearray(10)
        assert file.readinto(buffer) == 4
        assert buffer[:4] == pattern(100)[96:]


# Engines read through it.


def write_local(tmp_path: Path, name: str, body: bytes) -> PlannedFile:
    (tmp_path / name).write_bytes(body)
    store = open_store(str(tmp_path))
    row = next(row for row in store.list().to_pylist() if row["path"] == name)
    return PlannedFile(f"local/{name}", store, name, row["size"], row["etag"])


def put_remote(s3_server: S3Server, name: str, body: bytes) -> PlannedFile:
    bucket = s3_server.new_bucket()
    s3_server.put(bucket, name, body)
    store = open_store(f"s3://{bucket}", **s3_server.storage_options)
    row = store.list().to_pylist()[0]
    return PlannedFile(f"remote/{name}", store, name, row["size"], row["etag"])


ROWS = 20_000
CSV = ("a,b\n" + "".join(f"{i},text {i}\n" for i in range(ROWS))).encode()
JSON = "".join(json.dumps({"a": i, "b": f"text {i}"}) + "\n" for i in range(ROWS)).encode()
COLUMNS = "columns={'a': 'BIGINT', 'b': 'VARCHAR'}, auto_detect=false"
SCANS = {
    "t.parquet": (parquet(ROWS, 3_000), "read_parquet(['lake://FILE'])"),
    "t.csv": (CSV, f"read_csv(['lake://FILE'], header=true, {COLUMNS})"),
    "t.csv.gz": (gzip.compress(CSV), f"read_csv(['lake://FILE'], header=true, {COLUMNS})"),
    "t.json": (JSON, f"read_json(['lake://FILE'], format='newline_delimited', {COLUMNS})"),
    "t.json.gz": (gzip.compress(JSON), f"read_json(['lake://FILE'], format='newline_delimited', {COLUMNS})"),
}


@pytest.mark.parametrize("place", ["local", "remote"])
@pytest.mark.parametrize("name", SCANS)
def test_duckdb_reads_every_format(
    filesystem: PlannedFileSystem,
    connection: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    s3_server: S3Server,
    name: str,
    place: str,
) -> None:
    body, scan = SCANS[name]
    file = write_local(tmp_path, name, body) if place == "local" else put_remote(s3_server, name, body)
    with filesystem.publish([file]) as query:
        sql = f"select count(*), sum(a), count(distinct b), max(a) from {scan.replace('FILE', file.shown)}"
        assert connection.sql(sql).fetchall() == [(ROWS, ROWS * (ROWS - 1) // 2, ROWS, ROWS - 1)]
        assert query.error is None
        assert query.counter.requests > 0
        if place == "remote":
            assert query.counter.bytes_transferred == len(body)


@pytest.mark.parametrize("place", ["local", "remote"])
def test_pyarrow_reads_every_format(
    filesystem: PlannedFileSystem, tmp_path: Path, s3_server: S3Server, place: str
) -> None:
    arrow = pa.fs.PyFileSystem(pa.fs.FSSpecHandler(filesystem))
    formats = {"t.parquet": "parquet", "t.csv": "csv", "t.csv.gz": "csv", "t.json": "json"}
    for name, kind in formats.items():
        body = SCANS[name][0]
        file = write_local(tmp_path, name, body) if place == "local" else put_remote(s3_server, name, body)
        with filesystem.publish([file]):
            table = ds.dataset([file.shown], filesystem=arrow, format=kind).to_table()
            assert table.num_rows == ROWS
            assert table["a"].to_pylist() == list(range(ROWS))


def test_a_large_parquet_file_is_read_in_part(
    filesystem: PlannedFileSystem, connection: duckdb.DuckDBPyConnection
) -> None:
    body = parquet(600_000, 50_000, compression="none", use_dictionary=False)
    assert len(body) > WHOLE_FILE_BYTES
    store = FakeStore({"t": body})
    with filesystem.publish(plan_all(store)) as query:
        sql = "select sum(a) from read_parquet(['lake://q1/t']) where a >= 550000"
        assert connection.sql(sql).fetchall() == [(sum(range(550_000, 600_000)),)]
        chunk = pq.ParquetFile(io.BytesIO(body)).metadata.row_group(11).column(0).total_compressed_size
        assert query.counter.bytes_transferred <= chunk + 128 * 1024


def test_threads_of_duckdb_never_mix_their_bytes(
    filesystem: PlannedFileSystem, connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB shares one opening among threads: each read must come from that thread's own seek.

    The wait inside the seek makes every thread seek before any reads, as a busy machine may.
    """
    body = parquet(600_000, 30_000, compression="none", use_dictionary=False)
    store = FakeStore({"t": body})
    pause = threading.Event()
    with filesystem.publish(plan_all(store)):
        reader = type(filesystem.open("lake://q1/t"))
        seek = reader.seek

        def slow_seek(self: Any, offset: int, whence: int = 0) -> int:
            at = int(seek(self, offset, whence))
            pause.wait(0.002)
            return at

        monkeypatch.setattr(reader, "seek", slow_seek)
        sql = "select sum(a), max(b), count(*) from read_parquet(['lake://q1/t'])"
        wanted = duckdb.from_arrow(pq.read_table(io.BytesIO(body))).aggregate("sum(a), max(b), count(*)")
        assert connection.sql(sql).fetchall() == wanted.fetchall()


def test_a_file_larger_than_the_buffers_is_read_in_parallel(
    filesystem: PlannedFileSystem, connection: duckdb.DuckDBPyConnection
) -> None:
    rows = 900_000
    body = b"".join(b'{"a": %d, "b": "%s"}\n' % (i, b"y" * 50) for i in range(rows))
    store = FakeStore({"t.json": body})
    with filesystem.publish(plan_all(store)) as query:
        scan = SCANS["t.json"][1].replace("FILE", "q1/t.json")
        assert connection.sql(f"select sum(a), count(*) from {scan}").fetchall() == [
            (rows * (rows - 1) // 2, rows)
        ]
        assert len(body) <= query.counter.bytes_transferred <= len(body) * 1.1


def test_a_change_under_the_query_fails_it_with_our_error(
    filesystem: PlannedFileSystem, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    file = write_local(tmp_path, "t.parquet", SCANS["t.parquet"][0])
    with filesystem.publish([file]) as query:
        relation = connection.sql(f"select sum(a) from read_parquet(['lake://{file.shown}'])")
        os.replace(write_copy(tmp_path, parquet(10, 10)), tmp_path / "t.parquet")
        with pytest.raises(duckdb.Error):
            relation.fetchall()
        assert isinstance(query.error, ObjectChangedError)
        assert query.error.location == str(tmp_path / "t.parquet")


def write_copy(tmp_path: Path, body: bytes) -> Path:
    copy = tmp_path / "copy"
    copy.write_bytes(body)
    return copy


def test_a_local_file_is_closed_with_its_reader(filesystem: PlannedFileSystem, tmp_path: Path) -> None:
    file = write_local(tmp_path, "t", b"12345")
    before = len(os.listdir("/proc/self/fd"))
    with filesystem.publish([file]):
        for _ in range(20):
            with filesystem.open(f"lake://{file.shown}") as reader:
                assert reader.read(2) == b"12"
        assert len(os.listdir("/proc/self/fd")) == before


def test_several_queries_read_at_once(
    filesystem: PlannedFileSystem, connection: duckdb.DuckDBPyConnection
) -> None:
    bodies = [parquet(rows, 1_000) for rows in (5_000, 6_000, 7_000, 8_000)]

    def run(number: int) -> Any:
        store = FakeStore({"t": bodies[number]})
        files = [plan(store, "t", len(bodies[number]), f"q{number}/t")]
        with filesystem.publish(files), connection.cursor() as cursor:
            return cursor.sql(f"select count(*) from read_parquet(['lake://q{number}/t'])").fetchall()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(4))) == [[(5_000,)], [(6_000,)], [(7_000,)], [(8_000,)]]
