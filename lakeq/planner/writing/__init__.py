"""The way out: a query in DuckDB's SQL as Spark's or Trino's, that gives the same answer, or a refusal."""

from lakeq.planner.writing.write import write_query

__all__ = ["write_query"]
