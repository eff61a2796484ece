"""Plans over a small lake, written in another dialect."""

from __future__ import annotations

from lakeq.lake import Lake
from lakeq.planner.writing import write_query

NAMES = {
    "spark": {name: f"`{name}`" for name in ("v", "w", "u", "nothing")},
    "trino": {name: f'"hive"."default"."{name}"' for name in ("v", "w", "u", "nothing")},
}
NAMES["athena"] = NAMES["trino"]


def write(lake: Lake, sql: str, dialect: str = "spark", params: object = None) -> str:
    """The query in the dialect."""
    return write_query(lake.plan(sql, params), dialect, NAMES[dialect])
