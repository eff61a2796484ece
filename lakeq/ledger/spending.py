"""What the queries of a lake have used of a day so far: their estimates, until it is known what they read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from lakeq.ledger.entries import DONE, REFUSED, Begun, Ended, Entry, TableShare
from lakeq.ledger.journal import DayFile
from lakeq.planner.budget import NOTHING_SPENT, Spent


def count_query(begun: Begun, ended: Ended | None) -> Spent:
    """What a query counts with. One that did not run to its end may have read all that it wanted to: it
    counts with its estimate, or with what is known that it read where that is more."""
    if ended is not None and ended.outcome == REFUSED:
        return NOTHING_SPENT
    estimated = Spent(begun.bytes or 0, begun.cost or Decimal(0))
    if ended is None or ended.scanned is None or ended.cost is None:
        return estimated
    if ended.outcome == DONE:
        return Spent(ended.scanned, ended.cost)
    return Spent(max(ended.scanned, estimated.bytes), max(ended.cost, estimated.cost))


def share_bytes(tables: Sequence[TableShare], size: int) -> tuple[int, ...]:
    """`size` bytes divided as the estimate was among its tables; evenly, where that was nothing."""
    weights = [table.bytes for table in tables]
    total = sum(weights)
    if not total:
        weights, total = [1] * len(tables), len(tables)
    return tuple(size * weight // total for weight in weights)


class Spending:
    """The sums of one lake and one day, for each table and for all, as far as its entries were read."""

    def __init__(self, lake: str, day: dt.date) -> None:
        self._lake = lake
        self.day = day
        self._read_to = 0
        self._running: dict[str, Begun] = {}
        self._sums: dict[str | None, Spent] = {}

    def follow(self, file: DayFile) -> None:
        """Take in what was written since the last look."""
        if file.size < self._read_to:  # somebody has removed the file, or emptied it
            self._read_to = 0
            self._running.clear()
            self._sums.clear()
        entries, self._read_to = file.read_from(self._read_to)
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Count a query that begins; of one that ends, what it read instead."""
        if isinstance(entry, Begun):
            if entry.lake == self._lake:
                self._running[entry.id] = entry
                self._count(entry, NOTHING_SPENT, count_query(entry, None))
        elif (begun := self._running.pop(entry.id, None)) is not None:
            self._count(begun, count_query(begun, None), count_query(begun, entry))

    def used(self, table: str | None = None) -> Spent:
        """What was used of a table (any case), or of all."""
        return self._sums.get(None if table is None else table.casefold(), NOTHING_SPENT)

    def _count(self, begun: Begun, before: Spent, now: Spent) -> None:
        self._add(None, before, now)
        shares = zip(begun.tables, divide(begun, before), divide(begun, now), strict=True)
        for table, old, new in shares:
            self._add(table.name.casefold(), old, new)

    def _add(self, name: str | None, before: Spent, now: Spent) -> None:
        total = self._sums.get(name, NOTHING_SPENT)
        self._sums[name] = Spent(total.bytes - before.bytes + now.bytes, total.cost - before.cost + now.cost)


def divide(begun: Begun, spent: Spent) -> list[Spent]:
    """What a query used, among its tables: the dollars as the bytes."""
    shares = share_bytes(begun.tables, spent.bytes)
    total = sum(shares)
    return [Spent(n, spent.cost * n / total if total else spent.cost / len(shares)) for n in shares]
