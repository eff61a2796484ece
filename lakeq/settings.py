"""What may be set, and where it is read: an argument goes before the `lakeq.toml` of the lake, that before
the `LAKEQ_…` environment, that before the default.

The only place that reads `LAKEQ_…`, and variables that a `lakeq.toml` names; what AWS and other clouds have
in theirs is read in `storage`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from lakeq.errors import ConfigError

T = TypeVar("T")

ARGUMENT, DECLARED, DEFAULT = "option", "lakeq.toml", "default"
_PREFIX = "LAKEQ_"


@dataclass(frozen=True, slots=True)
class Found:
    """A setting in force, as written, and where it comes from: `option`, `lakeq.toml`, the name of a
    variable, or `default`."""

    name: str
    value: Any
    source: str

    def parse(self, parse: Callable[[str], T]) -> T | None:
        """The value by its parser; None for none. A ConfigError names the variable that it was read from."""
        if self.value is None:
            return None
        try:
            return parse(str(self.value))
        except ConfigError as error:
            if self.source.startswith(_PREFIX):
                raise ConfigError(f"{self.source}: {error}") from error
            raise


VARIABLES = (
    "LAKEQ_ARCHIVED",
    "LAKEQ_ASK_ABOVE",
    "LAKEQ_CACHE",
    "LAKEQ_CACHE_DIR",
    "LAKEQ_DATA_DIR",
    "LAKEQ_DIALECT",
    "LAKEQ_EGRESS",
    "LAKEQ_ENGINE",
    "LAKEQ_FRESHNESS",
    "LAKEQ_HISTORY",
    "LAKEQ_MAX_BYTES",
    "LAKEQ_MAX_BYTES_PER_DAY",
    "LAKEQ_MAX_COST",
    "LAKEQ_MAX_COST_PER_DAY",
    "LAKEQ_MAX_FOOTERS",
    "LAKEQ_MEMORY_LIMIT",
    "LAKEQ_PAGER",
    "LAKEQ_PARQUET_KEYS",
    "LAKEQ_PRICING",
    "LAKEQ_ROW_LIMIT",
    "LAKEQ_TEMP_LIMIT",
    "LAKEQ_THREADS",
    "LAKEQ_TIME_LIMIT",
)


def find_setting(
    name: str,
    given: Any = None,
    declared: Mapping[str, Any] | None = None,
    key: str | None = None,
    variables: Sequence[str] | None = None,
) -> Found:
    """The setting `name`: as given, else as declared under `key` (default: its name), else that of the first
    of `variables` (default: `LAKEQ_<NAME>`) that is not empty, else None by default."""
    if given is not None:
        return Found(name, given, ARGUMENT)
    written = (declared or {}).get(key or name)
    if written is not None:
        return Found(name, written, DECLARED)
    for variable in (f"{_PREFIX}{name.upper()}",) if variables is None else variables:
        if text := os.environ.get(variable):
            return Found(name, text, variable)
    return Found(name, None, DEFAULT)


def read_variables(names: Mapping[str, str]) -> dict[str, str]:
    """What stands in these variables, given by what they are for; those that are not set are left out."""
    return {what: text for what, name in names.items() if (text := os.environ.get(name))}


def find_pager(given: str | None = None) -> Found:
    """What long output goes through: as given, else LAKEQ_PAGER, else PAGER, else None by default. Empty:
    through nothing."""
    if given is not None:
        return Found("pager", given, ARGUMENT)
    for variable in ("LAKEQ_PAGER", "PAGER"):
        if (text := os.environ.get(variable)) is not None:
            return Found("pager", text, variable)
    return Found("pager", None, DEFAULT)


def find_unknown() -> list[str]:
    """The `LAKEQ_…` variables of the environment that set nothing, by name."""
    return sorted(name for name in os.environ if name.startswith(_PREFIX) and name not in VARIABLES)
