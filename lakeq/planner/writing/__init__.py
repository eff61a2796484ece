"""The way out: a query in DuckDB's SQL as text for Spark or Trino that gives the same answer, or a refusal."""

from lakeq.planner.writing.write import write_query

__all__ = ["write_query"]
