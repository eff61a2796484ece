"""CatalogView: the catalog as one question sees it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from lakeq.catalog.entries import Counted
from lakeq.catalog.entry import KnownTable, TableEntry, make_table
from lakeq.catalog.file_sample import FileSample
from lakeq.catalog.listings import NEVER_LIST
from lakeq.catalog.prefixes import PrefixFilter
from lakeq.catalog.selection import FileSelection
from lakeq.catalog.table import IgnoredObjects, Table
from lakeq.errors import LakeqError, TableNotFoundError


class TableSource(Protocol):
    """What a view asks of the catalog. Everything in an answer was listed `since` then, or later."""

    def known_tables(self, since: float) -> dict[str, KnownTable]:
        """The tables by folded name. Which there are may have been found out earlier."""

    def list_whole(self, since: float) -> tuple[IgnoredObjects, ...]:
        """Have all of the lake listed; what is in no table and no data."""

    def make_entry(self, known: KnownTable, filters: Sequence[PrefixFilter], since: float) -> TableEntry:
        """The files of a table that any of `filters` may want; all without filters."""

    def sample_entry(self, known: KnownTable, since: float) -> TableEntry:
        """Some files of a table."""

    def is_large(self, known: KnownTable) -> bool:
        """Whether a table has more files than are to be in memory."""

    def count_large(self, known: KnownTable) -> Counted:
        """How many files such a table has."""

    def lists_parts(self) -> bool:
        """Whether parts of the lake can be listed by themselves."""

    def forget(self) -> None:
        """Forget which tables there are."""


class CatalogView:
    """The catalog as one question sees it: nothing in use was listed before `since`."""

    def __init__(self, source: TableSource, since: float) -> None:
        self._source = source
        self._since = since
        self._entries: dict[int, TableEntry] = {}

    @property
    def ignored(self) -> tuple[IgnoredObjects, ...]:
        """Objects that lie in no table's folder and are no data."""
        return self._source.list_whole(self._since)

    def names(self) -> list[str]:
        """The names of all tables, readable or not, in alphabetical order."""
        tables = self._source.known_tables(self._since).values()
        return sorted((table.files.name for table in tables), key=lambda n: (n.casefold(), n))

    def find_name(self, name: str) -> str | None:
        """The name of a table, given in any case, as the lake spells it; None when there is no such table,
        and none has come since."""
        found = self._spell(name)
        return self._spell(name) if found is None and self.look_again() else found

    def look_again(self) -> bool:
        """Forget which tables there are, where another may have come; True when that is so."""
        if not self._source.lists_parts() or self._since == NEVER_LIST:
            return False
        self._source.forget()
        return True

    def tables(self) -> list[Table]:
        """Every table; one that cannot be read carries its `problem`."""
        self._source.list_whole(self._since)
        return [self._table_or_problem(name) for name in self.names()]

    def table(self, name: str) -> Table:
        """The table of this name, any case, with the schema known of it. TableNotFoundError, or the table's
        own problem."""
        known = self._known(name)
        if not known.schemas:
            entry = self._source.sample_entry(known, self._since)
            if not entry.files.files.num_rows:
                entry = self.entry(name)
            table = entry.table
            if not known.schemas:
                return table
        columns, mixtures = known.settle()
        return make_table(known, known.files, columns, (*known.files.evidence, *mixtures))

    def describe(self, name: str) -> Table:
        """The table with all its files counted; one with too many for memory as it was counted last."""
        known = self._known(name)
        if not self._source.is_large(known):
            return self.entry(name).table
        counted = self._source.count_large(known)
        known.totals = totals = counted.totals
        return replace(
            self.table(name),
            files_total=totals.files,
            partitions_total=totals.partitions,
            bytes_total=totals.bytes,
            listed_at=counted.listed_at,
            inventory_at=counted.inventory_at,
        )

    def is_large(self, name: str) -> bool:
        """Whether a table has more files than are to be in memory."""
        return self._source.is_large(self._known(name))

    def entry(self, name: str, filters: Sequence[PrefixFilter] = ()) -> TableEntry:
        """The files of a table that any of `filters` may want; all of them without filters."""
        entry = self._source.make_entry(self._known(name), filters, self._since)
        self._entries[id(entry.index)] = entry
        return entry

    def inspect(self, selection: FileSelection, fetches_whole: bool = False) -> None:
        """See TableEntry.inspect; the files are of an entry that this view gave."""
        entry = self._entries.get(id(selection.index))
        if entry is not None:
            entry.inspect(selection, fetches_whole)

    def sample(self, selection: FileSelection, most: int) -> FileSample | None:
        """See TableEntry.sample; the files are of an entry that this view gave."""
        entry = self._entries.get(id(selection.index))
        return None if entry is None else entry.sample(selection, most)

    def _spell(self, name: str) -> str | None:
        return next((n for n in self.names() if n.casefold() == name.casefold()), None)

    def _known(self, name: str) -> KnownTable:
        known = self._source.known_tables(self._since).get(name.casefold())
        if known is None:
            raise TableNotFoundError(
                f"Table not found: {name!r}. The lake has: {', '.join(self.names())}", name
            )
        if known.files.problem is not None:
            raise known.files.problem
        return known

    def _table_or_problem(self, name: str) -> Table:
        try:
            return self.describe(name)
        except LakeqError as error:
            known = self._source.known_tables(self._since)[name.casefold()]
            return make_table(known, known.files, (), known.files.evidence, problem=error)
