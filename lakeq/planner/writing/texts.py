"""Upper and lower case: DuckDB exchanges one character for one, Spark some for several (ß for SS)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.writing.scope import Scope
from lakeq.planner.writing.sqltypes import VARCHAR
from lakeq.planner.writing.target import spell_text
from lakeq.planner.writing.values import Value, write_constant

_NEW = "\u1c89\u1c8a\ua7cb-\ua7dc\U00010d50-\U00010d85\U00016ea0-\U00016ed3"
"""Letters of Unicode's last versions, which not every engine knows."""
ODD_LOWER = f"İ{_NEW}"
ODD_UPPER = (
    "ßŉ\u019bǰ\u0264ΐΰև\u1e96-\u1e9a\u1f50-\u1f56\u1f80-\u1faf\u1fb2-\u1fb7\u1fbc\u1fc2-\u1fc7\u1fcc"
    f"\u1fd2-\u1fd7\u1fe2-\u1fe7\u1ff2-\u1ff7\u1ffc\ufb00-\ufb17{_NEW}"
)
"""As in a regular expression's brackets: the letters of which Spark makes something else than DuckDB: found
by comparing all."""


def write_lower(text: str, scope: Scope) -> str:
    """The text in lower case. A sigma does not become the one at the end of a word."""
    if scope.is_spark:
        return _guard(text, ODD_LOWER, f"lower(replace({text}, '\u03a3', '\u03c3'))", scope)
    return _guard(text, _NEW, f"lower({text})", scope)


def write_upper(text: str, scope: Scope) -> str:
    """The text in upper case."""
    if scope.is_spark:
        return _guard(text, ODD_UPPER, f"upper({text})", scope)
    return _guard(text, f"\u019b\u0264{_NEW}", f"replace(upper({text}), 'ß', 'ẞ')", scope)


def _guard(text: str, odd: str, made: str, scope: Scope) -> str:
    """Fails for a text with such a letter, which is rare, rather than giving another."""
    pattern = spell_text(f"[{odd}]", scope.dialect)
    fail = "raise_error('upper or lower case of this letter is not that of DuckDB')"
    if not scope.is_spark:  # which has no call that fails
        fail = f"CAST(CAST({text} AS BIGINT) AS VARCHAR)"
    return f"(CASE WHEN regexp_like({text}, {pattern}) THEN {fail} ELSE {made} END)"


def write_case_of(arguments: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """lower(s) and upper(s)."""
    if len(arguments) != 1 or arguments[0].kind not in ("text", "null"):
        raise Refusal(f"{node.name}() of these arguments", node)
    lowers, (value,) = node.name.casefold().startswith("l"), arguments
    if isinstance(value.constant, str) and value.constant.isascii():
        made = value.constant.lower() if lowers else value.constant.upper()
        return write_constant(made, VARCHAR, node, scope.dialect)
    odd = ODD_LOWER if lowers else ODD_UPPER
    if scope.is_spark and isinstance(value.constant, str) and re.search(f"[{odd}]", value.constant):
        raise Refusal(f"{node.name}() of a letter of which Spark makes another than DuckDB", node)
    return Value((write_lower if lowers else write_upper)(value.text, scope), VARCHAR, node)


CASES: dict[str, Callable[[Sequence[Value], Scope, exp.Expr], Value]] = {
    "lower": write_case_of,
    "upper": write_case_of,
    "lcase": write_case_of,
    "ucase": write_case_of,
}
"""The functions of upper and lower case."""
