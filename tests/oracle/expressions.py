"""Random conditions and values over columns in scope."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

NUMBERS = ("int", "double", "single", "decimal")
TIMES = ("date", "ts", "ns", "tz")


@dataclass(frozen=True, slots=True)
class Ref:
    """A column that an expression may name: its SQL, its kind, and some of its values as literals."""

    sql: str
    name: str
    kind: str
    literals: tuple[str, ...]

    def of(self, alias: str) -> Ref:
        """The same column under another alias."""
        return replace(self, sql=f"{alias}.{self.name}")


Scope = Sequence[Ref]


def spell_literal(value: Any, kind: str) -> str:
    """A value as a SQL literal."""
    if kind in ("double", "single") and value - value != 0:
        return f"'{value}'::DOUBLE"
    if kind in (*NUMBERS, "bool"):
        return str(value)
    if kind in TIMES:
        word = {"date": "DATE", "ts": "TIMESTAMP", "ns": "TIMESTAMP_NS", "tz": "TIMESTAMPTZ"}[kind]
        return f"{word} '{value}'"
    return "'" + str(value).replace("'", "''") + "'"


@dataclass(frozen=True, slots=True)
class Expressions:
    """Writes expressions; the same from the same state of `rng`."""

    rng: random.Random

    def condition(self, scope: Scope, depth: int = 2) -> str:
        """A condition: a tree of AND, OR and NOT over comparisons."""
        if depth > 0 and self.rng.random() < 0.5:
            left, right = self.condition(scope, depth - 1), self.condition(scope, depth - 1)
            return self.rng.choice(
                [f"({left} AND {right})", f"({left} OR {right})", f"(NOT {left})", f"(({left}) IS NOT TRUE)",
                 f"(CASE WHEN {left} THEN {right} ELSE {self.rng.choice(['TRUE', 'FALSE', 'NULL'])} END)"]
            )  # fmt: skip
        return self.comparison(scope)

    def comparison(self, scope: Scope) -> str:
        """One condition over one column, mostly."""
        ref = self.rng.choice(scope)
        if self.rng.random() < 0.08:
            return f"({ref.sql} IS {self.rng.choice(['', 'NOT '])}NULL)"
        if self.rng.random() < 0.05:
            return self.rng.choice(["TRUE", "FALSE", "NULL::BOOLEAN", "1 = 1", "random() >= 0"])
        days = {"year", "month", "day"}
        by_name = {r.name: r.sql for r in scope}
        if days <= set(by_name) and self.rng.random() < 0.08:
            made = f"make_date({by_name['year']}, {by_name['month']}, {by_name['day']})"
            return f"({made} {self._operator()} DATE '{self._day()}')"
        return f"({_WRITERS[ref.kind](self, ref, scope)})"

    def value(self, scope: Scope) -> str:
        """A value of any kind."""
        ref = self.rng.choice(scope)
        if self.rng.random() < 0.6:
            return ref.sql
        return self.rng.choice(self._values(ref))

    def number(self, scope: Scope) -> str:
        """A value that can be added up."""
        found = [r for r in scope if r.kind in NUMBERS]
        ref = self.rng.choice(found)
        return self.rng.choice(
            [ref.sql, ref.sql, f"{ref.sql} * 2", f"coalesce({ref.sql}, 0)", f"abs({ref.sql})"]
        )

    def literal(self, ref: Ref) -> str:
        """A value that the column has, or nearly."""
        if not ref.literals or self.rng.random() < 0.03:
            return "NULL"
        text = self.rng.choice(ref.literals)
        if ref.kind == "int" and self.rng.random() < 0.25:
            return self.rng.choice([f"{text} + 1", f"{text}.5", f"'{text}'", f"{text}::DOUBLE", f"{text}::HUGEINT", f"{text}::DECIMAL(20,1)", f"{text}::TINYINT"
                                    if abs(int(text)) < 100 else text, f"'0{text}'" if int(text) > 0 else text])  # fmt: skip
        if ref.kind in TIMES and self.rng.random() < 0.4:
            bare = text.split(" ", 1)[1]
            return self.rng.choice(
                [bare, "'infinity'", f"DATE '{self._day()}'", f"({text} + INTERVAL 1 DAY)"]
            )
        return text

    def _operator(self) -> str:
        return self.rng.choice(
            ["=", "=", "<", "<=", ">", ">=", "<>", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"]
        )

    def _day(self) -> str:
        return str(dt.date(2025, 1, 1) + dt.timedelta(days=self.rng.choice([0, 1, 9, 31, 40, 300, 365, 370])))

    def _values(self, ref: Ref) -> list[str]:
        c = ref.sql
        if ref.kind in NUMBERS:
            return [
                f"{c} + 1",
                f"{c}::VARCHAR",
                f"coalesce({c}, -1)",
                f"CASE WHEN {c} > 3 THEN 'hi' END",
                f"{c} % 3",
            ]
        if ref.kind == "text":
            return [
                f"upper({c})",
                f"length({c})",
                f"{c} || '!'",
                f"substr({c}, 2, 2)",
                f"TRY_CAST({c} AS INTEGER)",
            ]
        if ref.kind in TIMES:
            return [f"year({c})", f"date_trunc('month', {c})", f"{c}::DATE", f"strftime({c}, '%Y-%m')"]
        if ref.kind == "list":
            return [
                f"len({c})",
                f"{c}[1]",
                f"list_sort({c})",
                f"list_transform({c}, lambda x: x + 1)",
                f"list_sum({c})",
            ]
        return [f"{c}.a", f"{c}.b", f"struct_extract({c}, 'a')"] if ref.kind == "struct" else [f"NOT {c}"]

    def compare_any(self, ref: Ref, scope: Scope) -> str:
        """What every ordered kind has: a comparison, IN, BETWEEN, a default."""
        c, lit = ref.sql, self.literal
        peers = [r.sql for r in scope if r.kind == ref.kind]
        lists = ", ".join(lit(ref) for _ in range(self.rng.randint(1, 4)))
        return self.rng.choice(
            [f"{c} {self._operator()} {lit(ref)}"] * 5
            + [f"{lit(ref)} {self._operator()} {c}", f"{c} IN ({lists})", f"{c} NOT IN ({lists})",
               f"{c} BETWEEN {lit(ref)} AND {lit(ref)}", f"{c} NOT BETWEEN {lit(ref)} AND {lit(ref)}",
               f"{c} {self._operator()} {self.rng.choice(peers)}", f"coalesce({c}, {lit(ref)}) = {lit(ref)}",
               f"nullif({c}, {lit(ref)}) IS NULL", f"greatest({c}, {lit(ref)}) = {c}",
               f"CASE {c} WHEN {lit(ref)} THEN 1 WHEN {lit(ref)} THEN 0 END = 1"]
        )  # fmt: skip

    def compare_number(self, ref: Ref, scope: Scope) -> str:
        c, lit = ref.sql, self.literal
        if self.rng.random() < 0.6:
            return self.compare_any(ref, scope)
        choices = [f"{c} + 1 > {lit(ref)}", f"{c} * 2 <= {lit(ref)}", f"-{c} < {lit(ref)}", f"abs({c}) = {lit(ref)}",
                   f"{c} % 2 = 1", f"{c}::VARCHAR {self._operator()} '2'", f"{c}::VARCHAR LIKE '2%'",
                   f"CAST({c} AS DOUBLE) / 2 >= {lit(ref)}", f"round({c} / 10) = 1", f"{c} / 0 IS NULL",
                   f"lpad({c}::VARCHAR, 2, '0') = '0' || {lit(ref)}::VARCHAR", f"{c} IN (SELECT {lit(ref)})"]  # fmt: skip
        if ref.kind in ("double", "single"):
            choices += [f"isnan({c})", f"NOT isinf({c})", f"{c} > 'nan'::DOUBLE", f"{c} < 'inf'::DOUBLE"]
        return self.rng.choice(choices)

    def compare_text(self, ref: Ref, scope: Scope) -> str:
        c, lit = ref.sql, self.literal
        if self.rng.random() < 0.5:
            return self.compare_any(ref, scope)
        return self.rng.choice(
            [f"{c} LIKE 'a%'", f"{c} NOT LIKE '%a%'", f"{c} ILIKE '%Z%'", f"{c} LIKE '_l%'", f"{c} LIKE '100\\%' ESCAPE '\\'",
             f"starts_with({c}, 'be')", f"{c} ^@ 'it'", f"length({c}) > 3", f"lower({c}) = lower({lit(ref)})",
             f"contains({c}, '''')", f"regexp_matches({c}, '^[a-c]')", f"{c} SIMILAR TO '[a-m].*'", f"substr({c}, 1, 1) > 'b'",
             f"{c} || 'x' = {lit(ref)} || 'x'", f"TRY_CAST({c} AS INTEGER) > 3", f"{c} GLOB 'a*'", f"concat({c}, NULL) = {lit(ref)}",
             f"{c} COLLATE NOCASE = upper({lit(ref)})", f"{c} COLLATE NOCASE < 'C'", f"{c} COLLATE NOCASE IN ('ALPHA', {lit(ref)})"]
        )  # fmt: skip

    def compare_time(self, ref: Ref, scope: Scope) -> str:
        c, lit = ref.sql, self.literal
        if self.rng.random() < 0.5:
            return self.compare_any(ref, scope)
        return self.rng.choice(
            [f"{c}::DATE {self._operator()} DATE '{self._day()}'", f"year({c}) = 2025", f"month({c}) IN (1, 2, 11)",
             f"date_trunc('month', {c}) = DATE '{self._day()[:8]}01'", f"extract('day' FROM {c}) < 5",
             f"{c} >= DATE '{self._day()}' AND {c} < DATE '{self._day()}'", f"strftime({c}, '%Y-%m') = '{self._day()[:7]}'",
             f"{c} + INTERVAL 1 DAY > {lit(ref)}", f"{c} - INTERVAL 1 MONTH < {lit(ref)}", f"dayofweek({c}) = 1",
             f"{c}::VARCHAR LIKE '2025-0%'", f"date_diff('day', {c}::DATE, DATE '{self._day()}') < 10",
             f"{c} > '{self._day()}'", f"last_day({c}) = DATE '2025-01-31'"]
        )  # fmt: skip

    def compare_bool(self, ref: Ref, scope: Scope) -> str:
        c = ref.sql
        return self.rng.choice(
            [
                c,
                f"NOT {c}",
                f"{c} IS TRUE",
                f"{c} IS NOT FALSE",
                f"{c} = FALSE",
                f"{c}::INT = 1",
                f"{c} > FALSE",
            ]
        )

    def compare_list(self, ref: Ref, scope: Scope) -> str:
        c = ref.sql
        return self.rng.choice([f"len({c}) > 1", f"list_contains({c}, 2)", f"{c}[1] = 3", f"{c} = [1, 2]", f"list_max({c}) > 5",
                                f"3 IN (SELECT unnest({c}))", f"1 = ANY({c})", f"len(list_filter({c}, lambda x: x > 1)) = 1"])  # fmt: skip

    def compare_struct(self, ref: Ref, scope: Scope) -> str:
        c = ref.sql
        return self.rng.choice([f"{c}.a = 3", f"{c}.a > 1", f"{c}.b LIKE 'a%'", f"{c}['b'] = 'beta'", f"{c}.a IS NULL",
                                f"struct_extract({c}, 'a') IN (1, 2)", f"{c}.b < 'b' OR {c}.a = 0"])  # fmt: skip


_WRITERS: dict[str, Callable[[Expressions, Ref, Scope], str]] = {
    **dict.fromkeys(NUMBERS, Expressions.compare_number),
    **dict.fromkeys(TIMES, Expressions.compare_time),
    "text": Expressions.compare_text,
    "bool": Expressions.compare_bool,
    "list": Expressions.compare_list,
    "struct": Expressions.compare_struct,
}
