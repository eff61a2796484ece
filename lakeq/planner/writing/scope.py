"""What the names in one SELECT mean: the columns of its relations, its own outputs, and those around it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.writing.sqltypes import SqlType
from lakeq.planner.writing.target import quote_name
from lakeq.planner.writing.values import Value, at


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a relation: its name in DuckDB, the text that reads it, its type (None: one that is not
    written in other engines), and whether `*` leaves it out."""

    name: str
    text: str
    type: SqlType | None
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class Relation:
    """What stands in FROM under a name. `hidden` are the columns that `*` shows of another one: USING."""

    name: str
    fields: tuple[Field, ...]
    hidden: frozenset[str] = frozenset()

    def find(self, name: str) -> Field | None:
        """The column of this name, in any case."""
        return next((f for f in self.fields if f.name.casefold() == name.casefold()), None)


@dataclass(frozen=True, slots=True)
class Written:
    """A written query: its text, and its outputs' names in the text and types. `names` are those that DuckDB
    gives them, empty where it makes one up."""

    text: str
    outputs: tuple[tuple[str, SqlType], ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """What a name in FROM stands for: the text to select from, and its columns' names in DuckDB, names there
    and types; `hidden` are those that `*` leaves out."""

    text: str
    columns: tuple[tuple[str, str, SqlType | None], ...]
    hidden: frozenset[str] = frozenset()


@dataclass(slots=True)
class Names:
    """The names given so far: none is given twice, so that none hides another."""

    taken: set[str] = field(default_factory=set)

    def take(self, wanted: str) -> str:
        """`wanted`, or with a number behind it."""
        name, number = wanted, 1
        while name.casefold() in self.taken:
            number += 1
            name = f"{wanted}_{number}"
        self.taken.add(name.casefold())
        return name


@dataclass(frozen=True, slots=True)
class Shared:
    """What all parts of a query share: the dialect, the names, the tables by folded name, how an expression
    and a query are written, and the time that it takes for now."""

    dialect: str
    names: Names
    tables: Mapping[str, Callable[[Scope], Source]]
    express: Callable[[exp.Expr, Scope], Value]
    write: Callable[[exp.Expr, Scope], Written]
    clock: dt.datetime | None = None


@dataclass(slots=True)
class Scope:
    """The names of one SELECT. `merged` are the columns of USING; `outputs` the values that SELECT names, by
    folded alias; `lambdas` what a lambda's parameters are; `ctes` the queries of WITH by folded name."""

    shared: Shared
    parent: Scope | None = None
    relations: list[Relation] = field(default_factory=list)
    merged: dict[str, tuple[str, Value]] = field(default_factory=dict)
    outputs: dict[str, exp.Expr] = field(default_factory=dict)
    windows: dict[str, exp.Expr] = field(default_factory=dict)
    ctes: dict[str, Source] = field(default_factory=dict)
    prefers_outputs: bool = False
    in_aggregate: bool = False
    resolving: tuple[str, ...] = ()

    @property
    def dialect(self) -> str:
        """The dialect that is written."""
        return self.shared.dialect

    @property
    def is_spark(self) -> bool:
        """Whether it is Spark's; else it is Trino's."""
        return self.shared.dialect == "spark"

    def express(self, node: exp.Expr) -> Value:
        """The expression, written."""
        return self.shared.express(node, self)

    def quote(self, name: str) -> str:
        """The name as an identifier."""
        return quote_name(name, self.dialect)

    def inner(self) -> Scope:
        """The scope of a query within this one."""
        return Scope(self.shared, parent=self)

    def around(self) -> Iterator[Scope]:
        """This scope and those around it, inner ones first."""
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope.parent

    def find_cte(self, name: str) -> Source | None:
        """The query of a WITH that has this name."""
        for scope in self.around():
            if name.casefold() in scope.ctes:
                return scope.ctes[name.casefold()]
        return None

    def for_having(self) -> Scope:
        """This scope where an output's name comes before a column's."""
        return replace(self, prefers_outputs=True)

    def find_column(self, node: exp.Column) -> Value:
        """What a column means. Refusal where that is not certain."""
        parts = [part.name for part in node.parts]
        for scope in self.around():
            found = scope._find(parts, node)
            if found is not None:
                return found
        raise Refusal(f"{'.'.join(parts)} is not found", node)

    def _find(self, parts: list[str], node: exp.Column) -> Value | None:
        name = parts[0].casefold()
        if len(parts) == 1:
            column, output = self._find_bare(name, node), self.outputs.get(name)
            if name in self.resolving or self.in_aggregate:
                output = None
            first, second = (output, column) if self.prefers_outputs else (column, output)
            chosen = second if first is None else first
            if isinstance(chosen, exp.Expr):
                within = replace(self, resolving=(*self.resolving, name), prefers_outputs=False)
                return at(within.express(chosen), node)
            return chosen
        relation = next((r for r in self.relations if r.name.casefold() == name), None)
        if relation is not None:
            found = relation.find(parts[1])
            return None if found is None else open_fields(self._read(found, node), parts[2:], self)
        column = self._find_bare(name, node)
        return None if column is None else open_fields(column, parts[1:], self)

    def _find_bare(self, name: str, node: exp.Expr) -> Value | None:
        if name in self.merged:
            return at(self.merged[name][1], node)
        found = [f for r in self.relations for f in r.fields if f.name.casefold() == name]
        if len(found) > 1:
            raise Refusal(f"{name} is a column of more than one table. Write which one is meant", node)
        return self._read(found[0], node) if found else None

    def _read(self, found: Field, node: exp.Expr) -> Value:
        return read_field(found, node)


def read_field(found: Field, node: exp.Expr) -> Value:
    """A column as a value. Refusal for one of a type that is not written."""
    if found.type is None:
        raise Refusal(
            f"the column {found.name}, which is of a type that the other engine does not have", node
        )
    return Value(found.text, found.type, node)


def open_fields(value: Value, names: list[str], scope: Scope) -> Value:
    """A field of a struct, or of one in it. A field of NULL is NULL."""
    for name in names:
        if value.kind != "row":
            raise Refusal(f"{name} of what is not a struct", value.node)
        found = next(((n, t) for n, t in value.type.fields if n.casefold() == name.casefold()), None)
        if found is None:
            raise Refusal(f"{name}, which the struct does not have", value.node)
        value = value.of(f"{value.text}.{scope.quote(found[0])}", found[1])
    return value
