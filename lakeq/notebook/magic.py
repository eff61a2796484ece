"""`%lakeq` and `%%lakeq`: a query in a notebook, its estimate shown before it runs."""

from __future__ import annotations

import atexit
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import numpy as np
from IPython.core.interactiveshell import InteractiveShell

from lakeq.cli.values import connect_options
from lakeq.cli.words import describe_error
from lakeq.connecting import connect
from lakeq.errors import BudgetExceededError, ConfigError, LakeqError, QueryError
from lakeq.lake import Lake
from lakeq.notebook.lines import Request, build_parser, parse_line
from lakeq.notebook.outputs import Slot, show_estimate, show_outcome, watch
from lakeq.planner.estimate import Estimate
from lakeq.planner.parameters import find_parameters
from lakeq.result import Result
from lakeq.storage.progress import Progress
from lakeq.storage.workers import stopped_by

NAME = "lakeq"

_READERS: dict[str | None, Callable[[Result], Any]] = {
    None: Result.arrow,
    "arrow": Result.arrow,
    "pandas": Result.df,
    "polars": Result.pl,
}


class LakeqMagic:
    """The magic of one shell: what it is called for, and the lake that it remembers."""

    _ipython_magic_no_var_expand = True  # `$name` is a parameter, not text to be pasted into the SQL

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._parser = build_parser()
        self.__doc__ = self._parser.format_help()
        self._lake: Lake | None = None
        self._lakes = ExitStack()
        self._moment: Progress | None = None

    def __call__(self, line: str, cell: str | None = None) -> Any:
        """Do what the line, and the cell below it, ask for; an error is told in a few words."""
        try:
            request = parse_line(self._parser, line, cell, self._is_lake)
            lake = self._find_lake(request)
            return self._answer(lake, request) if request.sql else lake
        except LakeqError as error:
            _shorten(error, describe_error(error))
            raise
        except KeyboardInterrupt as error:
            _shorten(error, "the query was cancelled")
            raise

    def close(self) -> None:
        """Close the lakes that were connected to, which keeps what was learned of them."""
        self._lake = None
        self._lakes.close()

    def _is_lake(self, word: str) -> bool:
        return isinstance(self._shell.user_ns.get(word), Lake)

    def _find_lake(self, request: Request) -> Lake:
        """The lake that the request names, else the one remembered, else the only one among the variables."""
        if request.lake is None:
            return self._lake or self._find_only_lake()
        named = self._shell.user_ns.get(request.lake)
        if isinstance(named, Lake):
            if not request.sql:
                self._lake = named
            return named
        options = connect_options(request.options)
        lake = connect(request.lake, progress=self._observe, **options)
        self._lake = self._lakes.enter_context(lake)
        return lake

    def _find_only_lake(self) -> Lake:
        found = {
            name: value
            for name, value in self._shell.user_ns.items()
            if isinstance(value, Lake) and not name.startswith("_")
        }
        if len({id(lake) for lake in found.values()}) == 1:
            return next(iter(found.values()))
        if found:
            raise ConfigError(f"There are several lakes: {', '.join(found)}. Name one: %lakeq {min(found)} …")
        raise ConfigError(
            "No lake is connected. Connect to a folder, a URL or a lakeq.toml: %lakeq s3://bucket/prefix"
        )

    def _observe(self, moment: Progress) -> None:
        self._moment = moment

    def _answer(self, lake: Lake, request: Request) -> Any:
        """What the query gives: shown as the cell's value, or kept in the variable that is asked for."""
        dialect = request.options.dialect
        params = self._find_params(request.sql, dialect or lake.dialect)
        plan = partial(self._plan, lake)
        if request.options.explain:
            sys.stdout.write(plan(partial(lake.explain, request.sql, params, dialect=dialect)) + "\n")
            return None
        if request.options.estimate:
            value: Any = plan(partial(lake.estimate, request.sql, params, dialect=dialect))
        else:
            value = self._run(lake, request, params)
        if request.options.output is None:
            return value
        self._shell.user_ns[request.options.output] = value
        return None

    def _plan(self, lake: Lake, ask: Callable[[], Any], slot: Slot | None = None) -> Any:
        """The answer to a question that reads listings and footers only."""
        stopped = threading.Event()

        def work() -> Any:
            with stopped_by(stopped):
                return ask()

        self._moment = None
        return watch(work, slot or self._make_slot(), lambda: self._moment, stopped.set)

    def _run(self, lake: Lake, request: Request, params: dict[str, Any] | None) -> Any:
        """The answer in the form that is asked for. The estimate is shown before anything is read, also that
        of a query which is refused."""
        options, slot = request.options, self._make_slot()
        read = _READERS[options.form]
        limits = (options.max_bytes, options.max_cost)
        ask = partial(lake.sql, request.sql, params, *limits, options.dialect, options.engine)
        try:
            result: Result = self._plan(lake, ask, slot)
        except BudgetExceededError as error:
            if isinstance(error.estimate, Estimate):
                show_estimate(slot, error.estimate)
            raise
        show_estimate(slot, result.estimate)
        result.shown_rows = options.rows
        slot = self._make_slot()
        answer = watch(
            partial(read, result), slot, lambda: result.read_progress() or self._moment, result.cancel
        )
        show_outcome(slot, result)
        return result if options.form is None else answer

    def _find_params(self, sql: str, dialect: str) -> dict[str, Any] | None:
        """The notebook's variables that the query mentions as parameters."""
        names = find_parameters(sql, dialect)
        variables = self._shell.user_ns
        for name in names:
            if name not in variables:
                raise QueryError(f"Parameter ${name} has no value: there is no variable {name}", sql)
        return {name: _plain(variables[name]) for name in names} or None

    def _make_slot(self) -> Slot:
        return Slot(is_live=getattr(self._shell, "kernel", None) is not None)


def load(shell: InteractiveShell) -> None:
    """Have the shell know the magics."""
    magic = LakeqMagic(shell)
    atexit.register(magic.close)
    shell.magics_manager.register_function(magic, "line_cell", NAME)


def unload(shell: InteractiveShell) -> None:
    """Have the shell forget them, and close the lakes that they connected to."""
    known = [kind.pop(NAME, None) for kind in shell.magics_manager.magics.values()]
    for magic in known:
        if isinstance(magic, LakeqMagic):
            atexit.unregister(magic.close)
            magic.close()


def _plain(value: Any) -> Any:
    """A value as Python has it: numpy's own would not prune."""
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]")
    return value.item() if isinstance(value, np.generic) else value


def _shorten(error: BaseException, words: str) -> None:
    """Have IPython show these words for the error, not where in lakeq it was raised."""
    told = [f"{type(error).__name__}: {words}"]
    vars(error)["_render_traceback_"] = partial(list, told)  # the error travels, so no lambda
