"""Where engines outside are: their settings as given, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from difflib import get_close_matches
from typing import Any

from lakeq.errors import ConfigError


def check_settings(kind: type[Any], given: Mapping[str, Any], title: str) -> None:
    """ConfigError for settings of the engine `title` that the dataclass `kind` has not, or that are not of
    the type of its default: a text, a switch, or a table of texts."""
    known = {setting.name: setting for setting in fields(kind)}
    for name, value in given.items():
        if name not in known:
            near = get_close_matches(str(name), known, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."
            raise ConfigError(f"Unknown setting of {title}: {name!r}. {hint}")
        setting = known[name]
        if setting.default_factory is not MISSING:
            if not isinstance(value, Mapping) or not all(isinstance(text, str) for text in value.values()):
                raise ConfigError(f"{title}'s {name!r} must be a table of texts.")
        elif isinstance(setting.default, bool):
            if not isinstance(value, bool):
                raise ConfigError(f"{title}'s {name!r} must be true or false.")
        elif not isinstance(value, str):
            raise ConfigError(f"{title}'s {name!r} must be a text.")
