"""lakeq: see what a query over a data lake will read and cost, then run it.

lake = lakeq.connect("s3://bucket/data")
print(lake.estimate("SELECT sum(amount) FROM events WHERE year = 2026"))
print(lake.sql("SELECT sum(amount) FROM events WHERE year = 2026").fetchall())
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lakeq.errors import LakeqError

if TYPE_CHECKING:
    from lakeq.connecting import connect
    from lakeq.dataframe.expressions import (
        Array,
        Binary,
        Boolean,
        Date,
        Datetime,
        Decimal,
        Duration,
        Float32,
        Float64,
        Int8,
        Int16,
        Int32,
        Int64,
        Int128,
        List,
        String,
        Struct,
        Time,
        UInt8,
        UInt16,
        UInt32,
        UInt64,
        UInt128,
        all,
        all_horizontal,
        any_horizontal,
        coalesce,
        col,
        concat_str,
        exclude,
        len,
        lit,
        max,
        max_horizontal,
        mean,
        mean_horizontal,
        median,
        min,
        min_horizontal,
        nth,
        selectors,
        struct,
        sum,
        sum_horizontal,
        when,
    )
    from lakeq.dataframe.frame import DataFrame
    from lakeq.lake import Lake
    from lakeq.planner.estimate import Estimate
    from lakeq.result import Result

__version__ = "0.1.0"

__all__ = [
    "Array",
    "Binary",
    "Boolean",
    "DataFrame",
    "Date",
    "Datetime",
    "Decimal",
    "Duration",
    "Estimate",
    "Float32",
    "Float64",
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "Int128",
    "Lake",
    "LakeqError",
    "List",
    "Result",
    "String",
    "Struct",
    "Time",
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "UInt128",
    "__version__",
    "all",
    "all_horizontal",
    "any_horizontal",
    "coalesce",
    "col",
    "concat_str",
    "connect",
    "exclude",
    "len",
    "lit",
    "max",
    "max_horizontal",
    "mean",
    "mean_horizontal",
    "median",
    "min",
    "min_horizontal",
    "nth",
    "selectors",
    "struct",
    "sum",
    "sum_horizontal",
    "when",
]

_HOMES = {
    "connect": "lakeq.connecting",
    "Lake": "lakeq.lake",
    "Result": "lakeq.result",
    "DataFrame": "lakeq.dataframe.frame",
    "Estimate": "lakeq.planner.estimate",
}


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext lakeq` in a notebook: from then on there are `%lakeq` and `%%lakeq`."""
    from lakeq.notebook.magic import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext lakeq`: the magics are gone, and the lakes that they connected to are closed."""
    from lakeq.notebook.magic import unload

    unload(shell)


def __getattr__(name: str) -> Any:
    """Load the API at its first use: `import lakeq` alone loads neither duckdb nor pyarrow."""
    if name in __all__:
        from importlib import import_module

        return getattr(import_module(_HOMES.get(name, "lakeq.dataframe.expressions")), name)
    raise AttributeError(f"module 'lakeq' has no attribute {name!r}")


def __dir__() -> list[str]:
    """The API, for who completes names."""
    return sorted({*globals(), *__all__})
