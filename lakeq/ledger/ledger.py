"""The ledger of one lake: a query is entered before it reads, and again when it ends, whichever way."""

from __future__ import annotations

import datetime as dt
import getpass
import os
import re
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from lakeq.engines.base import QueryStats
from lakeq.errors import BudgetExceededError, ConfigError, QueryCancelledError
from lakeq.ledger.entries import (
    CANCELLED,
    DONE,
    FAILED,
    REFUSED,
    STOPPED,
    Begun,
    Ended,
    Entry,
    TableShare,
)
from lakeq.ledger.journal import HAS_LOCKS, KEEP_DAYS, DayFile, Journal, find_history_folder
from lakeq.ledger.spending import Spending, share_bytes
from lakeq.planner.budget import QueryLimits, Spent, check_day, find_most_bytes
from lakeq.planner.estimate import Estimate, bytes_by_table
from lakeq.planner.plan import ScanPlan
from lakeq.planner.pricing import Pricing
from lakeq.planner.redact import redact_sql
from lakeq.planner.scan import UPPER_BOUND
from lakeq.settings import Found, find_setting
from lakeq.storage.options import strip_password

_WORDS = {"on": (True, False), "off": (False, False), "redact": (True, True)}
_LONGEST_SQL = 100_000
_LONGEST_ERROR = 1_000
_USER_OF_URL = re.compile(r"(?<=://)[^/]*@|\?.*", re.DOTALL)


def open_ledger(
    history: bool | str | None,
    settings: Mapping[str, Any],
    lake: str,
    pricing: Pricing,
) -> Ledger:
    """The ledger of the lake at this location, in the user's data folder (find_history_folder).

    `history` is True, False, `"on"`, `"off"` or `"redact"` (literals in SQL are not kept); None: as the
    lake's `settings` (`redact`, `keep_days`), else LAKEQ_HISTORY, else on. Nothing is made before there is an
    entry. ConfigError for other words.
    """
    is_kept, redacts = _WORDS[find_history(history, settings).value or "on"]
    keep_days = check_keep_days(settings.get("keep_days", KEEP_DAYS))
    journal = Journal(find_history_folder(), keep_days) if is_kept else None
    return Ledger(journal, lake, pricing, redacts)


def find_history(history: bool | str | None, settings: Mapping[str, Any]) -> Found:
    """How the history is kept, `on`, `off` or `redact`: as given, else by `redact` of the lake's `settings`,
    else of the environment (LAKEQ_HISTORY). ConfigError for other words."""
    redact = settings.get("redact")
    if not isinstance(redact, bool | None):
        raise ConfigError(f"redact in [history] must be true or false, not {redact!r}.")
    given = ("on" if history else "off") if isinstance(history, bool) else history
    declared = {} if redact is None else {"history": "redact" if redact else "on"}
    found = find_setting("history", given, declared)
    found.parse(_check_word)
    return found


def check_keep_days(days: Any) -> int:
    """The days that entries are kept. ConfigError for what is no such number."""
    if isinstance(days, bool) or not isinstance(days, int) or days < 1:
        raise ConfigError(f"keep_days in [history] must be a whole number of days, not {days!r}.")
    return days


def _check_word(word: str) -> str:
    if word not in _WORDS:
        raise ConfigError(f"Not a way to keep the history: {word!r}. Choose on, off or redact.")
    return word


class Ledger:
    """What is entered of the queries of one lake. Safe to use from several threads.

    Without limits of a day, an entry that cannot be written is told once as a warning and the query goes on.
    With them, the query is refused: a limit that cannot be kept is an error.
    """

    def __init__(self, journal: Journal | None, lake: str, pricing: Pricing, redacts: bool = False) -> None:
        """Without a journal nothing is kept. `lake` is entered without the secrets that a URL may hold."""
        self._journal = journal
        self.lake = strip_secrets(lake)
        self._pricing = pricing
        self._redacts = redacts
        self._user = find_user()
        self._lock = threading.Lock()
        self._spending = Spending(self.lake, utc_now().date())
        self._has_warned = False

    @property
    def journal(self) -> Journal | None:
        """Where the entries are; None: they are not kept."""
        return self._journal

    @property
    def keeps_sql(self) -> bool:
        """Whether queries are kept, and as they were written."""
        return self._journal is not None and not self._redacts

    @contextmanager
    def planning(self, sql: str) -> Iterator[None]:
        """Enter a query that is refused, or that fails, before it could begin."""
        try:
            yield
        except BaseException as error:
            begun = self._begin(sql, getattr(error, "estimate", None))
            self._try_write(begun, self._end(begun, find_outcome(error, REFUSED), None, error))
            raise

    def open(self, plan: ScanPlan, estimate: Estimate, limits: QueryLimits, engine: str) -> QueryRecord:
        """The record of a query that `engine` may begin. Nothing is entered yet."""
        begun = replace(self._begin(plan.text, estimate), engine=engine)
        if plan.stops_early:
            begun = replace(begun, low=0, accuracy=UPPER_BOUND)
        return QueryRecord(self, begun, estimate, limits)

    def reserve(
        self, begun: Begun, estimate: Estimate, limits: QueryLimits, only_looks: bool = False
    ) -> int | None:
        """Enter a query that begins now, and so set its estimate aside, unless this `only_looks`; the bytes
        that its limits let it scan, None where there are none. BudgetExceededError, which is entered, when
        those of its day leave too little."""
        if not limits.days:
            if not only_looks:
                self._try_write(begun)
            return find_most_bytes(estimate, limits, self._spending.used, self._pricing)
        with self._open_locked(begun.moment.date()) as file:
            self._spending.follow(file)
            try:
                check_day(estimate, limits.days, self._spending.used)
            except BudgetExceededError as error:
                file.append(begun)
                file.append(self._end(begun, REFUSED, None, error))
                raise
            if not only_looks:
                file.append(begun)
            return find_most_bytes(estimate, limits, self._spending.used, self._pricing)

    def check(self, estimate: Estimate, limits: QueryLimits) -> None:
        """BudgetExceededError when the limits of its day leave too little for a query with this estimate.
        Nothing is entered."""
        if limits.days:
            with self._open_locked(utc_now().date()) as file:
                self._spending.follow(file)
                check_day(estimate, limits.days, self._spending.used)

    def used_today(self) -> Spent:
        """What the queries of today (UTC) have used. ConfigError when it is not known."""
        with self._open_locked(utc_now().date()) as file:
            self._spending.follow(file)
            return self._spending.used()

    def finish(
        self, begun: Begun, outcome: str, stats: QueryStats | None, error: BaseException | None
    ) -> None:
        """Enter how a query ended."""
        self._try_write(self._end(begun, outcome, stats, error), day=begun.moment.date())

    def _begin(self, sql: str, estimate: Estimate | None) -> Begun:
        shown = redact_sql(sql) if self._redacts else sql
        begun = Begun(_new_id(), utc_now(), self._user, self.lake, _cut(shown, _LONGEST_SQL))
        if estimate is None:
            return begun
        shares = tuple(TableShare(name, size) for name, size in bytes_by_table(estimate).items())
        return replace(
            begun,
            tables=shares,
            bytes=estimate.bytes_scanned,
            low=estimate.low,
            high=estimate.high,
            cost=estimate.cost_usd,
            accuracy=estimate.accuracy,
            pricing=estimate.pricing,
        )

    def _end(
        self, begun: Begun, outcome: str, stats: QueryStats | None, error: BaseException | None
    ) -> Ended:
        told = None
        if error is not None and outcome != CANCELLED:
            words = "" if self._redacts else f": {error}"
            told = _cut(f"{type(error).__name__}{words}", _LONGEST_ERROR)
        ended = Ended(begun.id, utc_now(), outcome, error=told)
        if stats is None:
            return ended
        knows = outcome == DONE or stats.bytes_scanned > 0
        shares = share_bytes(begun.tables, stats.bytes_scanned)
        return replace(
            ended,
            scanned=stats.bytes_scanned if knows else None,
            cost=self._pricing.cost(*shares) if knows else None,
            transferred=stats.bytes_transferred,
            cached=stats.bytes_cached,
            requests=stats.requests,
            seconds=round(stats.seconds, 6),
            rows=stats.rows,
        )

    @contextmanager
    def _open_locked(self, day: dt.date) -> Iterator[DayFile]:
        """The file of today, for a query that has limits. ConfigError when it cannot be read or written."""
        if self._journal is None:
            raise ConfigError(
                "A limit of a day is kept in the history, which is off: the query is not run. "
                "Turn it on (history=True, LAKEQ_HISTORY=on), or take the limit away."
            )
        if not HAS_LOCKS:
            raise ConfigError("Limits of a day need locks on files, which this system does not have.")
        try:
            with self._lock:
                if self._spending.day != day:
                    self._spending = Spending(self.lake, day)
                with self._journal.open_day(day) as file:
                    yield file
        except OSError as error:
            raise ConfigError(
                f"A limit of a day is kept in the history, which cannot be used: {error}. The query is not "
                "run. Make the folder writable, or name another in LAKEQ_DATA_DIR."
            ) from error

    def _try_write(self, *entries: Entry, day: dt.date | None = None) -> None:
        """Write what no limit waits for."""
        if self._journal is None:
            return
        try:
            with self._journal.open_day(day or entries[0].moment.date()) as file:
                for entry in entries:
                    file.append(entry)
        except OSError as error:
            if not self._has_warned:
                self._has_warned = True
                warnings.warn(
                    f"The history of queries is not kept: {error}. Make the folder writable, name another in "
                    "LAKEQ_DATA_DIR, or turn it off with LAKEQ_HISTORY=off.",
                    stacklevel=2,
                )


class QueryRecord:
    """One query in the ledger, from before its first byte to its end. Each is entered once."""

    def __init__(self, ledger: Ledger, begun: Begun, estimate: Estimate, limits: QueryLimits) -> None:
        self._ledger = ledger
        self._begun = begun
        self._estimate = estimate
        self._limits = limits
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._is_open = False

    def check(self) -> None:
        """BudgetExceededError, which is entered, when a limit of today leaves too little. If not, nothing
        is set aside."""
        self._ledger.reserve(self._begun, self._estimate, self._limits, only_looks=True)

    def begin(self) -> int | None:
        """Enter the query now; the bytes that it may scan, None where no limit says. Errors as those of
        `Ledger.reserve`."""
        self._begun = replace(self._begun, id=_new_id(), moment=utc_now())
        left = self._ledger.reserve(self._begun, self._estimate, self._limits)
        self._is_open = True
        return left

    def end(self, outcome: str, stats: QueryStats | None = None, error: BaseException | None = None) -> None:
        """Enter how it ended; nothing, if it did not begin, has ended, or is of a process from which this one
        was forked."""
        if os.getpid() != self._process:
            return
        with self._lock:
            was_open, self._is_open = self._is_open, False
        if was_open:
            self._ledger.finish(self._begun, outcome, stats, error)

    def leave(self) -> None:
        """Its reader has left before the end."""
        self.end(CANCELLED)

    @contextmanager
    def failing(self, stats: Callable[[], QueryStats]) -> Iterator[None]:
        """Enter the error that the query meets in this context, if it does."""
        try:
            yield
        except BaseException as error:
            if isinstance(error, BudgetExceededError):
                error.estimate = self._estimate  # who stopped it knew only the limit
            self.end(find_outcome(error, STOPPED), stats(), error)
            raise


def find_outcome(error: BaseException, over_budget: str) -> str:
    """What became of a query that ended with this error."""
    if isinstance(error, BudgetExceededError):
        return over_budget
    if isinstance(error, QueryCancelledError) or not isinstance(error, Exception):
        return CANCELLED  # Ctrl-C, or a reader that has left
    return FAILED


def strip_secrets(location: str) -> str:
    """The location without what a URL may tell of keys: `user:password@`, and all after `?`."""
    return _USER_OF_URL.sub("", strip_password(location)) if "://" in location else location


def find_user() -> str:
    """The name of the user, or the number where the system knows no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"


def utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _new_id() -> str:
    return os.urandom(16).hex()


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}…"
