"""What tests of several rooms share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import settings

from lakeq.catalog.database import Database, open_index_database
from tests.servers import S3Server, ScriptedServer, run_s3_server, run_scripted_server

# A shared machine may take long over anything: no test fails by the clock.
settings.register_profile("shared", deadline=None)
# .ci/run judges a change by the same examples each time; who runs the tests by hand draws new ones.
settings.register_profile("fixed", deadline=None, derandomize=True)
settings.load_profile(os.environ.get("LAKEQ_TEST_EXAMPLES", "shared"))


@pytest.fixture(scope="session", autouse=True)
def user_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the user's own cache and history."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAKEQ_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("LAKEQ_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="session")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB without tables, one for the run: opening it takes longer than most questions. Who makes tables
    or views makes them over a cursor, or under a name of their own."""
    with duckdb.connect() as opened:
        yield opened


@pytest.fixture(scope="session")
def index_database() -> Iterator[Database]:
    """A database for the indexes of lakes, one for the run: an index replaces that of the same name."""
    with open_index_database() as opened:
        yield opened


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """moto's S3, one for the run: use `new_bucket()` or a bucket name of your own."""
    with run_s3_server() as server:
        yield server


@pytest.fixture
def scripted_server() -> Iterator[ScriptedServer]:
    """An HTTP server that answers as the test scripts it."""
    with run_scripted_server() as server:
        yield server
