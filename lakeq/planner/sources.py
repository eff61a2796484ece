"""The sources of a SELECT, and what the joins around each mean for conditions on it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.scope import Scope


@dataclass(slots=True)
class Source:
    """One entry of a FROM clause, and what the joins around it mean for conditions on it."""

    alias: str
    join: exp.Join | None = None
    nullable: bool = False
    opaque: str = ""
    filters: list[exp.Expr] = field(default_factory=list)


def join_method(join: exp.Join) -> str:
    """`inner`, `left`, `right`, `full`, `semi`, `anti`, `asof` or `positional`."""
    method = (join.method or "").lower()
    if method in ("asof", "positional"):
        return method
    kind = (join.kind or "").lower()
    if kind in ("semi", "anti"):
        return kind
    if kind == "positional":
        return kind
    return (join.side or "inner").lower()


def joins_of(select: exp.Expr) -> list[exp.Join]:
    """The joins of a SELECT in order; FROM-first syntax hangs them under the first table."""
    start = select.args.get("from_")
    nested = start.this.args.get("joins") if start is not None else None
    return [*(nested or ()), *(select.args.get("joins") or ())]


def read_sources(scope: Scope) -> list[Source]:
    """The sources of a SELECT in the order of its FROM clause, with what their joins allow."""
    select = scope.expression
    start = select.args.get("from_")
    if start is None:
        return []
    sources = [Source(start.this.alias_or_name)]
    for join in joins_of(select):
        source = Source(join.this.alias_or_name, join)
        mark_outer_join(join_method(join), sources, source)
        sources.append(source)
    known = {source.alias for source in sources}
    missing = set(scope.selected_sources) - known
    if missing or len(known) != len(sources):
        sources += [Source(alias) for alias in sorted(missing)]
        make_opaque(sources, "a join nested in parentheses is not taken apart")
    if select.args.get("sample"):
        make_opaque(sources, "a sample is drawn before WHERE")
    for source in sources:
        node = scope.selected_sources.get(source.alias, (None, None))[0]
        if node is not None and node.args.get("sample"):
            source.opaque = "a sample is drawn before WHERE"
        if node is not None and node.args.get("pivots"):
            source.opaque = "PIVOT reads every row"
    return sources


def mark_outer_join(method: str, before: list[Source], source: Source) -> None:
    """Note which sources a join may fill with NULLs, and which rows it counts or chooses among."""
    match method:
        case "left":
            source.nullable = True
        case "right":
            mark_nullable(before)
        case "full":
            mark_nullable([*before, source])
        case "asof":
            source.opaque = "the right side of an ASOF join decides which row is nearest"
        case "positional":
            make_opaque([*before, source], "a positional join counts rows")


def mark_nullable(sources: list[Source]) -> None:
    for source in sources:
        source.nullable = True


def make_opaque(sources: list[Source], reason: str) -> None:
    for source in sources:
        source.opaque = reason


def is_recursive(scope: Scope) -> bool:
    """Whether the scope is, or lies in, a recursive CTE, whose rows feed itself."""
    node: exp.Expr | None = scope.expression
    while node is not None:
        if isinstance(node, exp.With) and node.args.get("recursive"):
            return True
        node = node.parent
    return False


def check_names(tree: exp.Expr) -> None:
    """OptimizeError when a column is called as the source of a SEMI or ANTI join is: `b.x` there is then
    taken for a field of the column `b` (sqlglot 30)."""
    sources = {
        join.this.alias_or_name.casefold()
        for join in tree.find_all(exp.Join)
        if join_method(join) in ("semi", "anti")
    }
    for column in tree.find_all(exp.Column) if sources else ():
        if column.name.casefold() in sources:
            raise OptimizeError(f"{column.name} is a column and the source of a join")


def is_correlated(scope: Scope) -> bool:
    """Whether a scope asks for columns of the rows around it."""
    return bool(scope.can_be_correlated and scope.external_columns)
