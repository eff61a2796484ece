"""Where engines disagree about paths: the table of docs/catalog.md, row by row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lakeq.catalog.hive_names import NULL_TEXT
from lakeq.errors import PartitionLayoutError
from tests.catalog.memory_store import only_table, tables_by_name
from tests.conformance.partition_cases import found_keys, read, type_values

PAGE = Path(__file__).parents[2] / "docs" / "catalog.md"
HEADING = "## Where engines disagree"


def is_error(call: Callable[[], Any]) -> bool:
    try:
        call()
    except PartitionLayoutError:
        return True
    return False


def list_files(*paths: str) -> list[str]:
    return [
        path for table in tables_by_name(paths).values() for path in table.files.column("path").to_pylist()
    ]


RULES: dict[str, Callable[[], bool]] = {
    "`a=`": lambda: (
        type_values(["", "x"]) == (pa.string(), ["", "x"])
        and type_values(["", "1"]) == (pa.int64(), [None, 1])
    ),
    "`a=NULL`": lambda: (
        type_values(["NULL", "1"]) == (pa.string(), ["NULL", "1"])
        and read([f"a={NULL_TEXT}/f", "a=1/f"])["a"].to_pylist() == [None, 1]
    ),
    "an integer beyond 32 bits": lambda: (
        type_values(["3760212050"])[0] == pa.int64()
        and type_values(["9223372036854775808"])[0] == pa.decimal128(38, 0)
        and type_values(["9" * 39])[0] == pa.string()
    ),
    "`10`, `10.5`, `hello` in one key": lambda: (
        type_values(["10", "10.5"]) == (pa.float64(), [10.0, 10.5])
        and type_values(["10", "10.5", "hello"]) == (pa.string(), ["10", "10.5", "hello"])
    ),
    "a date beside a time, beside text": lambda: (
        type_values(["2014-01-01", "2014-01-01 00:01:00"])
        == (pa.timestamp("us"), [datetime(2014, 1, 1), datetime(2014, 1, 1, 0, 1)])
        and type_values(["2014-01-01", "blah"])[0] == pa.string()
    ),
    "`month=01`": lambda: type_values(["01", "1", "10"]) == (pa.int64(), [1, 1, 10]),
    "a plain folder between keys": lambda: is_error(lambda: read(["a=10/b_hello/c=1/f"])),
    "different keys in one table": lambda: (
        is_error(lambda: read(["a=1/f", "b=1/f"])) and is_error(lambda: read(["a=1/f", "a=1/b=2/f"]))
    ),
    "`a=1`, `A=2`": lambda: len(read(["a=1/f", "A=2/f"])) == 1 and is_error(lambda: read(["a=1/A=2/f"])),
    "keys above the table": lambda: found_keys(only_table(["a=1/f.csv"], root="/k=1/t")) == ["a"],
    "hidden files": lambda: (
        list_files("t/_x/f.csv", "t/.f.csv", "t/a=1/_f.csv", "t/a=1/f.csv") == ["t/a=1/f.csv"]
        and list_files("t/_k=1/f.csv") == ["t/_k=1/f.csv"]
    ),
    "`%3A` in keys and values": lambda: (
        {key: value.to_pylist() for key, value in read(["a%3Ab=c%3Ad/f"]).items()} == {"a:b": ["c:d"]}
        and is_error(lambda: read(["a=%AF/f"]))
    ),
    "`x=1/x=2`": lambda: is_error(lambda: read(["x=1/x=2/f"])),
    "`a=1=2`": lambda: read(["a=1=2/f"])["a"].to_pylist() == ["1=2"],
}


@pytest.mark.parametrize("question", RULES)
def test_the_rule_of_the_table_is_what_is_done(question: str) -> None:
    assert RULES[question]()


def test_the_table_has_the_rows_that_are_tested() -> None:
    """One more, `a key that files hold too`, is test_duckdb_paths_win_over_columns_in_the_files."""
    section = PAGE.read_text(encoding="utf-8").partition(HEADING)[2].partition("\n## ")[0]
    rows = [line.split(" | ")[0].strip("| ") for line in section.splitlines() if line.startswith("| ")][1:]
    assert rows == [*RULES, "a key that files hold too"]
