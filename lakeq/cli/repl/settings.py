"""What `.set` changes: how results are shown, what is asked before, and the limits of this session."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lakeq.cli.arguments import MODES
from lakeq.engines.names import NAMES, check_name
from lakeq.errors import ConfigError
from lakeq.lake import Lake
from lakeq.planner.budget import AskAbove, parse_ask_above
from lakeq.planner.dialects.names import find_dialect
from lakeq.quantities import format_bytes, format_dollars, parse_bytes, parse_dollars

_SWITCH = {"on": True, "off": False}
_NONE = "off"


@dataclass(slots=True)
class ReplSettings:
    """The settings of one session. `rows` is how many a result shows on the screen; `ask_above` from when on
    it is asked before a query runs."""

    ask_above: AskAbove
    mode: str = "table"
    rows: int = 200
    timing: bool = True
    pager: bool = True
    keys: str = "emacs"
    complete: bool = True
    max_bytes: int | None = None
    max_cost: Decimal | None = None
    dialect: str | None = None
    engine: str | None = None


def make_settings(lake: Lake, arguments: Namespace) -> ReplSettings:
    """The settings that the lake declares and the arguments of `lakeq repl` ask for."""
    return ReplSettings(
        lake.ask_above,
        mode=arguments.mode,
        pager=not arguments.no_pager,
        max_bytes=arguments.max_bytes,
        max_cost=arguments.max_cost,
        dialect=arguments.dialect,
        engine=arguments.engine,
    )


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting by its name: how a value of it is read and shown, and what it is for. `values` are offered
    by completion."""

    parse: Callable[[str], Any]
    show: Callable[[Any], str]
    help: str
    values: tuple[str, ...] = ()


def _choose(*values: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.casefold() not in values:
            raise ConfigError(f"Not one of {', '.join(values)}: {text!r}.")
        return text.casefold()

    return parse


def _parse_switch(text: str) -> bool:
    return _SWITCH[_choose(*_SWITCH)(text)]


def _show_switch(value: bool) -> str:
    return "on" if value else "off"


def _parse_rows(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ConfigError(f"Not a number of rows: {text!r}.")
    return int(text)


def _or_none(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda text: None if text.casefold() == _NONE else parse(text)


def _show_or_none(show: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda value: _NONE if value is None else show(value)


SETTINGS: dict[str, Setting] = {
    "mode": Setting(_choose(*MODES), str, "how results are shown", MODES),
    "rows": Setting(_parse_rows, str, "rows that a result shows on the screen"),
    "timing": Setting(_parse_switch, _show_switch, "whether the time is told after a query", tuple(_SWITCH)),
    "pager": Setting(_parse_switch, _show_switch, "whether long output goes through a pager", tuple(_SWITCH)),
    "keys": Setting(_choose("emacs", "vi"), str, "which keys edit the line", ("emacs", "vi")),
    "complete": Setting(_parse_switch, _show_switch, "whether names are offered", tuple(_SWITCH)),
    "ask_above": Setting(parse_ask_above, str, "from when on it asks before a query runs: 100GB, $0.50, off"),
    "max_bytes": Setting(
        _or_none(parse_bytes), _show_or_none(format_bytes), "the most that a query may scan: 10GB, off"
    ),
    "max_cost": Setting(
        _or_none(parse_dollars), _show_or_none(format_dollars), "the most that a query may cost: 0.50, off"
    ),
    "dialect": Setting(
        _or_none(lambda text: find_dialect(text, None)),
        _show_or_none(str),
        "the SQL that is typed: duckdb, athena, trino, spark, bigquery; off: the lake's",
        ("duckdb", "athena", "trino", "spark", "bigquery", _NONE),
    ),
    "engine": Setting(
        _or_none(check_name),
        _show_or_none(str),
        "what runs queries: duckdb, spark, trino, athena, auto; off: the lake's",
        (*NAMES, _NONE),
    ),
}


def change_setting(settings: ReplSettings, name: str, text: str) -> None:
    """Set a setting by its name. ConfigError for one that does not exist, or a value that it cannot have."""
    if name not in SETTINGS:
        raise ConfigError(f"No setting is called {name!r}. There are: {', '.join(SETTINGS)}.")
    setattr(settings, name, SETTINGS[name].parse(text))


def show_setting(settings: ReplSettings, name: str) -> str:
    """The value of a setting as it is typed."""
    return SETTINGS[name].show(getattr(settings, name))
