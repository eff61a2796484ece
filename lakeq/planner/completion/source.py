"""What completion is given, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from lakeq.planner.completion.names import SourceColumn

Kind = Literal["keyword", "table", "column", "key", "value", "function", "alias", "view"]


@dataclass(frozen=True, slots=True)
class Completion:
    """A text that may replace what was typed from `start` to the cursor, spelled as SQL.

    `detail` says more about it: a type, or `partition key`.
    """

    text: str
    kind: Kind
    detail: str
    start: int


class CompletionSource(Protocol):
    """What a lake has to offer. Asked at each key that is pressed, so it answers from memory."""

    def table_names(self) -> Sequence[str]:
        """The tables of the lake."""

    def view_names(self) -> Sequence[str]:
        """The views that queries may name beside them."""

    def describe(self, name: str) -> str:
        """A table or view in a few words, such as `12 files, 1.2 GB`; may be empty."""

    def columns(self, table: str) -> Sequence[SourceColumn]:
        """The columns of a table or view, as it is spelled here; none where they are not known."""

    def partition_values(self, table: str, key: str, where: Mapping[str, str]) -> Sequence[str]:
        """Values of a partition key as SQL literals, the likeliest first, of the partitions whose other keys
        equal the literals `where`."""

    def functions(self) -> Sequence[str]:
        """The functions that a query may call."""


class NamedTables:
    """The tables and views of a source, by their names in any case."""

    def __init__(self, source: CompletionSource) -> None:
        self.source = source
        self.tables = source.table_names()
        self.views = source.view_names()
        self._spelled = {name.casefold(): name for name in (*self.views, *self.tables)}

    def find_table(self, name: str) -> str | None:
        """The name as the source spells it; None when there is no such table or view."""
        return self._spelled.get(name.casefold())

    def columns(self, table: str) -> Sequence[SourceColumn]:
        """The columns of a table or view."""
        return self.source.columns(table)
