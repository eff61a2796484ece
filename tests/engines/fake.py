"""An engine outside of the process that answers from what it was given."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from lakeq.engines.base import EngineContext, PlannedSession, QueryStats, Session
from lakeq.errors import LakeqError
from lakeq.planner.plan import ScanPlan

ROWS = pa.table({"n": [41, 42]})


class FakeResult:
    """ROWS, as a query gives them."""

    schema = ROWS.schema
    notes: tuple[str, ...] = ()

    def batches(self) -> Iterator[pa.RecordBatch]:
        yield from ROWS.to_batches()

    def cancel(self) -> None: ...

    def close(self) -> None: ...

    def progress(self) -> float | None:
        return None

    def read_progress(self) -> tuple[int, int, int, int]:
        return 0, 0, 0, 0

    def stats(self) -> QueryStats:
        return QueryStats(2, 7, 7, 0, 0.5)


@dataclass
class FakeEngine:
    """Runs every plan that `refuses` does not name, and keeps those that it ran."""

    name: str
    target: Any = None
    context: EngineContext | None = None
    opens_files: bool = True
    refuses: LakeqError | None = None
    ran: list[ScanPlan] = field(default_factory=list)
    closed: bool = False

    def check(self, plan: ScanPlan) -> None:
        if self.refuses is not None:
            raise self.refuses

    def session(self, plan: ScanPlan) -> Session:
        return PlannedSession(self, plan.clock)

    def execute(self, plan: ScanPlan, max_bytes: int | None = None) -> FakeResult:
        self.ran.append(plan)
        return FakeResult()

    def close(self) -> None:
        self.closed = True


class FakeEngines:
    """In place of `open_engine`: the engines that were opened, by name; `broken` ones cannot be."""

    def __init__(self) -> None:
        self.opened: dict[str, FakeEngine] = {}
        self.refusing: dict[str, LakeqError] = {}
        self.broken: dict[str, LakeqError] = {}

    def open(self, name: str, target: Any, context: EngineContext) -> FakeEngine:
        if name in self.broken:
            raise self.broken[name]
        engine = FakeEngine(name, target, context, refuses=self.refusing.get(name))
        self.opened[name] = engine
        return engine
