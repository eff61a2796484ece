"""What S3 asks for a query's requests and bytes, line by line. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lakeq.planner.requests import ClassReads
from lakeq.planner.storage_prices import GIGABYTE, StoragePrices

LIST, HEAD, GET, RETRIEVAL, EGRESS = "LIST", "HEAD", "GET", "retrieval", "egress"


@dataclass(frozen=True, slots=True)
class CostLine:
    """One line of a bill: `quantity` requests or bytes of a storage class (None: of any, or unknown).

    `is_exact` is False where the requests depend on what the engine skips: then it is the expected figure.
    """

    name: str
    storage_class: str | None
    quantity: int
    unit: str
    usd: Decimal
    is_exact: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The line as plain JSON values."""
        return {
            "name": self.name,
            "storage_class": self.storage_class,
            "quantity": self.quantity,
            "unit": self.unit,
            "usd": float(self.usd),
            "exact": self.is_exact,
        }


@dataclass(frozen=True, slots=True)
class StorageCost:
    """The lines of S3's bill for one query."""

    lines: tuple[CostLine, ...] = ()

    @property
    def usd(self) -> Decimal:
        """Dollars for requests and retrieval."""
        return sum((line.usd for line in self.lines if line.name != EGRESS), Decimal(0))

    @property
    def egress_usd(self) -> Decimal:
        """Dollars for bytes that leave the region."""
        return sum((line.usd for line in self.lines if line.name == EGRESS), Decimal(0))

    def count(self, name: str) -> int:
        """The quantity of all lines of this name."""
        return sum(line.quantity for line in self.lines if line.name == name)


def price_reads(reads: Sequence[ClassReads], asked: Mapping[str, int], prices: StoragePrices) -> StorageCost:
    """The bill for these reads, and for the `list` and `head` requests that planning has `asked`. A class
    without a price for retrieval has no line for that."""
    return StorageCost(tuple(_price_lines(reads, asked, prices)))


def _price_lines(
    reads: Sequence[ClassReads], asked: Mapping[str, int], prices: StoragePrices
) -> Iterator[CostLine]:
    for name, kind, price in ((LIST, "list", prices.list), (HEAD, "head", prices.of(None).get)):
        if asked.get(kind):
            yield CostLine(name, None, asked[kind], "requests", price * asked[kind] / 1000)
    for read in reads:
        if read.gets:
            price = prices.of(read.storage_class).get * read.gets / 1000
            yield CostLine(GET, read.storage_class, read.gets, "requests", price, read.is_exact)
    for read in reads:
        price = prices.of(read.storage_class).retrieval * read.size / GIGABYTE
        if price:
            yield CostLine(RETRIEVAL, read.storage_class, read.size, "bytes", price, read.is_exact)
    size = sum(read.size for read in reads)
    if prices.egress and size:
        price = prices.egress * size / GIGABYTE
        yield CostLine(EGRESS, None, size, "bytes", price, all(read.is_exact for read in reads))
