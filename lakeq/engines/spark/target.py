"""Where Spark is: a session of the user's, or a URL at which one is started."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lakeq.errors import ConfigError

LOCAL = "local[*]"

_URL = re.compile(r"local(\[(\*|\d+)(, ?\d+)?\])?|(spark|sc)://[^/\s]+.*")
_KEYS = ("url", "packages", "conf")
_EXAMPLES = "local[*], spark://host:7077 or sc://host:15002"


@dataclass(frozen=True, slots=True)
class SparkTarget:
    """The `session` to use, or else the `url` of the one to start, with `packages` (Maven coordinates) beside
    those that the store needs, and Spark's own settings in `conf`."""

    url: str = LOCAL
    session: Any = None
    packages: tuple[str, ...] = ()
    conf: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_connect(self) -> bool:
        """Whether the driver is another process, spoken to by Spark Connect."""
        if self.session is not None:
            return "connect" in type(self.session).__module__.split(".")
        return self.url.startswith("sc://")


def read_target(given: Any) -> SparkTarget:
    """What `open_engine` was given. ConfigError for what is neither a session nor a URL that Spark has."""
    if given is None:
        return SparkTarget()
    if isinstance(given, str):
        return SparkTarget(_check_url(given))
    if isinstance(given, Mapping):
        return _read_mapping(given)
    if hasattr(given, "createDataFrame") and hasattr(given, "sql"):
        return SparkTarget(session=given)
    raise ConfigError(
        f"Spark is given as a SparkSession or a URL ({_EXAMPLES}), not as {type(given).__name__}."
    )


def _read_mapping(given: Mapping[str, Any]) -> SparkTarget:
    unknown = [str(key) for key in given if key not in _KEYS]
    if unknown:
        raise ConfigError(f"Spark's settings are {', '.join(_KEYS)}, not {', '.join(unknown)}.")
    packages = given.get("packages", ())
    packages = tuple(packages.split(",") if isinstance(packages, str) else map(str, packages))
    conf = given.get("conf", {})
    if not isinstance(conf, Mapping):
        raise ConfigError('Spark\'s conf is a table, such as {"spark.executor.memory" = "4g"}.')
    told = {str(key): _spell(value) for key, value in conf.items()}
    return SparkTarget(_check_url(str(given.get("url", LOCAL))), None, packages, told)


def _spell(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check_url(url: str) -> str:
    if not _URL.fullmatch(url):
        raise ConfigError(
            f"Not a URL of Spark: {url!r}. Write {_EXAMPLES}; of any other cluster start the session "
            "yourself, and give that: engines={'spark': session}."
        )
    return url
