"""How old a listing may be that a query uses."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lakeq.catalog.listings import NEVER_LIST
from lakeq.errors import ConfigError

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|min|h|d)")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Freshness:
    """`seconds` is the greatest age of a listing: 0 lists for every question, None never lists."""

    seconds: float | None = 0.0

    def since(self, now: float) -> float:
        """The moment since which a listing must have been made, for a question asked `now`."""
        return NEVER_LIST if self.seconds is None else now - self.seconds


def parse_freshness(text: str | float) -> Freshness:
    """`always`, `index` (never list), or a duration: seconds, or a text such as `30s`, `15m`, `2h`, `1d`."""
    if text == "always":
        return Freshness(0.0)
    if text == "index":
        return Freshness(None)
    if isinstance(text, int | float) and not isinstance(text, bool) and text >= 0:
        return Freshness(float(text))
    match = _DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        raise ConfigError(f"Not a freshness: {text!r}. Give always, index, or a duration such as 15m or 2h.")
    return Freshness(float(match.group(1)) * _SECONDS[match.group(2)])
