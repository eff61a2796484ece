"""Preview: what a query would scan that is still being typed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lakeq.errors import BudgetExceededError, ObjectArchivedError, SqlSyntaxError
from lakeq.planner.estimate import Estimate
from lakeq.planner.plan import ScanPlan
from lakeq.planner.tokens import scan_tokens

_MOST_CUT = 6
"""Words that a condition may have so far without being one: `AND d.month BETWEEN 3`."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a query would scan, as far as that is known without long work.

    `refusal` is why it would not be run; `notes` what else is to be known, such as what the engine has
    against it. `is_whole` unless it is only of the beginning of the text, which is no query as it stands.
    """

    estimate: Estimate
    refusal: BudgetExceededError | ObjectArchivedError | None = None
    notes: tuple[str, ...] = ()
    is_whole: bool = True


def plan_draft(plan: Callable[[str], ScanPlan], sql: str) -> tuple[ScanPlan, bool]:
    """The plan of `sql`, or else of the most of its beginning that is a query, and whether it is of all of
    it. Raises what `plan` has against the whole text."""
    try:
        return plan(sql), True
    except SqlSyntaxError as error:
        for beginning in shorten(sql):
            try:
                return plan(beginning), False
            except SqlSyntaxError:
                continue
        raise error


def shorten(sql: str) -> Iterator[str]:
    """The text without its last word, without its last two, …; what is in an open quote is one word."""
    words = [token for token in scan_tokens(sql) if token.kind != "comment"]
    for word in words[: -_MOST_CUT - 1 : -1]:
        yield sql[: word.start]
