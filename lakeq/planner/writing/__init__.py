"""A query in DuckDB's SQL as text for another engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from lakeq.planner.parse import parse_query
from lakeq.planner.plan import ScanPlan


def write_query(
    plan: ScanPlan, dialect: str, names: Mapping[str, str], columns: Sequence[str] | None = None
) -> str:
    """The query over the tables of these names there."""
    tree = parse_query(plan.sql)
    for table in tree.find_all(exp.Table):
        table.set("this", exp.to_identifier(f"@{table.name}"))
    text = tree.sql(dialect)
    for name, target in names.items():
        text = text.replace(f'"@{name}"', f"{target} AS {name}")
    return text
