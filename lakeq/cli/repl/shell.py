"""What a statement or a command of the REPL does: the lake, the settings, and where results go."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

from lakeq.cli.output import SUFFIXES
from lakeq.cli.progress import StatusLine
from lakeq.cli.repl.settings import ReplSettings
from lakeq.cli.running import Shown, fetch_rows, write_rows
from lakeq.cli.words import describe_status
from lakeq.errors import BudgetExceededError, LakeqError
from lakeq.lake import Lake
from lakeq.planner.estimate import Estimate, describe_dollars, format_scanned
from lakeq.planner.preview import Preview
from lakeq.quantities import format_count
from lakeq.result import Result
from lakeq.texts import show_line

Confirm = Callable[[str], bool]
"""Asks the user a question that is answered by yes or no."""

_MORE = ".set rows N shows more, .output FILE writes all"


class Shell:
    """One session over a lake. `confirm` asks before a query that is large; None: nobody is there to ask.

    `find_preview` gives the preview of a statement that was made while it was typed. `output` is the file
    that the next result goes to, `reading` are those whose statements are being run, `scrolls` whether lines
    may be of any length.
    """

    def __init__(
        self,
        lake: Lake,
        settings: ReplSettings,
        confirm: Confirm | None = None,
        find_preview: Callable[[str], Preview | None] = lambda sql: None,
    ) -> None:
        self.lake = lake
        self.settings = settings
        self.output: str | None = None
        self.last_sql: str | None = None
        self.reading: list[Path] = []
        self.scrolls = False
        self._confirm = confirm
        self._find_preview = find_preview

    def run_sql(self, sql: str) -> None:
        """Run a query and show its rows. BudgetExceededError when it is over a limit, or so large that it is
        asked about and there is nobody to ask; nothing is said of one that the user did not want."""
        self.last_sql = sql
        ask, settings = self.settings.ask_above, self.settings
        preview = self._preview(sql)
        is_asked = preview is not None and ask.is_below(preview.estimate)
        if preview is not None and is_asked and not self._is_wanted(preview.estimate):
            return
        limits = (settings.max_bytes, settings.max_cost)
        with self.lake.sql(sql, None, *limits, settings.dialect, settings.engine) as result:
            # The lake may have grown since it was listed for the preview.
            if is_asked or not ask.is_below(result.estimate) or self._is_wanted(result.estimate):
                self._show(result)

    def preview(self, sql: str, stopped: threading.Event | None = None) -> Preview:
        """What a query would scan, on the terms of this session; see `Lake.preview`."""
        settings = self.settings
        return self.lake.preview(sql, settings.max_bytes, settings.max_cost, settings.dialect, stopped)

    def _preview(self, sql: str) -> Preview | None:
        """The preview that is asked about before anything is planned, which may read small files whole. None
        where nothing is ever asked, for what is refused anyway, and where a preview cannot tell: it looks
        into fewer files for a column than a query does."""
        ask = self.settings.ask_above
        if ask.bytes is None and ask.usd is None:
            return None
        try:
            preview = self._find_preview(sql) or self.preview(sql)
        except LakeqError:
            return None
        return preview if preview.refusal is None else None

    def _is_wanted(self, estimate: Estimate) -> bool:
        """Whether the user wants a query that is above what is asked about."""
        ask = self.settings.ask_above
        story = f"This would scan {format_scanned(estimate)} ({describe_dollars(estimate)})."
        if self._confirm is None:
            raise BudgetExceededError(
                f"Query not run. {story} Nobody can be asked here: give --yes, or raise ask_above ({ask}).",
                estimate,
                ask.bytes if ask.bytes is not None else ask.usd,
            )
        return self._confirm(f"{story} Run it?")

    def _show(self, result: Result) -> None:
        output, self.output = self.output, None
        mode = self.settings.mode if output is None else SUFFIXES[Path(output).suffix.lower()]
        with fetch_rows(result, StatusLine()) as (schema, batches):
            shown = Shown(mode, output, self.settings.rows, _MORE, not self.settings.pager)
            whole = write_rows(schema, batches, shown)
        stats = result.stats
        words = [f"{format_count(stats.rows)} {'row' if stats.rows == 1 else 'rows'}"] if whole else []
        words += [] if output is None else [f"written to {output}"]
        words += [describe_status(result.estimate, stats if whole else None)] if self.settings.timing else []
        sys.stdout.flush()
        for line in (*result.notes, *([" · ".join(words)] if words else [])):
            sys.stderr.write(f"{show_line(line)}\n")
