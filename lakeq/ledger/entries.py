"""What is written of a query: an entry when it begins to read, another when it ends. A line of JSON each.

Readers join them by id. A query that was killed has no second entry, so it still counts with its estimate.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from decimal import Decimal, InvalidOperation
from typing import Any

VERSION = 1
RUNNING, DONE, FAILED, CANCELLED = "running", "done", "failed", "cancelled"
STOPPED, REFUSED = "stopped", "refused"


@dataclass(frozen=True, slots=True)
class TableShare:
    """What a query was estimated to scan of one table."""

    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Begun:
    """A query that begins to read, or one that was not let: then its end is there at once.

    `low` and `high` bracket the bytes that it is estimated to scan. All of the estimate is None where there
    was none. `moment` is in UTC, `cost` in dollars.
    """

    id: str
    moment: dt.datetime
    user: str
    lake: str
    sql: str
    tables: tuple[TableShare, ...] = ()
    bytes: int | None = None
    low: int | None = None
    high: int | None = None
    cost: Decimal | None = None
    accuracy: str | None = None
    pricing: str | None = None
    engine: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a query ended. `scanned` is None where it is not known: unless it was read to its end.

    Bytes are as in QueryStats; `cost` is what the bytes scanned cost by the pricing of the estimate.
    """

    id: str
    moment: dt.datetime
    outcome: str
    scanned: int | None = None
    cost: Decimal | None = None
    transferred: int | None = None
    cached: int | None = None
    requests: int | None = None
    seconds: float | None = None
    rows: int | None = None
    error: str | None = None


Entry = Begun | Ended


@dataclass(frozen=True, slots=True)
class QueryEntry:
    """A query, and how it ended: None while it runs, or when it was killed."""

    begun: Begun
    ended: Ended | None

    @property
    def outcome(self) -> str:
        """One of `running`, `done`, `failed`, `cancelled`, `stopped`, `refused`."""
        return RUNNING if self.ended is None else self.ended.outcome


_KINDS: Mapping[str, type[Begun] | type[Ended]] = {"begin": Begun, "end": Ended}
_FIELDS = {kind: frozenset(field.name for field in fields(kind)) for kind in (Begun, Ended)}


def write_entry(entry: Entry) -> bytes:
    """The entry as one line."""
    event = "begin" if isinstance(entry, Begun) else "end"
    told = {name: value for name, value in asdict(entry).items() if value is not None}
    line = json.dumps({"v": VERSION, "event": event, **told}, default=_to_json, ensure_ascii=False)
    return line.encode("utf-8", "backslashreplace") + b"\n"


def read_entries(lines: Iterable[bytes]) -> Iterator[Entry]:
    """The entries of these lines. A line that is none is passed over: a process was killed, or the disk was
    full, before it was written whole, and so before its query began. Of entries of other versions what is
    known here is taken."""
    for line in lines:
        try:
            entry = _read_entry(json.loads(line))
        except (ValueError, TypeError, KeyError, AttributeError, InvalidOperation):
            continue
        if entry is not None:
            yield entry


def join_entries(entries: Sequence[Entry]) -> Iterator[QueryEntry]:
    """The queries of one day's entries, in the order in which they began."""
    ends = {entry.id: entry for entry in entries if isinstance(entry, Ended)}
    for entry in entries:
        if isinstance(entry, Begun):
            yield QueryEntry(entry, ends.get(entry.id))


def _read_entry(content: dict[str, Any]) -> Entry | None:
    kind = _KINDS.get(content["event"])
    if kind is None:
        return None
    known = _FIELDS[kind]
    told = {name: value for name, value in content.items() if name in known}
    told["moment"] = dt.datetime.fromisoformat(told["moment"])
    if told["moment"].tzinfo is None:
        return None
    if told.get("cost") is not None:
        told["cost"] = Decimal(told["cost"])
    if "tables" in told:
        told["tables"] = tuple(TableShare(str(t["name"]), int(t["bytes"])) for t in told["tables"])
    return kind(**told)


def _to_json(value: Any) -> str:
    return value.isoformat() if isinstance(value, dt.datetime) else format(value, "f")
