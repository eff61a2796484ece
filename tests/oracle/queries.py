"""Random SQL over the tables of a lake: each form of query that lakeq plans in its own way."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.oracle.expressions import NUMBERS, TIMES, Expressions, Ref, Scope, spell_literal
from tests.oracle.lakes import LakeTable, list_values
from tests.oracle.traps import TRAPS

SCALARS = (*NUMBERS, *TIMES, "text", "bool")


@dataclass(frozen=True, slots=True)
class Query:
    """SQL, and whether its rows have one order."""

    sql: str
    is_ordered: bool = False


def open_columns(table: LakeTable) -> list[Ref]:
    """The columns of a table, by their bare names."""
    return [
        Ref(name, name, kind, tuple(spell_literal(v, kind) for v in values[:60]))
        for name, kind, values in list_values(table)
    ]


class QueryWriter:
    """Writes queries over `tables`, one after the other, from `rng`."""

    def __init__(self, rng: random.Random, tables: Sequence[LakeTable]) -> None:
        self.rng = rng
        self.tables = {table.name: open_columns(table) for table in tables}
        self.write = Expressions(rng)

    def query(self) -> Query:
        """The next query."""
        forms = list(_FORMS)
        (form,) = self.rng.choices(forms, [_FORMS[f] for f in forms])
        made = form(self)
        return made if isinstance(made, Query) else Query(made)

    def pick(self, alias: str = "") -> tuple[str, list[Ref]]:
        """A table, and its columns under an alias."""
        name = self.rng.choice(sorted(self.tables))
        columns = self.tables[name]
        return name, [ref.of(alias) for ref in columns] if alias else columns

    def relation(self, alias: str) -> tuple[str, list[Ref]]:
        """What may stand in FROM under `alias`: a table, or a query over one that keeps its columns."""
        name, scope = self.pick()
        condition = self.write.condition(scope, 1)
        inner = self.rng.choice(
            [name] * 6
            + [f"(SELECT * FROM {name} WHERE {condition})", f"(FROM {name})",
               f"(SELECT * FROM {name} WHERE {condition} UNION ALL SELECT * FROM {name} WHERE {self.write.condition(scope, 1)})",
               f"(SELECT DISTINCT * FROM {name})", f"(SELECT * FROM {name} ORDER BY id LIMIT {self.rng.randint(1, 40)})",
               f"(SELECT * FROM {name} QUALIFY row_number() OVER (PARTITION BY n ORDER BY id) <= 2)"]
        )  # fmt: skip
        return f"{inner} AS {alias}", [ref.of(alias) for ref in scope]

    def where(self, scope: Scope) -> str:
        return f" WHERE {self.write.condition(scope)}" if self.rng.random() < 0.85 else ""

    def outputs(self, scope: Scope) -> str:
        values = [self.write.value(scope) for _ in range(self.rng.randint(1, 4))]
        return ", ".join(f"{value} AS c{i}" for i, value in enumerate(values))

    def aggregates(self, scope: Scope, id: str = "id") -> str:
        """Aggregates that come out the same in whatever order the rows are met."""
        scalars = [r for r in scope if r.kind in SCALARS]
        made = []
        for i in range(self.rng.randint(1, 3)):
            ref, number = self.rng.choice(scalars), self.write.number(scope)
            text = self.rng.choice(
                ["count(*)", f"count({ref.sql})", f"count(DISTINCT {ref.sql})", f"min({ref.sql})", f"max({ref.sql})",
                 f"sum({number})", f"avg({number})", f"arg_min({ref.sql}, {id})", f"list({ref.sql} ORDER BY {id})",
                 f"string_agg({ref.sql}::VARCHAR, '|' ORDER BY {id} DESC)", f"sum(DISTINCT {number})"]
            )  # fmt: skip
            if self.rng.random() < 0.2:
                text += f" FILTER (WHERE {self.write.condition(scope, 1)})"
            made.append(f"{text} AS g{i}")
        return ", ".join(made)

    def window(self, scope: Scope, id: str = "id") -> str:
        """A window whose order has no ties."""
        ref, by = self.rng.choice(scope), self.group_key(scope)
        over = self.rng.choice([f"PARTITION BY {by} ORDER BY {id}", f"ORDER BY {id} DESC", f"PARTITION BY {by} ORDER BY {id} ROWS BETWEEN 1 PRECEDING AND CURRENT ROW"])  # fmt: skip
        call = self.rng.choice(
            ["row_number()", f"lag({ref.sql})", f"lead({ref.sql}, 2)", f"sum({self.write.number(scope)})",
             "count(*)", f"first_value({ref.sql})", "ntile(3)", "rank()"]
        )  # fmt: skip
        return f"{call} OVER ({over})"

    def group_key(self, scope: Scope) -> str:
        return self.rng.choice([r.sql for r in scope if r.kind in SCALARS])

    def one_table(self) -> str:
        relation, scope = self.relation("a")
        what = self.rng.choice(["*", self.outputs(scope), self.outputs(scope), "a.* EXCLUDE (id)"])
        return f"SELECT {what} FROM {relation}{self.where(scope)}"

    def ordered(self) -> Query:
        name, scope = self.pick()
        limit = self.rng.choice(["", f" LIMIT {self.rng.randint(0, 30)}", " LIMIT 5 OFFSET 3"])
        way = self.rng.choice(["", " DESC"])
        return Query(
            f"SELECT id, {self.outputs(scope)} FROM {name}{self.where(scope)} ORDER BY id{way}{limit}", True
        )

    def aggregated(self) -> str:
        relation, scope = self.relation("a")
        return f"SELECT {self.aggregates(scope, 'a.id')} FROM {relation}{self.where(scope)}"

    def grouped(self) -> str:
        relation, scope = self.relation("a")
        keys = sorted({self.group_key(scope) for _ in range(self.rng.randint(1, 2))})
        listed = ", ".join(keys)
        by = self.rng.choice(
            [listed, listed, f"ROLLUP ({listed})", f"CUBE ({listed})", f"GROUPING SETS (({listed}), ())"]
        )
        having = self.rng.choice(["", "", " HAVING count(*) > 1", f" HAVING min(a.id) < 20 AND {self.write.condition([r for r in scope if r.sql in keys], 1)}"])  # fmt: skip
        return f"SELECT {listed}, {self.aggregates(scope, 'a.id')} FROM {relation}{self.where(scope)} GROUP BY {by}{having}"

    def distinct(self) -> str:
        name, scope = self.pick()
        by = self.group_key(scope)
        if self.rng.random() < 0.5:
            return f"SELECT DISTINCT ON ({by}) {by}, {self.outputs(scope)} FROM {name}{self.where(scope)} ORDER BY {by}, id"
        return f"SELECT DISTINCT {self.outputs(scope)} FROM {name}{self.where(scope)}"

    def join_keys(self, left: Scope, right: Scope) -> str:
        kinds = {r.name: r for r in right}
        shared = [
            (r.sql, kinds[r.name].sql)
            for r in left
            if r.name in kinds and kinds[r.name].kind == r.kind and r.kind in SCALARS
        ]
        pairs = self.rng.sample(shared, min(len(shared), self.rng.choice([1, 1, 2])))
        operator = self.rng.choice(["=", "=", "=", "IS NOT DISTINCT FROM"])
        return " AND ".join(f"{one} {operator} {other}" for one, other in pairs)

    def joined(self) -> str:
        (a, left), (b, right) = self.relation("a"), self.relation("b")
        kind = self.rng.choice(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN"])
        on = self.join_keys(left, right)
        if self.rng.random() < 0.6:
            on += f" AND {self.write.condition(self.rng.choice([left, right, [*left, *right]]), 1)}"
        both = left if kind in ("SEMI JOIN", "ANTI JOIN") else [*left, *right]
        what = self.rng.choice(
            ["*", self.outputs(both)]
            if both is left
            else ["a.id, b.id", self.outputs(both), "count(*), sum(a.n)"]
        )
        return f"SELECT {what} FROM {a} {kind} {b} ON {on}{self.where(both)}"

    def joined_using(self) -> str:
        (a, left), (b, right) = self.relation("a"), self.relation("b")
        kind = self.rng.choice(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"])
        name = self.rng.choice(["id", "id", "n", "s"])
        condition = self.write.condition([r for r in [*left, *right] if r.name != name], 1)
        return f"SELECT {name}, a.v, b.v FROM {a} {kind} {b} USING ({name}) WHERE {condition}"

    def asof_joined(self) -> str:
        (a, left), (b, right) = self.relation("a"), self.pick("b")
        kind = self.rng.choice(["ASOF JOIN", "ASOF LEFT JOIN"])
        return f"SELECT a.id, b.id, {self.outputs([*left, *right])} FROM {a} {kind} {b} b ON a.n = b.n AND a.id >= b.id{self.where(left)}"

    def crossed(self) -> str:
        (a, left), (b, right) = self.relation("a"), self.relation("b")
        both = [*left, *right]
        return f"SELECT count(*), min(a.id), max(b.id) FROM {a}{self.rng.choice([', ', ' CROSS JOIN '])}{b}{self.where(both)}"

    def with_query(self) -> str:
        name, scope = self.pick()
        how = self.rng.choice(["", "MATERIALIZED ", "NOT MATERIALIZED "])
        head = f"WITH c AS {how}(SELECT * FROM {name}{self.where(scope)})"
        left, right = [r.of("x") for r in scope], [r.of("y") for r in scope]
        return head + self.rng.choice(
            [f" SELECT {self.outputs(scope)} FROM c{self.where(scope)}",
             f" SELECT x.id, y.id FROM c x JOIN c y ON x.id = y.id + 1 AND {self.write.condition(left, 1)}{self.where(right)}",
             f" SELECT x.id FROM c x WHERE {self.write.condition(left, 1)} AND x.id IN (SELECT y.id FROM c y WHERE {self.write.condition(right, 1)})",
             f" SELECT id FROM c WHERE {self.write.condition(scope, 1)} UNION ALL SELECT id FROM c WHERE {self.write.condition(scope, 1)}",
             f", e AS (SELECT n, count(*) AS m FROM c GROUP BY n) SELECT x.id, e.m FROM c x LEFT JOIN e ON x.n = e.n{self.where(left)}"]
        )  # fmt: skip

    def with_subquery(self) -> str:
        (a, left), (b, right) = self.relation("a"), self.pick("i")
        keys, condition = self.join_keys(left, right), self.write.condition(right, 1)
        inner = f"FROM {b} i WHERE {condition}"
        test = self.rng.choice(
            [f"a.n IN (SELECT i.n {inner})", f"a.id NOT IN (SELECT i.id {inner})", f"EXISTS (SELECT 1 {inner} AND {keys})",
             f"NOT EXISTS (SELECT 1 {inner} AND {keys})", f"a.n > (SELECT min(i.n) {inner})", f"a.n = (SELECT max(i.n) {inner} AND {keys})",
             f"a.n >= ALL (SELECT i.n {inner} AND i.n IS NOT NULL)", f"a.n = ANY (SELECT i.n {inner})", f"(a.n, a.s) IN (SELECT i.n, i.s {inner})"]
        )  # fmt: skip
        test = self.rng.choice(
            [
                f"{test} AND {self.write.condition(left, 1)}",
                f"{test} OR {self.write.condition(left, 1)}",
                test,
                f"NOT ({test})",
            ]
        )
        extra = self.rng.choice(["", f", (SELECT count(*) {inner} AND {keys}) AS q"])
        return f"SELECT a.id, a.s{extra} FROM {a} WHERE {test}"

    def windowed(self) -> str:
        relation, scope = self.relation("a")
        window = self.window(scope, "a.id")
        if self.rng.random() < 0.4:
            return f"SELECT a.id, {self.outputs(scope)} FROM {relation}{self.where(scope)} QUALIFY row_number() OVER (PARTITION BY {self.group_key(scope)} ORDER BY a.id) <= 2"
        if self.rng.random() < 0.5:
            named = [r for r in scope if r.kind in SCALARS]
            shown = ", ".join(f"{r.sql} AS {r.name}" for r in named)
            over = [r.of("w") for r in named]
            return f"SELECT w.id, w.win FROM (SELECT {shown}, {window} AS win FROM {relation}{self.where(scope)}) w{self.where(over)}"
        outer = [r.of("w") for r in scope]
        return f"SELECT w.id, w.win FROM (SELECT *, {window} AS win FROM {relation}{self.where(scope)}) w{self.where(outer)}"

    def united(self) -> str:
        (a, left), (b, right) = self.pick(), self.pick()
        how = self.rng.choice(["UNION ALL", "UNION", "EXCEPT", "INTERSECT", "EXCEPT ALL", "INTERSECT ALL"])
        shared = "id, n, s, v"
        made = f"SELECT {shared} FROM {a}{self.where(left)} {how} SELECT {shared} FROM {b}{self.where(right)}"
        scope = [r for r in left if r.name in ("id", "n", "s")]
        return self.rng.choice(
            [
                made,
                f"SELECT * FROM ({made}){self.where(scope)}",
                f"SELECT n, count(*) FROM ({made}) GROUP BY n",
            ]
        )

    def united_by_name(self) -> str:
        (a, left), (b, right) = self.pick(), self.pick()
        return f"SELECT id, v, n FROM {a}{self.where(left)} UNION ALL BY NAME SELECT n, id, s FROM {b}{self.where(right)}"

    def unnested(self) -> str:
        found = [(t, s) for t, s in sorted(self.tables.items()) if any(r.kind == "list" for r in s)]
        if not found:
            return self.one_table()
        name, scope = self.rng.choice(found)
        where = self.where(scope)
        return self.rng.choice(
            [f"SELECT id, unnest(l) AS e FROM {name}{where}", f"SELECT id, u.e FROM {name}, UNNEST(l) AS u(e){where}",
             f"SELECT * FROM (SELECT id, unnest(l) AS e FROM {name}{where}) WHERE e > 1",
             f"SELECT a.id, (SELECT sum(e) FROM UNNEST(a.l) u(e)) AS total FROM {name} a"]
        )  # fmt: skip

    def pivoted(self) -> str:
        name, scope = self.pick()
        inner = f"(SELECT s, n, id FROM {name}{self.where(scope)})"
        return self.rng.choice(
            [f"PIVOT {inner} ON n IN (1, 2, 3) USING count(*) GROUP BY s", f"PIVOT {inner} ON n USING min(id) GROUP BY s",
             f"SELECT * FROM {inner} PIVOT (count(*) FOR n IN (0, 1) GROUP BY s)",
             f"UNPIVOT (SELECT id, n, TRY_CAST(v AS BIGINT) AS v FROM {name}{self.where(scope)}) ON n, v INTO NAME k VALUE x"]
        )  # fmt: skip

    def keys_only(self) -> str:
        """Over partition keys alone, which may be answered without opening a file."""
        name, scope = self.pick()
        keys = [
            r
            for r in scope
            if r.name in ("year", "month", "day", "date", "region", "k", "q", "moment", "code", "partition_0")
        ] or scope
        what = self.rng.choice([f"DISTINCT {self.outputs(keys)}", "count(*)",
             ", ".join(f"max({r.sql}), count(DISTINCT {r.sql})" for r in keys if r.kind in SCALARS), self.outputs(keys)])  # fmt: skip
        return f"SELECT {what} FROM {name}{f' WHERE {self.write.condition(keys)}'}"

    def lateral(self) -> str:
        (a, left), (b, right) = self.relation("a"), self.pick("i")
        return f"SELECT a.id, q.m FROM {a}, LATERAL (SELECT max(i.id) AS m FROM {b} i WHERE i.n = a.n AND {self.write.condition(right, 1)}) q{self.where(left)}"


_FORMS: dict[Callable[[QueryWriter], str | Query], int] = {
    QueryWriter.one_table: 20,
    QueryWriter.ordered: 8,
    QueryWriter.aggregated: 8,
    QueryWriter.grouped: 10,
    QueryWriter.distinct: 6,
    QueryWriter.joined: 14,
    QueryWriter.joined_using: 4,
    QueryWriter.asof_joined: 3,
    QueryWriter.crossed: 3,
    QueryWriter.with_query: 8,
    QueryWriter.with_subquery: 10,
    QueryWriter.windowed: 8,
    QueryWriter.united: 6,
    QueryWriter.united_by_name: 1,
    QueryWriter.unnested: 3,
    QueryWriter.pivoted: 3,
    QueryWriter.keys_only: 5,
    QueryWriter.lateral: 3,
    **TRAPS,
}
