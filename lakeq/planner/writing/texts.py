"""Upper and lower case: DuckDB exchanges one character for one, Spark now and then one for several."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.writing.scope import Scope
from lakeq.planner.writing.sqltypes import VARCHAR
from lakeq.planner.writing.values import Value


def write_lower(text: str, scope: Scope) -> str:
    """The text in lower case."""
    return f"lower({text})"


def write_upper(text: str, scope: Scope) -> str:
    """The text in upper case."""
    return f"upper({text})"


def write_case_of(arguments: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """lower(s) and upper(s)."""
    if len(arguments) != 1 or arguments[0].kind not in ("text", "null"):
        raise Refusal(f"{node.name}() of these arguments", node)
    write = write_lower if node.name.casefold().startswith("l") else write_upper
    return Value(write(arguments[0].text, scope), VARCHAR, node)


CASES: dict[str, Callable[[Sequence[Value], Scope, exp.Expr], Value]] = {
    name: write_case_of for name in ("lower", "upper", "lcase", "ucase")
}
"""The functions of upper and lower case."""
