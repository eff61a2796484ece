"""LakeCatalog: what a lake tells of its tables, their partitions and their files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import pyarrow as pa

from lakeq.audit.finding import Finding
from lakeq.audit.lake import audit_lake
from lakeq.catalog.catalog import Catalog
from lakeq.catalog.changes import TableChanges
from lakeq.catalog.table import IgnoredObjects, Table
from lakeq.catalog.time_proof import TimeProposal, propose_times
from lakeq.ddl.statements import Ddl
from lakeq.ddl.write import write_ddl
from lakeq.errors import ConfigError
from lakeq.planner.bind import table_not_found
from lakeq.planner.completion.values import open_literal
from lakeq.planner.metadata import describe_files, metadata_rows


class LakeCatalog:
    """The tables of a lake, and what is there of each. No query is planned for it. Thread-safe."""

    def __init__(self, catalog: Catalog, views: dict[str, str]) -> None:
        self._catalog = catalog
        self._views = views

    @property
    def location(self) -> str:
        """The root of the lake: an absolute path or a URL."""
        return self._catalog.root.root

    @property
    def views(self) -> Mapping[str, str]:
        """The named queries of the lake, as declared and as `create_view` made them: SQL by name."""
        return MappingProxyType(self._views)

    def refresh(self, name: str | None = None, inventory: str | None = None) -> tuple[TableChanges, ...]:
        """List the lake, or one table of it, anew; what changed since it was last listed whole.

        `inventory` is where the S3 Inventory of the lake's bucket lies (default: the lakeq.toml's): the lake
        is then known from that, and only folders are listed that it does not know, and the newest of the
        others.
        A folder on this machine is listed at the next question.
        """
        changes = self._catalog.refresh(name, inventory)
        # Not looked up before: that would list anew, and what changed would be known.
        return changes if changes or name is None else self._catalog.refresh(self._known(name), inventory)

    def tables(self) -> list[Table]:
        """Every table, by name. One that cannot be read carries its `problem` instead of columns."""
        return self._catalog.view().tables()

    def names(self) -> list[str]:
        """The name of each table; no file is opened for it."""
        return self._catalog.view().names()

    def survey(self) -> tuple[list[Table], tuple[IgnoredObjects, ...]]:
        """What `tables` and `ignored` give, of one listing."""
        view = self._catalog.view()
        return view.tables(), view.ignored

    def describe(self, name: str) -> Table:
        """One table: format, layout and the evidence for it, columns, sizes, what was ignored.

        TableNotFoundError, or the table's own problem.
        """
        return self._catalog.view().describe(self._known(name))

    def propose_times(self, name: str) -> tuple[TimeProposal, ...]:
        """What a table may declare as its `time`, because the footers looked into prove it; of a table with
        too many files to be looked at, nothing."""
        view, name = self._catalog.view(), self._known(name)
        if view.is_large(name):
            return ()
        entry = view.entry(name)
        return tuple(propose_times(entry.table, entry.index))

    def ddl(
        self,
        table: str,
        dialect: str,
        name: str | None = None,
        location: str | None = None,
        exclude: Iterable[str] = (),
        lists_partitions: bool = False,
    ) -> Ddl:
        """The statements that make `"athena"`, `"trino"`, `"spark"` or `"redshift-spectrum"` see a table as
        lakeq does; `str()` of them is a script. Nothing is run.

        `name` is what the table is called there, such as `"db.events"`; `location` is where its folder lies
        for that engine, if elsewhere or by another scheme; columns of `exclude` are left out.
        `lists_partitions` wants no partition projection. UnsupportedTableError when the engine cannot be made
        to see the table so, ConfigError for a view, or a location that it cannot read.
        """
        if table.casefold() in {view.casefold() for view in self._views}:
            raise ConfigError(
                f"{table!r} is a view of this lake. DDL is written for tables; make the view from its SQL, "
                f"lake.views[{table!r}]."
            )
        entry = self._catalog.view().entry(self._known(table))
        places = {known.files.name: known.files.location for known in self._catalog.recall_tables()}
        return write_ddl(entry, dialect, name, location, exclude, lists_partitions, places)

    def partitions(self, name: str) -> pa.Table:
        """One row a partition: its keys, `files`, `bytes`, and `row_count` where footers told."""
        return metadata_rows(f"{self._known(name)}$partitions", self._catalog.view())

    def files(self, name: str) -> pa.Table:
        """One row a file: path, size, modified, etag, storage_class, partition keys, row_count."""
        entry = self._catalog.view().entry(self._known(name))
        return describe_files(entry.table, entry.index.all.to_table())

    def known_tables(self) -> list[Table]:
        """The tables known by now, by name: what earlier questions, and those of earlier runs, found out.
        Lists and reads nothing, so that a prompt may ask while someone types."""
        return sorted((known.to_table() for known in self._catalog.recall_tables()), key=lambda t: t.name)

    def partition_values(
        self, name: str, key: str, where: Mapping[str, str] | None = None, most: int = 1_000
    ) -> list[str]:
        """The values of a partition key as SQL literals, of partitions whose other keys equal the literals
        `where`: the greatest of numbers, dates and times first, of texts those of most files.

        Of the files that were listed and asked for by now: it lists nothing, and gives none of what is not
        known yet.
        """
        folded, texts = name.casefold(), {k: open_literal(v) for k, v in (where or {}).items()}
        known = [k for k in self._catalog.recall_tables() if k.files.name.casefold() == folded]
        return known[0].list_values(key, texts, most) if known else []

    def audit(self) -> tuple[Finding, ...]:
        """How the lake's bucket, or its folder, is set: who may read it, how it is kept, and which files
        lifecycle rules will archive or delete. Changes nothing, and reads no data.

        What the store does not tell is a finding of its own, with the right of IAM that asking takes.
        """
        return audit_lake(self._catalog)

    def ignored(self, name: str | None = None) -> tuple[IgnoredObjects, ...]:
        """What was left out of a table, or of the whole lake outside its tables, with reasons."""
        return self._catalog.view().ignored if name is None else self.describe(name).ignored

    def _known(self, name: str) -> str:
        """The table's name as the lake spells it; TableNotFoundError with the nearest names."""
        view = self._catalog.view()
        found = view.find_name(name)
        if found is None:
            raise table_not_found(name, view.names())
        return found
