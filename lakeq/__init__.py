"""lakeq: see what a query over a data lake will read and cost, then run it.

lake = lakeq.connect("s3://bucket/data")
print(lake.estimate("SELECT sum(amount) FROM events WHERE year = 2026"))
print(lake.sql("SELECT sum(amount) FROM events WHERE year = 2026").fetchall())
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lakeq.errors import LakeqError

if TYPE_CHECKING:
    from lakeq.lake import Lake, connect
    from lakeq.planner.estimate import Estimate
    from lakeq.result import Result

__version__ = "0.1.0"

__all__ = ["Estimate", "Lake", "LakeqError", "Result", "__version__", "connect"]

_HOMES = {
    "connect": "lakeq.lake",
    "Lake": "lakeq.lake",
    "Result": "lakeq.result",
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
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'lakeq' has no attribute {name!r}")
