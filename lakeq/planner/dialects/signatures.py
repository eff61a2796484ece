"""The table of what an engine's functions are in DuckDB: one line a signature, read from text.

    strpos(s text, part text) -> BIGINT = strpos(s, part)

Left of `->` the call as the engine knows it. A parameter may ask for a kind (see `kinds`), `'day'` asks for
that word, and `x...` takes all arguments that are left. Then the type of the result (a type of DuckDB's, or a
parameter whose type it has, `?` for unknown) and the expression. Of several lines for one name the first
that fits is taken; where arguments of unknown type would fit several, none is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from lakeq.planner.dialects.kinds import (
    UNKNOWN,
    average_type,
    build_type,
    common_type,
    decimal_type,
    digits_of,
    fits,
    kind_of,
)
from lakeq.planner.dialects.patterns import has_groups, is_sure, names_zone

_LINE = re.compile(r"(\w+(?:\.\w+)?)\((.*?)\) -> (\S.*?) = (.*)")

_FIXED = frozenset({"SECOND", "MINUTE", "HOUR", "DAY", "WEEK"})
_UNITS = frozenset({"millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"})


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its name, the kind that it asks for (empty: any), the word that it has to be.

    Beside the kinds of values there are `literal`, `positive` (a whole number above 0, as a literal), `unit`
    (of time), `sure` (a pattern of which each group takes part in each match), `groupless`,
    `days` (an interval of no months), `zoned` (a time that names its zone) and `lambda`.
    """

    name: str
    kind: str = ""
    word: str = ""
    takes_rest: bool = False

    def accepts(self, argument: exp.Expr, kind: str) -> bool:
        """Whether an argument of this kind may stand here."""
        if self.word:
            return word_of(argument).casefold() == self.word
        match self.kind:
            case "lambda":
                return isinstance(argument, exp.Lambda)
            case "literal":
                return isinstance(argument, exp.Literal)
            case "positive":
                return isinstance(argument, exp.Literal) and argument.is_int and int(argument.name) > 0
            case "sure":
                return isinstance(argument, exp.Literal) and is_sure(argument.name)
            case "days":
                unit = argument.args.get("unit") if isinstance(argument, exp.Interval) else None
                return unit is not None and unit.name.upper().removesuffix("S") in _FIXED
            case "zoned":
                return isinstance(argument, exp.Literal) and names_zone(argument.name)
            case "groupless":
                return isinstance(argument, exp.Literal) and not has_groups(argument.name)
            case "unit":
                return isinstance(argument, exp.Literal) and argument.name.casefold() in _UNITS
        return fits(kind, self.kind)


@dataclass(frozen=True, slots=True)
class Signature:
    """One line of the table."""

    name: str
    parameters: tuple[Parameter, ...]
    result: str
    template: str

    def takes(self, count: int) -> bool:
        """Whether so many arguments may be given."""
        if self.parameters and self.parameters[-1].takes_rest:
            return count >= len(self.parameters)
        return count == len(self.parameters)

    def parameter(self, position: int) -> Parameter:
        """The parameter of the argument at `position`."""
        return self.parameters[min(position, len(self.parameters) - 1)]

    def result_type(self, types: Sequence[exp.DataType | None], dialect: str) -> exp.DataType | None:
        """The type of the result, given those of the arguments."""
        if self.result == "sum of x":
            digits = digits_of(types[0])
            return None if digits is None else decimal_type(38, digits[1])
        if self.result == "average of x":
            return average_type(types[0], dialect)
        if self.result == "map of k, v":
            items = [t.expressions[-1] if t is not None and t.expressions else None for t in types]
            known = [item for item in items if item is not None]
            return exp.DataType.build("map", expressions=known) if len(known) == 2 else build_type("MAP")
        for position, parameter in enumerate(self.parameters):
            found = common_type(types[position:]) if parameter.takes_rest else types[position]
            if parameter.name == self.result:
                return found
            if self.result == f"{parameter.name}[]":
                return None if found is None else exp.DataType.build("array", expressions=[found.copy()])
            if self.result == f"item of {parameter.name}":
                return found.expressions[-1] if found is not None and found.expressions else None
        if self.result == "TIMESTAMP" and "local" in map(kind_of, types):
            return build_type("LOCAL")
        return None if self.result == "?" else build_type(self.result)


def word_of(node: exp.Expr) -> str:
    """The word that an argument is: 'day', or day where a dialect writes units bare; empty for others."""
    if isinstance(node, exp.Literal | exp.Var | exp.Column):
        return node.name
    if isinstance(node, exp.Anonymous) and len(node.expressions) == 1:  # WEEK(MONDAY)
        return f"{node.name}({word_of(node.expressions[0])})"
    return ""


def read_signatures(text: str) -> Mapping[str, tuple[Signature, ...]]:
    """The lines of a table by lower-case name."""
    table: dict[str, list[Signature]] = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise ValueError(f"not a signature: {line}")
        name, parameters, result, template = match.groups()
        table.setdefault(name, []).append(
            Signature(name, tuple(_read_parameters(parameters)), result, template)
        )
    return {name: tuple(lines) for name, lines in table.items()}


def _read_parameters(text: str) -> Iterator[Parameter]:
    for part in filter(None, (p.strip() for p in text.split(","))):
        name, _, kind = part.partition(" ")
        if name.startswith("'"):
            yield Parameter("", word=name.strip("'"))
        else:
            yield Parameter(name.removesuffix("..."), kind, takes_rest=name.endswith("..."))


def choose(
    lines: Sequence[Signature], arguments: Sequence[exp.Expr], types: Sequence[exp.DataType | None]
) -> Signature | None:
    """The line that a call means; None when none fits, or when the types that are known leave it open."""
    kinds = [kind_of(t) for t in types]
    fitting = [
        line
        for line in lines
        if line.takes(len(arguments))
        and all(
            line.parameter(i).accepts(a, k) for i, (a, k) in enumerate(zip(arguments, kinds, strict=True))
        )
    ]
    if len(fitting) > 1 and UNKNOWN in kinds:
        open_ = [i for i, kind in enumerate(kinds) if kind == UNKNOWN]
        if any(line.parameter(i).kind != fitting[0].parameter(i).kind for line in fitting for i in open_):
            return None
    return fitting[0] if fitting else None


def fill_template(line: Signature, arguments: Sequence[exp.Expr]) -> exp.Expr:
    """The expression of a line with the arguments put in."""
    text, given = line.template, {}
    for position, argument in enumerate(arguments):
        name = line.parameter(position).name
        if line.parameter(position).kind == "unit":  # sqlglot reads some functions by their unit
            text = re.sub(rf"\b{name}\b", f"'{word_of(argument).lower()}'", text)
        given[f"{name}_{position}" if line.parameter(position).takes_rest else name] = argument
    rest = line.parameters[-1] if line.parameters and line.parameters[-1].takes_rest else None
    if rest is not None:
        every = [f"{rest.name}_{i}" for i in range(len(line.parameters) - 1, len(arguments))]
        text = re.sub(rf"\b{rest.name}\b", ", ".join(every), text)
    return fill(text, given)


def fill(template: str, parts: Mapping[str, exp.Expr]) -> exp.Expr:
    """DuckDB's expression `template` with each name that is one of `parts` replaced by it."""
    tree = sqlglot.parse_one(template, dialect="duckdb")
    if isinstance(tree, exp.Column) and tree.name in parts:
        return parts[tree.name].copy()
    for column in list(tree.find_all(exp.Column)):
        part = parts.get(column.name)
        if part is not None and not column.table:
            column.replace(wrap(part.copy(), column.parent))
    return tree


_CONTAINED = (exp.Func, exp.Paren, exp.Column, exp.Literal, exp.Case, exp.Cast, exp.Subquery, exp.Array)


def wrap(value: exp.Expr, parent: exp.Expr | None) -> exp.Expr:
    """`value`, in parentheses where an operator stands around it."""
    plain = isinstance(value, _CONTAINED) and not isinstance(value, exp.Binary)
    inside = isinstance(parent, exp.Func | exp.Lambda | None) and not isinstance(
        parent, exp.Binary | exp.Cast
    )
    return value if plain or inside or isinstance(value, exp.Lambda | exp.Star) else exp.Paren(this=value)
