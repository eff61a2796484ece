"""The lake of these tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

import lakeq
from lakeq.lake import Lake
from tests.planner.writing.values import write_lake


@pytest.fixture(scope="session")
def written_lake(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, pa.Table]]:
    """The folder of the lake, and its tables."""
    root = tmp_path_factory.mktemp("written")
    return root, write_lake(root)


@pytest.fixture(scope="session")
def lake(written_lake: tuple[Path, dict[str, pa.Table]]) -> Iterator[Lake]:
    """The lake, open."""
    with lakeq.connect(written_lake[0], history=False) as opened:
        yield opened
