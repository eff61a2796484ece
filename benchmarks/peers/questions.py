"""The questions of benchmarks.remote and benchmarks.listing, as data that any environment can import.

All SQL is written so that every engine takes it unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

BUCKET, ACCESS_KEY, SECRET, REGION = "lake", "a", "b", "us-east-1"
"""What every contender is given beside the endpoint."""


@dataclass(frozen=True, slots=True)
class Table:
    """A folder of Parquet files in Hive layout.

    `keys` are its partition columns, integers, from the outermost in; `types` the Arrow types of the others,
    for engines that would read every footer to know them.
    """

    name: str
    keys: tuple[str, ...]
    types: dict[str, str]

    @property
    def glob(self) -> str:
        return f"s3://{BUCKET}/{self.name}/**/*.parquet"

    @property
    def folder(self) -> str:
        return f"s3://{BUCKET}/{self.name}/"


@dataclass(frozen=True, slots=True)
class Query:
    """SQL over one table. For contenders that take none: the columns it uses, the conditions that may leave
    files out, and the folder, below the bucket, of the only files that it concerns."""

    table: Table
    sql: str
    prefix: str
    columns: tuple[str, ...]
    conditions: tuple[tuple[str, str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """How many files of a table have all these partition values, known by their texts in a path.

    `prefix` is the folder of those files, for whoever is told it beforehand.
    """

    values: dict[str, str] = field(default_factory=dict)
    prefix: str = "events/"


EVENTS = Table(
    "events",
    ("year", "month", "day", "hour"),
    {"user_id": "int64", "kind": "string", "amount": "double"},
)
LINEITEM = Table(
    "lineitem",
    ("year", "month"),
    {
        **dict.fromkeys(("l_orderkey", "l_partkey", "l_suppkey"), "int64"),
        "l_linenumber": "int32",
        **dict.fromkeys(("l_quantity", "l_extendedprice", "l_discount", "l_tax"), "decimal(15, 2)"),
        **dict.fromkeys(("l_returnflag", "l_linestatus"), "string"),
        **dict.fromkeys(("l_shipdate", "l_commitdate", "l_receiptdate"), "date32"),
        **dict.fromkeys(("l_shipinstruct", "l_shipmode", "l_comment"), "string"),
    },
)

_BY_KIND = "SELECT kind, count(*) AS n, sum(amount) AS total FROM events{} GROUP BY kind ORDER BY kind"
_Q1 = """\
SELECT l_returnflag, l_linestatus, sum(l_quantity) AS sum_qty, sum(l_extendedprice) AS sum_base_price,
    sum(l_extendedprice * (1 - l_discount)) AS sum_disc_price,
    sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS sum_charge,
    avg(l_quantity) AS avg_qty, avg(l_extendedprice) AS avg_price, avg(l_discount) AS avg_disc,
    count(*) AS count_order
FROM lineitem
WHERE l_shipdate <= DATE '1998-09-02'
GROUP BY l_returnflag, l_linestatus
ORDER BY l_returnflag, l_linestatus"""
_Q6 = """\
SELECT sum(l_extendedprice * l_discount) AS revenue
FROM lineitem
WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1995-01-01'{}
    AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24"""

_Q6_COLUMNS = ("l_shipdate", "l_extendedprice", "l_discount", "l_quantity")
_Q1_COLUMNS = (*_Q6_COLUMNS, "l_tax", "l_returnflag", "l_linestatus")
_IN_1994 = (("l_shipdate", ">=", date(1994, 1, 1)), ("l_shipdate", "<", date(1995, 1, 1)))

QUERIES = {
    "all": Query(EVENTS, _BY_KIND.format(""), "events/", ("kind", "amount")),
    "day": Query(
        EVENTS,
        _BY_KIND.format(" WHERE year = 2026 AND month = 10 AND day = 17"),
        "events/year=2026/month=10/day=17/",
        ("kind", "amount", "year", "month", "day"),
        (("year", "=", 2026), ("month", "=", 10), ("day", "=", 17)),
    ),
    "q1": Query(LINEITEM, _Q1, "lineitem/", _Q1_COLUMNS, (("l_shipdate", "<=", date(1998, 9, 2)),)),
    "q6": Query(LINEITEM, _Q6.format(""), "lineitem/", _Q6_COLUMNS, _IN_1994),
    "q6-by-partition": Query(
        LINEITEM,
        _Q6.format(" AND year = 1994"),
        "lineitem/year=1994/",
        (*_Q6_COLUMNS, "year"),
        (*_IN_1994, ("year", "=", 1994)),
    ),
}

_DAY = {"year": "2025", "month": "06", "day": "15"}
LISTINGS = {
    "list-all": Listing(),
    "list-day": Listing(_DAY),
    "list-day-by-prefix": Listing(_DAY, "events/year=2025/month=06/day=15/"),
}


@dataclass(slots=True)
class Answer:
    """What a contender gives back: rows of a query or a number of files, and what it tells of itself.

    `connected` is the clock after connecting. That counts too, but can be told apart.
    """

    value: Any
    connected: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)
