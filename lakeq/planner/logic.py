"""Three-valued logic over predicates: what could still be TRUE, and what NULLs cannot pass.

Everything here is about proof. A predicate that these functions return is implied by the original whenever
the original is TRUE; what cannot be told apart becomes TRUE and keeps rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from sqlglot import exp

TRUE = exp.true()

VOLATILE = frozenset({
    "age", "array_random", "current_catalog", "current_connection_id", "current_database",
    "current_localtime", "current_localtimestamp", "current_query", "current_query_id", "current_schema",
    "current_schemas", "current_setting",
    "current_time", "current_transaction_id", "current_user", "currval", "error", "gen_random_uuid",
    "get_current_time", "getvariable", "in_search_path", "localtime", "localtimestamp", "nextval",
    "pg_my_temp_schema", "rand", "random", "session_user", "setseed", "setval", "sleep_ms", "stats",
    "txid_current", "user", "uuid", "uuidv4", "uuidv7", "vector_type", "version", "write_log",
})  # fmt: skip
"""Functions whose value may differ between planning and running (or whose call is an effect)."""


def conjuncts(node: exp.Expr | None) -> Iterator[exp.Expr]:
    """The conditions that must all be TRUE for `node` to be TRUE."""
    if node is not None:
        yield from operands(node, exp.And)


def operands(node: exp.Expr, kind: type[exp.Connector]) -> list[exp.Expr]:
    """What a chain of AND, or of OR, connects, in order: a node that is none of `kind` is one by itself.
    Chains of a thousand conditions are written by programs, so nothing is done twice for a link of them."""
    found, waiting = [], [node]
    while waiting:
        node = waiting.pop().unnest()
        if isinstance(node, kind):
            waiting += [node.right, node.left]
        else:
            found.append(node)
    return found


def conjoin(parts: Iterable[exp.Expr]) -> exp.Expr:
    """All of `parts`; TRUE when there is none."""
    kept = list(dict.fromkeys(part for part in parts if not is_true(part)))
    return exp.and_(*kept) if kept else TRUE.copy()


def disjoin(parts: Iterable[exp.Expr]) -> exp.Expr:
    """Any of `parts`; TRUE when one of them is, or when there is none."""
    kept = list(dict.fromkeys(parts))
    if not kept or any(is_true(part) for part in kept):
        return TRUE.copy()
    return exp.or_(*kept)


def is_true(node: exp.Expr) -> bool:
    return isinstance(node, exp.Boolean) and bool(node.this)


def may_be_true(node: exp.Expr, known: Callable[[exp.Expr], bool], negated: bool = False) -> exp.Expr:
    """`node` (or NOT `node`) weakened to the leaves that `known` accepts; the others become TRUE.

    NOT is pushed to the leaves first, which three-valued logic allows (De Morgan), so that weakening a
    leaf weakens the whole:

        year = 2026 AND x > 5        known: year    ->  year = 2026
        year = 2026 OR  x > 5        known: year    ->  TRUE
        NOT (year = 2026 AND x > 5)  known: year    ->  TRUE
        NOT (year = 2026 OR  x > 5)  known: year    ->  NOT year = 2026
    """
    node = node.unnest()
    if isinstance(node, exp.Not):
        return may_be_true(node.this, known, not negated)
    for kind in (exp.And, exp.Or):
        if isinstance(node, kind):
            sides = [may_be_true(side, known, negated) for side in operands(node, kind)]
            return conjoin(sides) if (kind is exp.And) != negated else disjoin(sides)
    if not known(node):
        return TRUE.copy()
    return exp.not_(node.copy()) if negated else node.copy()


def is_deterministic(node: exp.Expr) -> bool:
    """Whether `node` is a plain function of its columns: no subquery, aggregate, window, or volatile call."""
    for part in node.walk():
        if isinstance(
            part,
            exp.Query
            | exp.AggFunc
            | exp.Window
            | exp.Placeholder
            | exp.Parameter
            | exp.Rand
            | exp.Randn
            | exp.Unnest
            | exp.Explode
            | exp.Star
            | exp.Lambda
            | exp.CurrentTime
            | exp.CurrentUser
            | exp.Uuid,
        ):
            return False
        if isinstance(part, exp.Func) and function_name(part) in VOLATILE:
            return False
    return True


def own_nodes(node: exp.Expr) -> Iterator[exp.Expr]:
    """The nodes of an expression without those of the queries nested in it."""
    if isinstance(node, exp.Query):
        return
    yield node
    for child in node.iter_expressions():
        yield from own_nodes(child)


def has_own(node: exp.Expr, *kinds: type[exp.Expr]) -> bool:
    """Whether an expression itself, nested queries apart, holds a node of these kinds."""
    return any(isinstance(part, kinds) for part in own_nodes(node))


def function_name(node: exp.Func) -> str:
    """The lower-case name of a call, known to sqlglot or not."""
    name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
    return str(name).lower()


_STRICT = (
    exp.Column,
    exp.Literal,
    exp.Identifier,
    exp.Cast,
    exp.TryCast,
    exp.DataType,
    exp.DataTypeParam,
    exp.Paren,
    exp.Neg,
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Div,
    exp.Mod,
    exp.Tuple,
)
_COMPARISONS = (
    exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Like, exp.ILike, exp.Between, exp.In,
)  # fmt: skip


def rejects_null(node: exp.Expr) -> bool:
    """Whether `node` cannot be TRUE when all of its columns are NULL."""
    node = node.unnest()
    if isinstance(node, exp.And):
        return any(map(rejects_null, operands(node, exp.And)))
    if isinstance(node, exp.Or):
        return all(map(rejects_null, operands(node, exp.Or)))
    if isinstance(node, exp.Not):
        inner = node.this.unnest()
        if isinstance(inner, exp.Is):
            return isinstance(inner.expression, exp.Null) and isinstance(inner.this, exp.Column)
        return isinstance(inner, _COMPARISONS) and _is_strict(inner)
    return isinstance(node, _COMPARISONS) and _is_strict(node)


def _is_strict(node: exp.Expr) -> bool:
    """Whether a NULL column makes the whole comparison NULL."""
    parts = list(node.walk())
    sides = [node.this] if isinstance(node, exp.In | exp.Between) else [node.this, node.expression]
    return any(side.find(exp.Column) for side in sides) and all(
        isinstance(part, _STRICT) for part in parts[1:] if not isinstance(part, exp.DataType | exp.Identifier)
    )
