"""Spark itself sees, through the statements, what lakeq sees: a sample of tests/ddl/on_engines.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ddl.lakes import CASES, open_case, write_case
from tests.ddl.on_engines import Run, compare_table, open_engine
from tests.ddl.spark_session import skip_without_spark

SAMPLE = (
    ("positional", "parquet"),
    ("nulls", "parquet"),
    ("escaped", "csv"),
    ("mixed", "json"),
    ("template", "orc"),
)


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    skip_without_spark()
    with open_engine("spark") as opened:
        yield opened


@pytest.mark.engines
@pytest.mark.parametrize(("name", "file_format"), SAMPLE)
def test_spark_sees_what_lakeq_sees(tmp_path: Path, run: Run, name: str, file_format: str) -> None:
    case = next(case for case in CASES if case.name == name)
    table = write_case(tmp_path, case, file_format)
    with open_case(tmp_path, case, table) as lake:
        assert compare_table(lake, table, "spark", run) is None
