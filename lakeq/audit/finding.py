"""Finding: one thing that an audit saw, why it matters, and what to do about it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["risk", "note", "ok", "unknown"]


@dataclass(frozen=True, slots=True)
class DueFiles:
    """The files of a table that a lifecycle rule will act on at the beginning of a `day` (UTC): how many,
    their stored bytes, and the partitions that they are of, as paths name them."""

    day: dt.date
    files: int
    bytes: int
    partitions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found by the check `id`. `what` is a sentence; `why` and `remedy` are empty where there is
    nothing to do.

    `severity`: `risk` is to be acted on, `note` to be known, `ok` is as it should be, and of `unknown` the
    store did not tell; `action` is then the right of IAM that asking takes. `table` and `due` are set by
    lifecycle rules that concern a table.
    """

    id: str
    severity: Severity
    what: str
    why: str = ""
    remedy: str = ""
    action: str | None = None
    table: str | None = None
    due: tuple[DueFiles, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The finding as plain JSON values."""
        return {
            "id": self.id,
            "severity": self.severity,
            "what": self.what,
            "why": self.why,
            "remedy": self.remedy,
            "action": self.action,
            "table": self.table,
            "due": [
                {
                    "day": due.day.isoformat(),
                    "files": due.files,
                    "bytes": due.bytes,
                    "partitions": list(due.partitions),
                }
                for due in self.due
            ],
        }
