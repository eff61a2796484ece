"""What is refused, and small expressions that are put together of others."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from lakeq.planner.dialects.kinds import kind_of
from lakeq.planner.dialects.patterns import names_zone
from lakeq.planner.dialects.signatures import fill


class Refusal(Exception):  # noqa: N818 - a message on its way to the error that names the place
    """A construct that is not translated: why, and the node of it."""

    def __init__(self, reason: str, node: exp.Expr) -> None:
        super().__init__(reason)
        self.reason = reason
        self.node = node


def refuse_mixed_zones(types: Iterable[exp.DataType | None], node: exp.Expr) -> None:
    """Refusal where moments with and without a zone meet: DuckDB would take the zone of this machine."""
    kinds = {kind_of(type_) for type_ in types} & {"date", "timestamp", "instant", "local"}
    if len(kinds) > 1 and kinds & {"instant", "local"}:
        raise Refusal("timestamps with and without a time zone in one expression. CAST them alike", node)


def put(template: str, **parts: exp.Expr) -> exp.Expr:
    """DuckDB's expression `template` with each name that is one of `parts` replaced by it."""
    return fill(template, parts)


def at_utc(node: exp.Expr) -> exp.Expr:
    """The time of an instant in UTC, which is the session's zone in every engine here."""
    if (
        isinstance(node, exp.Anonymous)
        and node.name.casefold() == "timezone"
        and node.expressions[0].name == "UTC"
    ):
        inner: exp.Expr = node.expressions[1].copy()
        return inner
    return put("timezone('UTC', x)", x=node)


def to_instant(node: exp.Expr) -> exp.Expr:
    """The instant of a date, timestamp or text, in UTC where it names no zone itself."""
    if kind_of(node.type) == "instant":
        return node
    if isinstance(node, exp.Literal) and names_zone(node.name):
        return put("CAST(x AS TIMESTAMPTZ)", x=node)
    return put("timezone('UTC', CAST(x AS TIMESTAMP))", x=node)
