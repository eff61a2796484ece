"""What may be completed at a place: values of partition keys, and names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa

from lakeq.formats.types import sql_type
from lakeq.planner.completion.keywords import COMMON_FUNCTIONS, SYNTAX_FUNCTIONS
from lakeq.planner.completion.matching import spell_name
from lakeq.planner.completion.names import SourceColumn, fields_of
from lakeq.planner.completion.place import Place
from lakeq.planner.completion.source import Kind, NamedTables
from lakeq.planner.completion.values import Comparison, find_equalities, open_literal

_MOST_COLUMNS = 200


@dataclass(frozen=True, slots=True)
class Offer:
    """What may be completed: the `name` that is typed for it, and its `rank` among those that fit alike.
    `column` is one whose type is told when it is shown."""

    name: str
    text: str
    kind: Kind
    detail: str = ""
    rank: int = 0
    column: SourceColumn | None = None


def describe_offer(offer: Offer) -> str:
    """What is said about it: `bigint · partition key`."""
    column = offer.column
    kind = "" if column is None or column.type is None else _name_type(column.type)
    key = "partition key" if column is not None and column.is_key else ""
    return " · ".join(part for part in (kind, key, offer.detail) if part)


@lru_cache(maxsize=1_000)
def _name_type(kind: pa.DataType) -> str:
    return sql_type(kind).lower()


def offer_values(place: Place, tables: NamedTables, compared: Comparison | None) -> Iterator[Offer]:
    """The values of a partition key that something is compared with, but those that stand there already."""
    column = None if compared is None else place.scope.column(compared.path)
    if compared is None or column is None or column.origin is None:
        return
    table, key = column.origin
    where = {}
    for path, literal in find_equalities(place.reader, place.scope, place.at):
        other = place.scope.column(path)
        is_elsewhere = path[:-1] and compared.path[:-1] and path[:-1] != compared.path[:-1]
        if other is None or other.origin is None or is_elsewhere:
            continue
        if other.origin[0] == table and other.origin[1] != key:
            where[other.origin[1]] = literal
    for literal in tables.source.partition_values(table, key, where):
        if literal not in compared.others:
            yield Offer(open_literal(literal), literal, "value", f"value of {column.name}")


def offer_quoted(place: Place, tables: NamedTables, compared: Comparison | None) -> Iterator[Offer]:
    """The same as string literals, without a closing quote where there is one already."""
    end = "" if place.typed is not None and place.typed.is_closed else "'"
    for offer in offer_values(place, tables, compared):
        yield Offer(offer.name, "'" + offer.name.replace("'", "''") + end, "value", offer.detail)


def offer_members(place: Place) -> Iterator[Offer]:
    """What may stand behind a dot: the columns of a relation, or the fields of a struct."""
    tokens, i = place.tokens, place.at - 1
    path: list[str] = []
    while i > 0 and tokens[i].text == "." and tokens[i - 1].is_name:
        path.insert(0, tokens[i - 1].name)
        i -= 2
    if not path or (i >= 0 and tokens[i].text in (".", ")", "]")):
        return
    relation = place.scope.find(path[0]) if len(path) == 1 else None
    column = place.scope.column(path) if relation is None else None
    members = relation.columns if relation is not None else fields_of(column) if column is not None else ()
    yield from (_offer_column(place, member, 0) for member in members)


def offer_tables(place: Place, tables: NamedTables) -> Iterator[Offer]:
    """The queries of a WITH clause, the tables, and the views."""
    for query in place.scope.queries.values():
        yield Offer(query.name, _spell(place, query.name), "view", "of this query")
    for name in tables.tables:
        yield Offer(name, _spell(place, name), "table", tables.source.describe(name))
    for name in tables.views:
        yield Offer(name, _spell(place, name), "view", tables.source.describe(name))


def offer_names(place: Place, tables: NamedTables) -> Iterator[Offer]:
    """What may stand in an expression; partition keys first where rows are chosen, grouped or ordered."""
    scope = place.scope
    prefers_keys = place.clause not in ("SELECT", "")
    for relation in scope.relations:
        for column in relation.columns:
            yield _offer_column(place, column, 0 if prefers_keys and column.is_key else 1)
    if place.clause in ("GROUP", "HAVING", "QUALIFY", "ORDER"):
        for column in place.reader.output(scope.start, scope.end, scope.queries):
            yield Offer(column.name, _spell(place, column.name), "alias", "of the SELECT list", 1)
    for relation in (*scope.relations, *scope.outer):
        if relation.name and (relation.is_renamed or len(scope.relations) > 1):
            yield Offer(relation.name, _spell(place, relation.name), "alias", "in FROM", 2)
    for relation in scope.outer:
        yield from (_offer_column(place, column, 3) for column in relation.columns)
    if not scope.relations:
        yield from _offer_all_columns(place, tables)
    yield from _offer_functions(place, tables)


def _offer_all_columns(place: Place, tables: NamedTables) -> Iterator[Offer]:
    """The columns of all tables that begin with what was typed: no FROM tells yet which are meant."""
    typed, length = place.matcher.typed, len(place.matcher.typed)
    firsts = (typed[:1], typed[:1].upper())  # of tens of thousands most are told by it
    seen: set[str] = set()
    for table in tables.tables:
        for column in tables.source.columns(table):
            name = column.name
            if name.startswith(firsts) and name[:length].casefold() == typed and name not in seen:
                seen.add(name)
                yield _offer_column(place, column, 4, table)
        if len(seen) >= _MOST_COLUMNS:
            return


def _offer_functions(place: Place, tables: NamedTables) -> Iterator[Offer]:
    """The functions, with their bracket, once a letter was typed: there are hundreds."""
    if place.prefix and not place.is_quoted:
        bracket = "" if place.rest.startswith("(") else "("
        every = tables.source.functions()
        common = [name for name in COMMON_FUNCTIONS if name in every]
        for name in (*common, *SYNTAX_FUNCTIONS, *every):
            if place.matcher.fit(name) is not None:
                yield Offer(name, f"{name}{bracket}", "function", "function", 5)


def _offer_column(place: Place, column: SourceColumn, rank: int, detail: str = "") -> Offer:
    kind: Kind = "key" if column.is_key else "column"
    return Offer(column.name, _spell(place, column.name), kind, detail, rank, column)


def _spell(place: Place, name: str) -> str:
    return spell_name(name, place.is_quoted)
