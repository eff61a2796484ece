"""What is written gives DuckDB's answer in the other engine, and what is refused is listed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from lakeq.errors import UnsupportedSqlError
from lakeq.lake import Lake
from lakeq.planner.writing import write_query
from tests.planner.writing.asking import Asker, ask_all, list_cases, open_asker, plan_all
from tests.planner.writing.engines import open_spark, show_to_spark, why_no_spark
from tests.planner.writing.lake_plans import NAMES
from tests.planner.writing.refusals import REFUSED


@pytest.mark.parametrize("dialect", ["spark", "trino"])
def test_just_the_listed_cases_are_refused(lake: Lake, dialect: str) -> None:
    plan = plan_all(lake)
    refused = []
    for label, sql in list_cases():
        try:
            write_query(replace(plan, sql=sql), dialect, NAMES[dialect])
        except UnsupportedSqlError:
            refused.append(label)
    assert refused == REFUSED[dialect]


@pytest.fixture(scope="module")
def spark(
    lake: Lake, written_lake: tuple[Path, dict[str, pa.Table]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asker]:
    folder, tables = tmp_path_factory.mktemp("spark"), written_lake[1]
    with open_spark(folder) as session:
        run, names = show_to_spark(session, folder, tables)
        yield open_asker(lake, tables, "spark", names, run)


@pytest.mark.skipif(bool(why_no_spark()), reason=why_no_spark() or "Spark is here")
@pytest.mark.filterwarnings("ignore")  # pyspark's own, of pandas and of sockets
def test_spark_answers_as_duckdb_does(spark: Asker) -> None:
    ask_all(spark, step=8)  # all of them: python -m tests.planner.writing --engine spark
    assert spark.wrong == []
    assert spark.same > 100
