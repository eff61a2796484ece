"""The Result of a query given as SQL, which can go on as a DataFrame."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lakeq.planner.plan import ScanPlan
from lakeq.result import Result

if TYPE_CHECKING:
    from lakeq.dataframe.frame import DataFrame


class SqlResult(Result):
    """What `Lake.sql` gives."""

    def __init__(self, *planned: Any, make_frame: Callable[[ScanPlan], DataFrame]) -> None:
        """`planned` is what a Result takes."""
        super().__init__(*planned)
        self._make_frame = make_frame

    def lazy(self) -> DataFrame:
        """The query as a DataFrame, with its parameters written into it as literals. It reads nothing, and
        this Result need not be read.

        QueryError for a parameter without a literal (a list), and for two columns of one name.
        """
        return self._make_frame(self.plan)
