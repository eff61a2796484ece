"""Which outputs are surely of one type, so that a condition on one means the same of another: those of the
queries of a UNION, and two columns that are equal.

Of a DATE `c < '2026-01-01 12:00'` is another question than of the TIMESTAMP that it becomes beside one.
sqlglot's types are not asked for it: to sqlglot `coalesce(date, timestamp)` is a DATE.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

_SOME_INTEGER = "integer"
"""One that is not known, and so the same as no other."""
_INTEGERS = frozenset(
    {"TINYINT", "SMALLINT", "INT", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", _SOME_INTEGER}
)
_COMPARING = (
    exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Between, exp.In,
    exp.Is,
)  # fmt: skip
_NULL = "NULL"
_SURE_DIGITS = 9
"""A whole number of so many digits is an INTEGER."""

TypeNames = frozenset[str | None]
"""Of one output, what each query gives for it: equal names are of one type; None: not known."""


class OutputTypes:
    """The types that the queries of a UNION, or the one query, give for each output."""

    def __init__(self) -> None:
        self._known: dict[int, list[TypeNames]] = {}

    def of(self, scope: Scope) -> list[TypeNames]:
        """Those of a scope's outputs; none for what is no query."""
        if id(scope) not in self._known:
            self._known[id(scope)] = list(self._read(scope))
        return self._known[id(scope)]

    def are_one(self, left: exp.Column, right: exp.Column, scope: Scope) -> bool:
        """Whether two columns of a scope are of one type."""
        return _is_sure({self._name_column(column, scope) for column in (left, right)})

    def is_one(self, column: exp.Column, scope: Scope, query: Scope) -> bool:
        """Whether a column of a scope is of the type that another query gives for its only output."""
        types = self.of(query)
        return len(types) == 1 and _is_sure({self._name_column(column, scope), *types[0]})

    def _read(self, scope: Scope) -> Iterator[TypeNames]:
        if isinstance(scope.expression, exp.SetOperation):
            branches = [self.of(branch) for branch in scope.set_operation_scopes]
            yield from (frozenset[str | None]().union(*types) for types in zip(*branches, strict=False))
        elif isinstance(scope.expression, exp.Select):
            yield from (frozenset({self._name(s.unalias(), scope)}) for s in scope.expression.selects)

    def _name(self, node: exp.Expr, scope: Scope) -> str | None:
        """What is the same for expressions of one type: the type's name of a column, literal or cast; of a
        call its text, with the types of the columns in their place."""
        node = node.unnest()
        if isinstance(node, exp.Column):
            return self._name_column(node, scope)
        if (plain := _name_plain(node)) is not None:
            return plain
        if isinstance(node, exp.Add | exp.Sub | exp.Mul):
            sides = {self._name(side, scope) for side in (node.this, node.expression)}
            if sides <= _INTEGERS:
                return _SOME_INTEGER
        if node.find(exp.Query, exp.Star) is not None:
            return None
        named = node.copy()
        for column in list(named.find_all(exp.Column)):
            name = self._name_column(column, scope)
            if name is None:
                return None
            column.replace(exp.column(f"of {name}", quoted=True))
        return named.sql("duckdb")

    def _name_column(self, column: exp.Column, scope: Scope) -> str | None:
        source = scope.sources.get(column.table)
        if isinstance(source, exp.Table):
            kind = column.type
            return None if kind is None or kind.this is exp.DType.UNKNOWN else kind.sql("duckdb")
        if not isinstance(source, Scope) or not isinstance(source.expression, exp.Query):
            return None
        outputs = [name.casefold() for name in source.expression.named_selects]
        types = self.of(source)
        if outputs.count(column.name.casefold()) != 1 or len(types) != len(outputs):
            return None
        found = types[outputs.index(column.name.casefold())]
        return next(iter(found)) if len(found) == 1 else None


def _name_plain(node: exp.Expr) -> str | None:
    """The type that a literal or a cast names."""
    match node:
        case exp.Cast():
            return node.to.sql("duckdb")
        case exp.Null():
            return _NULL
        case exp.Boolean():
            return "BOOLEAN"
        case exp.Literal() if node.is_string:
            return "TEXT"
        case exp.Literal() if node.is_int and len(node.name) <= _SURE_DIGITS:
            return "INT"
    return None


def means_the_same(condition: exp.Expr, names: Sequence[str], types: Sequence[TypeNames]) -> bool:
    """Whether a condition on the outputs of a UNION, which have these folded names, means the same of each
    query."""
    for column in condition.find_all(exp.Column):
        place = names.index(column.name.casefold()) if column.name.casefold() in names else len(types)
        found = types[place] - {_NULL} if place < len(types) else frozenset({None})
        if found and not _is_sure(found) and not (found <= _INTEGERS and _is_compared(column)):
            return False
    return True


def _is_sure(types: Set[str | None]) -> bool:
    """Whether names stand for one type."""
    return len(types) == 1 and not types & {None, _SOME_INTEGER}


def _is_compared(column: exp.Column) -> bool:
    """Whether a column is compared as it is: a number is the same in each integer type."""
    around = column.parent
    while isinstance(around, exp.Paren):
        around = around.parent
    return isinstance(around, _COMPARING)
