"""Lakes as one Harlequin connection: which of them a query runs on, its limits, its rows."""

from __future__ import annotations

import itertools
import re
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal

import pyarrow as pa
from harlequin import HarlequinConnection, HarlequinCursor
from harlequin.autocomplete.completion import HarlequinCompletion
from harlequin.catalog import Catalog
from harlequin.exception import HarlequinQueryError

from lakeq import dbapi
from lakeq.errors import BudgetExceededError, LakeqError, QueryCancelledError, TableNotFoundError
from lakeq.formats.types import quote_name
from lakeq.harlequin_adapter.catalog import make_lake_item, short_type
from lakeq.lake import Lake
from lakeq.quantities import format_bytes, format_dollars

_USE = re.compile(r'\s*USE\s+("(?:[^"]|"")+"|[^\s;"]+)\s*;?\s*', re.IGNORECASE)
_EXPLAIN = re.compile(r"\s*EXPLAIN\s+(?!ANALYZE\b)", re.IGNORECASE)


class LakeqCursor(HarlequinCursor):
    """Rows that are read when Harlequin fetches them, and no more of them than it wants."""

    def __init__(self, rows: pa.RecordBatchReader, close: Callable[[], None]) -> None:
        self._rows = rows
        self._close = close
        self._limit: int | None = None

    def columns(self) -> list[tuple[str, str]]:
        """Name and short type of each column."""
        return [(field.name, short_type(field.type)) for field in self._rows.schema]

    def set_limit(self, limit: int) -> LakeqCursor:
        """Have `fetchall` stop after so many rows. The query's text stays as it is, and so does its cost."""
        self._limit = limit
        return self

    def fetchall(self) -> pa.Table | None:
        """The rows; None when the query was cancelled. HarlequinQueryError when it fails."""
        batches, count = [], 0
        try:
            with _told_to_harlequin():
                while self._limit is None or count < self._limit:
                    batch = next(self._rows, None)
                    if batch is None:
                        break
                    batches.append(batch)
                    count += batch.num_rows
        except _CancelledError:
            return None
        finally:
            self._close()
        return pa.Table.from_batches(batches, self._rows.schema).slice(0, self._limit)


class LakeqConnection(HarlequinConnection):
    """One lake or several. A query runs on the first, until `USE name` chooses another."""

    def __init__(self, lakes: Sequence[Lake], max_bytes: int | None, max_cost: Decimal | None) -> None:
        self._lakes = dict(zip(_name_lakes(lakes), lakes, strict=True))
        self._databases = {
            name: dbapi.Connection(lake, max_bytes=max_bytes, max_cost=max_cost, closes_lake=True)
            for name, lake in self._lakes.items()
        }
        self._used = next(iter(self._lakes))
        self._running: weakref.WeakSet[dbapi.Cursor] = weakref.WeakSet()
        self._lock = threading.Lock()  # Harlequin executes, fetches and cancels from threads of its own
        self._is_listed = False
        self.init_message = self._greet(max_bytes, max_cost)

    def execute(self, query: str) -> LakeqCursor | None:
        """The query begun, or the plan of one after EXPLAIN; None after USE, and of what was cancelled.

        HarlequinQueryError with lakeq's words, and where it is over a limit with the estimate.
        """
        if found := _USE.fullmatch(query):
            self._use(found[1])
            return None
        try:
            with _told_to_harlequin(self._find_elsewhere):
                if found := _EXPLAIN.match(query):
                    return self._explain(query[found.end() :])
                cursor = self._databases[self._used].cursor()
                with self._lock:
                    self._running.add(cursor)
                cursor.execute(query)
                return LakeqCursor(cursor.fetch_record_batch(), cursor.close)
        except _CancelledError:
            return None

    def cancel(self) -> None:
        """Stop what runs; its fetch gives None."""
        with self._lock:
            running = list(self._running)
        for cursor in running:
            cursor.cancel()

    def get_catalog(self) -> Catalog:
        """A node a lake; below it its tables, their columns, and their partitions, which load when opened.

        Harlequin asks again when the user refreshes it: then folders on this machine are listed anew, as
        remote lakes always are unless their `freshness` is another.
        """
        with _told_to_harlequin():
            for lake in self._lakes.values():
                if self._is_listed and "://" not in lake.location:
                    lake.refresh()
            self._is_listed = True
            return Catalog([make_lake_item(name, lake, self) for name, lake in self._lakes.items()])

    def get_completions(self) -> list[HarlequinCompletion]:
        """The engine's functions; tables and columns Harlequin takes from the catalog."""
        with _told_to_harlequin():
            names = next(iter(self._lakes.values())).functions()
        return [HarlequinCompletion(name, "fn", name, priority=1000) for name in names]

    def close(self) -> None:
        """Stop what runs, and close the lakes."""
        for database in self._databases.values():
            database.close()

    def _explain(self, sql: str) -> LakeqCursor:
        lines = self._lakes[self._used].explain(sql).splitlines()
        return LakeqCursor(pa.table({"plan": lines}).to_reader(), lambda: None)

    def _use(self, name: str) -> None:
        plain = name[1:-1].replace('""', '"') if name.startswith('"') else name
        found = next((known for known in self._lakes if known.casefold() == plain.casefold()), None)
        if found is None:
            known = ", ".join(self._lakes)
            raise HarlequinQueryError(f"No lake is called {plain!r}. There are: {known}.", "Lake not found.")
        self._used = found

    def _find_elsewhere(self, error: LakeqError) -> str:
        """What to do about a table that another of the lakes has; nothing where none has it."""
        if not isinstance(error, TableNotFoundError):
            return ""
        wanted = error.name.casefold()
        for name, lake in self._lakes.items():
            prefix = f"{name}.".casefold()
            tables = {table.name.casefold() for table in lake.tables()}
            if wanted in tables or (wanted.startswith(prefix) and wanted.removeprefix(prefix) in tables):
                table = wanted.removeprefix(prefix)
                return f"\n\nLake {name} has it. Run USE {quote_name(name)}; then write {quote_name(table)}."
        return ""

    def _greet(self, max_bytes: int | None, max_cost: Decimal | None) -> str:
        limits = [
            *([] if max_bytes is None else [format_bytes(max_bytes)]),
            *([] if max_cost is None else [format_dollars(max_cost)]),
        ]
        others = [name for name in self._lakes if name != self._used]
        return " ".join(
            [
                f"Queries run on {self._used}" + (f", until USE {' or '.join(others)}." if others else "."),
                *([f"Over {' or '.join(limits)} they are refused."] if limits else []),
                "EXPLAIN SELECT … tells what a query would read and cost.",
            ]
        )


class _CancelledError(Exception):
    """A query that the user stopped: to Harlequin no error."""


@contextmanager
def _told_to_harlequin(advise: Callable[[LakeqError], str] = lambda error: "") -> Iterator[None]:
    """Have lakeq's errors leave as Harlequin's, with what `advise` adds to their words."""
    try:
        yield
    except (LakeqError, dbapi.Error) as error:
        cause = error.__cause__ if isinstance(error, dbapi.Error) else error
        if isinstance(cause, QueryCancelledError):
            raise _CancelledError from error
        advice = advise(cause) if isinstance(cause, LakeqError) else ""
        title = "Over the limit." if isinstance(cause, BudgetExceededError) else "lakeq cannot run this."
        raise HarlequinQueryError(f"{error}{advice}", title) from error


def _name_lakes(lakes: Sequence[Lake]) -> list[str]:
    """The last part of each location, with a number where it is taken."""
    names: dict[str, str] = {}
    for lake in lakes:
        stem = re.split(r"[/\\]", lake.location.rstrip("/\\"))[-1] or lake.location
        numbered = (f"{stem}_{number}" for number in itertools.count(2))
        name = next(name for name in itertools.chain([stem], numbered) if name.casefold() not in names)
        names[name.casefold()] = name
    return list(names.values())
