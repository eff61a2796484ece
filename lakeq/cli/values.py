"""The small languages of the command line's values: sizes and counts, parameters, SQL from a file."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from lakeq.errors import ConfigError

T = TypeVar("T")


def as_argument(parse: Callable[[str], T]) -> Callable[[str], T]:
    """`parse` with its ConfigError as argparse wants it."""

    def parse_argument(text: str) -> T:
        try:
            return parse(text)
        except ConfigError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parse_argument


def parse_share(text: str) -> float:
    """The share of `0.2` or `20%`, 0 or more."""
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share < float("inf"):
        raise argparse.ArgumentTypeError(f"not a share such as 0.2 or 20%: '{text}'")
    return share


def parse_count(text: str) -> int:
    """A number of rows, 1 or more."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"not a number of rows: '{text}'")
    return int(text)


def connect_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options of a lake that were given, named as `lakeq.connect` takes them."""
    storage = ("endpoint_url", "profile", "region", "anonymous", "requester_pays", "addressing_style")
    names = (*storage, "freshness", "cache_dir", "pricing", "archived", "egress", "engine")
    given = {name: getattr(arguments, name) for name in names if getattr(arguments, name, None)}
    return {**given, "cache": False} if arguments.no_cache else given


def read_sql(text: str) -> str:
    """The query that a SQL argument stands for. ConfigError for a file that cannot be read."""
    if text == "-":
        return sys.stdin.read()
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ConfigError(f"Cannot read the query from {text[1:]}: {reason}.") from error


def parse_params(texts: Sequence[str]) -> list[Any] | dict[str, Any] | None:
    """Query parameters from `name=value` (a dict) or `value` (a list) texts; None when there are none.

    A text before `=` that is no name belongs to the value. ConfigError when both kinds are mixed.
    """
    named: dict[str, Any] = {}
    positional: list[Any] = []
    for text in texts:
        name, equals, value = text.partition("=")
        if equals and name.isidentifier():
            named[name] = parse_value(value)
        else:
            positional.append(parse_value(value if equals and not name else text))
    if named and positional:
        raise ConfigError("Give parameters as NAME=VALUE for $NAME or as VALUE for ?, not both in one query.")
    return named or positional or None


def parse_value(text: str) -> Any:
    """A parameter's value: a JSON number, true, false, null or "quoted text" as that, all else as text."""
    try:
        value = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except ValueError:
        return text
    return text if isinstance(value, dict | list) else value


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
