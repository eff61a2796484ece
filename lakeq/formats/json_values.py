"""JSON texts as Python values, the Arrow types that such values share, and Arrow arrays of them.

The standard library decodes: pyarrow's JSON reader ends the process on a file of just `null`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import pyarrow as pa

from lakeq.formats.types import cast_text, infer_text_type

MAP_KEYS = 200
"""A nested object with more different keys than this is a map, as DuckDB has it."""

LAYOUTS = ("newline_delimited", "array", "unstructured")
"""One object a line; one array of objects; objects one after the other, over several lines."""

_SPACE = re.compile(r"[ \t\r\n]*")


class JsonSyntaxError(ValueError):
    """A text that is not records of JSON, at `offset` characters."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


Record = dict[str, Any]


def tell_layout(text: str) -> str:
    """The layout of a text that begins as this one does."""
    start = _skip_space(text, 0)
    if text[start : start + 1] == "[":
        return "array"
    line = text[start:].partition("\n")[0]
    try:
        _, end = _decode(line, 0)
    except JsonSyntaxError:
        return "unstructured"
    return "newline_delimited" if _skip_space(line, end) == len(line) else "unstructured"


def read_records(text: str, layout: str, *, is_whole: bool) -> Iterator[Record]:
    """The objects in `text`, in their order; a last one that is cut, when it is not whole, is left out.

    Raises JsonSyntaxError for what is not JSON, and for values other than objects.
    """
    if layout == "newline_delimited":
        yield from _read_lines(text if is_whole else text[: text.rfind("\n") + 1])
        return
    try:
        yield from _read_array(text) if layout == "array" else _read_concatenated(text)
    except JsonSyntaxError as error:
        # A literal or an escape that is cut is found some characters before the end.
        is_cut = error.offset >= len(text) - 12 or "Unterminated string" in str(error)
        if is_whole or not is_cut:
            raise


def _read_lines(text: str) -> Iterator[Record]:
    start = 0
    for line in text.split("\n"):
        at = _skip_space(line, 0)
        if at < len(line):
            try:
                record, end = _decode_record(line, at)
                if _skip_space(line, end) < len(line):
                    raise JsonSyntaxError("more than one value on a line", end)
            except JsonSyntaxError as error:
                raise JsonSyntaxError(str(error), start + error.offset) from None
            yield record
        start += len(line) + 1


def _read_concatenated(text: str) -> Iterator[Record]:
    at = _skip_space(text, 0)
    while at < len(text):
        record, end = _decode_record(text, at)
        yield record
        at = _skip_space(text, end)


def _read_array(text: str) -> Iterator[Record]:
    at = _skip_space(text, _skip_space(text, 0) + 1)
    while text[at : at + 1] != "]":
        record, end = _decode_record(text, at)
        yield record
        at = _skip_space(text, end)
        if text[at : at + 1] not in (",", "]"):
            raise JsonSyntaxError("expected ',' or ']' after an object", at)
        if text[at] == ",":
            at = _skip_space(text, at + 1)
            if text[at : at + 1] == "]":
                raise JsonSyntaxError("expected an object after ','", at)
    if _skip_space(text, at + 1) < len(text):
        raise JsonSyntaxError("more text after the array", at + 1)


def _skip_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _decode_record(text: str, at: int) -> tuple[Record, int]:
    value, end = _decode(text, at)
    if not isinstance(value, dict):
        raise JsonSyntaxError("a record must be an object, not a bare value", at)
    return value, end


def _decode(text: str, at: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise JsonSyntaxError(error.msg, error.pos) from error
    except ValueError as error:
        raise JsonSyntaxError(str(error), at) from error
    except RecursionError as error:
        raise JsonSyntaxError("nested too deep", at) from error


def _read_object(pairs: list[tuple[str, Any]]) -> Record:
    values = dict(pairs)
    if len({key.casefold() for key in values}) < len(pairs):
        # SQL names know no case: one of the two would be lost.
        keys = ", ".join(sorted(key for key, _ in pairs))
        raise ValueError(f"an object has one key twice, or in two cases: {keys[:200]}")
    return values


def _read_integer(text: str) -> int | float:
    return int(text) if len(text) < 40 else float(text)


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_read_object,
    parse_int=_read_integer,
    parse_constant=_refuse_constant,
)


# --- types and arrays -------------------------------------------------------------------------------


def infer_json_type(values: Sequence[Any]) -> pa.DataType:
    """The type that JSON values share: structs united by key, dates and times where all texts are such.

    Values of several kinds (a number here, an object there), objects without any key, and such with
    an empty one, which no type can name, are text.
    """
    present = [value for value in values if value is not None]
    kinds = {type(value) for value in present}
    if not kinds:
        return pa.null()
    if kinds == {str}:
        return _infer_string_type(present)
    if kinds == {bool}:
        return pa.bool_()
    if kinds <= {int, float}:
        return _infer_number_type(present)
    if kinds == {list}:
        return pa.list_(infer_json_type(list(chain.from_iterable(present))))
    return _infer_object_type(present) if kinds == {dict} else pa.string()


def _infer_string_type(texts: Sequence[str]) -> pa.DataType:
    if "" in texts:
        return pa.string()
    type = infer_text_type(pa.array(texts, pa.string()), zero_padded=False)
    return type if pa.types.is_temporal(type) else pa.string()


def _infer_number_type(numbers: Sequence[int | float]) -> pa.DataType:
    if any(isinstance(number, float) for number in numbers):
        return pa.float64()
    if min(numbers) >= -(2**63) and max(numbers) < 2**63:
        return pa.int64()
    return pa.decimal128(38, 0) if max(map(abs, numbers)) < 10**38 else pa.float64()


def _infer_object_type(objects: Sequence[Record]) -> pa.DataType:
    keys = dict.fromkeys(chain.from_iterable(objects))
    if not keys or "" in keys:
        return pa.string()
    if len(keys) > MAP_KEYS:
        return pa.map_(pa.string(), infer_json_type(list(chain.from_iterable(o.values() for o in objects))))
    return pa.struct([pa.field(key, infer_json_type([o.get(key) for o in objects])) for key in keys])


def convert_values(values: Sequence[Any], type: pa.DataType) -> pa.Array:
    """JSON values as an array of `type`; ValueError when one of them is not of it."""
    if pa.types.is_struct(type):
        missing = pa.array([_expect_kind(value, dict, type) is None for value in values], pa.bool_())
        children = [
            convert_values([None if v is None else v.get(f.name) for v in values], f.type) for f in type
        ]
        return pa.StructArray.from_arrays(children, fields=list(type), mask=missing)
    if pa.types.is_list(type):
        lists = [_expect_kind(value, list, type) for value in values]
        items = convert_values(list(chain.from_iterable(filter(None, lists))), type.value_type)
        return pa.ListArray.from_arrays(_offsets(lists), items, type=type)
    if pa.types.is_map(type):
        maps = [_expect_kind(value, dict, type) for value in values]
        keys = convert_values(list(chain.from_iterable(filter(None, maps))), type.key_type)
        items = convert_values([v for m in maps if m for v in m.values()], type.item_type)
        return pa.MapArray.from_arrays(_offsets(maps), keys, items).cast(type)
    return cast_text(pa.array([_to_text(value) for value in values], pa.string()), type)


def _expect_kind(value: Any, kind: type, wanted: pa.DataType) -> Any:
    if value is not None and not isinstance(value, kind):
        raise ValueError(f"{json.dumps(value)[:100]} is not a value of type {wanted}")
    return value


def _offsets(values: Sequence[Any]) -> pa.Array:
    """Where each list begins and the last one ends; null for a null list."""
    offsets: list[int | None] = []
    end = 0
    for value in values:
        offsets.append(None if value is None else end)
        end += len(value or ())
    return pa.array([*offsets, end], pa.int32())


def _to_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
