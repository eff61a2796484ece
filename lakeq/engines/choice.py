"""Which engine runs a query: the one asked for, or the one that its estimate asks for."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass

from lakeq.engines.base import Engine, EngineContext
from lakeq.engines.limits import RunLimits
from lakeq.engines.names import AUTO, DUCKDB, OUTSIDE, EngineSettings, check_name
from lakeq.engines.opening import open_engine
from lakeq.engines.spills import find_spill_folder
from lakeq.errors import LakeqError
from lakeq.planner.estimate import Estimate
from lakeq.planner.limits import holds_rows
from lakeq.planner.plan import ScanPlan
from lakeq.quantities import format_bytes
from lakeq.storage.memory import total_memory

_CHARGING = ("athena",)
"""Engines that are paid for by the query."""
_EXPANSION = 4
"""Rows in memory are taken for so many times their stored columns: Parquet and compressed text of events were
3 to 5 times larger decoded."""
_MEMORY_SHARE, _DISK_SHARE = 0.8, 0.9
"""What DuckDB takes of both unless it is told."""


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes that DuckDB may use for rows that it has to hold: memory, and temporary files."""

    memory: int
    disk: int


def find_room(limits: RunLimits) -> Room:
    """What there is of both on this machine, within the limits."""
    memory = limits.memory_limit or int(total_memory() * _MEMORY_SHARE)
    try:
        free = shutil.disk_usage(find_spill_folder()).free
    except OSError:
        free = 0
    return Room(memory, limits.temp_limit or int(free * _DISK_SHARE))


def tell_excess(sql: str, estimate: Estimate, auto_above: int, room: Room) -> str | None:
    """Why a query is too large for this machine; None when it is not."""
    if estimate.bytes_scanned > auto_above:
        return (
            f"it scans {format_bytes(estimate.bytes_scanned)}, over auto_above = {format_bytes(auto_above)}"
        )
    needed = estimate.bytes_scanned * _EXPANSION
    if needed > room.memory + room.disk and holds_rows(sql):
        return (
            f"it may have to hold about {format_bytes(needed)} of rows at once, where there are "
            f"{format_bytes(room.memory)} of memory and {format_bytes(room.disk)} of temporary files"
        )
    return None


@dataclass(frozen=True, slots=True)
class Chosen:
    """The engine that a query runs on, and why, as a sentence; empty where it was asked for by name."""

    engine: Engine
    why: str = ""


class Engines:
    """The engines of one lake: DuckDB's, and those outside, each opened when it is first asked for."""

    def __init__(self, duckdb: Engine, settings: EngineSettings, context: EngineContext) -> None:
        self._settings = settings
        self._context = context
        self._lock = threading.Lock()
        self._opened: dict[str, Engine] = {DUCKDB: duckdb}

    def find_name(self, given: str | None) -> str:
        """The engine that is asked for, or AUTO. ConfigError for one that is not known."""
        return check_name(given) if given else self._settings.name

    def is_at_home(self, name: str) -> bool:
        """Whether a query that asks for `name` is sure to run in this process."""
        return name == DUCKDB or (name == AUTO and not self._settings.targets)

    def uses_index(self, name: str) -> bool:
        """Whether a query that asks for `name` may be answered by lakeq's index instead of files. Raises as
        `open` does."""
        return name == AUTO or self.open(name).opens_files

    def choose(self, name: str, plan: ScanPlan, estimate: Estimate, is_limited: bool) -> Chosen:
        """The engine for a query that asks for `name`, as find_name gives it.

        For AUTO that is DuckDB, unless the query is too large for this machine: then the first of the engines
        configured that can be told the query. One that costs money is only chosen for a query that
        `is_limited` by a budget.
        """
        if name != AUTO:
            engine = self.open(name)
            engine.check(plan)
            return Chosen(engine)
        home, targets = self.open(DUCKDB), self._settings.targets
        above = self._settings.auto_above
        excess = tell_excess(plan.sql, estimate, above, find_room(self._context.limits))
        if excess is None:
            scans = f"the query scans {format_bytes(estimate.bytes_scanned)} only"
            return Chosen(home, f"Run by DuckDB: {scans}." if targets else "")
        refused = [] if targets else ["no other is configured"]
        for target in targets:
            if target in _CHARGING and not is_limited:
                refused.append(f"{OUTSIDE[target]} costs money: give max_cost, or ask for engine='{target}'")
                continue
            try:
                engine = self.open(target)
                engine.check(plan)
            except LakeqError as error:
                refused.append(f"{OUTSIDE[target]}: {error}")
            else:
                return Chosen(engine, _tell(OUTSIDE[target], f"because {excess}", refused))
        return Chosen(home, _tell("DuckDB", f"although {excess}", refused))

    def open(self, name: str) -> Engine:
        """The engine `name`, one of NAMES but for AUTO. Raises as `open_engine` does."""
        with self._lock:
            if name not in self._opened:
                self._opened[name] = open_engine(name, self._settings.targets.get(name), self._context)
            return self._opened[name]

    def close(self) -> None:
        """Stop what runs, and free it."""
        with self._lock:
            for engine in self._opened.values():
                engine.close()


def _tell(title: str, reason: str, refused: list[str]) -> str:
    others = f" Not by another: {'; '.join(text.rstrip('.') for text in refused)}." if refused else ""
    return f"Run by {title}, {reason}.{others}"
