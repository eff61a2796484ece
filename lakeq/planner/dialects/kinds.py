"""Kinds: as much of a type as decides what an operator or a function means in another engine."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from sqlglot import exp
from sqlglot.errors import SqlglotError

UNKNOWN = "unknown"

_T = exp.DType
_KINDS = {
    **dict.fromkeys(
        (
            _T.TINYINT, _T.SMALLINT, _T.INT, _T.BIGINT, _T.INT128,
            _T.UTINYINT, _T.USMALLINT, _T.UINT, _T.UBIGINT, _T.UINT128,
        ),
        "integer",
    ),
    **dict.fromkeys((_T.DECIMAL, _T.BIGDECIMAL), "decimal"),
    **dict.fromkeys((_T.FLOAT, _T.DOUBLE), "double"),
    **dict.fromkeys((_T.TEXT, _T.VARCHAR, _T.CHAR, _T.NVARCHAR, _T.NCHAR), "text"),
    **dict.fromkeys((_T.BINARY, _T.VARBINARY, _T.BLOB), "binary"),
    **dict.fromkeys(
        (_T.TIMESTAMP, _T.TIMESTAMPNTZ, _T.TIMESTAMP_S, _T.TIMESTAMP_MS, _T.TIMESTAMP_NS), "timestamp"
    ),
    **dict.fromkeys((_T.TIMESTAMPTZ, _T.TIMESTAMPLTZ), "instant"),
    **dict.fromkeys((_T.ARRAY, _T.LIST), "array"),
    **dict.fromkeys((_T.STRUCT, _T.OBJECT), "row"),
    _T.DATETIME: "local",
    _T.BOOLEAN: "boolean",
    _T.DATE: "date",
    _T.TIME: "time",
    _T.INTERVAL: "interval",
    _T.MAP: "map",
    _T.JSON: "json",
    _T.NULL: "null",
}  # fmt: skip
"""sqlglot's types by kind. `local` is the time in a zone that a query named: no two are comparable."""

GROUPS = {
    "number": {"integer", "decimal", "double"},
    "exact": {"integer", "decimal"},
    "moment": {"date", "timestamp", "instant", "local"},
    "timestamp": {"timestamp", "instant", "local"},
    "clock": {"timestamp", "instant"},
}
"""Kinds that a signature may ask for beside the plain ones."""


def kind_of(type_: exp.DataType | None) -> str:
    """The kind of a type; `unknown` where nothing is known."""
    return UNKNOWN if type_ is None else _KINDS.get(type_.this, UNKNOWN)


def fits(kind: str, wanted: str) -> bool:
    """Whether a value of `kind` may stand where `wanted` is asked for; NULL and the unknown always may."""
    return not wanted or kind in ("null", UNKNOWN) or kind in GROUPS.get(wanted, {wanted})


@cache
def build_type(text: str) -> exp.DataType:
    """sqlglot's type for a type of DuckDB's, or for LOCAL, a time in a zone that a query named; unknown where
    it has none."""
    if text == "LOCAL":
        return exp.DataType(this=exp.DType.DATETIME)
    try:
        return exp.DataType.build(text, dialect="duckdb")
    except SqlglotError:
        return exp.DataType.build("unknown")


def digits_of(type_: exp.DataType | None) -> tuple[int, int] | None:
    """Precision and scale of an exact number; None for another type, or one whose digits are not known."""
    if type_ is None:
        return None
    if kind_of(type_) == "integer":
        return {_T.TINYINT: 3, _T.SMALLINT: 5, _T.INT: 10}.get(type_.this, 19), 0
    if kind_of(type_) != "decimal" or len(type_.expressions) != 2:
        return None
    precision, scale = (int(part.name) for part in type_.expressions)
    return precision, scale


def decimal_type(precision: int, scale: int) -> exp.DataType:
    """DECIMAL of at most 38 digits."""
    return exp.DataType.build(f"DECIMAL({min(precision, 38)}, {scale})", dialect="duckdb")


def common_type(types: Sequence[exp.DataType | None]) -> exp.DataType | None:
    """The type of a value that is one of several; None where that is not known."""
    known = [type_ for type_ in types if kind_of(type_) != "null"]
    kinds = {kind_of(type_) for type_ in known}
    if len(kinds) == 1 and kinds != {"decimal"}:
        return max(known, key=lambda type_: (digits_of(type_) or (0, 0))[0])
    if not kinds or not kinds <= GROUPS["number"]:
        return None
    if "double" in kinds:
        return build_type("DOUBLE")
    digits = [digits_of(type_) for type_ in known]
    if None in digits:
        return build_type("DECIMAL")
    scale = max(d[1] for d in digits if d is not None)
    return decimal_type(max(d[0] - d[1] for d in digits if d is not None) + scale, scale)


def average_scale(type_: exp.DataType | None, dialect: str) -> int | None:
    """The digits after the point of an average."""
    digits = digits_of(type_)
    if digits is None:
        return None
    return {"spark": min(digits[1] + 4, 18), "bigquery": max(digits[1], 9)}.get(dialect, digits[1])


def average_type(type_: exp.DataType | None, dialect: str) -> exp.DataType | None:
    """The type of an average of decimals."""
    scale = average_scale(type_, dialect)
    return None if scale is None else decimal_type(38, scale)
