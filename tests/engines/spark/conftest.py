"""One Spark session for the tests of a process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.engines.spark.sessions import open_session


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A SparkSession on one core of this machine."""
    yield from open_session()
