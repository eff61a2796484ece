"""The fact store: what one run learned is what the next knows, and nothing else."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import stat
from collections.abc import Sequence
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakeq.catalog import facts_file, whole_files
from lakeq.catalog.database import open_index_database
from lakeq.catalog.facts_store import FactStore, RecalledFacts
from lakeq.catalog.index import FileIndex
from lakeq.catalog.known_facts import VERSION
from lakeq.catalog.schema import settle_schema
from lakeq.errors import SchemaConflictError
from lakeq.formats.base import Column, ColumnChunk, FileFacts, FileSchema, RowGroup

KEYS = (Column("day", pa.int64()),)
FILES = 24
KEY = "s3://bucket/lake t parquet"


def make_index(
    count: int = FILES, etags: dict[int, str | None] | None = None, sizes: dict[int, int] | None = None
) -> FileIndex:
    """An index of files of four a day; `etags` and `sizes` are those of files that have others."""
    return index_of([(i, (etags or {}).get(i, f"e{i}"), (sizes or {}).get(i, 100 + i)) for i in range(count)])


def index_of(versions: Sequence[tuple[int, str | None, int]]) -> FileIndex:
    """An index of files by number, etag and size."""
    days = [number // 4 for number, _, _ in versions]
    files = pa.table(
        {
            "path": [f"t/day={n // 4:03}/{n:05}" for n, _, _ in versions],
            "size": pa.array([size for _, _, size in versions], pa.int64()),
            "etag": pa.array([etag for _, etag, _ in versions], pa.string()),
            "modified": pa.nulls(len(days), pa.timestamp("us", tz="UTC")),
            "storage_class": pa.nulls(len(days), pa.string()),
            "raw_0": [f"{day:03}" for day in days],
            "value_0": pa.array(days, pa.int64()),
        }
    )
    return FileIndex(open_index_database(), "it's", files, KEYS)


INTEGERS = FileSchema((Column("x", pa.int64()),))
TEXTS = FileSchema((Column("x", pa.string()),))


def simple_facts(number: int) -> FileFacts:
    """Two row groups; every third file has text."""
    is_text = number % 3 == 2
    groups = []
    for part in (0, 1):
        low, high = number * 10 + part, number * 10 + part + 5
        bounds = (f"{low:06}", f"{high:06}") if is_text else (low, high)
        groups.append(RowGroup(5, {"x": ColumnChunk(7 + number, *bounds, number % 2)}))
    return FileFacts(TEXTS if is_text else INTEGERS, 10, True, tuple(groups))


def learn(index: FileIndex, numbers: Sequence[int]) -> FileIndex:
    index.add_facts([(number, simple_facts(number)) for number in numbers])
    return index


def tell(index: FileIndex) -> list[tuple[Any, ...]]:
    """All that an index knows of files with an etag, in one order."""
    known = set(range(index.count)) - set(index.read_uninspected(index.all)["file_id"].to_pylist())
    return sorted(
        (
            (facts.schemas[row["schema"]], facts.leaves, [v for k, v in row.items() if k != "schema"])
            for facts in index.export_facts(pa.array(sorted(known), pa.int32()))
            for row in facts.rows.to_pylist()
        ),
        key=repr,
    )


def tell_files(index: FileIndex) -> list[dict[str, Any]]:
    """What is known file by file, with schemas for their numbers."""
    rows = index.read_files(None).to_pylist()
    for row in rows:
        number = row.pop("schema_id")
        row["schema"] = None if number is None else index.schemas[number]
    return rows


def tell_types(index: FileIndex) -> list[tuple[Any, ...]]:
    """The SQL types of the row-group tables."""
    rows = index._tables.read(
        "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name LIKE '%:groups:%'"
    )
    return sorted(zip(*(column.to_pylist() for column in rows.columns), strict=True))


# What is drawn: a type, and the bounds that a format might give for it.
TEXT = st.text(max_size=4)
TIMES = st.integers(-(2**45), 2**45)  # in milliseconds within the years that Python knows
KINDS: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.int8(): st.integers(-128, 127),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float32(): st.floats(allow_nan=False, width=32),
    pa.float64(): st.floats(allow_nan=False),
    pa.string(): TEXT,
    pa.bool_(): st.booleans(),
    pa.date32(): st.integers(-10_000, 100_000),
    pa.timestamp("s"): st.integers(-(2**31), 2**31),
    pa.timestamp("ms"): TIMES,
    pa.timestamp("us"): TIMES,
    pa.timestamp("ns"): TIMES,
    pa.timestamp("us", "UTC"): st.datetimes(dt.datetime(1900, 1, 1), timezones=st.just(dt.UTC)),
    pa.timestamp("ns", "UTC"): TIMES,
    pa.time64("us"): st.integers(0, 86_399_999_999),
    pa.decimal128(12, 2): st.integers(-(10**12) + 1, 10**12 - 1).map(lambda n: Decimal(n).scaleb(-2)),
    pa.decimal128(38, 10): st.integers(-(10**37), 10**37).map(lambda n: Decimal(n).scaleb(-10)),
    pa.binary(): st.none(),
    pa.uuid(): st.none(),
    pa.null(): st.none(),
}
SCALARS = st.sampled_from(list(KINDS))
TYPES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        inner.map(pa.list_),
        st.dictionaries(st.sampled_from(["u", "V w", 'q"']), inner, min_size=1, max_size=2).map(
            lambda fields: pa.struct(list(fields.items()))
        ),
        inner.map(lambda kind: pa.map_(pa.string(), kind)),
    ),
    max_leaves=4,
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), TEXT),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=5,
)
SCHEMAS = st.builds(
    FileSchema,
    st.dictionaries(st.sampled_from(["a", "ä b", 'q"x', "it's", "rows", ""]), TYPES, max_size=4).map(
        lambda columns: tuple(Column(name, kind) for name, kind in columns.items())
    ),
    st.lists(st.tuples(TEXT, VALUES), max_size=2).map(tuple),
)


def find_leaves(column: Column) -> list[tuple[str, pa.DataType | None]]:
    """Stored leaves as Parquet names them; those without bounds have no type."""
    if pa.types.is_struct(column.type):
        return [leaf for f in column.type for leaf in find_leaves(Column(f"{column.name}.{f.name}", f.type))]
    if pa.types.is_list(column.type):
        return [(f"{column.name}.list.element", None)]
    if pa.types.is_map(column.type):
        return [(f"{column.name}.key_value.{part}", None) for part in ("key", "value")]
    return [(column.name, column.type)]


@st.composite
def draw_facts(draw: st.DrawFn, schemas: Sequence[FileSchema]) -> FileFacts:
    schema = draw(st.sampled_from(schemas))
    leaves = [leaf for column in schema.columns for leaf in find_leaves(column)]
    if leaves and draw(st.booleans()):
        leaves = leaves[:-1]
    groups = []
    for _ in range(draw(st.integers(0, 2))):
        chunks = {}
        for leaf, kind in leaves:
            bound = st.none() if kind is None else st.none() | KINDS[kind]
            nulls = draw(st.none() | st.integers(0, 9))
            chunks[leaf] = ColumnChunk(draw(st.integers(0, 2**40)), draw(bound), draw(bound), nulls)
        groups.append(RowGroup(draw(st.integers(0, 2**40)), chunks))
    return FileFacts(
        schema,
        draw(st.none() | st.integers(0, 2**40)),
        draw(st.none() | st.booleans()),
        draw(st.sampled_from([tuple(groups), None])),
    )


@st.composite
def draw_lake(draw: st.DrawFn) -> dict[int, FileFacts]:
    schemas = draw(st.lists(SCHEMAS, min_size=1, max_size=3))
    return draw(st.dictionaries(st.integers(0, FILES - 1), draw_facts(schemas), min_size=1, max_size=8))


def settle(index: FileIndex, schemas: dict[FileSchema, str]) -> list[str]:
    """Freeze the types that the files have in common; the columns of which bounds can be asked."""
    try:
        columns, _ = settle_schema("t", schemas, (), None)
    except SchemaConflictError:
        return []
    index.groups.settle_types(columns)
    paths = [leaf for column in columns for leaf, kind in find_leaves(column) if kind is not None]
    return list({path.casefold(): path for path in paths}.values())


def measure_all(index: FileIndex, bounds: Sequence[str]) -> list[Any]:
    """What conditions over single bounds and over all of them leave of the table and of some days."""
    conditions: list[str | None] = [None, "rows > 1000"]
    for leaf in bounds:
        named = leaf.replace('"', '""')
        conditions += [
            f"md5(coalesce(CAST(\"{side}:{named}\" AS VARCHAR), '')) < '8'" for side in ("lo", "hi", "n")
        ]
    answers: list[Any] = []
    for selection in (index.all, index.select("p0 >= 2")):
        for condition in conditions:
            measure = index.groups.measure(
                selection, (condition,), index.groups.find_leaves(["a", "ä b"]), bounds
            )
            files = measure.files.to_table()["path"].to_pylist()
            answers.append(
                (condition, files, measure.row_groups, measure.row_groups_total, measure.column_bytes)
            )
    return answers


@settings(deadline=None, max_examples=15)
@given(lake=draw_lake(), split=st.integers(0, FILES))
def test_what_is_recalled_is_what_was_learned(lake: dict[int, FileFacts], split: int) -> None:
    with TemporaryDirectory() as folder:
        store = FactStore(Path(folder) / "cache")
        told = make_index()
        for part in (range(split), range(split, FILES)):  # in two runs
            run = make_index()
            store.recall(KEY, run, run.all)
            run.add_facts([(n, lake[n]) for n in part if n in lake])
            store.remember(KEY, run)
        told.add_facts(lake.items())
        known = make_index()
        recalled = store.recall(KEY, known, known.all)
        examples: dict[FileSchema, str] = {}
        for number in sorted(lake):
            examples.setdefault(lake[number].schema, f"t/day={number // 4:03}/{number:05}")
        assert recalled == RecalledFacts(len(lake), examples)
        assert list(recalled.schemas) == list(examples)
        assert store.schemas(KEY) == examples and list(store.schemas(KEY)) == list(examples)
        assert (known.inspected, known.groups.count) == (told.inspected, told.groups.count)
        assert tell(known) == tell(told)
        assert tell_files(known) == tell_files(told)
        assert tell_types(known) == tell_types(told)
        assert known.read_partitions() == told.read_partitions()
        bounds = settle(told, examples)
        assert settle(known, examples) == bounds
        assert measure_all(known, bounds) == measure_all(told, bounds)


@settings(deadline=None)
@given(schema=SCHEMAS)
def test_a_schema_comes_back_equal_to_itself(schema: FileSchema) -> None:
    restored = facts_file._decode_schema(facts_file._encode_schema(schema))
    assert restored != schema or hash(restored) == hash(schema)
    assert repr(restored) == repr(schema) and restored == schema


def test_another_version_of_a_file_is_not_known(tmp_path: Path) -> None:
    store = FactStore(tmp_path)
    store.remember(KEY, learn(make_index(), range(6)))
    other = make_index(etags={0: "new", 1: None}, sizes={2: 1})
    assert store.recall(KEY, other, other.all).files == 3
    assert other.read_uninspected(other.all)["file_id"].to_pylist() == [0, 1, 2, *range(6, FILES)]


def test_files_without_an_etag_are_not_remembered(tmp_path: Path) -> None:
    store = FactStore(tmp_path)
    store.remember(KEY, learn(make_index(etags={0: None, 1: ""}), range(3)))
    same = make_index(etags={0: None, 1: ""})
    assert store.recall(KEY, same, same.all).files == 1


def test_facts_belong_to_one_table_key(tmp_path: Path) -> None:
    store = FactStore(tmp_path)
    store.remember(KEY, learn(make_index(), range(6)))
    other = make_index()
    assert store.recall(KEY + " csv", other, other.all) == RecalledFacts()
    assert store.schemas("another") == {}


def test_only_selected_files_that_are_not_known_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facts_file, "_ROWS_TOGETHER", 3)  # so that the rows of a file lie in two of them
    store = FactStore(tmp_path)
    store.remember(KEY, learn(make_index(), range(FILES)))
    for day in range(FILES // 4):
        index = learn(make_index(), [day * 4])
        chosen = index.select(f"p0 = {day}")
        recalled = store.recall(KEY, index, chosen)
        assert (recalled.files, index.inspected, index.groups.count) == (3, 4, 8)
        assert tell(index) == tell(learn(make_index(), range(day * 4, day * 4 + 4)))
        assert store.recall(KEY, index, chosen) == RecalledFacts()


def test_what_was_recalled_or_remembered_is_not_written_again(tmp_path: Path) -> None:
    store = FactStore(tmp_path)
    first = learn(make_index(), range(6))
    store.remember(KEY, first)
    second = make_index()
    store.recall(KEY, second, second.all)
    store.clear()
    store.remember(KEY, first)
    store.remember(KEY, second)
    assert store.usage() == (0, 0)
    assert store.schemas(KEY) == {}


def test_a_replaced_file_replaces_its_facts(tmp_path: Path) -> None:
    store = FactStore(tmp_path)
    store.remember(KEY, learn(make_index(), range(3)))
    replaced = make_index(etags={2: "new"})
    replaced.add_facts([(2, simple_facts(0))])  # was text, is now an integer
    store.remember(KEY, replaced)
    assert store.schemas(KEY) == {INTEGERS: "t/day=000/00000"}
    old = make_index()
    assert store.recall(KEY, old, old.all).files == 2


def versions_of(index: FileIndex) -> pa.Table:
    return index.read_files(None).select(list(VERSION))


def test_a_whole_index_forgets_what_is_no_longer_listed(tmp_path: Path) -> None:
    store = FactStore(tmp_path)
    store.remember(KEY, learn(make_index(), range(6)))
    few = index_of([(0, "e0", 100), (2, "other", 102)])
    store.remember(KEY, few)
    assert len(store.schemas(KEY)) == 2
    store.remember(KEY, few, versions_of(few))
    assert store.schemas(KEY) == {INTEGERS: "t/day=000/00000"}
    again = make_index()
    assert store.recall(KEY, again, again.all).files == 1
    store.remember(KEY, None, versions_of(index_of([(9, "e9", 109)])))
    assert store.usage() == (0, 0)


def test_a_file_whose_row_groups_differ_in_their_leaves_is_left_out(tmp_path: Path) -> None:
    schema = FileSchema((Column("x", pa.int64()), Column("y", pa.int64())))
    one, two = {"x": ColumnChunk(1)}, {"x": ColumnChunk(1), "y": ColumnChunk(2)}
    store, index = FactStore(tmp_path), make_index()
    index.add_facts(
        [
            (0, FileFacts(schema, 2, True, (RowGroup(1, one), RowGroup(1, two)))),
            (1, FileFacts(schema, 1, True, (RowGroup(1, two),))),
        ]
    )
    store.remember(KEY, index)
    again = make_index()
    assert store.recall(KEY, again, again.all).files == 1
    assert again.groups.count == 1


def test_a_store_without_a_folder_remembers_nothing() -> None:
    store, index = FactStore(None), learn(make_index(), range(3))
    store.remember(KEY, index, versions_of(index))
    assert store.recall(KEY, index, index.all) == RecalledFacts()
    assert (store.schemas(KEY), store.usage()) == ({}, (0, 0))
    store.clear()


def test_a_folder_that_cannot_be_written_costs_the_memory_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store, index = FactStore(tmp_path / "file" / "cache"), learn(make_index(), range(3))
    store.remember(KEY, index)
    assert len(index.learned()) == 3
    assert store.recall(KEY, index, index.all) == RecalledFacts()
    store.clear()


def test_only_the_owner_may_look(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "cache"
    FactStore(folder).remember(KEY, learn(make_index(), range(6)))
    assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
    for path in folder.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_no_name_on_disk_tells_of_the_table(tmp_path: Path) -> None:
    key = "s3://user:secret@bucket/lake"
    FactStore(tmp_path).remember(key, learn(make_index(), range(6)))
    for path in tmp_path.rglob("*"):
        assert "bucket" not in str(path.relative_to(tmp_path))
        assert path.is_dir() or b"secret" not in path.read_bytes()


def test_usage_counts_files_and_bytes_and_clearing_leaves_nothing(tmp_path: Path) -> None:
    store = FactStore(tmp_path)
    store.remember(KEY, learn(make_index(), range(6)))
    store.remember("another", learn(make_index(), range(1)))
    (tmp_path / "mine.parquet").write_text("not the store's")
    parts = list(tmp_path.glob("*/*.parquet"))
    assert store.usage() == (3, sum(part.stat().st_size for part in parts))
    store.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["mine.parquet"]


def damage_part(data: bytes, how: str) -> bytes:
    """What a part may be found as."""
    middle, footer = len(data) // 2, len(data) - 40
    return {
        "empty": b"",
        "garbage": b"PAR1" + bytes(range(256)) * 4 + b"PAR1",
        "cut": data[:middle],
        "cut at the front": data[8:],
        "altered data": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
        "altered footer": data[:footer] + bytes([data[footer] ^ 1]) + data[footer + 1 :],
        "without a digest": data[: -8 - whole_files._footer_length(data) - 16]
        + data[-8 - whole_files._footer_length(data) :],
    }[how]


@pytest.mark.parametrize(
    "how",
    ["empty", "garbage", "cut", "cut at the front", "altered data", "altered footer", "without a digest"],
)
def test_a_damaged_part_tells_nothing_and_is_replaced(tmp_path: Path, how: str) -> None:
    store = FactStore(tmp_path)
    store.remember(KEY, learn(make_index(), range(2)))
    (part,) = tmp_path.glob("*/*.parquet")
    part.write_bytes(damage_part(part.read_bytes(), how))
    index = make_index()
    assert store.recall(KEY, index, index.all) == RecalledFacts()
    assert store.schemas(KEY) == {}
    store.remember(KEY, learn(index, [1]))
    again = make_index()
    assert store.recall(KEY, again, again.all).files == 1
    assert tell(again) == tell(learn(make_index(), [1]))


@settings(deadline=None)
@given(st.binary(max_size=64))
def test_no_bytes_are_taken_for_facts(data: bytes) -> None:
    assert facts_file.decode_facts(data) is None
    assert facts_file.decode_examples(data) == {}


def test_facts_of_another_format_number_are_not_known_and_are_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FactStore(tmp_path)
    with monkeypatch.context() as other:
        other.setattr(facts_file, "FORMAT", facts_file.FORMAT + 1)
        store.remember(KEY, learn(make_index(), range(6)))
    index = make_index()
    assert store.recall(KEY, index, index.all) == RecalledFacts()
    assert store.schemas(KEY) == {}
    store.remember(KEY, learn(index, [0]))
    assert store.usage()[0] == 1
    again = make_index()
    assert store.recall(KEY, again, again.all).files == 1


def test_row_groups_kept_in_other_columns_are_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FactStore(tmp_path)
    store.remember(KEY, learn(make_index(), range(2)))
    with monkeypatch.context() as later:
        fields = pa.schema([*facts_file.fact_fields(INTEGERS, ("x",)), ("z:x", pa.int64())])
        later.setattr(facts_file, "fact_fields", lambda schema, leaves: fields)
        index = make_index()
        assert store.recall(KEY, index, index.all) == RecalledFacts()


def _remember_in_steps(
    folder: Path, numbers: Sequence[int], start: Connection, told: Connection
) -> None:  # in a process of its own
    start.recv()
    for number in numbers:
        FactStore(folder).remember(KEY, learn(make_index(200), [number]))
        told.send(number)
    told.close()


class Writer:
    """Another process that remembers one file after the other."""

    def __init__(self, folder: Path, numbers: Sequence[int]) -> None:
        context = multiprocessing.get_context("spawn")
        waiting, self._start = context.Pipe(duplex=False)
        self._told, telling = context.Pipe(duplex=False)
        self.process = context.Process(
            target=_remember_in_steps, args=(folder, numbers, waiting, telling), daemon=True
        )
        self.process.start()
        telling.close()

    def begin(self) -> None:
        self._start.send(True)

    def next(self) -> int | None:
        """The number of the next file that it has remembered; None at its end."""
        try:
            number: int = self._told.recv()
        except EOFError:
            return None
        return number

    def rest(self) -> list[int]:
        return list(iter(self.next, None))


def assert_all_true(store: FactStore, at_least: set[int]) -> None:
    """What is known is what the files told, and of these files all is known."""
    index = make_index(200)
    store.recall(KEY, index, index.all)
    unread = set(index.read_uninspected(index.all)["file_id"].to_pylist())
    assert not unread & at_least
    assert tell(index) == tell(learn(make_index(200), sorted(set(range(200)) - unread)))


def test_processes_that_remember_at_once_lose_nothing(tmp_path: Path) -> None:
    writers = [Writer(tmp_path, range(first, 24, 2)) for first in (0, 1)] + [Writer(tmp_path, range(8, 20))]
    for writer in writers:
        writer.begin()
    for writer in writers:
        assert writer.rest()
        writer.process.join()
        assert writer.process.exitcode == 0
    assert_all_true(FactStore(tmp_path), set(range(24)))
    assert not list(tmp_path.glob("*/*.unfinished"))


def test_a_writer_that_is_killed_leaves_a_readable_store(tmp_path: Path) -> None:
    store, known = FactStore(tmp_path), set[int]()
    writers = [Writer(tmp_path, range(200)) for _ in range(3)]
    for number, writer in enumerate(writers):
        writer.begin()
        for _ in range(number % 5 + 1):
            known.add(writer.next() or 0)
        while not list(tmp_path.glob("*/*.unfinished")) and writer.process.is_alive():
            pass  # until it is in the middle of writing
        writer.process.kill()
        known.update(writer.rest())
        writer.process.join()
        assert_all_true(store, known)
    store.remember(KEY, learn(make_index(200), [199]))
    assert_all_true(store, known | {199})
    assert not list(tmp_path.glob("*/*.unfinished"))
