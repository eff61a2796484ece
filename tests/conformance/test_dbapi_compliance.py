"""The public compliance suite of PEP 249 (PyPI: dbapi-compliance), over files instead of INSERT.

The suite makes its tables with CREATE and INSERT. Here each is first refused by the cursor, as it must be, and
then the file that it would have made is written. Four tests ask for what there is not, or for what the suite
leaves to the driver: each has its own in place of the suite's, with the reason.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import dbapi20
import pyarrow as pa
import pyarrow.parquet as pq

import lakeq
from lakeq import dbapi

CREATE = re.compile(r"create table (\w+) \((.*)\)")
INSERT = re.compile(r"insert into (\w+) (values .*)")


class WritingCursor(dbapi.Cursor):
    """A cursor that, once a statement that writes was refused, writes the file of it."""

    def __init__(self, connection: dbapi.Connection, lake: lakeq.Lake) -> None:
        super().__init__(connection)
        self._lake = lake

    def execute(self, operation: str, parameters: Any = None) -> Self:
        try:
            return super().execute(operation, parameters)
        except dbapi.NotSupportedError:
            if found := CREATE.fullmatch(operation):
                names = [column.split()[0] for column in found[2].split(", ")]
                self._write(found[1], pa.schema([(name, pa.string()) for name in names]).empty_table())
            elif found := INSERT.fullmatch(operation):
                schema = self._lake.describe(found[1]).schema
                rows = self._lake.sql(f"FROM ({found[2]})", parameters).arrow()
                self._write(found[1], rows.rename_columns(schema.names).cast(schema))
            else:
                raise
            self._lake.refresh()
            return self

    def _write(self, table: str, rows: pa.Table) -> None:
        folder = Path(self._lake.location) / table
        folder.mkdir(exist_ok=True)
        pq.write_table(rows, folder / f"{len(list(folder.iterdir()))}.parquet")


class WritingConnection(dbapi.Connection):
    def __init__(self, lake: lakeq.Lake) -> None:
        super().__init__(lake, closes_lake=True)
        self._written = lake

    def cursor(self) -> WritingCursor:
        self.check_open()
        return WritingCursor(self, self._written)


class TestCompliance(dbapi20.DatabaseAPI20Test):
    driver = SimpleNamespace(
        **{**vars(dbapi), "connect": lambda root: WritingConnection(lakeq.connect(root))}
    )

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.connect_args = (folder.name,)

    def tearDown(self) -> None:
        """The folder goes, and with it the tables; the suite would DROP them."""

    def test_executemany(self) -> None:
        """The suite inserts by it. Every statement of lakeq gives rows, for which the PEP lets it be refused."""
        with self._connect() as connection, self.assertRaises(dbapi.NotSupportedError):
            connection.cursor().executemany("SELECT ?", [(1,), (2,)])

    def test_nextset(self) -> None:
        """The suite leaves it to the driver: one statement gives one result, so there is no `nextset`."""
        with self._connect() as connection:
            assert not hasattr(connection.cursor(), "nextset")

    def test_setoutputsize(self) -> None:
        """The suite leaves it to the driver: a size cuts nothing."""
        with self._connect() as connection:
            cursor = connection.cursor()
            cursor.setoutputsize(1)
            assert cursor.execute("SELECT repeat('x', 100)").fetchone() == ("x" * 100,)

    def test_non_idempotent_close(self) -> None:
        """The suite wants the second close to fail, and says that reasonable persons differ. The PEP asks it of
        operations; `with` around a connection that was closed early must not fail, as with sqlite3."""
        connection = self._connect()
        connection.close()
        connection.close()
        self.assertRaises(dbapi.InterfaceError, connection.cursor)
