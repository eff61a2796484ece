"""Text files of one table differ in what their heads tell: keys and types. One scan reads them all, and what a
query is told does not hang on which other files it reads."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lakeq
from lakeq.engines.groups import merge_scans
from lakeq.lake import Lake

KEYS = ("a", "b", "c", "d")
RECORDS = st.dictionaries(st.sampled_from(KEYS), st.integers(-9, 9))
FILES = st.lists(st.lists(RECORDS, min_size=1, max_size=4), min_size=1, max_size=5)


def count_scans(lake: Lake, sql: str) -> int:
    (read,) = merge_scans(lake.plan(sql))
    return len(read.schemas)


def write_json(root: Path, day: int, records: list[dict[str, Any]]) -> None:
    folder = root / "t" / f"day={day}"
    folder.mkdir(parents=True)
    (folder / "a.json").write_text("".join(json.dumps(record) + "\n" for record in records))


@settings(deadline=None, max_examples=30)
@given(files=FILES, scanner=st.sampled_from(["auto", "arrow"]))
def test_each_file_of_json_has_its_keys_and_null_for_others(
    files: list[list[dict[str, int]]], scanner: str
) -> None:
    known = sorted({key for records in files for record in records for key in record})
    with tempfile.TemporaryDirectory() as folder:
        for day, records in enumerate(files):
            write_json(Path(folder), day, [{"id": 1, **record} for record in records])
        with lakeq.connect(folder, scanner=scanner) as lake:
            for days in ([*range(len(files))], [0]):
                where = f"day IN ({', '.join(map(str, days))})"
                sql = f"SELECT {', '.join(['day', *known])} FROM t WHERE {where}"
                expected = [
                    (day, *(record.get(key) for key in known)) for day in days for record in files[day]
                ]
                found = [tuple(row.values()) for row in lake.sql(sql).arrow().to_pylist()]
                assert sorted(found, key=repr) == sorted(expected, key=repr)
                assert count_scans(lake, sql) == 1


def write_late_key(root: Path) -> None:
    """The head of the file of day 0 has not the key that its last record has, and that all of day 1 have."""
    write_json(root, 0, [*({"id": n, "text": "x" * 40} for n in range(5000)), {"id": 5000, "late": 7}])
    write_json(root, 1, [{"id": 1, "late": 1}])


@pytest.mark.parametrize("scanner", ["auto", "arrow"])
@pytest.mark.parametrize(("where", "total"), [("day = 0", 7), ("day = 1", 1), ("true", 8)])
def test_a_key_that_follows_the_head_of_a_file_is_read_whichever_files_are(
    tmp_path: Path, scanner: str, where: str, total: int
) -> None:
    write_late_key(tmp_path)
    with lakeq.connect(tmp_path, scanner=scanner) as lake:
        assert lake.sql(f"SELECT sum(late) FROM t WHERE {where}").arrow()[0].to_pylist() == [total]


@pytest.mark.parametrize("scanner", ["auto", "arrow"])
def test_a_key_is_found_as_each_file_spells_it(tmp_path: Path, scanner: str) -> None:
    write_json(tmp_path, 0, [{"Id": 1}])
    write_json(tmp_path, 1, [{"id": 2, "n": 1}])
    write_json(tmp_path, 2, [{"id": 4}])
    with lakeq.connect(tmp_path, scanner=scanner) as lake:
        assert lake.sql("SELECT sum(id) FROM t").arrow()[0].to_pylist() == [7]
        assert count_scans(lake, "SELECT sum(id) FROM t") == 2


@pytest.mark.parametrize("scanner", ["auto", "arrow"])
def test_columns_of_csv_that_heads_take_for_other_types_are_one_scan(tmp_path: Path, scanner: str) -> None:
    for day, cells in enumerate([("1", ""), ("", "x"), ("1.5", "2026-01-01"), ("", "")]):
        folder = tmp_path / "t" / f"day={day}"
        folder.mkdir(parents=True)
        (folder / "a.csv").write_text(f"id,n,s\n{day},{cells[0]},{cells[1]}\n")
    with lakeq.connect(tmp_path, scanner=scanner) as lake:
        rows = lake.sql("SELECT id, n, s FROM t ORDER BY id").arrow().to_pylist()
        assert [tuple(row.values()) for row in rows] == [
            (0, 1.0, None),
            (1, None, "x"),
            (2, 1.5, "2026-01-01"),
            (3, None, None),
        ]
        assert count_scans(lake, "SELECT * FROM t") == 1
