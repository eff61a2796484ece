"""Regular expressions: RE2's, as DuckDB has them, as Java's. Only what means the same in both, or can be
written so that it does."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from sqlglot import exp

from lakeq.planner.dialects.refusal import Refusal
from lakeq.planner.writing.scope import Scope
from lakeq.planner.writing.sqltypes import BOOLEAN, VARCHAR, list_of
from lakeq.planner.writing.target import spell_text
from lakeq.planner.writing.values import Value

_TOKEN = re.compile(
    r"""\\(?P<escape>[dDwWsS\\.^$|?*+()\[\]{}/\-])|(?P<set>\[\^?(?:\\[\\\]\-^dws.]|[^\\\[\]&~])+\])"""
    r"""|(?P<dot>\.)|(?P<end>\$)|(?P<start>\^)|(?P<group>\((?:\?:)?)|(?P<close>\))"""
    r"""|(?P<many>(?:[?*+]|\{\d+(?:,\d*)?\})\??)|(?P<or>\|)|(?P<plain>[^\\\[\](){}?*+|^$.])""",
    re.DOTALL,
)
_CLASSES = {
    "d": "[0-9]", "D": "[^0-9]", "w": "[0-9A-Za-z_]", "W": "[^0-9A-Za-z_]", "s": r"[\t\n\f\r ]",
    "S": r"[^\t\n\f\r ]",
}  # fmt: skip
_IN_SET = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r "}


def java_pattern(pattern: str, node: exp.Expr) -> str:
    """The pattern for Java's engine. Refusal for what may mean something else there."""
    at, parts = 0, []
    while at < len(pattern):
        match = _TOKEN.match(pattern, at)
        if match is None:
            raise Refusal(f"the pattern {pattern!r}", node)
        at = match.end()
        if match["escape"]:
            parts.append(_CLASSES.get(match["escape"], match[0]))
        elif match["set"]:
            if "[:" in match["set"]:
                raise Refusal(f"the pattern {pattern!r}", node)
            parts.append(re.sub(r"\\([dws])", lambda m: _IN_SET[m[1]], match["set"]))
        elif match["dot"]:
            parts.append(r"[^\n]")
        elif match["end"]:
            parts.append(r"\z")
        else:
            parts.append(match[0])
    return "".join(parts)


def _pattern(value: Value, node: exp.Expr) -> str:
    if not isinstance(value.constant, str):
        raise Refusal("a regular expression that is not a literal", node)
    return java_pattern(value.constant, node)


def _check(arguments: Sequence[Value], counts: tuple[int, ...], node: exp.Expr) -> None:
    if len(arguments) not in counts or arguments[0].kind not in ("text", "null"):
        raise Refusal(f"{node.name}() of these arguments", node)


def write_matches(arguments: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """regexp_matches(s, p): anywhere in the text."""
    _check(arguments, (2,), node)
    pattern = spell_text(_pattern(arguments[1], node), scope.dialect)
    return Value(f"regexp_like({arguments[0].text}, {pattern})", BOOLEAN, node)


def write_full_match(arguments: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """regexp_full_match(s, p), and SIMILAR TO: the whole text."""
    _check(arguments, (2,), node)
    pattern = spell_text(rf"\A(?:{_pattern(arguments[1], node)})\z", scope.dialect)
    return Value(f"regexp_like({arguments[0].text}, {pattern})", BOOLEAN, node)


def write_extract(arguments: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """regexp_extract(s, p, group): '' without a match."""
    _check(arguments, (2, 3), node)
    group = arguments[2].constant if len(arguments) == 3 else 0
    known = arguments[1].constant
    if not isinstance(group, int) or (
        group and (not isinstance(known, str) or re.search(r"\||\)[?*{]", known))
    ):
        raise Refusal("regexp_extract() of a group that may take no part", node)
    pattern, s = spell_text(_pattern(arguments[1], node), scope.dialect), arguments[0].text
    call = f"regexp_extract({s}, {pattern}, {group})"
    if scope.is_spark:
        return Value(call, VARCHAR, node)
    return Value(f"(CASE WHEN {s} IS NOT NULL THEN coalesce({call}, '') END)", VARCHAR, node)


def write_replace(arguments: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """regexp_replace(s, p, r, 'g'): of all matches."""
    _check(arguments, (4,) if len(arguments) > 2 else (), node)
    text = arguments[2].constant
    if arguments[3].constant != "g":
        raise Refusal("regexp_replace() without the option 'g' alone, which replaces the first match", node)
    if not isinstance(text, str) or not re.fullmatch(r"[^\\$]*", text):
        raise Refusal("regexp_replace() with a replacement of groups, or none that is a literal", node)
    pattern, new = (spell_text(t, scope.dialect) for t in (_pattern(arguments[1], node), text))
    return Value(f"regexp_replace({arguments[0].text}, {pattern}, {new})", VARCHAR, node)


def write_split(arguments: Sequence[Value], scope: Scope, node: exp.Expr) -> Value:
    """string_split(s, d), of a text that is not a pattern."""
    _check(arguments, (2,), node)
    d = arguments[1].constant
    if not isinstance(d, str) or not d:
        raise Refusal(f"{node.name}() by what is not a literal", node)
    quoted = re.sub(r"([\\.^$|?*+()\[\]{}\-])", r"\\\1", d) if scope.is_spark else d
    return Value(f"split({arguments[0].text}, {spell_text(quoted, scope.dialect)})", list_of(VARCHAR), node)


PATTERN_CALLS: dict[str, Callable[[Sequence[Value], Scope, exp.Expr], Value]] = {
    "regexp_matches": write_matches,
    "regexp_full_match": write_full_match,
    "regexp_extract": write_extract,
    "regexp_replace": write_replace,
    "string_split": write_split,
    "str_split": write_split,
    "split": write_split,
    "string_to_array": write_split,
}
"""The functions of patterns."""
