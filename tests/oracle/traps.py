"""Forms of queries in which a planner easily takes one name, type or row for another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.oracle.expressions import NUMBERS

if TYPE_CHECKING:
    from tests.oracle.queries import QueryWriter


def aliased(writer: QueryWriter) -> str:
    """An output named like a column, and conditions that name it."""
    name, scope = writer.pick()
    ref, rng = writer.rng.choice(scope), writer.rng
    keys = [r.name for r in scope if r.kind == "int"]
    key = rng.choice(keys)
    where = writer.write.condition(scope, 1)
    return rng.choice(
        [
            f"SELECT -id AS {key}, {ref.sql} AS c FROM {name} WHERE {key} > {rng.randrange(12)}",
            f"SELECT {key} + 1 AS q, q * 2 AS r FROM {name} WHERE q > 3 AND {where}",
            f"SELECT * FROM (SELECT * REPLACE (n + 1 AS n) FROM {name}) WHERE {where}",
            f"SELECT {key} AS id, id AS {key} FROM {name} WHERE {where} ORDER BY ALL",
            f"SELECT {key} % 3 AS n, count(*) FROM {name} WHERE {where} GROUP BY ALL HAVING n >= 1",
            f"SELECT * FROM (SELECT id AS {key}, n AS id FROM {name}) AS q WHERE q.{key} > 4",
            f"SELECT {name}.id FROM {name} AS {name} WHERE {name}.{key} < 9",
            f"SELECT * RENAME (n AS id, id AS n) FROM {name} WHERE {where}",
        ]
    )


def shadowed(writer: QueryWriter) -> str:
    """A CTE with the name of a table, and tables named in other cases."""
    (a, left), (b, _) = writer.pick(), writer.pick()
    where = writer.write.condition(left, 1)
    return writer.rng.choice(
        [
            f"WITH {b} AS (SELECT * FROM {a} WHERE {where}) SELECT * FROM {b} WHERE {where}",
            f"WITH {a} AS (SELECT id + 1 AS id, n FROM {a}) SELECT * FROM {a} WHERE id > 5",
            f"WITH c AS (SELECT * FROM {a}), {b} AS (SELECT id FROM c) SELECT count(*) FROM {b}",
            f'SELECT "ID", N FROM {a.upper()} WHERE {where}',
            f"WITH RECURSIVE r AS (SELECT min(id) AS id FROM {a} UNION ALL SELECT o.id FROM {a} o JOIN r ON o.id = r.id + 1) SELECT * FROM r",
            f"SELECT (SELECT count(*) FROM {a} WHERE id < o.id) AS c, id FROM {a} o WHERE {where}",
        ]
    )


def paired(writer: QueryWriter) -> str:
    """Rows compared as one value, and lists of values to join with."""
    name, scope = writer.pick()
    rng, refs = writer.rng, [r for r in scope if r.kind in ("int", "text", "date", "ts")]
    one, other = rng.choice(refs), rng.choice(refs)
    pair = f"({one.sql}, {other.sql})"
    values = [f"({writer.write.literal(one)}, {writer.write.literal(other)})" for _ in range(3)]
    operator = rng.choice(["=", "<", ">=", "<>"])
    return rng.choice(
        [
            f"SELECT id FROM {name} WHERE {pair} IN ({', '.join(values)})",
            f"SELECT id FROM {name} WHERE {pair} {operator} {values[0]}",
            f"SELECT id FROM {name} WHERE NOT ({pair} {operator} {values[0]})",
            f"SELECT id, v.x FROM {name} JOIN (VALUES (0), (2), (NULL), (9)) v(x) ON {rng.choice(['n', 'id'])} = v.x",
            f"SELECT id FROM {name} WHERE id IN (SELECT x FROM (VALUES (3), (30)) w(x))",
            f"SELECT id FROM {name} NATURAL JOIN (SELECT {one.sql}, id FROM {name} WHERE n > 2)",
        ]
    )


def spread(writer: QueryWriter) -> str:
    """Columns by pattern, and joins with aggregates."""
    name, scope = writer.pick()
    (a, left), (b, right) = writer.relation("a"), writer.pick()
    where = writer.write.condition(scope, 1)
    inner = f"(SELECT n, max(id) AS m, count(*) AS k FROM {b} WHERE {writer.write.condition(right, 1)} GROUP BY n)"
    return writer.rng.choice(
        [
            f"SELECT max(COLUMNS('^(id|n|s|dt)$')) FROM {name} WHERE {where}",
            f"SELECT id FROM {name} WHERE COLUMNS('^(n|v|late)$') IS NOT NULL AND {where}",
            f"SELECT a.id, g.m FROM {a} LEFT JOIN {inner} g ON a.n = g.n AND g.m > 5{writer.where(left)}",
            f"SELECT * FROM {inner} g WHERE g.n > 2 AND g.k > 1",
            f"SELECT a.id, g.k FROM {a} JOIN {inner} g ON a.id = g.m WHERE g.n IS NOT NULL",
            f"SELECT a.id, x.id, y.n FROM {a} LEFT JOIN ({name} x JOIN {b} y ON x.id = y.id) ON a.id = x.id{writer.where(left)}",
            f"SELECT count(*) FROM {name} WHERE {where} HAVING count(*) > 3",
            f"SELECT n, (SELECT max(s) FROM {b} i WHERE i.n = o.n) FROM (SELECT DISTINCT n FROM {name} WHERE {where}) o",
        ]
    )


def retyped(writer: QueryWriter) -> str:
    """Values that meet in a type that one of them is not of: in UNION, joins, IN and BETWEEN."""
    rng, kinds = writer.rng, writer.rng.choice([NUMBERS, NUMBERS, ("date", "ts"), ("date", "ts", "tz")])
    (a, left), (b, right) = writer.pick(), writer.pick()
    one, other, third = (
        rng.choice([r for r in scope if r.kind in kinds] or [r for r in scope if r.kind == "int"])
        for scope in (left, right, right)
    )

    def asks(column: str) -> str:
        x, y, z = (writer.write.literal(rng.choice([one, other, third])) for _ in range(3))
        forms = [
            f"{rng.choice(['=', '<>', '<', '>='])} {x}",
            f"BETWEEN {x} AND {y}",
            f"NOT BETWEEN {x} AND {y}",
        ]
        forms += [f"IN ({x}, {y}, {z})", f"NOT IN ({x}, {y})", f"IS DISTINCT FROM {x}"]
        return f"{column} {rng.choice(forms)}"

    made = rng.choice(
        [
            f"coalesce({other.sql}, {third.sql})",
            f"greatest({other.sql}, {third.sql})",
            f"CASE WHEN id > 4 THEN {other.sql} ELSE {third.sql} END",
            other.sql,
        ]
    )
    how = rng.choice(["UNION ALL", "UNION ALL", "UNION", "EXCEPT", "INTERSECT"])
    whole = f"SELECT {one.sql} AS c FROM {a} {how} SELECT {made} FROM {b}"
    return rng.choice(
        [
            f"SELECT c, count(*) FROM ({whole}) WHERE {asks('c')} GROUP BY c",
            f"SELECT c, count(*) FROM ({whole}) WHERE {asks('c')} OR {asks('c')} GROUP BY c",
            f"SELECT count(*) FROM ({whole} UNION ALL SELECT {third.sql} FROM {b}) WHERE {asks('c')}",
            f"SELECT a.id FROM {a} a JOIN (SELECT {made} AS c FROM {b}) q ON a.{one.name} = q.c WHERE {asks(f'a.{one.name}')}",
            f"SELECT id FROM {a} WHERE {one.sql} IN (SELECT {made} FROM {b}) AND {asks(one.sql)}",
            f"SELECT id FROM {a} WHERE {asks(one.sql)} AND {asks(one.sql)}",
        ]
    )


TRAPS: dict[Callable[[QueryWriter], str], int] = {aliased: 5, shadowed: 4, paired: 5, spread: 6, retyped: 8}
