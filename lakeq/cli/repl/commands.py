"""The commands of the REPL that begin with a dot: a table of them, each a few lines over the API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from lakeq.cli.arguments import MODES
from lakeq.cli.history import draw_queries
from lakeq.cli.looking import print_chart, print_table, print_tables
from lakeq.cli.output import SUFFIXES
from lakeq.cli.pager import paged
from lakeq.cli.printing import say
from lakeq.cli.render import draw_rows, draw_table, make_console
from lakeq.cli.repl.script import is_command, split_script
from lakeq.cli.repl.settings import SETTINGS, change_setting, show_setting
from lakeq.cli.repl.shell import Shell
from lakeq.cli.values import read_sql
from lakeq.cli.words import describe_changes, describe_estimate
from lakeq.errors import ConfigError
from lakeq.ledger.history import read_history
from lakeq.ledger.journal import Journal, find_history_folder
from lakeq.ledger.ledger import strip_secrets
from lakeq.planner.budget import DayLimit, QueryLimits
from lakeq.quantities import format_bytes, format_dollars

Argument = Literal[
    "", "table", "sql", "file", "setting", "mode", "switch", "budget", "count", "command", "engine"
]
"""What a command takes: so that completion knows what to offer."""

_HISTORY = 20
_OFF = "off"


class Quit(Exception):  # noqa: N818 - it is no error
    """The user wants to leave."""


@dataclass(frozen=True, slots=True)
class DotCommand:
    """A command: how it is written, what it does in a line, what it takes, and the function that does it."""

    usage: str
    help: str
    argument: Argument
    run: Callable[[Shell, str], None]


def run_command(shell: Shell, text: str) -> None:
    """Run `.name argument`. ConfigError for a command that does not exist, with the nearest that does."""
    name, _, argument = text.strip().removeprefix(".").partition(" ")
    command = COMMANDS.get(name.casefold())
    if command is None:
        near = get_close_matches(name.casefold(), COMMANDS, n=1, cutoff=0.5)
        hint = f"Did you mean .{near[0]}?" if near else ".help lists them."
        raise ConfigError(f"No command is called .{name}. {hint}")
    no_pager = not shell.settings.pager or command.argument == "file"  # what a file holds pages by itself
    with paged(no_pager) as shell.scrolls:
        command.run(shell, argument.strip().removesuffix(";").rstrip())


def run_script(shell: Shell, text: str) -> None:
    """Run the statements and commands of a text, one after the other, up to the first that fails."""
    for statement in split_script(text):
        if is_command(statement.text):
            run_command(shell, statement.text)
        else:
            shell.run_sql(statement.text)


def _help(shell: Shell, argument: str) -> None:
    names = [argument.removeprefix(".").casefold()] if argument else list(COMMANDS)
    unknown = [name for name in names if name not in COMMANDS]
    if unknown:
        raise ConfigError(f"No command is called .{unknown[0]}. .help lists them.")
    draw_table(
        make_console(), ("command", "what it does"), [(COMMANDS[n].usage, COMMANDS[n].help) for n in names]
    )
    if not argument:
        say("SQL ends with a semicolon and may have several lines. Ctrl-C stops a query; Ctrl-D leaves.")


def _tables(shell: Shell, argument: str) -> None:
    tables, ignored = shell.lake.survey()
    print_tables([table for table in tables if argument.casefold() in table.name.casefold()], ignored)


def _schema(shell: Shell, argument: str) -> None:
    if argument:
        print_table(shell.lake.describe(argument), shell.lake.propose_times(argument))
        return
    for table in shell.lake.tables():
        print_table(table, ())


def _partitions(shell: Shell, argument: str) -> None:
    name, _, sql = _require(argument, "a table").partition(" ")
    print_chart(shell.lake.chart(name, sql.strip() or None), of_query=bool(sql.strip()))


def _files(shell: Shell, argument: str) -> None:
    files = shell.lake.files(_require(argument, "a table"))
    rows = shell.settings.rows
    draw_rows(make_console(scrolls=shell.scrolls), files.schema, files.slice(0, rows).to_batches())
    if files.num_rows > rows:
        say(f"the first {rows:,} of {files.num_rows:,} files; .set rows N shows more")


def _estimate(shell: Shell, argument: str) -> None:
    sql = _find_sql(shell, argument)
    for line in describe_estimate(shell.lake.estimate(sql, dialect=shell.settings.dialect)):
        say(line)


def _explain(shell: Shell, argument: str) -> None:
    sql = _find_sql(shell, argument)
    for line in shell.lake.explain(sql, dialect=shell.settings.dialect).splitlines():
        say(line)


def _budget(shell: Shell, argument: str) -> None:
    settings = shell.settings
    if argument.casefold() == _OFF:
        settings.max_bytes = settings.max_cost = None
    elif argument:
        change_setting(settings, "max_cost" if argument.startswith("$") else "max_bytes", argument)
    limits = shell.lake.limits(settings.max_bytes, settings.max_cost)
    for line in describe_limits(limits):
        say(line)
    with suppress(ConfigError):  # no history is kept
        used = shell.lake.used_today()
        say(f"used today (UTC): {format_bytes(used.bytes)}, {format_dollars(used.cost)}")


def describe_limits(limits: QueryLimits) -> Iterator[str]:
    """The limits in force, a line each."""
    for name, size, cost in (
        ("a query", limits.max_bytes, limits.max_cost),
        *(
            (f"all queries of a day{'' if day.table is None else f' over {day.table}'}", *_amounts(day))
            for day in limits.days
        ),
    ):
        amounts = [] if size is None else [f"scan {format_bytes(size)}"]
        amounts += [] if cost is None else [f"cost {format_dollars(cost)}"]
        yield f"{name} may {' and '.join(amounts) or 'scan what it wants: no limit is set'}"


def _amounts(day: DayLimit) -> tuple[int | None, Decimal | None]:
    return day.max_bytes, day.max_cost


def _history(shell: Shell, argument: str) -> None:
    if argument and not argument.isdecimal():
        raise ConfigError(f"Not a number of queries: {argument!r}.")
    queries = read_history(Journal(find_history_folder()), strip_secrets(shell.lake.location), None)
    console = make_console(scrolls=shell.scrolls)
    draw_queries(console, queries, int(argument or _HISTORY), ".history N")


def _mode(shell: Shell, argument: str) -> None:
    _set(shell, f"mode {argument}")


def _timing(shell: Shell, argument: str) -> None:
    _set(shell, f"timing {argument}")


def _engine(shell: Shell, argument: str) -> None:
    _set(shell, f"engine {argument}")


def _output(shell: Shell, argument: str) -> None:
    shell.output = None if argument.casefold() in ("", _OFF) else argument
    if shell.output is not None and Path(shell.output).suffix.lower() not in SUFFIXES:
        shell.output = None
        raise ConfigError(f"The name of the file says its format: let it end in {', '.join(SUFFIXES)}.")
    say("results are shown here" if shell.output is None else f"the next result is written to {argument}")


def _read(shell: Shell, argument: str) -> None:
    path = Path(_require(argument, "a file")).expanduser().absolute()
    if path in shell.reading:
        raise ConfigError(f"{path} reads itself. Take that .read out of it.")
    shell.reading.append(path)
    try:
        run_script(shell, read_sql(f"@{path}"))
    finally:
        shell.reading.pop()


def _refresh(shell: Shell, argument: str) -> None:
    changes = shell.lake.refresh(argument or None)
    if not changes:
        say("listed anew at the next question")
    for change in changes:
        for line in describe_changes(change):
            say(line)


def _set(shell: Shell, argument: str) -> None:
    name, _, value = argument.partition(" ")
    if value.strip():
        change_setting(shell.settings, name.casefold(), value.strip())
    elif name and name.casefold() not in SETTINGS:
        raise ConfigError(f"No setting is called {name!r}. There are: {', '.join(SETTINGS)}.")
    names = [name.casefold()] if name else list(SETTINGS)
    rows = [(key, show_setting(shell.settings, key), SETTINGS[key].help) for key in names]
    draw_table(make_console(), ("setting", "value", "what it is"), rows)


def _quit(shell: Shell, argument: str) -> None:
    raise Quit


def _require(argument: str, what: str) -> str:
    if not argument:
        raise ConfigError(f"Name {what}. .help shows how.")
    return argument


def _find_sql(shell: Shell, argument: str) -> str:
    """The SQL given, or else the last that ran."""
    if not argument and shell.last_sql is None:
        raise ConfigError("Write the query behind the command: no query ran before.")
    return argument or str(shell.last_sql)


COMMANDS: dict[str, DotCommand] = {
    "help": DotCommand(".help [COMMAND]", "this list", "command", _help),
    "tables": DotCommand(".tables [TEXT]", "the tables, or those with TEXT in their name", "table", _tables),
    "schema": DotCommand(".schema [TABLE]", "layout, columns and size of a table", "table", _schema),
    "partitions": DotCommand(
        ".partitions TABLE [SQL]", "a picture of its partitions, and what a query keeps", "table", _partitions
    ),
    "files": DotCommand(".files TABLE", "its files", "table", _files),
    "estimate": DotCommand(".estimate [SQL]", "what a query would scan and cost", "sql", _estimate),
    "explain": DotCommand(".explain [SQL]", "what a query would read, and why", "sql", _explain),
    "budget": DotCommand(".budget [SIZE|$USD|off]", "the limits; set one of this session", "budget", _budget),
    "history": DotCommand(".history [N]", "the last queries, as they were", "count", _history),
    "mode": DotCommand(f".mode {'|'.join(MODES)}", "how results are shown", "mode", _mode),
    "engine": DotCommand(
        ".engine NAME", "what runs queries: duckdb, spark, trino, athena, auto", "engine", _engine
    ),
    "output": DotCommand(".output FILE", "write the next result to a file", "file", _output),
    "read": DotCommand(".read FILE", "run the statements of a file", "file", _read),
    "timing": DotCommand(".timing on|off", "whether the time is told after a query", "switch", _timing),
    "refresh": DotCommand(".refresh [TABLE]", "list the lake, or a table, anew", "table", _refresh),
    "set": DotCommand(".set [NAME [VALUE]]", "show the settings, or change one", "setting", _set),
    "quit": DotCommand(".quit", "leave, as Ctrl-D does", "", _quit),
}
