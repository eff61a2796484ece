"""Which keywords may follow where."""

from __future__ import annotations

STATEMENTS = ("SELECT", "FROM", "WITH", "DESCRIBE", "SUMMARIZE", "VALUES", "PIVOT", "UNPIVOT")
QUERIES = ("SELECT", "FROM", "WITH", "VALUES")
OPERANDS = (
    "CASE", "NOT", "NULL", "TRUE", "FALSE", "EXISTS", "DATE", "TIMESTAMP", "INTERVAL",
    "CURRENT_DATE", "CURRENT_TIMESTAMP",
)  # fmt: skip
TYPES = (
    "BIGINT", "INTEGER", "DOUBLE", "DECIMAL", "VARCHAR", "BOOLEAN", "DATE", "TIMESTAMP", "TIMESTAMPTZ",
    "TIME", "INTERVAL", "SMALLINT", "TINYINT", "HUGEINT", "FLOAT", "BLOB", "UUID", "JSON",
)  # fmt: skip
LOGIC = ("AND", "OR")
COMPARISONS = (
    "IN", "BETWEEN", "LIKE", "ILIKE", "IS NULL", "IS NOT NULL", "NOT IN", "NOT LIKE", "NOT BETWEEN",
)  # fmt: skip
CASES = ("WHEN", "THEN", "ELSE", "END")
JOINS = (
    "JOIN", "LEFT JOIN", "INNER JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN", "ASOF JOIN", "SEMI JOIN",
    "ANTI JOIN", "NATURAL JOIN", "POSITIONAL JOIN",
)  # fmt: skip
ORDERS = ("ASC", "DESC", "NULLS FIRST", "NULLS LAST")
WINDOWS = ("PARTITION BY", "ORDER BY", "ROWS", "RANGE")
COMMON_FUNCTIONS = (
    "count", "sum", "avg", "min", "max", "date_trunc", "lower", "upper", "round", "strftime", "list",
    "any_value", "approx_count_distinct", "regexp_matches",
)  # fmt: skip
"""Told before the hundreds of others that begin alike."""
SYNTAX_FUNCTIONS = ("coalesce", "cast", "try_cast", "extract", "columns")
"""Called as functions are, but known to the parser alone."""

_CLAUSES = (
    "FROM", "WHERE", "GROUP BY", "HAVING", "QUALIFY", "ORDER BY", "LIMIT", "OFFSET",
    "UNION ALL", "UNION", "INTERSECT", "EXCEPT",
)  # fmt: skip
_AFTER = {
    "SELECT": _CLAUSES,
    "FROM": _CLAUSES[1:],
    "JOIN": _CLAUSES[1:],
    "ON": _CLAUSES[1:],
    "USING": _CLAUSES[1:],
    "WHERE": _CLAUSES[2:],
    "GROUP": _CLAUSES[3:],
    "HAVING": _CLAUSES[4:],
    "QUALIFY": _CLAUSES[5:],
    "ORDER": _CLAUSES[6:],
    "LIMIT": _CLAUSES[7:],
    "OFFSET": _CLAUSES[8:],
}
NEXT_WORDS = {
    "GROUP": ("BY",),
    "ORDER": ("BY",),
    "PARTITION": ("BY",),
    "LEFT": ("JOIN", "OUTER JOIN", "SEMI JOIN", "ANTI JOIN"),
    "RIGHT": ("JOIN", "OUTER JOIN"),
    "FULL": ("JOIN", "OUTER JOIN"),
    "INNER": ("JOIN",),
    "OUTER": ("JOIN",),
    "CROSS": ("JOIN",),
    "ASOF": ("JOIN", "LEFT JOIN"),
    "SEMI": ("JOIN",),
    "ANTI": ("JOIN",),
    "NATURAL": ("JOIN", "LEFT JOIN"),
    "POSITIONAL": ("JOIN",),
    "UNION": ("ALL", "BY NAME", *QUERIES),
    "INTERSECT": ("ALL", *QUERIES),
    "EXCEPT": ("ALL", *QUERIES),
    "NULLS": ("FIRST", "LAST"),
    "IS": ("NULL", "NOT NULL", "TRUE", "FALSE", "DISTINCT FROM", "NOT DISTINCT FROM"),
    "::": TYPES,
}
"""What follows some words, whatever stands before them."""


def clauses_after(clause: str) -> tuple[str, ...]:
    """The clauses that may follow one, and what may join its query with another."""
    return _AFTER.get(clause, ())
