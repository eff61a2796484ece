"""DuckDB's types, what they are called in Spark and Trino, and the type that values have in common."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

_DIGITS = {
    "TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 19, "HUGEINT": 38,
    "UTINYINT": 3, "USMALLINT": 5, "UINTEGER": 10, "UBIGINT": 20,
}  # fmt: skip
_BITS: dict[str, int] = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64}
_SIGNED = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_HOLDS_UNSIGNED = {"UTINYINT": "SMALLINT", "USMALLINT": "INTEGER", "UINTEGER": "BIGINT", "UBIGINT": "HUGEINT"}
_KINDS = {
    **dict.fromkeys(_DIGITS, "integer"),
    "DECIMAL": "decimal", "FLOAT": "float", "DOUBLE": "double", "VARCHAR": "text", "BOOLEAN": "boolean",
    "DATE": "date", "TIMESTAMP": "timestamp", "TIMESTAMPTZ": "instant", "INTERVAL": "interval",
    "BLOB": "binary", "LIST": "list", "STRUCT": "row", "NULL": "null",
}  # fmt: skip
_SPARK = {
    "INTEGER": "INT", "HUGEINT": "DECIMAL(38, 0)", "UTINYINT": "SMALLINT", "USMALLINT": "INT",
    "UINTEGER": "BIGINT", "UBIGINT": "DECIMAL(20, 0)", "VARCHAR": "STRING", "TIMESTAMP": "TIMESTAMP_NTZ",
    "TIMESTAMPTZ": "TIMESTAMP", "BLOB": "BINARY", "NULL": "INT",
}  # fmt: skip
_TRINO = {
    "HUGEINT": "DECIMAL(38, 0)", "UTINYINT": "SMALLINT", "USMALLINT": "INTEGER", "UINTEGER": "BIGINT",
    "UBIGINT": "DECIMAL(20, 0)", "FLOAT": "REAL", "TIMESTAMP": "TIMESTAMP(6)",
    "TIMESTAMPTZ": "TIMESTAMP(6) WITH TIME ZONE", "BLOB": "VARBINARY", "NULL": "INTEGER",
}  # fmt: skip
_T = exp.DType
_NAMES = {
    _T.TINYINT: "TINYINT", _T.SMALLINT: "SMALLINT", _T.INT: "INTEGER", _T.BIGINT: "BIGINT",
    _T.INT128: "HUGEINT", _T.UTINYINT: "UTINYINT", _T.USMALLINT: "USMALLINT", _T.UINT: "UINTEGER",
    _T.UBIGINT: "UBIGINT", _T.FLOAT: "FLOAT", _T.DOUBLE: "DOUBLE", _T.TEXT: "VARCHAR", _T.VARCHAR: "VARCHAR",
    _T.CHAR: "VARCHAR", _T.BOOLEAN: "BOOLEAN", _T.DATE: "DATE", _T.TIMESTAMP: "TIMESTAMP",
    _T.TIMESTAMPNTZ: "TIMESTAMP", _T.TIMESTAMP_S: "TIMESTAMP", _T.TIMESTAMP_MS: "TIMESTAMP",
    _T.TIMESTAMPTZ: "TIMESTAMPTZ", _T.TIMESTAMPLTZ: "TIMESTAMPTZ", _T.VARBINARY: "BLOB", _T.BINARY: "BLOB",
    _T.BLOB: "BLOB",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SqlType:
    """A type of DuckDB's: its name, the digits of a DECIMAL, the fields of a STRUCT, the item of a LIST."""

    name: str
    precision: int = 0
    scale: int = 0
    fields: tuple[tuple[str, SqlType], ...] = ()

    @property
    def kind(self) -> str:
        """As much of the type as decides what an operator means: `integer`, `text`, `list`, …"""
        return _KINDS[self.name]

    @property
    def item(self) -> SqlType:
        """The type of a list's items."""
        return self.fields[0][1]


BOOLEAN, TINYINT, INTEGER, BIGINT = (
    SqlType("BOOLEAN"),
    SqlType("TINYINT"),
    SqlType("INTEGER"),
    SqlType("BIGINT"),
)
HUGEINT, FLOAT, DOUBLE, VARCHAR = SqlType("HUGEINT"), SqlType("FLOAT"), SqlType("DOUBLE"), SqlType("VARCHAR")
DATE, TIMESTAMP, TIMESTAMPTZ = SqlType("DATE"), SqlType("TIMESTAMP"), SqlType("TIMESTAMPTZ")
INTERVAL, NULL, BLOB = SqlType("INTERVAL"), SqlType("NULL"), SqlType("BLOB")
REALS = ("float", "double")
NUMBERS = ("integer", "decimal", *REALS)
EXACT = ("integer", "decimal")
MOMENTS = ("date", "timestamp", "instant")


def decimal(precision: int, scale: int) -> SqlType:
    """DECIMAL of so many digits, `scale` of them after the point."""
    return SqlType("DECIMAL", precision, scale)


def list_of(item: SqlType) -> SqlType:
    """The list of such items."""
    return SqlType("LIST", fields=(("", item),))


def read_type(type_: exp.DataType) -> SqlType | None:
    """sqlglot's type of DuckDB's as ours; None for one that is not written in other engines."""
    if type_.this is _T.DECIMAL:
        digits = [int(part.name) for part in type_.expressions]
        return decimal(*(digits if len(digits) == 2 else [*digits, 0] if digits else (18, 3)))
    if type_.this in (_T.ARRAY, _T.LIST) and len(type_.expressions) == 1 and not type_.args.get("values"):
        item = read_type(type_.expressions[0])
        return None if item is None else list_of(item)
    if type_.this is _T.STRUCT and type_.expressions:
        fields = [
            (part.name, read_type(part.args["kind"]))
            for part in type_.expressions
            if isinstance(part, exp.ColumnDef)
        ]
        known = tuple((name, found) for name, found in fields if found is not None)
        return SqlType("STRUCT", fields=known) if len(known) == len(type_.expressions) else None
    name = _NAMES.get(type_.this)
    return None if name is None else SqlType(name)


def spell_type(type_: SqlType, dialect: str) -> str:
    """What the type is called in the dialect."""
    if type_.name == "DECIMAL":
        return f"DECIMAL({type_.precision}, {type_.scale})"
    spark = dialect == "spark"
    if type_.name == "LIST":
        item = spell_type(type_.item, dialect)
        return f"ARRAY<{item}>" if spark else f"ARRAY({item})"
    if type_.name == "STRUCT":
        if spark:
            inner = ", ".join(f"`{n.replace('`', '``')}`: {spell_type(t, dialect)}" for n, t in type_.fields)
            return f"STRUCT<{inner}>"
        quote = '"'
        inner = ", ".join(
            f"{quote}{n.replace(quote, 2 * quote)}{quote} {spell_type(t, dialect)}" for n, t in type_.fields
        )
        return f"ROW({inner})"
    return (_SPARK if spark else _TRINO).get(type_.name, type_.name)


def is_wide(type_: SqlType) -> bool:
    """Whether an integer has more digits than the other engines' integers: there it is a DECIMAL."""
    return type_.name in ("HUGEINT", "UBIGINT")


def holds(type_: SqlType, number: int) -> bool:
    """Whether an integer type has the number; of HUGEINT those that a DECIMAL(38, 0) has."""
    if is_wide(type_):
        return abs(number) < 10**38 and (number >= 0 or type_ == HUGEINT)
    half = 1 << _BITS[type_.name.removeprefix("U")] - 1
    return 0 <= number < 2 * half if type_.name.startswith("U") else -half <= number < half


def digits_of(type_: SqlType) -> tuple[int, int]:
    """Precision and scale of an integer or decimal."""
    return (_DIGITS[type_.name], 0) if type_.kind == "integer" else (type_.precision, type_.scale)


def wider(left: SqlType, right: SqlType) -> SqlType:
    """The integer type that holds both."""
    if left.name == right.name:
        return left
    names = [n if n in _SIGNED else _HOLDS_UNSIGNED[n] for n in (left.name, right.name)]
    if not {left.name, right.name} & set(_SIGNED):
        return max(left, right, key=lambda t: _DIGITS[t.name])
    return SqlType(max(names, key=_SIGNED.index))


def common_type(types: Sequence[SqlType]) -> SqlType | None:
    """The type that DuckDB gives to a value that is one of several (CASE, coalesce, UNION, comparisons); None
    where it has none, or where it is not certain."""
    known = [type_ for type_ in types if type_.kind != "null"]
    if not known:
        return NULL
    found = known[0]
    for type_ in known[1:]:
        joined = _join(found, type_)
        if joined is None:
            return None
        found = joined
    return found


def _join(left: SqlType, right: SqlType) -> SqlType | None:
    if left == right:
        return left
    kinds = {left.kind, right.kind}
    if kinds == {"integer"}:
        return wider(left, right)
    if kinds <= set(EXACT):
        (p, s), (q, r) = digits_of(left), digits_of(right)
        whole, scale = max(p - s, q - r), max(s, r)
        return decimal(38, 38 - whole) if whole + scale > 38 else decimal(whole + scale, scale)
    if kinds <= set(NUMBERS):
        return DOUBLE if "double" in kinds else FLOAT
    if kinds <= set(MOMENTS):
        return TIMESTAMPTZ if "instant" in kinds else TIMESTAMP
    return None
