"""Preview: what a query would scan that is still being typed."""

from __future__ import annotations

from dataclasses import dataclass

from lakeq.errors import BudgetExceededError, ObjectArchivedError
from lakeq.planner.estimate import Estimate


@dataclass(frozen=True, slots=True)
class Preview:
    """What a query would scan as far as that is known without long work, and why it would be refused (None:
    it would run)."""

    estimate: Estimate
    refusal: BudgetExceededError | ObjectArchivedError | None = None
