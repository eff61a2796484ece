"""Trino itself sees, through the statements, what lakeq sees; where LAKEQ_TRINO names a server to start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.ddl.on_engines import Run, compare_cases, compare_types, run_on_trino
from tests.trino_server import run_trino, skip_without_trino


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    skip_without_trino()
    with run_trino() as server:
        yield run_on_trino(server)


@pytest.mark.parametrize("compare", [compare_cases, compare_types])
def test_trino_sees_what_lakeq_sees(
    tmp_path: Path, run: Run, compare: Callable[[Path, str, Run], Iterator[tuple[str, str | None]]]
) -> None:
    assert [difference for _, difference in compare(tmp_path, "trino", run) if difference] == []
