"""The estimate of the text that is being typed: made in a thread of its own, for the latest text only."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from lakeq.cli.words import describe_defect
from lakeq.errors import LakeqError, QueryCancelledError
from lakeq.planner.preview import Preview

PreviewSql = Callable[[str, threading.Event], Preview]
"""Estimates SQL; once the event is set it asks a store for nothing more and raises QueryCancelledError."""

_DEBOUNCE_SECONDS = 0.005
"""The key itself is drawn first."""
_PAUSE_SECONDS = 0.3
"""So long nothing is typed before a store is asked."""
_REMEMBERED = 64


@dataclass(frozen=True, slots=True)
class Judged:
    """A statement and what is known of it: a preview, or an error; neither while a store is being asked."""

    sql: str
    preview: Preview | None = None
    error: LakeqError | None = None


class LiveEstimate:
    """Judges the latest of the texts that are submitted. `changed` is called, from the thread, whenever
    `latest` is another.

    Where a lake `is_remote`, what is known already is told at once; the store is asked when nothing was
    typed for a while.
    """

    def __init__(self, preview: PreviewSql, is_remote: bool, changed: Callable[[], None]) -> None:
        self._preview = preview
        self._is_remote = is_remote
        self._changed = changed
        self._ready = threading.Condition()
        self._wanted: str | None = None
        self._newer = threading.Event()
        self._closed = False
        self._known: OrderedDict[str, Judged] = OrderedDict()
        self.latest: Judged | None = None
        self._thread = threading.Thread(target=self._serve, name="lakeq-live", daemon=True)
        self._thread.start()

    def submit(self, sql: str) -> None:
        """Judge this statement from now on; returns at once."""
        with self._ready:
            if sql == self._wanted:
                return
            self._wanted = sql
            known = self._known.get(sql)
            if known is not None or not sql:
                self.latest = known
            self._newer.set()
            self._ready.notify()

    def find(self, sql: str) -> Preview | None:
        """The preview of this statement, if one was made of all of it."""
        with self._ready:
            known = self._known.get(sql)
        preview = None if known is None else known.preview
        return preview if preview is not None and preview.is_whole else None

    def forget(self) -> None:
        """Judge anew what is asked for: the lake, or the terms, may have changed."""
        with self._ready:
            self._known.clear()
            self._wanted = self.latest = None

    def close(self) -> None:
        """End the thread; what it asked a store for is not waited for."""
        with self._ready:
            self._closed = True
            self._newer.set()
            self._ready.notify()
        self._thread.join(1.0)

    def _serve(self) -> None:
        while (sql := self._next()) is not None:
            if not sql or sql in self._known:
                continue
            if not self._is_remote:
                self._judge(sql, self._newer)
            elif not self._judge(sql, _set_event()) and self._is_quiet(sql):
                self._tell(Judged(sql))
                self._judge(sql, self._newer)

    def _next(self) -> str | None:
        """The text to judge next; None at the end."""
        with self._ready:
            self._ready.wait_for(lambda: self._closed or self._newer.is_set())
            self._ready.wait_for(lambda: self._closed, _DEBOUNCE_SECONDS)
            self._newer.clear()
            return None if self._closed else self._wanted or ""

    def _is_quiet(self, sql: str) -> bool:
        """Whether nothing else is typed for a while."""
        return not self._newer.wait(_PAUSE_SECONDS) and self._wanted == sql

    def _judge(self, sql: str, stopped: threading.Event) -> bool:
        """Judge a statement and tell; False when that was stopped before."""
        try:
            judged = Judged(sql, self._preview(sql, stopped))
        except QueryCancelledError:
            return False
        except LakeqError as error:
            judged = Judged(sql, error=error)
        except Exception as error:  # noqa: BLE001 - a defect of ours must not end the thread, nor the prompt
            judged = Judged(sql, error=LakeqError(describe_defect(error)))
        with self._ready:
            self._known[sql] = judged
            while len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        self._tell(judged)
        return True

    def _tell(self, judged: Judged) -> None:
        with self._ready:
            if judged.sql != self._wanted:
                return
            self.latest = judged
        self._changed()


def _set_event() -> threading.Event:
    event = threading.Event()
    event.set()
    return event
