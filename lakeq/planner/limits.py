"""Whether a query may end before it has read its tables."""

from __future__ import annotations

from sqlglot import exp

from lakeq.errors import LakeqError
from lakeq.planner.parse import parse_query


def stops_early(sql: str) -> bool:
    """Whether the first rows that are found may be all that `sql` needs: it ends in a LIMIT, and nothing in
    its outermost SELECT has to see every row. A guess that decides how far ahead is read, nothing else."""
    if "limit" not in sql.casefold() and "fetch" not in sql.casefold():
        return False
    try:
        query = parse_query(sql)
    except LakeqError:
        return False
    if not isinstance(query, exp.Select) or query.args.get("limit") is None:
        return False
    if any(query.args.get(part) for part in ("order", "group", "having", "distinct", "qualify")):
        return False
    return not any(shown.find(exp.AggFunc, exp.Window) for shown in query.expressions)
