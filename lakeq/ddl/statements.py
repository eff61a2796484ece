"""Ddl: the statements for one engine, and what is to be known of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from lakeq.texts import show_line

MOST_PARTITIONS = 100
"""So many partitions are added by one statement: Redshift takes no more, nor does Glue in one request."""
_MOST_BYTES = 200_000
"""Athena takes statements of up to 262,144 bytes."""


@dataclass(frozen=True, slots=True)
class Ddl:
    """Statements that make an engine see a table as lakeq does, in the order to run them.

    `notes` say what must be set for them, and what the engine sees otherwise. As a text: the notes as
    comments, then the statements, each ended by `;`.
    """

    dialect: str
    statements: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values: for engines that take one statement at a time."""
        return {"dialect": self.dialect, "notes": list(self.notes), "statements": list(self.statements)}

    def __str__(self) -> str:
        notes = "".join(f"-- {show_line(note)}\n" for note in self.notes)
        return notes + "\n\n".join(f"{statement};" for statement in self.statements) + "\n"


def list_lines(items: Iterable[str]) -> str:
    """Items in parentheses, one a line."""
    return "(\n" + ",\n".join(f"  {item}" for item in items) + "\n)"


def batch_clauses(head: str, clauses: Sequence[str]) -> list[str]:
    """Statements of `head` and at most MOST_PARTITIONS of the clauses, one a line."""
    batches: list[list[str]] = [[]]
    size = 0
    for clause in clauses:
        length = len(clause.encode()) + 3
        if batches[-1] and (len(batches[-1]) == MOST_PARTITIONS or size + length > _MOST_BYTES):
            batches.append([])
            size = 0
        batches[-1].append(clause)
        size += length
    return ["\n  ".join([head, *batch]) for batch in batches if batch]
