"""Forms of queries in which a planner easily takes one name, type or row for another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

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


TRAPS: dict[Callable[[QueryWriter], str], int] = {aliased: 5, shadowed: 4, paired: 5, spread: 6}
