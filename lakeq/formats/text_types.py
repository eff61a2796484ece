"""Types of values that are written as text: partition values in paths, cells of CSV, strings of JSON.

Text is judged by exact patterns, never by a lenient parser: `2019_2`, ` 5`, `+5`, `-0`, `1e5`, `nan`,
`0x10`, `true` and digits outside ASCII are text.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

DATE_PATTERN = r"(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})-[0-9]{2}-[0-9]{2}"
_TIME = r"[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?"
TIMESTAMP_PATTERN = f"{DATE_PATTERN}(?:{_TIME})?"
ZONED_PATTERN = f"{DATE_PATTERN}{_TIME}(?:Z|[+-][0-9]{{2}}(?::[0-9]{{2}})?)"
INTEGER_PATTERN = r"[0-9]+|-0*[1-9][0-9]*"
_UNPADDED_PATTERN = r"0|-?[1-9][0-9]*"
_POINT_PATTERN = r"-?[0-9]+\.[0-9]+"
_UNPADDED_POINT_PATTERN = r"-?(?:0|[1-9][0-9]*)\.[0-9]+"
_DECIMAL_PATTERN = r"-?0*[0-9]{1,38}(?:\.[0-9]{1,38})?"


def infer_text_type(array: pa.Array, *, zero_padded: bool) -> pa.DataType:
    """The type that all texts of `array` share; nulls and empty texts do not count.

    int64, decimal(38,0) for larger integers, float64 for plain decimals mixed with integers, date32,
    timestamp[us] for ISO times mixed with dates, timestamp[us, UTC] when every one has a zone, else
    string. `null` when there is no value at all, string when there are only empty ones.
    `zero_padded` says whether `007` is a number (partition values) or text (cells: a postal code).
    """
    values = array.drop_null()
    if len(values) == 0:
        return pa.null()
    values = values.filter(pc.not_equal(values, ""))
    if len(values) == 0:
        return pa.string()
    integer = INTEGER_PATTERN if zero_padded else _UNPADDED_PATTERN
    point = _POINT_PATTERN if zero_padded else _UNPADDED_POINT_PATTERN
    candidates = (
        (integer, (pa.int64(), pa.decimal128(38, 0))),
        (f"{integer}|{point}", (pa.float64(),)),
        (DATE_PATTERN, (pa.date32(),)),
        (TIMESTAMP_PATTERN, (pa.timestamp("us"),)),
        (ZONED_PATTERN, (pa.timestamp("us", "UTC"),)),
    )
    for pattern, types in candidates:
        if _all_match(values, pattern):
            return next((type for type in types if _is_all(values, type)), pa.string())
    return pa.string()


def cast_text(array: pa.Array, type: pa.DataType) -> pa.Array:
    """The texts as values of `type`: exact, zero padding allowed; '' is NULL except as text.

    Raises ValueError (of which pyarrow.ArrowInvalid is one) when a text is not a value of the type.
    """
    if pa.types.is_string(type):
        return array.cast(type)
    texts = pc.if_else(pc.equal(array, ""), pa.scalar(None, array.type), array)
    # Arrow alone takes 0x10 for an integer, and wraps decimals that overflow 128 bits.
    if pa.types.is_integer(type):
        _require(texts, INTEGER_PATTERN, type)
    if pa.types.is_decimal(type):
        _require(texts, _DECIMAL_PATTERN, type)
        if type.scale:
            texts = texts.cast(pa.decimal256(76, 38))
    try:
        return texts.cast(type)
    except pa.ArrowNotImplementedError as error:
        raise ValueError(f"text cannot be read as {type}") from error


def _all_match(values: pa.Array, pattern: str) -> bool:
    matches = pc.match_substring_regex(values, rf"\A(?:{pattern})\z")
    return bool(pc.all(matches, min_count=0).as_py())


def _is_all(values: pa.Array, type: pa.DataType) -> bool:
    try:
        cast = cast_text(values, type)
    except ValueError:
        return False
    return not pa.types.is_floating(type) or bool(pc.all(pc.is_finite(cast)).as_py())


def _require(texts: pa.Array, pattern: str, type: pa.DataType) -> None:
    if not _all_match(texts.drop_null(), pattern):
        raise ValueError(f"not every text is a value of type {type}")
