"""How old a listing may be that a query uses."""

from __future__ import annotations

from dataclasses import dataclass

from lakeq.catalog.listings import NEVER_LIST
from lakeq.errors import ConfigError
from lakeq.quantities import parse_duration
from lakeq.settings import find_setting


@dataclass(frozen=True, slots=True)
class Freshness:
    """`seconds` is the greatest age of a listing: 0 lists for every question, None never lists."""

    seconds: float | None = 0.0

    def since(self, now: float) -> float:
        """The moment since which a listing must have been made, for a question asked `now`."""
        return NEVER_LIST if self.seconds is None else now - self.seconds


def find_freshness(given: str | float | None) -> Freshness:
    """The freshness as given, else of the environment (LAKEQ_FRESHNESS), else `always`."""
    if given is not None:
        return parse_freshness(given)
    return find_setting("freshness").parse(parse_freshness) or Freshness()


def parse_freshness(text: str | float) -> Freshness:
    """`always`, `index` (never list), or a duration: seconds, or a text such as `30s`, `15m`, `2h`, `1d`."""
    if text == "always":
        return Freshness(0.0)
    if text == "index":
        return Freshness(None)
    if isinstance(text, int | float) and not isinstance(text, bool) and text >= 0:
        return Freshness(float(text))
    seconds = parse_duration(text) if isinstance(text, str) else None
    if seconds is None:
        raise ConfigError(f"Not a freshness: {text!r}. Give always, index, or a duration such as 15m or 2h.")
    return Freshness(seconds)
