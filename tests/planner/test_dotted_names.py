"""A dot in a name of a column or a key is no path into a struct: it is found, priced and limited as any."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.errors import BudgetExceededError
from lakeq.lake import Lake
from lakeq.planner.scan import scan_bytes


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    numbers = list(range(1000))
    columns = {
        "a.b": pa.array(numbers),
        "a": pa.array([{"b": -n, "c": str(n)} for n in numbers]),
        "n.m": pa.array(numbers),
        "s.t": pa.array([{"u": n, "v": n} for n in numbers]),
        "other": pa.array([str(n) for n in numbers]),
    }
    for key in (1, 2):
        folder = tmp_path / "t" / f"x.y={key}"
        folder.mkdir(parents=True)
        pq.write_table(pa.table(columns), folder / "a.parquet", row_group_size=100)
    with lakeq.connect(tmp_path) as made:
        yield made


def stored_bytes(tmp_path: Path, *leaves: str) -> int:
    footer = pq.ParquetFile(tmp_path / "t" / "x.y=1" / "a.parquet").metadata
    chunks = (
        footer.row_group(g).column(c) for g in range(footer.num_row_groups) for c in range(footer.num_columns)
    )
    return sum(chunk.total_compressed_size for chunk in chunks if chunk.path_in_schema in leaves)


@pytest.mark.parametrize(
    ("shown", "leaves"),
    [
        ('sum("A.B")', ("a.b",)),  # the leaf of "a.b" and that of the field b of a have one name
        ('sum("n.m")', ("n.m",)),
        ('max("s.t".u)', ("s.t.u",)),
        ("max(other)", ("other",)),
    ],
)
def test_a_column_with_a_dot_costs_what_is_stored_of_it(
    shown: str, leaves: tuple[str, ...], lake: Lake, tmp_path: Path
) -> None:
    (scan,) = lake.plan(f'SELECT {shown} FROM t WHERE "x.y" = 1').scans
    assert scan_bytes(scan) == stored_bytes(tmp_path, *leaves)


def test_a_limit_counts_a_column_with_a_dot(lake: Lake) -> None:
    with pytest.raises(BudgetExceededError):
        lake.sql('SELECT sum("n.m") FROM t', max_bytes=100).arrow()


def test_a_partition_key_with_a_dot_prunes_and_is_shown(lake: Lake) -> None:
    (scan,) = lake.plan('SELECT "x.y" FROM t WHERE "X.Y" = 2').scans
    assert (scan.files.count, scan.partition_keys) == (1, ("x.y",))
    rows = lake.sql('SELECT "x.y", count(*) FROM t GROUP BY ALL ORDER BY 1').arrow()
    assert [tuple(row.values()) for row in rows.to_pylist()] == [(1, 1000), (2, 1000)]


@pytest.mark.parametrize(
    "condition", ['"a.b" > 990', "a.b > 990", "a.b < -990", '"s.t".u > 990 AND "a.b" > 995']
)
def test_bounds_of_a_column_with_a_dot_are_not_those_of_a_field(
    condition: str, lake: Lake, tmp_path: Path
) -> None:
    files = str(tmp_path / "t" / "*" / "*.parquet")
    expected = duckdb.sql(f"SELECT count(*) FROM '{files}' AS t WHERE {condition}").fetchall()
    assert lake.sql(f"SELECT count(*) FROM t WHERE {condition}").arrow()[0].to_pylist() == [expected[0][0]]
