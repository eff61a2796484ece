"""Terms: what is charged for the queries over a lake, and what they may ask for."""

from __future__ import annotations

from dataclasses import dataclass

from lakeq.planner.archived import Archived, refuse_archived
from lakeq.planner.budget import QueryLimits, check_budget
from lakeq.planner.estimate import Estimate, estimate_plan
from lakeq.planner.plan import ScanPlan
from lakeq.planner.pricing import Pricing
from lakeq.planner.storage_prices import StoragePrices
from lakeq.storage.tally import Tally


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one lake.

    `pricing` is of what is scanned, `prices` of what S3 is asked, if the lake `is_s3`. `archived` is what
    becomes of files that must be restored first. An estimate reads up to `max_footers` footers of a table.
    """

    pricing: Pricing
    prices: StoragePrices
    archived: Archived
    max_footers: int
    is_s3: bool

    def price(self, plan: ScanPlan, planning: Tally) -> Estimate:
        """The estimate of a plan for which `planning` was asked of the store."""
        return estimate_plan(plan, self.pricing, self.prices, planning.requests if self.is_s3 else {})

    def check_files(self, plan: ScanPlan) -> None:
        """ObjectArchivedError for a plan with archived files, unless these are to be left out."""
        refuse_archived(plan, self.archived, self.prices)

    def check(self, plan: ScanPlan, estimate: Estimate, limits: QueryLimits) -> None:
        """As `check_files`; and BudgetExceededError when the estimate is over a limit of the query."""
        self.check_files(plan)
        check_budget(estimate, limits)
