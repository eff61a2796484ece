"""What Harlequin is told of lakeq: its options, and how lakes are opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harlequin import HarlequinAdapter
from harlequin.exception import HarlequinConfigError, HarlequinConnectionError
from harlequin.options import FlagOption, HarlequinAdapterOption, SelectOption, TextOption

import lakeq
from lakeq.errors import ConfigError, LakeqError
from lakeq.quantities import parse_bytes, parse_dollars

if TYPE_CHECKING:
    from lakeq.harlequin_adapter.connection import LakeqConnection

OPTIONS: list[HarlequinAdapterOption] = [
    TextOption("max-cost", "Refuse to run a query that costs more dollars: 0.50"),
    TextOption("max-bytes", "Refuse to run a query that scans more: 10GB"),
    TextOption("pricing", "Whose price: athena (the default), bigquery, none, …"),
    TextOption(
        "freshness",
        "How old a listing may be: always (list anew, the default), index (never list), 15m, 2h, …",
    ),
    SelectOption(
        "archived",
        "Refuse a query that wants archived files (error, the default), or leave them out (skip).",
        choices=["error", "skip"],
    ),
    TextOption("aws-profile", "A profile of the AWS configuration."),
    TextOption("region", "The region of the bucket."),
    TextOption("endpoint-url", "An S3 server other than AWS."),
    FlagOption("anonymous", "Send no credentials."),
    FlagOption("requester-pays", "Pay for the requests yourself."),
]

_NAMES = {
    **{name: name for name in ("pricing", "freshness", "archived", "region", "endpoint_url")},
    **{name: name for name in ("anonymous", "requester_pays")},
    "aws_profile": "profile",
}
"""Options of lakes, by Harlequin's name: there `--profile` is a profile of Harlequin's own."""


class LakeqAdapter(HarlequinAdapter):
    """Opens one or more lakes; each argument is what `lakeq.connect` takes as location."""

    ADAPTER_OPTIONS = OPTIONS
    IMPLEMENTS_CANCEL = True
    IMPLEMENTS_READ_ONLY = True
    ADAPTER_DETAILS = "lakeq only reads. `EXPLAIN SELECT …` tells what a query would read and cost."

    def __init__(self, conn_str: Sequence[str], read_only: bool = False, **options: Any) -> None:
        """HarlequinConfigError without a lake, or for a limit that is none. Other adapters' options are
        passed over."""
        self._locations = tuple(location for location in conn_str if location)
        if not self._locations:
            raise HarlequinConfigError("Name a lake: harlequin -a lakeq s3://bucket/data", _TITLE)
        self._max_bytes = _parse(parse_bytes, options.get("max_bytes"))
        self._max_cost = _parse(parse_dollars, options.get("max_cost"))
        self._options = {ours: options[name] for name, ours in _NAMES.items() if options.get(name)}

    @property
    def connection_id(self) -> str:
        """The locations, folders in full."""
        return ",".join(
            location if "://" in location else str(Path(location).resolve()) for location in self._locations
        )

    def connect(self) -> LakeqConnection:
        """Each lake opened, nothing listed yet. HarlequinConnectionError when one cannot be."""
        # Harlequin imports every adapter at its start, whichever it then uses.
        from lakeq.harlequin_adapter.connection import LakeqConnection

        with ExitStack() as opened:
            try:
                lakes = [
                    opened.enter_context(lakeq.connect(location, **self._options))
                    for location in self._locations
                ]
            except LakeqError as error:
                raise HarlequinConnectionError(str(error), "lakeq could not open the lake.") from error
            opened.pop_all()
        return LakeqConnection(lakes, self._max_bytes, self._max_cost)


_TITLE = "lakeq cannot be started like this."


def _parse(parse: Callable[[str], Any], value: object) -> Any:
    try:
        return None if value is None or value == "" else parse(str(value))
    except ConfigError as error:
        raise HarlequinConfigError(str(error), _TITLE) from error
