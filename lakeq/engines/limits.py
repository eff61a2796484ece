"""What a query may take while it runs: time, and room for large intermediate results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lakeq.errors import ConfigError
from lakeq.quantities import parse_bytes, parse_duration
from lakeq.settings import find_setting


@dataclass(frozen=True, slots=True)
class RunLimits:
    """`time_limit` in seconds for each query; `temp_limit` in bytes for the temporary files of all that run.
    None: no limit of time, and up to 90 % of the free disk, as DuckDB has it."""

    time_limit: float | None = None
    temp_limit: int | None = None

    def configure(self) -> dict[str, str]:
        """DuckDB's settings for these limits."""
        settings = {}
        if self.time_limit is not None:
            settings["max_execution_time"] = str(max(round(self.time_limit * 1000), 1))
        if self.temp_limit is not None:
            settings["max_temp_directory_size"] = f"{self.temp_limit}B"
        return settings


def find_run_limits(
    time_limit: str | float | None, temp_limit: str | int | None, declared: Mapping[str, Any]
) -> RunLimits:
    """As given, else as declared under `[limits]`, else of the environment.

    ConfigError for what is no duration above 0 or no number of bytes.
    """
    return RunLimits(
        find_setting("time_limit", time_limit, declared).parse(_parse_time_limit),
        find_setting("temp_limit", temp_limit, declared).parse(parse_bytes),
    )


def _parse_time_limit(text: str) -> float:
    try:
        seconds = parse_duration(text) or float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 10**9:
        raise ConfigError(
            f"Not a time limit: {text!r}. Write seconds above 0, or a duration such as 90s or 15m."
        )
    return seconds
