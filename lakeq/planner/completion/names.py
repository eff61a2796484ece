"""What can be named in a query: columns, the relations that have them, and the scope of a place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column that may be named; of no `type` where that is not known. `is_key`: a partition key.

    `origin` is the table and the name of a key there, whatever it is called here; a source need not tell it.
    """

    name: str
    type: pa.DataType | None = None
    is_key: bool = False
    origin: tuple[str, str] | None = None


class ColumnSource(Protocol):
    """What there is to be named."""

    def find_table(self, name: str) -> str | None:
        """The table or view of this name, any case, as it is spelled; None when there is none."""

    def columns(self, table: str) -> Sequence[SourceColumn]:
        """The columns of a table, in its order; none where they are not known."""


class Relation:
    """What stands in a FROM clause: its alias or name, and its columns, which are looked up when asked for.
    `is_renamed`: it has an alias."""

    __slots__ = ("_columns", "_find", "is_renamed", "name")

    def __init__(
        self, name: str, find: Callable[[], Sequence[SourceColumn]] = tuple, is_renamed: bool = False
    ) -> None:
        self.name = name
        self.is_renamed = is_renamed
        self._find = find
        self._columns: Sequence[SourceColumn] | None = None

    @property
    def columns(self) -> Sequence[SourceColumn]:
        """The columns that can be named through it."""
        if self._columns is None:
            self._columns = self._find()
        return self._columns

    def rename(self, name: str, columns: Sequence[str] = ()) -> Relation:
        """The relation under an alias, its first columns called so."""

        def find() -> Sequence[SourceColumn]:
            old = self.columns
            first = [replace(column, name=n) for column, n in zip(old, columns, strict=False)]
            more = [SourceColumn(n) for n in columns[len(old) :]]
            return [*first, *more, *old[len(columns) :]] if columns else old

        return Relation(name, find, is_renamed=True)


Queries = Mapping[str, Relation]
"""The queries of a WITH clause, by folded name."""


@dataclass(frozen=True, slots=True)
class Scope:
    """A place in a query: the relations of the innermost query around it, those of the queries around that
    one, and the queries that WITH clauses name there.

    The innermost query is `tokens[start:end]`, without its WITH clause.
    """

    start: int
    end: int
    relations: tuple[Relation, ...]
    outer: tuple[Relation, ...]
    queries: Queries

    def find(self, name: str) -> Relation | None:
        """The relation of this name, any case; the innermost."""
        folded = name.casefold()
        return next((r for r in (*self.relations, *self.outer) if r.name.casefold() == folded), None)

    def column(self, path: Sequence[str]) -> SourceColumn | None:
        """The column at a path such as `events.year` or `payload.user.id`; None when it is not known."""
        relation = self.find(path[0]) if len(path) > 1 else None
        if relation is not None:
            found = find_column(relation.columns, path[1])
            return found and _find_field(found, path[2:])
        for each in (*self.relations, *self.outer):
            found = find_column(each.columns, path[0])
            if found is not None:
                return _find_field(found, path[1:])
        return None


def find_column(columns: Sequence[SourceColumn], name: str) -> SourceColumn | None:
    """The column of this name, any case."""
    folded = name.casefold()
    return next((column for column in columns if column.name.casefold() == folded), None)


def fields_of(column: SourceColumn) -> tuple[SourceColumn, ...]:
    """The fields of a column that is a struct; none of another."""
    kind = column.type
    return (
        tuple(SourceColumn(f.name, f.type) for f in kind)
        if kind is not None and pa.types.is_struct(kind)
        else ()
    )


def _find_field(column: SourceColumn, path: Sequence[str]) -> SourceColumn | None:
    for name in path:
        found = find_column(fields_of(column), name)
        if found is None:
            return None
        column = found
    return column
