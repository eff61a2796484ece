"""What reading bytes costs. Money is Decimal; a Pricing is data."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

MEGABYTE, TERABYTE = 1024**2, 1024**4


@dataclass(frozen=True, slots=True)
class Pricing:
    """A price for scanned bytes: dollars a terabyte, billed in whole megabytes with a minimum a query."""

    name: str
    dollars_per_terabyte: Decimal
    terabyte: int = TERABYTE
    megabyte: int = MEGABYTE
    minimum_megabytes: int = 10

    def billed_bytes(self, bytes_scanned: int) -> int:
        """`bytes_scanned` rounded up to the next megabyte, and at least the minimum."""
        megabytes = -(-bytes_scanned // self.megabyte)
        return max(megabytes, self.minimum_megabytes) * self.megabyte

    def cost(self, bytes_scanned: int) -> Decimal:
        """Dollars for one query that scans so many bytes."""
        return self.dollars_per_terabyte * self.billed_bytes(bytes_scanned) / self.terabyte


ATHENA = Pricing("athena", Decimal(5))
"""Amazon Athena: $5 a TB, "rounded up to the nearest megabyte, with a 10 MB minimum per query" (AWS
whitepaper
"Big Data Analytics Options"). AWS does not say which TB: binary here, as S3 meters."""

ATHENA_DECIMAL = Pricing("athena-decimal", Decimal(5), terabyte=10**12, megabyte=10**6)
"""The same rule with 1 TB = 10^12 bytes."""

PRICINGS = {pricing.name: pricing for pricing in (ATHENA, ATHENA_DECIMAL)}
