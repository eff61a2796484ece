"""Layouts: how a path encodes partition values, and the templates in which users declare them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

from lakeq.errors import ConfigError
from lakeq.formats.type_names import parse_type

LayoutKind = Literal["flat", "hive", "template"]

_FIELD = re.compile(r"\{([^{}:]*)(?::([^{}]*))?\}")


@dataclass(frozen=True, slots=True)
class Layout:
    """How the folders below a table encode its partition values.

    `flat`: not at all. `hive`: `key=value` folders, in any order; empty `keys` stand for "whichever are
    there". `template`: `template` says what each folder level holds. `types` are the declared types of
    `keys`, None where they are to be found from the values; `template` is also how a layout is printed.
    """

    kind: LayoutKind
    keys: tuple[str, ...] = ()
    template: str = ""
    types: tuple[pa.DataType | None, ...] = ()

    @property
    def is_hive(self) -> bool:
        """Whether the folders are `key=value`."""
        return self.kind == "hive"

    @property
    def declared_types(self) -> dict[str, pa.DataType]:
        """The keys whose type the template declares."""
        return {key: kind for key, kind in zip(self.keys, self.types, strict=False) if kind is not None}


FLAT = Layout("flat")
"""No partition columns: every data file below the table is one of its files."""


@dataclass(frozen=True, slots=True)
class TemplateSegment:
    """What one folder level of a template holds: the keys in it, and the pattern that finds their texts."""

    text: str
    keys: tuple[str, ...]
    types: tuple[pa.DataType | None, ...]
    pattern: str

    @property
    def is_hive(self) -> bool:
        """Whether the segment is exactly `key={key}`."""
        return len(self.keys) == 1 and self.text.startswith(f"{self.keys[0]}={{") and self.text.endswith("}")


def hive_layout(keys: tuple[str, ...]) -> Layout:
    """The Hive layout with these keys, its template spelled out for printing."""
    return Layout("hive", keys, "".join(f"{key}={{{key}}}/" for key in keys))


def parse_layout(text: str) -> Layout:
    """The layout that a user declared: `flat`, `hive`, or a template. ConfigError says what is wrong."""
    if text == "flat":
        return FLAT
    if text == "hive":
        return Layout("hive")
    return parse_template(text)


def parse_template(text: str) -> Layout:
    """The layout of a template such as `{year:int}/{month:int}/` or `dt={dt:date}/{product}/`.

    A field is `{name}` or `{name:type}` with any type that columns may be declared in; text around fields
    is matched as it stands; one segment may hold several fields. Of several, each takes the shortest
    text that fits. A template of nothing but `key={key}` segments is a Hive layout: its folders may come
    in any order. ConfigError names the place.
    """
    segments = template_segments(text)
    keys = tuple(key for segment in segments for key in segment.keys)
    if not keys:
        raise ConfigError(
            f"Layout {text!r} names no partition column. Write a field such as {{year:int}}/, "
            "or 'hive' or 'flat'."
        )
    folded = [key.casefold() for key in keys]
    for position, key in enumerate(folded):
        if key in folded[:position]:
            raise ConfigError(
                f"Layout {text!r} names {keys[position]!r} twice. Every field needs its own name."
            )
    types = tuple(kind for segment in segments for kind in segment.types)
    kind: LayoutKind = "hive" if all(segment.is_hive for segment in segments) else "template"
    return Layout(kind, keys, text.rstrip("/") + "/", types)


def template_segments(text: str) -> tuple[TemplateSegment, ...]:
    """The folder levels of a template, from the table's root down. ConfigError names the place."""
    segments = []
    start = 0
    for part in text.removesuffix("/").split("/"):
        segments.append(_parse_segment(text, part, start))
        start += len(part) + 1
    return tuple(segments)


def _parse_segment(text: str, part: str, start: int) -> TemplateSegment:
    if not part:
        raise _template_error(text, start, "an empty folder name")
    keys: list[str] = []
    types: list[pa.DataType | None] = []
    pattern, end = "", 0
    for match in _FIELD.finditer(part):
        literal = _parse_literal(text, part[end : match.start()], start + end)
        if keys and not literal:
            raise _template_error(text, start + match.start(), "two fields with no text between them")
        name, kind = match.group(1).strip(), match.group(2)
        if not name:
            raise _template_error(text, start + match.start(), "a field without a name")
        keys.append(name)
        types.append(None if kind is None else _parse_field_type(text, kind, start + match.start(2)))
        pattern += literal + "(.*?)"
        end = match.end()
    pattern += _parse_literal(text, part[end:], start + end)
    return TemplateSegment(part, tuple(keys), tuple(types), pattern)


def _parse_literal(text: str, literal: str, start: int) -> str:
    for offset, character in enumerate(literal):
        if character in "{}":
            raise _template_error(text, start + offset, f"a {character!r} without its partner")
    return re.escape(literal)


def _parse_field_type(text: str, kind: str, start: int) -> pa.DataType:
    try:
        declared = parse_type(kind.strip())
    except ConfigError as error:
        raise ConfigError(f"Layout {text!r}, character {start + 1}: {error}") from error
    return pa.int64() if pa.types.is_integer(declared) else declared  # as Hive keys: one type joins both


def _template_error(text: str, position: int, what: str) -> ConfigError:
    return ConfigError(
        f"Layout {text!r} has {what} at character {position + 1}. "
        "Write folders as in {year:int}/{month:int}/ or dt={dt:date}/{product}/."
    )
