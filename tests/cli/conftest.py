"""A lake of one screen: sales by year and month in Parquet, and a table that cannot be read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakeq.cli.app import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a lake with `sales` (two years of twelve months, 10 rows each)."""
    root = tmp_path_factory.mktemp("lake")
    for year in (2025, 2026):
        for month in range(1, 13):
            folder = root / "sales" / f"year={year}" / f"month={month:02}"
            folder.mkdir(parents=True)
            rows = {
                "id": list(range(10)),
                "product": ["tea", None] * 5,
                "amount": [0.5 * n for n in range(10)],
            }
            pq.write_table(pa.table(rows), folder / "part-0.parquet")
    (root / "sales" / "_SUCCESS").touch()
    return str(root)


@pytest.fixture
def broken_lake(tmp_path: Path) -> str:
    """The folder of a lake with `good`, and `bad` whose partition keys disagree."""
    for path in ("good/x=1", "bad/x=1", "bad/y=1"):
        folder = tmp_path / "broken" / path
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"n": [1]}), folder / "part-0.parquet")
    return str(tmp_path / "broken")


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Run `lakeq` with these arguments: its exit status, and what it printed on stdout and stderr."""

    def run_lakeq(*arguments: str) -> tuple[int, str, str]:
        try:
            status = main(arguments)
        except SystemExit as stop:
            status = int(str(stop.code))
        printed = capfdbinary.readouterr()
        return status, printed.out.decode(), printed.err.decode()

    return run_lakeq
