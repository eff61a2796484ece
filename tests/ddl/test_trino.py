"""Trino itself sees, through the statements, what lakeq sees; where LAKEQ_TRINO names a server to start."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ddl.lakes import CASES, open_case, write_case
from tests.ddl.on_engines import Run, compare_cases, compare_types, run_on_trino
from tests.trino_server import run_trino, skip_without_trino


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    skip_without_trino()
    with run_trino() as server:
        yield run_on_trino(server)


PROJECTED = ("padded", "dates", "products", "positional", "template", "Upper", "hours", "compact")


@pytest.mark.parametrize("name", PROJECTED)
def test_trino_keeps_of_a_projection_what_athenas_statement_says(tmp_path: Path, run: Run, name: str) -> None:
    case = next(case for case in CASES if case.name == name)
    table = write_case(tmp_path, case, "parquet")
    known = f"{name}_properties".lower()
    with open_case(tmp_path, case, table) as lake:
        trino = lake.ddl(table, "trino", name=known)
        athena = lake.ddl(table, "athena", name=known, location="s3://b/t").statements[0]
    for statement in trino.statements:
        run(statement)
    names, (values,) = run(f'SELECT * FROM "{known}$properties"')
    kept = {n: v for n, v in zip(names, values, strict=True) if n.startswith(("projection.", "storage."))}
    place = f"local://{tmp_path}/{table}/"
    said = dict(re.findall(r"'((?:projection|storage)\.[^']*)' = '([^']*)'", athena))
    assert {n: v.lower() for n, v in kept.items()} == {
        n: v.replace("s3://b/t/", place).lower() for n, v in said.items()
    }


@pytest.mark.parametrize("compare", [compare_cases, compare_types])
def test_trino_sees_what_lakeq_sees(
    tmp_path: Path, run: Run, compare: Callable[[Path, str, Run], Iterator[tuple[str, str | None]]]
) -> None:
    assert [difference for _, difference in compare(tmp_path, "trino", run) if difference] == []
