"""What the command line takes: the parser."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from lakeq import __version__
from lakeq.cli.commands import COMMANDS
from lakeq.cli.values import as_argument, parse_count, parse_share
from lakeq.quantities import parse_bytes, parse_dollars

SHELLS = ("bash", "zsh", "fish")
ENGINES = ("athena", "trino", "spark", "redshift-spectrum")
FORMATS = ("table", "csv", "json", "ndjson", "parquet", "arrow")
MODES = ("table", "line", "csv", "json", "ndjson")
"""Of FORMATS those that are text, and records."""

_LAKE_HELP = "a folder, a URL such as s3://bucket/prefix, or a lakeq.toml"
_CACHE_DIR_HELP = "where catalogs and bytes are kept (default: LAKEQ_CACHE_DIR, else the user's cache)"
_INVENTORY_HELP = "instead of listing all: an S3 Inventory of the bucket, s3://…/SOURCE-BUCKET/CONFIG-ID/"
_SQL_HELP = "the query; @FILE reads it from a file, - from standard input"
_PRICING_HELP = "whose price: athena (the default), bigquery, none, …"
_DIALECT_HELP = "the SQL of the query: duckdb (the default), athena, trino, spark or bigquery"
_ENGINE_HELP = "what runs it: duckdb (the default), spark, trino, athena, or auto (by the estimate)"
_EGRESS_HELP = "what a GB costs that leaves the bucket's region: internet ($0.09), or dollars"
_PARAM_HELP = "$NAME in the query; without NAME= the next ?. Numbers, true, false and null are taken as such"

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def build_parser() -> argparse.ArgumentParser:
    """The parser of `lakeq`. `command` of the parsed arguments names the command."""
    parser = argparse.ArgumentParser(
        prog="lakeq",
        description="See what a query over a data lake will read and cost, then run it over no more.",
        epilog="Exit status: 0 done, 1 error, 2 wrong usage, 3 over the budget or a risk, 130 interrupted.",
    )
    parser.add_argument("--version", action="version", version=f"lakeq {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands", required=True)
    _add_repl(commands)
    _add_looks(commands)
    _add_ddl(commands)
    _add_queries(commands)
    _add_check(commands)
    _add_audit(commands)
    _add_upkeep(commands)
    _add_config(commands)
    demo = _add_command(
        commands, "demo", "write a small lake, query it, and show what a partition filter saves"
    )
    demo.add_argument("--s3", action="store_true", help="keep the lake in an S3 server on this machine")
    demo.add_argument("--keep", metavar="DIR", help="write the lake there and leave it")
    return parser


def choose_command(argv: Sequence[str]) -> Sequence[str]:
    """The arguments with their command: `lakeq LAKE` is `lakeq repl LAKE`, unless LAKE is the name of a
    command, or neither here nor far from such a name."""
    word = argv[0] if argv else ""
    if not word or word.startswith("-") or word in COMMANDS:
        return argv
    from difflib import get_close_matches  # `lakeq --help` does without

    is_misspelled = not Path(word).exists() and get_close_matches(word, COMMANDS, n=1, cutoff=0.6)
    return argv if is_misspelled else ["repl", *argv]


def _add_repl(commands: Commands) -> None:
    repl = _add_command(commands, "repl", "type SQL at a prompt that shows what it would cost")
    _add_lake(repl)
    repl.add_argument(
        "-c",
        dest="commands",
        action="append",
        metavar="TEXT",
        help="run this, no prompt; may be repeated",
    )
    repl.add_argument("--mode", choices=MODES, default="table", help="how results are shown (default: table)")
    repl.add_argument("--yes", action="store_true", help="run large queries where nobody can be asked")
    repl.add_argument("--dialect", metavar="NAME", help=_DIALECT_HELP)
    repl.add_argument("--engine", metavar="NAME", help=_ENGINE_HELP)
    repl.add_argument("--pricing", metavar="NAME", help=_PRICING_HELP)
    repl.add_argument("--egress", metavar="USD", help=_EGRESS_HELP)
    _add_limits(repl, "refuse to")
    _add_pager(repl)


def _add_looks(commands: Commands) -> None:
    for name, words in (
        ("tables", "list the tables that a lake holds"),
        ("describe", "show a table's layout, columns, size, and what was left out"),
        ("partitions", "list a table's partitions with their files and bytes"),
    ):
        command = _add_command(commands, name, words)
        _add_lake(command)
        if name != "tables":
            command.add_argument("table", metavar="TABLE", help="a name that `lakeq tables` lists")
        if name == "partitions":
            command.add_argument("--chart", action="store_true", help="draw them, by day where they have one")
            command.add_argument(
                "--query", metavar="SQL", help="draw what this query keeps; as SQL elsewhere"
            )
        command.add_argument("--json", action="store_true", help="print JSON")
        _add_pager(command)


def _add_ddl(commands: Commands) -> None:
    ddl = _add_command(
        commands, "ddl", "print the statements that make another engine see a table as lakeq does"
    )
    ddl.epilog = "Example: lakeq ddl s3://bucket/data events --dialect athena --name web.events > events.sql"
    _add_lake(ddl)
    ddl.add_argument("table", metavar="TABLE", help="a name that `lakeq tables` lists")
    ddl.add_argument("--dialect", choices=ENGINES, required=True, help="whose: " + ", ".join(ENGINES))
    ddl.add_argument("--name", metavar="DB.TABLE", help="what the table is called there (default: as here)")
    ddl.add_argument("--location", metavar="URL", help="where its folder lies for that engine, if elsewhere")
    ddl.add_argument(
        "--exclude", action="append", default=[], metavar="COLUMN", help="leave it out; may be repeated"
    )
    ddl.add_argument("--list-partitions", action="store_true", help="no partition projection")
    ddl.add_argument("--json", action="store_true", help="print one JSON object")


def _add_queries(commands: Commands) -> None:
    estimate = _add_command(commands, "estimate", "say what a query would scan and cost, and read no data")
    _add_lake(estimate)
    _add_sql(estimate)
    _add_exact(estimate)
    estimate.add_argument("--json", action="store_true", help="print one JSON object")
    explain = _add_command(
        commands, "explain", "show the plan of a query: what is read, what was pruned and why"
    )
    _add_lake(explain)
    _add_sql(explain)
    _add_exact(explain)
    explain.add_argument("--json", action="store_true", help="print one JSON object")
    _add_pager(explain)
    restore = _add_command(
        commands, "restore", "write a command of AWS for each archived file that a query wants; runs none"
    )
    _add_lake(restore)
    _add_sql(restore)
    restore.add_argument("--json", action="store_true", help="print JSON")
    query = _add_command(commands, "query", "run a query")
    _add_lake(query)
    _add_sql(query)
    query.add_argument("--engine", metavar="NAME", help=_ENGINE_HELP)
    query.add_argument("--format", choices=FORMATS, help="default: by the name of -o FILE, else table")
    query.add_argument("-o", "--output", metavar="FILE", help="write there, whole or not at all")
    _add_limits(query, "refuse to")
    query.add_argument(
        "--rows", type=parse_count, default=40, metavar="N", help="rows that a table shows (default: 40)"
    )
    _add_pager(query)


def _add_exact(command: argparse.ArgumentParser) -> None:
    command.add_argument("--exact", action="store_true", help="read every footer, not a sample of many")


def _add_check(commands: Commands) -> None:
    check = _add_command(
        commands, "check", "estimate the queries in files, and fail when one is over a limit or has grown"
    )
    _add_lake(check)
    check.add_argument("files", metavar="FILE", nargs="+", help="a query each")
    check.add_argument("--dialect", metavar="NAME", help=_DIALECT_HELP)
    check.add_argument("--pricing", metavar="NAME", help=_PRICING_HELP)
    _add_limits(check, "no query may")
    check.add_argument("--baseline", metavar="FILE", help="what the queries scanned before")
    check.add_argument(
        "--max-growth",
        type=parse_share,
        default=0.2,
        metavar="SHARE",
        help="how much more than in the baseline a query may scan (default: 0.2)",
    )
    check.add_argument("--update", action="store_true", help="write the baseline anew, and compare with none")
    shown = check.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="print JSON")
    shown.add_argument("--junit", action="store_true", help="print JUnit's XML")


def _add_audit(commands: Commands) -> None:
    audit = _add_command(
        commands, "audit", "show how a lake's bucket is set: who may read it, what becomes of its files"
    )
    _add_lake(audit)
    audit.add_argument("--strict", action="store_true", help="fail where there is a risk")
    audit.add_argument("--json", action="store_true", help="print JSON")
    _add_pager(audit)


def _add_limits(command: argparse.ArgumentParser, words: str) -> None:
    command.add_argument(
        "--max-bytes", type=as_argument(parse_bytes), metavar="SIZE", help=f"{words} scan more: 10GB"
    )
    command.add_argument(
        "--max-cost", type=as_argument(parse_dollars), metavar="USD", help=f"{words} cost more: 0.50"
    )


def _add_upkeep(commands: Commands) -> None:
    refresh = _add_command(commands, "refresh", "list a remote lake whole, and show what changed in it")
    _add_lake(refresh)
    refresh.add_argument("table", metavar="TABLE", nargs="?", help="this table only")
    refresh.add_argument("--inventory", metavar="URL", help=_INVENTORY_HELP)
    refresh.add_argument("--json", action="store_true", help="print JSON")
    history = _add_command(commands, "history", "show the queries so far, as estimated and as they were")
    _add_lake(history, "default: all lakes")
    history.add_argument("--since", metavar="MOMENT", help="a day such as 2026-11-01, or 12h, 7d, 2w")
    history.add_argument("--by", choices=("table", "day", "user"), help="show sums instead")
    history.add_argument(
        "--rows", type=parse_count, default=40, metavar="N", help="queries that are shown (default: 40)"
    )
    history.add_argument("--json", action="store_true", help="print JSON, of all of them")
    _add_pager(history)
    cache = _add_command(commands, "cache", "show what is kept of remote lakes on this machine, or clear it")
    cache.add_argument("--clear", action="store_true", help="remove all of it")
    cache.add_argument("--cache-dir", metavar="DIR", help=_CACHE_DIR_HELP)
    cache.add_argument("--json", action="store_true", help="print JSON")


def _add_config(commands: Commands) -> None:
    config = _add_command(commands, "config", "show each setting in force, and where it comes from")
    _add_lake(config, "without a lake, what holds for all")
    config.add_argument("--dialect", metavar="NAME", help=_DIALECT_HELP)
    config.add_argument("--engine", metavar="NAME", help=_ENGINE_HELP)
    config.add_argument("--pricing", metavar="NAME", help=_PRICING_HELP)
    config.add_argument("--egress", metavar="USD", help=_EGRESS_HELP)
    _add_limits(config, "refuse to")
    config.add_argument("--json", action="store_true", help="print JSON")
    _add_pager(config)
    completion = _add_command(commands, "completion", "print what has a shell complete commands of lakeq")
    completion.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))


def _add_command(commands: Commands, name: str, words: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=words, description=words[0].upper() + words[1:] + ".")
    command.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return command


def _add_pager(*commands: argparse.ArgumentParser) -> None:
    for command in commands:
        command.add_argument("--no-pager", action="store_true", help="print long output as it is")


def _add_lake(command: argparse.ArgumentParser, absent: str | None = None) -> None:
    """`absent` says what is meant without a lake; None: there must be one."""
    if absent is not None:
        command.add_argument("lake", metavar="LAKE", nargs="?", help=f"{_LAKE_HELP} ({absent})")
    else:
        command.add_argument("lake", metavar="LAKE", help=_LAKE_HELP)
    add_lake_options(command)


def add_lake_options(command: argparse.ArgumentParser) -> None:
    """The options that `connect_options` takes, but for the price."""
    group = command.add_argument_group("storage options")
    group.add_argument("--endpoint-url", metavar="URL", help="an S3 server other than AWS")
    group.add_argument("--profile", metavar="NAME", help="a profile of the AWS configuration")
    group.add_argument("--region", metavar="NAME", help="the region of the bucket")
    group.add_argument("--anonymous", action="store_true", help="send no credentials")
    group.add_argument("--requester-pays", action="store_true", help="pay for the requests yourself")
    group.add_argument(
        "--addressing-style", choices=("auto", "path", "virtual"), help="how the bucket stands in an address"
    )
    kept = command.add_argument_group("what is kept of remote lakes")
    kept.add_argument(
        "--freshness",
        metavar="AGE",
        help="how old a listing may be: always (list anew, the default), index (never list), 15m, 2h, …",
    )
    kept.add_argument("--no-cache", action="store_true", help="keep no bytes of files on disk")
    kept.add_argument("--cache-dir", metavar="DIR", help=_CACHE_DIR_HELP)
    command.add_argument(
        "--archived", choices=("error", "skip"), help="refuse (the default) or leave out files in an archive"
    )


def _add_sql(command: argparse.ArgumentParser) -> None:
    command.add_argument("sql", metavar="SQL", help=_SQL_HELP)
    command.add_argument("--dialect", metavar="NAME", help=_DIALECT_HELP)
    command.add_argument("--pricing", metavar="NAME", help=_PRICING_HELP)
    command.add_argument("--egress", metavar="USD", help=_EGRESS_HELP)
    command.add_argument("--param", action="append", default=[], metavar="[NAME=]VALUE", help=_PARAM_HELP)
