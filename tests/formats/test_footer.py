"""Damaged footers: each gives facts or a CorruptFileError, the same by both ways, and never ends the process."""

from __future__ import annotations

import io
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakeq.formats import thrift
from lakeq.formats.footer import ENCRYPTED
from lakeq.formats.footer_patterns import CHUNK_END, CHUNK_SIZES, CHUNK_START, GROUP_START, HEAD, skip_path
from lakeq.formats.parquet_facts import FooterFaultError, read_common_facts, read_facts, read_facts_by_arrow
from tests.formats.test_parquet import EVERY_TYPE

ROOT = Path(__file__).parents[2]
MISFIT = "the statistics of a column do not fit its type"


def metadata_of(table: pa.Table, **options: Any) -> bytes:
    stream = io.BytesIO()
    pq.write_table(table, stream, **options)
    return strip(stream.getvalue())


def strip(file: bytes) -> bytes:
    return file[-8 - int.from_bytes(file[-8:-4], "little") : -8]


def dress(metadata: bytes) -> bytes:
    return b"PAR1" + metadata + len(metadata).to_bytes(4, "little") + b"PAR1"


def outcome(read: Any, footer: bytes) -> str:
    """The facts, or the error, as text."""
    try:
        return repr(read(footer))
    except (pa.ArrowException, OSError, ValueError) as error:
        return f"refused: {error}"


def mutate(metadata: bytes, random: random.Random) -> bytes:
    """A few bytes changed, cut out or put in."""
    changed = bytearray(metadata)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        at = random.randrange(len(changed))
        match random.randrange(6):
            case 0 | 1:
                changed[at] ^= 1 << random.randrange(8)
            case 2:
                changed[at] = (changed[at] + random.choice((1, -1, 16, -16))) % 256
            case 3:
                del changed[at]
            case 4:
                changed.insert(at, random.randrange(256))
            case _:
                del changed[random.randrange(at, len(changed)) :]
    return bytes(changed)


def compare_mutations(seed: int, count: int) -> None:
    """What the test below runs in a process of its own."""
    names = list(EVERY_TYPE)
    samples = [names[i : i + 6] for i in range(0, len(names), 6)] + [
        ["i64", "text", "f64"],
        ["text", "struct"],
    ]
    originals = [
        metadata_of(pa.table({name: EVERY_TYPE[name] for name in sample}), row_group_size=1)
        for sample in samples
    ]
    for original in originals:  # schemas that were seen before
        assert read_common_facts(dress(original)) is not None
    chance = random.Random(seed)
    for _ in range(count):
        footer = dress(mutate(chance.choice(originals), chance))
        by_arrow = outcome(read_facts_by_arrow, footer)
        # Sizes by level, by which Arrow falls, are not looked at here.
        assert by_arrow == f"refused: {MISFIT}" or outcome(read_facts, footer) == by_arrow, footer.hex()


def test_mutated_footers_never_end_the_process_and_come_out_the_same_both_ways() -> None:
    program = "from tests.formats.test_footer import compare_mutations; compare_mutations(1, 1000)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stderr[-4000:]


def with_bounds(old: bool, lower: bytes | None, upper: bytes | None) -> bytes:
    """The footer of an int64 with these bounds."""
    data = metadata_of(pa.table({"c": [1]}))
    start, end = find_statistics(data)
    numbers = ((1, upper), (2, lower)) if old else ((5, upper), (6, lower))
    statistics, before = b"", 0
    for number, bound in numbers:
        if bound is not None:
            statistics += bytes([(number - before) << 4 | thrift.BINARY]) + thrift.encode_bytes(bound)
            before = number
    return data[:start] + statistics + b"\x00" + data[end:]


def find_statistics(data: bytes) -> tuple[int, int]:
    """Where those of the first chunk begin and end."""
    at = 0
    for pattern in (HEAD, GROUP_START, CHUNK_START, CHUNK_SIZES):
        match = pattern.match(data, skip_path(data, at) if pattern is CHUNK_SIZES else at)
        assert match is not None
        at = match.end()
    end = thrift.read_struct(data, at)[1]
    assert CHUNK_END.match(data, end)
    return at, end


ONE = b"\x01" + bytes(7)


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("has_orders", [False, True])
@pytest.mark.parametrize("lower", [None, b"", b"a", ONE, ONE + b"x"])
@pytest.mark.parametrize("upper", [None, b"", b"a", ONE, ONE + b"x"])
def test_bounds_shorter_than_a_value_do_not_reach_arrow(
    old: bool, has_orders: bool, lower: bytes | None, upper: bytes | None
) -> None:
    data = with_bounds(old, lower, upper)
    if not has_orders:
        data = data.replace(b"\x19\x1c\x1c\x00\x00\x00", b"\x00")
    counts = old != has_orders and lower is not None and upper is not None
    if counts and min(len(lower or b""), len(upper or b"")) < 8:
        with pytest.raises(FooterFaultError, match=MISFIT):
            read_facts(dress(data))
    else:
        groups = read_facts(dress(data)).row_groups
        assert groups is not None
        assert groups[0].chunks["c"].lower == (1 if counts else None)
        assert outcome(read_facts, dress(data)) == outcome(read_facts_by_arrow, dress(data))


def test_sizes_by_level_that_are_not_of_the_type_do_not_reach_arrow() -> None:
    data = metadata_of(pa.table({"c": [1]}))
    at = data.index(b"\x3c\x29\x06\x19\x26\x00\x02")
    for sizes in (b"\x3c\x29\x06\x19\x36\x00\x02\x02", b"\x3c\x16\x02\x19\x06\x19\x26\x00\x02"):
        broken = dress(data[:at] + sizes + data[at + 7 :])
        with pytest.raises(FooterFaultError, match=MISFIT):
            read_facts_by_arrow(broken)
        with pytest.raises(FooterFaultError, match=MISFIT):
            read_facts(broken)  # else a scan by Arrow with a filter would end the process


def test_a_known_schema_does_not_vouch_for_row_groups() -> None:
    data = metadata_of(pa.table({"c": [1, 2]}))
    assert read_common_facts(dress(data)) is not None
    chunk = data.index(b"\x1c\x15\x04\x19")
    other_type = data[: chunk + 2] + b"\x08" + data[chunk + 3 :]
    with pytest.raises(FooterFaultError, match="another type than the schema"):
        read_facts(dress(other_type))
    other_path = data.replace(b"\x19\x18\x01c", b"\x19\x18\x01d")
    assert read_common_facts(dress(other_path)) is None
    for end in range(len(data)):
        assert outcome(read_facts, dress(data[:end])).startswith("refused: ")


def test_an_encrypted_chunk_under_a_known_schema_is_refused() -> None:
    data = metadata_of(pa.table({"c": [1, 2]}))
    _, end = find_statistics(data)
    match = CHUNK_END.match(data, end)
    assert match is not None
    encrypted = data[: match.end() - 1] + b"\x5c\x1c\x00\x00\x00" + data[match.end() :]
    with pytest.raises(FooterFaultError, match=ENCRYPTED):
        read_facts(dress(encrypted))


def test_duckdb_reads_what_is_read_here(tmp_path: Path) -> None:
    """The bounds of a file are those that DuckDB finds in it, an implementation of its own."""
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": [3, 1], "b": ["x", "y"]}), path)
    groups = read_facts(dress(strip(path.read_bytes()))).row_groups
    assert groups is not None
    with duckdb.connect() as connection:
        rows = connection.sql(
            f"SELECT path_in_schema, stats_min_value, stats_max_value, stats_null_count, total_compressed_size "
            f"FROM parquet_metadata('{path}')"
        ).fetchall()
    for name, lower, upper, nulls, size in rows:
        chunk = groups[0].chunks[name]
        assert (str(chunk.lower), str(chunk.upper), chunk.null_count, chunk.bytes) == (
            lower,
            upper,
            nulls,
            size,
        )
