"""What queries may take while they run: threads, memory, room for large intermediate results, time, and the
rows that one gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from lakeq.errors import ConfigError, ResourceLimitError
from lakeq.quantities import format_count, parse_bytes, parse_duration
from lakeq.settings import find_setting


@dataclass(frozen=True, slots=True)
class RunLimits:
    """`threads`, `memory_limit` (bytes) and `temp_limit` (bytes of temporary files) are for all queries that
    run; `time_limit` (seconds) and `row_limit` (rows of its result) for each.

    None: as many threads as there are processors, 80 % of the memory and 90 % of the free disk, as DuckDB has
    it; no limit of time or rows.
    """

    threads: int | None = None
    memory_limit: int | None = None
    temp_limit: int | None = None
    time_limit: float | None = None
    row_limit: int | None = None

    def configure(self) -> dict[str, str]:
        """DuckDB's settings for these limits; it has none for rows."""
        settings = {}
        if self.threads is not None:
            settings["threads"] = str(self.threads)
        if self.memory_limit is not None:
            settings["memory_limit"] = f"{self.memory_limit}B"
        if self.temp_limit is not None:
            settings["max_temp_directory_size"] = f"{self.temp_limit}B"
        if self.time_limit is not None:
            settings["max_execution_time"] = str(max(round(self.time_limit * 1000), 1))
        return settings


def find_run_limits(declared: Mapping[str, Any], **given: Any) -> RunLimits:
    """Each as `given` under its name, else as `declared` under `[limits]`, else of the environment.

    ConfigError for what is no number from 1, no number of bytes, no duration above 0.
    """
    return RunLimits(
        **{
            name: find_setting(name, given.get(name), declared).parse(parse)
            for name, parse in _PARSERS.items()
        }
    )


def too_many_rows(limit: int, engine: str = "duckdb") -> ResourceLimitError:
    """The end of a query that gives more rows than `row_limit`."""
    return ResourceLimitError(
        f"Query stopped: it gives more than the {format_count(limit)} rows that row_limit allows. Rows it "
        "gave are void. Aggregate them, add a condition or a LIMIT, or raise row_limit.",
        "rows",
        engine,
    )


def too_long(engine: str = "duckdb") -> ResourceLimitError:
    """The end of a query that ran for longer than `time_limit`."""
    return ResourceLimitError(
        "Query stopped: it ran for longer than time_limit allows. Raise it, or read fewer columns or "
        "partitions.",
        "time",
        engine,
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


def _parse_count(name: str, text: str) -> int:
    digits = text.replace("_", "").replace(",", "")
    if not (digits.isascii() and digits.isdecimal()) or not 0 < int(digits) < 2**31:
        raise ConfigError(f"{name} is a whole number from 1, not {text!r}.")
    return int(digits)


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    "threads": partial(_parse_count, "threads"),
    "memory_limit": parse_bytes,
    "temp_limit": parse_bytes,
    "time_limit": _parse_time_limit,
    "row_limit": partial(_parse_count, "row_limit"),
}
