"""What stands after `%lakeq`: options, a lake, and SQL, which is taken as it was written."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass

from IPython.core.magic_arguments import MagicArgumentParser

from lakeq.cli.arguments import add_lake_options

_WORD = re.compile(r"""\s*((?:"[^"]*"|'[^']*'|[^\s"'])+)""")
_OPTION = re.compile(r"--[a-z]|-o\b")
_ROWS = 20


@dataclass(frozen=True, slots=True)
class Request:
    """What a magic is asked for. `lake` is the word for one, None for whichever is in use; `sql` may be
    empty."""

    lake: str | None
    sql: str
    options: argparse.Namespace


def build_parser() -> MagicArgumentParser:
    """The parser of all but the SQL; what it has against a line is a UsageError."""
    parser = MagicArgumentParser(
        prog="%lakeq",
        usage="%lakeq [options] [LAKE] [SQL]",
        description="Show what a query would scan and cost, then run it. %lakeq LAKE connects; %%lakeq takes "
        "the SQL from the cell. $name in it is the notebook's variable.",
        add_help=False,
    )
    parser.add_argument("lake", metavar="LAKE", nargs="?", help="a variable, a folder, a URL or a lakeq.toml")
    parser.add_argument("--max-cost", metavar="USD", help="refuse to cost more: 0.50")
    parser.add_argument("--max-bytes", metavar="SIZE", help="refuse to scan more: 10GB")
    parser.add_argument("--estimate", action="store_true", help="only show the estimate")
    parser.add_argument("--explain", action="store_true", help="only show the plan, as text")
    parser.add_argument("--dialect", metavar="NAME", help="duckdb, athena, trino, spark or bigquery")
    parser.add_argument("--engine", metavar="NAME", help="duckdb, spark, trino, athena or auto")
    parser.add_argument("--rows", type=int, default=_ROWS, metavar="N", help=f"rows shown ({_ROWS})")
    parser.add_argument("-o", "--output", metavar="NAME", help="the variable that gets the answer")
    parser.add_argument(
        "--as", dest="form", choices=("arrow", "pandas", "polars"), help="the answer's type (default: Result)"
    )
    parser.add_argument("--pricing", metavar="NAME", help="of a lake that is connected to: whose price")
    add_lake_options(parser)
    return parser


def parse_line(
    parser: MagicArgumentParser, line: str, cell: str | None, is_lake: Callable[[str], bool]
) -> Request:
    """The request of a line, and of the cell below it. `is_lake` tells whether a word is a variable that
    holds one."""
    words, sql = _split_line(parser, line, is_lake)
    options = parser.parse_args(words)
    if options.rows < 0:
        parser.error("--rows must not be negative")
    if options.output is not None and not options.output.isidentifier():
        parser.error(f"--output must be the name of a variable, not {options.output!r}")
    text = "\n".join(part for part in (sql, cell or "") if part.strip())
    return Request(options.lake, text, options)


def _split_line(
    parser: MagicArgumentParser, line: str, is_lake: Callable[[str], bool]
) -> tuple[list[str], str]:
    """Options and the word for a lake, and the SQL after them. A word that stands alone, options aside, is a
    lake: there is no query of one word."""
    words: list[str] = []
    at, needs_value, has_lake = 0, False, False
    while (match := _WORD.match(line, at)) is not None:
        word, rest = match[1], line[match.end() :].strip()
        if needs_value:
            needs_value = False
        elif _OPTION.match(word):
            needs_value = _takes_value(parser, word)
        elif not has_lake and (is_lake(word) or not rest or _OPTION.match(rest)):
            has_lake = True
        else:
            break
        words.append(_strip_quotes(word))
        at = match.end()
    return words, line[at:].strip()


def _takes_value(parser: MagicArgumentParser, word: str) -> bool:
    action = parser._option_string_actions.get(word)
    return action is not None and action.nargs != 0


def _strip_quotes(word: str) -> str:
    return word[1:-1] if len(word) > 1 and word[0] == word[-1] and word[0] in "\"'" else word
