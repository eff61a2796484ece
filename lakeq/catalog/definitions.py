"""What a user declares about a lake: `lakeq.toml`, and the arguments of `lake.register`."""

from __future__ import annotations

import math
import os
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa

from lakeq.catalog.layout import Layout, parse_layout
from lakeq.catalog.time_mapping import UNITS, TimeMapping
from lakeq.errors import ConfigError
from lakeq.formats.base import Column, ReadOptions
from lakeq.formats.detect import FORMATS
from lakeq.formats.type_names import parse_type
from lakeq.quantities import parse_duration
from lakeq.storage.options import GivenOptions, check_location

_LAKE_KEYS = (
    "location",
    "storage",
    "tables",
    "views",
    "pricing",
    "limits",
    "history",
    "dialect",
    "archived",
    "parquet_keys",
    "engine",
    "engines",
    "inventory",
)
_PRICING_KEYS = ("model", "dollars_per_terabyte", "egress", "requests", "storage")
_DAY_LIMIT_KEYS = ("max_bytes_per_day", "max_cost_per_day")
_LIMIT_KEYS = (
    "max_bytes",
    "max_cost",
    "max_footers",
    "ask_above",
    "threads",
    "memory_limit",
    "time_limit",
    "temp_limit",
    "row_limit",
    *_DAY_LIMIT_KEYS,
)
_HISTORY_KEYS = ("redact", "keep_days")
_TABLE_KEYS = (
    "location",
    "layout",
    "format",
    "delimiter",
    "header",
    "quote",
    "null",
    "columns",
    "partition_types",
    "require_partition_filter",
    "time",
    *_DAY_LIMIT_KEYS,
)
_TIME_KEYS = ("column", "from", "lateness", "earliness", "zone")
_MOST_SECONDS = 10 * 366 * 86400


@dataclass(frozen=True, slots=True)
class TableDefinition:
    """A table as declared. `location` is relative to the lake, or a full location of its own.

    None means: find out. A `layout` of kind `hive` without keys takes the keys that the folders have.
    `partition_types` gives partition columns a type. `require_partition_filter` are the partition columns
    without a condition on which no query may run; none named: any of them. `time` is what is promised of
    the times of the rows in a folder. `limits` are those of a day, as written.
    """

    name: str
    location: str
    layout: Layout | None = None
    format: str | None = None
    options: ReadOptions = field(default_factory=ReadOptions)
    partition_types: Mapping[str, pa.DataType] = field(default_factory=dict)
    require_partition_filter: tuple[str, ...] | None = None
    time: TimeMapping | None = None
    limits: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_absolute(self) -> bool:
        """Whether the location stands by itself, rather than below the lake's."""
        return is_absolute(self.location)


@dataclass(frozen=True, slots=True)
class LakeDefinition:
    """A lake as declared: where it lies, its tables and views, and settings passed on as they are.

    `parquet_keys` are the names of the variables that hold keys, by the names of these. `inventory` is where
    the S3 Inventory lies from which it is refreshed.
    """

    location: str
    tables: tuple[TableDefinition, ...] = ()
    views: Mapping[str, str] = field(default_factory=dict)
    storage: Mapping[str, Any] = field(default_factory=dict, repr=False)
    pricing: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)
    history: Mapping[str, Any] = field(default_factory=dict)
    dialect: str | None = None
    archived: str | None = None
    parquet_keys: Mapping[str, str] = field(default_factory=dict)
    engine: str | None = None
    engines: Mapping[str, Any] = field(default_factory=dict, repr=False)
    inventory: str | None = None


def is_absolute(location: str) -> bool:
    """Whether a location is a URL, an absolute path or one below the home folder."""
    return "://" in location or location.startswith("~") or os.path.isabs(location)


def define_table(name: str, location: str, **declared: Any) -> TableDefinition:
    """A table's definition from what a user wrote.

    `declared` may hold `layout`, `format`, `delimiter`, `header`, `quote`, `null`, `columns` and
    `partition_types` (both map a name to a type), `require_partition_filter` (names, or True), `time` (a
    mapping with `column`, `from`, and maybe `lateness`, `earliness`, `zone`), `max_bytes_per_day`,
    `max_cost_per_day`. None stands for not declared.

    ConfigError names the table, the setting, and the nearest known name.
    """
    where = f"table {name!r}"
    _check_keys(declared, _TABLE_KEYS[1:], where)
    given = {key: value for key, value in declared.items() if value is not None}
    if not name:
        raise ConfigError("A table needs a name that is not empty.")
    layout = _text(given, "layout", where)
    chosen = _text(given, "format", where)
    if chosen is not None and chosen not in FORMATS:
        raise ConfigError(f"Unknown format {chosen!r} of {where}.{_suggest(chosen, FORMATS)}")
    columns = _types(given, "columns", where)
    return TableDefinition(
        name,
        _check_location(location, where),
        None if layout is None else parse_layout(layout),
        chosen,
        ReadOptions(
            delimiter=_character(given, "delimiter", where),
            header=_flag(given, "header", where),
            quote=_character(given, "quote", where, may_be_empty=True),
            null=_text(given, "null", where),
            columns=tuple(Column(key, kind) for key, kind in columns.items()) if columns else None,
        ),
        _types(given, "partition_types", where),
        _required_keys(given, where),
        _time_mapping(given, where),
        {key: given[key] for key in _DAY_LIMIT_KEYS if key in given},
    )


def load_definition(source: str | Path, base: str | None = None) -> LakeDefinition:
    """The lake that a `lakeq.toml` declares. A Path, or a text that ends in `.toml`, names the file; any
    other text is the TOML itself.

    A relative `location` is relative to `base`, by default the file's folder. ConfigError says
    what is wrong: TOML that does not parse, unknown settings (with the nearest name), unknown types.
    """
    if isinstance(source, Path) or source.endswith(".toml"):
        path = Path(source)
        base = str(path.parent) if base is None else base
        origin, text = str(path), _read_text(path)
    else:
        origin, text = "lakeq.toml", source
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{origin} is not valid TOML: {error}.") from error
    _check_keys(content, _LAKE_KEYS, origin)
    tables = tuple(
        _load_table(name, table, origin) for name, table in _table(content, "tables", origin).items()
    )
    views = _table(content, "views", origin)
    for name, sql in views.items():
        if not isinstance(sql, str):
            raise ConfigError(f"View {name!r} in {origin} must be a text of SQL.")
    _check_distinct([*(table.name for table in tables), *views], origin)
    return LakeDefinition(
        _resolve(_text(content, "location", origin) or ".", base or "."),
        tables,
        views,
        GivenOptions(_table(content, "storage", origin)),
        _settings(content, "pricing", _PRICING_KEYS, origin),
        _settings(content, "limits", _LIMIT_KEYS, origin),
        _settings(content, "history", _HISTORY_KEYS, origin),
        _text(content, "dialect", origin),
        _text(content, "archived", origin),
        _key_variables(content, origin),
        _text(content, "engine", origin),
        _table(content, "engines", origin),
        _inventory(content, base or ".", origin),
    )


def _inventory(content: Mapping[str, Any], base: str, origin: str) -> str | None:
    location = _text(content, "inventory", origin)
    if location is None:
        return None
    check_location(location, f"setting 'inventory' of {origin}")
    return _resolve(location, base)


def _key_variables(content: Mapping[str, Any], origin: str) -> dict[str, str]:
    variables = _table(content, "parquet_keys", origin)
    for key, name in variables.items():
        if not isinstance(name, str) or not name.isidentifier():
            raise ConfigError(
                f"Key {key!r} under [parquet_keys] in {origin} must be the name of an environment variable, "
                "and never the key itself."
            )
    return dict(variables)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"Cannot read {path}: {error}.") from error


def _load_table(name: str, declared: Any, origin: str) -> TableDefinition:
    if not isinstance(declared, dict):
        raise ConfigError(f"[tables.{name}] in {origin} must be a table of settings.")
    _check_keys(declared, _TABLE_KEYS, f"[tables.{name}] in {origin}")
    settings = dict(declared)
    location = settings.pop("location", name)
    try:
        return define_table(name, location, **settings)
    except ConfigError as error:
        raise ConfigError(f"{origin}: {error}") from error


def _resolve(location: str, base: str) -> str:
    if is_absolute(location):
        return location
    relative = os.path.normpath(location).replace(os.sep, "/")
    return base if relative == "." else f"{base.rstrip('/')}/{relative}"


def _check_location(location: Any, where: str) -> str:
    if not isinstance(location, str):
        raise ConfigError(f"The location of {where} must be a text.")
    check_location(location, where)
    if is_absolute(location):
        return location
    if ".." in location.split("/"):
        raise ConfigError(
            f"The location {location!r} of {where} leaves the lake. Give an absolute path or a URL."
        )
    return "/".join(part for part in location.split("/") if part not in ("", "."))


def _check_keys(settings: Collection[str], known: Collection[str], where: str) -> None:
    for key in settings:
        if key not in known:
            raise ConfigError(f"Unknown setting {key!r} in {where}.{_suggest(key, known)}")


def _check_distinct(names: list[str], origin: str) -> None:
    folded = [name.casefold() for name in names]
    for position, name in enumerate(folded):
        if name in folded[:position]:
            raise ConfigError(f"{origin} declares {names[position]!r} twice; names differ in more than case.")


def _suggest(name: str, known: Collection[str]) -> str:
    near = get_close_matches(name, known, n=1, cutoff=0.5)
    return f" Did you mean {near[0]!r}?" if near else f" Known are: {', '.join(known)}."


def _table(settings: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
    value = settings.get(key, {})
    if not isinstance(value, dict):
        raise ConfigError(f"[{key}] in {where} must be a table of settings.")
    return value


def _settings(settings: Mapping[str, Any], key: str, known: Collection[str], where: str) -> dict[str, Any]:
    value = _table(settings, key, where)
    _check_keys(value, known, f"[{key}] in {where}")
    return value


def _text(settings: Mapping[str, Any], key: str, where: str) -> str | None:
    value = settings.get(key)
    if value is not None and not isinstance(value, str):
        raise ConfigError(f"Setting {key!r} of {where} must be a text, not {value!r}.")
    return value


def _character(settings: Mapping[str, Any], key: str, where: str, may_be_empty: bool = False) -> str | None:
    value = _text(settings, key, where)
    if value is None or len(value) == 1 or (may_be_empty and not value):
        return value
    raise ConfigError(f"Setting {key!r} of {where} must be one character, not {value!r}.")


def _flag(settings: Mapping[str, Any], key: str, where: str) -> bool | None:
    value = settings.get(key)
    if value is not None and not isinstance(value, bool):
        raise ConfigError(f"Setting {key!r} of {where} must be true or false, not {value!r}.")
    return value


def _required_keys(settings: Mapping[str, Any], where: str) -> tuple[str, ...] | None:
    value = settings.get("require_partition_filter", False)
    if isinstance(value, bool):
        return () if value else None
    if isinstance(value, list | tuple) and value and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise ConfigError(
        f"Setting 'require_partition_filter' of {where} must be true or a list of partition columns, "
        f"not {value!r}."
    )


def _time_mapping(settings: Mapping[str, Any], where: str) -> TimeMapping | None:
    """What `time` declares; whether it fits the table is told by `check_mapping`, once that is known."""
    if "time" not in settings:
        return None
    declared, where = settings["time"], f"setting 'time' of {where}"
    if not isinstance(declared, Mapping):
        raise ConfigError(f"{where[0].upper()}{where[1:]} must be a table with 'column' and 'from'.")
    _check_keys(declared, _TIME_KEYS, where)
    column, keys = _text(declared, "column", where), declared.get("from")
    if not column:
        raise ConfigError(f"{where[0].upper()}{where[1:]} needs 'column': the timestamp that folders tell.")
    is_list = isinstance(keys, list | tuple) and all(isinstance(key, str) for key in keys)
    if not keys or not is_list or len(keys) > len(UNITS) or len({key.casefold() for key in keys}) < len(keys):
        raise ConfigError(
            f"Setting 'from' of {where} must list the partition columns that hold the time, "
            f'coarse to fine, such as ["year", "month", "day"] or ["dt", "hour"], not {keys!r}.'
        )
    zone = _text(declared, "zone", where)
    try:
        _ = ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigError(
            f"Unknown zone {zone!r} of {where}. Write it like 'UTC' or 'Europe/Berlin'."
        ) from error
    late, early = (_duration(declared, key, where) for key in ("lateness", "earliness"))
    return TimeMapping(column, tuple(keys), late, early, zone)


def _duration(settings: Mapping[str, Any], key: str, where: str) -> int:
    """Whole seconds, rounded up."""
    text = _text(settings, key, where)
    seconds = 0.0 if text is None else parse_duration(text)
    if seconds is None or seconds > _MOST_SECONDS:
        raise ConfigError(
            f"Setting {key!r} of {where} must be a duration such as 90m, 2h or 1d, not {text!r}."
        )
    return math.ceil(seconds)


def _types(settings: Mapping[str, Any], key: str, where: str) -> dict[str, pa.DataType]:
    """Name → type from name → type text; pyarrow types are taken as they are."""
    value = settings.get(key, {})
    if not isinstance(value, Mapping):
        raise ConfigError(f"Setting {key!r} of {where} must map names to types.")
    types = {}
    for name, kind in value.items():
        if isinstance(kind, pa.DataType):
            types[name] = kind
            continue
        if not isinstance(kind, str):
            raise ConfigError(f"The type of column {name!r} of {where} must be a text, not {kind!r}.")
        try:
            types[name] = parse_type(kind)
        except ConfigError as error:
            raise ConfigError(f"Column {name!r} of {where}: {error}") from error
    return types
