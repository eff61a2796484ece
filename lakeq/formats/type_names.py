"""Type names as users write them in `lakeq.toml` and `columns=`."""

from __future__ import annotations

import difflib
import re
from itertools import takewhile

import pyarrow as pa

from lakeq.errors import ConfigError

_NAMED_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(("bigint", "long", "int8", "int64"), pa.int64()),
    **dict.fromkeys(("int", "integer", "int4", "int32"), pa.int32()),
    **dict.fromkeys(("smallint", "int2", "int16"), pa.int16()),
    "tinyint": pa.int8(),
    "ubigint": pa.uint64(),
    "uinteger": pa.uint32(),
    "usmallint": pa.uint16(),
    "utinyint": pa.uint8(),
    **dict.fromkeys(("double", "float8", "float64"), pa.float64()),
    **dict.fromkeys(("float", "real", "float4", "float32"), pa.float32()),
    **dict.fromkeys(("text", "varchar", "string", "char"), pa.string()),
    **dict.fromkeys(("boolean", "bool"), pa.bool_()),
    **dict.fromkeys(("blob", "binary", "varbinary", "bytea"), pa.binary()),
    "date": pa.date32(),
    "time": pa.time64("us"),
    **dict.fromkeys(("timestamp", "datetime"), pa.timestamp("us")),
    "timestamp_s": pa.timestamp("s"),
    "timestamp_ms": pa.timestamp("ms"),
    "timestamp_ns": pa.timestamp("ns"),
    **dict.fromkeys(("timestamptz", "timestamp with time zone"), pa.timestamp("us", "UTC")),
    "time_ns": pa.time64("ns"),
    "timestamptz_ns": pa.timestamp("ns", "UTC"),
    "interval": pa.month_day_nano_interval(),
    "uuid": pa.uuid(),
}
_PARAMETRIC = ("decimal", "numeric", "struct", "map", "row", "array")
_TOKEN = re.compile(r'\s*("(?:[^"]|"")+"|[A-Za-z_][A-Za-z0-9_]*|[0-9]+|\[\]|[(),<>:])')


def parse_type(text: str) -> pa.DataType:
    """The Arrow type of a SQL type name: `bigint`, `decimal(10,2)`, `struct(a int)`, `map(text, int)`.

    Names are those of DuckDB and Athena, in any case; `float` is 32 bits, `int` is 32, `bigint` 64.
    ConfigError names the nearest type, or the place that does not parse.
    """
    tokens = _split_type(text)
    type, rest = _take_type(tokens, text)
    if rest:
        raise ConfigError(f"Type not understood: {text!r}, at {rest[0]!r}.")
    return type


def _split_type(text: str) -> list[str]:
    tokens, at = [], 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ConfigError(f"Type not understood: {text!r}, at {text[at:].strip()!r}.")
        tokens.append(match[1])
        at = match.end()
    return tokens


def _take_type(tokens: list[str], text: str) -> tuple[pa.DataType, list[str]]:
    """The type that `tokens` begin with, and the tokens after it."""
    name, rest = (tokens[0].lower(), tokens[1:]) if tokens else ("", [])
    if [token.lower() for token in rest[:3]] == ["with", "time", "zone"]:
        name, rest = f"{name} with time zone", rest[3:]
    if name in _PARAMETRIC:
        type, rest = _take_parametric(name, rest, text)
    elif name in _NAMED_TYPES:
        type = _NAMED_TYPES[name]
        if type == pa.string() and rest[:1] == ["("]:  # varchar(20): the length binds no reader
            rest = _expect(")", rest[2:], text)
    else:
        near = difflib.get_close_matches(name, (*_NAMED_TYPES, *_PARAMETRIC), 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"Unknown type {name or text!r} in {text!r}.{hint}")
    while rest[:1] == ["[]"]:
        type, rest = pa.list_(type), rest[1:]
    return type, rest


def _take_parametric(name: str, tokens: list[str], text: str) -> tuple[pa.DataType, list[str]]:
    if name in ("decimal", "numeric"):
        return _take_decimal(tokens, text)
    close = {"(": ")", "<": ">"}.get(tokens[0] if tokens else "", "")
    if not close:
        raise ConfigError(f"Type not understood: {text!r}; {name} needs its types in parentheses.")
    parts: list[tuple[str, pa.DataType]] = []
    rest = [",", *tokens[1:]]
    while rest[:1] == [","]:
        rest, field = rest[1:], ""
        if name in ("struct", "row"):
            field, rest = (rest[0] if rest else ""), rest[1:]
            rest = rest[1:] if rest[:1] == [":"] else rest
        type, rest = _take_type(rest, text)
        parts.append((field[1:-1].replace('""', '"') if field.startswith('"') else field, type))
    rest = _expect(close, rest, text)
    if name in ("struct", "row"):
        return pa.struct([pa.field(*part) for part in parts]), rest
    if len(parts) != (2 if name == "map" else 1):
        number = "two types" if name == "map" else "one type"
        raise ConfigError(f"Type not understood: {text!r}; {name} takes {number}.")
    types = [type for _, type in parts]
    return (pa.map_(*types) if name == "map" else pa.list_(*types)), rest


def _take_decimal(tokens: list[str], text: str) -> tuple[pa.DataType, list[str]]:
    if tokens[:1] != ["("]:
        return pa.decimal128(18, 3), tokens  # as DuckDB has it
    numbers = [int(token) for token in takewhile(lambda token: token != ")", tokens) if token.isdigit()]
    rest = _expect(")", tokens[2 * len(numbers) :], text)
    precision, scale = (*numbers, 0)[:2] if numbers else (0, 0)
    if not 0 <= scale <= precision <= 38 or precision == 0:
        raise ConfigError(
            f"Type not understood: {text!r}; decimal takes 1 to 38 digits, its scale among them."
        )
    return pa.decimal128(precision, scale), rest


def _expect(token: str, tokens: list[str], text: str) -> list[str]:
    if tokens[:1] != [token]:
        raise ConfigError(f"Type not understood: {text!r}; {token!r} is missing.")
    return tokens[1:]
