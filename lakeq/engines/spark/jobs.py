"""One query as jobs of Spark: run under a tag, cancelled by it, and asked how far it is."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Protocol

import pyarrow as pa

from lakeq.engines.spark.quiet import unlogged_errors
from lakeq.errors import EngineError, LakeqError

_SETTLE_MILLISECONDS = 5000


class Job(Protocol):
    """What runs one query. Only `run` is for the thread that reads."""

    def run(self, frame: Any) -> pa.Table:
        """All rows of a DataFrame. Raises what Spark does."""

    def cancel(self) -> None:
        """Have what runs end; again does no harm."""

    def look(self) -> tuple[float | None, int]:
        """The share of the tasks that are done (None: of none yet), and the bytes that they have read."""

    def settle(self) -> None:
        """Wait until what ended tasks have told has arrived."""

    def find_obstacle(self, seconds: float) -> LakeqError | None:
        """Why a query that has waited for so long will wait for ever; None: it may not."""


class ClassicJob:
    """Jobs of a SparkContext in this process's JVM."""

    def __init__(self, session: Any, tag: str, workers_within: float | None = None) -> None:
        """`workers_within`: the seconds after which a cluster without workers is an error; None: never."""
        self._context = session.sparkContext
        self._tag = tag
        self._workers_within = workers_within

    def run(self, frame: Any) -> pa.Table:
        """See Job."""
        self._context.addJobTag(self._tag)
        try:
            with unlogged_errors():
                return frame.toArrow()
        finally:
            with suppress(Exception):
                self._context.removeJobTag(self._tag)

    def cancel(self) -> None:
        """See Job."""
        self._context.cancelJobsWithTag(self._tag)

    def look(self) -> tuple[float | None, int]:
        """See Job."""
        spark = self._context._jsc.sc()
        tracker, store = spark.statusTracker(), spark.statusStore()
        done = total = size = 0
        for stage in self._find_stages(tracker):
            with suppress(Exception):  # a stage that was not begun, or is forgotten
                attempt = store.lastStageAttempt(stage)
                done += attempt.numCompleteTasks()
                total += attempt.numTasks()
                size += attempt.inputBytes()
        return (done / total if total else None), size

    def settle(self) -> None:
        """See Job."""
        with suppress(Exception):
            self._context._jsc.sc().listenerBus().waitUntilEmpty(_SETTLE_MILLISECONDS)

    def find_obstacle(self, seconds: float) -> LakeqError | None:
        """See Job."""
        if self._workers_within is None or seconds < self._workers_within:
            return None
        if self._context._jsc.sc().getExecutorMemoryStatus().size() > 1:  # one is the driver
            return None
        return EngineError(
            f"Query stopped: no worker of Spark at '{self._context.master}' has taken it for "
            f"{seconds:.0f} s. Start workers, or ask for less than they have (spark.executor.memory).",
            "spark",
        )

    def _find_stages(self, tracker: Any) -> set[int]:
        stages: set[int] = set()
        for job in tracker.getJobIdsForTag(self._tag):
            info = tracker.getJobInfo(job)
            if info.isDefined():
                stages.update(info.get().stageIds())
        return stages


class ConnectJob:
    """Operations of a session of Spark Connect, which is the query's own."""

    def __init__(self, session: Any, tag: str) -> None:
        self._session = session
        self._tag = tag
        self._lock = threading.Lock()
        self._stages: dict[int, tuple[int, int, int]] = {}

    def run(self, frame: Any) -> pa.Table:
        """See Job."""
        self._session.addTag(self._tag)
        self._session.registerProgressHandler(self._hear)
        try:
            with unlogged_errors():
                return frame.toArrow()
        finally:
            self._session.removeProgressHandler(self._hear)
            self._session.removeTag(self._tag)

    def cancel(self) -> None:
        """See Job."""
        self._session.interruptTag(self._tag)

    def look(self) -> tuple[float | None, int]:
        """See Job."""
        with self._lock:
            stages = list(self._stages.values())
        total = sum(stage[1] for stage in stages)
        share = sum(stage[0] for stage in stages) / total if total else None
        return share, sum(stage[2] for stage in stages)

    def settle(self) -> None:
        """What tasks tell comes with the answer."""

    def find_obstacle(self, seconds: float) -> LakeqError | None:
        """The server knows its workers, and does not tell."""

    def _hear(self, stages: Iterable[Any] | None, **_: Any) -> None:
        with self._lock:
            for stage in stages or ():
                told = (stage.num_completed_tasks, stage.num_tasks, stage.num_bytes_read)
                self._stages[stage.stage_id] = told
