"""The engines that a query may run on, and which of them is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from lakeq.errors import ConfigError
from lakeq.quantities import parse_bytes
from lakeq.settings import Found, find_setting

DUCKDB, AUTO = "duckdb", "auto"
OUTSIDE = {"spark": "Spark", "trino": "Trino", "athena": "Athena"}
"""The engines outside of this process by name, and what they are called to a user."""
NAMES = (DUCKDB, *OUTSIDE, AUTO)

_AUTO_ABOVE = "100GB"


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Which engine runs the queries that do not say: one of NAMES.

    `targets` are the engines outside that may be used, each with where it is, as that engine takes it;
    `auto_above` the bytes scanned from which on `auto` hands a query to one of them.
    """

    name: str = DUCKDB
    targets: Mapping[str, Any] = field(default_factory=dict, repr=False)
    auto_above: int = parse_bytes(_AUTO_ABOVE)


def find_engine(given: str | None, declared: str | None = None) -> Found:
    """The name of an engine: as given, else as declared for the lake, else LAKEQ_ENGINE, else none.
    ConfigError for one that is not known."""
    found = find_setting("engine", given or None, {"engine": declared or None})
    found.parse(check_name)
    return found


def find_engine_settings(
    given: str | None,
    targets: Mapping[str, Any] | None,
    declared: str | None = None,
    declared_targets: Mapping[str, Any] | None = None,
) -> EngineSettings:
    """The settings from what was given and, below that, declared under `engine` and `[engines]`. ConfigError
    for engines that there are not, and an `auto_above` that is no number of bytes."""
    merged = {**(declared_targets or {}), **(targets or {})}
    above = merged.pop("auto_above", _AUTO_ABOVE)
    for name in merged:
        if check_name(name) not in OUTSIDE:
            raise ConfigError(f"Engine {name!r} takes no settings. Those that do: {', '.join(OUTSIDE)}.")
    name = str(find_engine(given, declared).value or DUCKDB).casefold()
    return EngineSettings(
        name, {key.casefold(): value for key, value in merged.items()}, parse_bytes(str(above))
    )


def check_name(name: str) -> str:
    """The name as it is written here. ConfigError, with the nearest, for none of NAMES."""
    if name.casefold() in NAMES:
        return name.casefold()
    near = get_close_matches(name.casefold(), NAMES, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ConfigError(f"Unknown engine {name!r}.{hint} There are: {', '.join(NAMES)}.")
