"""What reading bytes costs. Money is Decimal; a Pricing is data.

Prices are those of us-east-1 and of Google's US regions; docs/cost.md says where they are from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from lakeq.errors import ConfigError
from lakeq.quantities import parse_dollars
from lakeq.settings import find_setting

MEGABYTE, TERABYTE = 1024**2, 1024**4


@dataclass(frozen=True, slots=True)
class Pricing:
    """A price for scanned bytes: dollars a terabyte, billed in whole megabytes with a minimum for a query and
    one for each table in it. `shares_ctes`: a CTE that is used twice is read once."""

    name: str
    dollars_per_terabyte: Decimal
    terabyte: int = TERABYTE
    megabyte: int = MEGABYTE
    minimum_megabytes: int = 10
    minimum_megabytes_a_table: int = 0
    shares_ctes: bool = True

    def billed_bytes(self, *scanned: int) -> int:
        """The bytes that a query pays for which scans so many of each of its tables."""
        if self.minimum_megabytes_a_table:
            megabytes = sum(max(-(-n // self.megabyte), self.minimum_megabytes_a_table) for n in scanned)
        else:
            megabytes = -(-sum(scanned) // self.megabyte)
        return max(megabytes, self.minimum_megabytes) * self.megabyte

    def cost(self, *scanned: int) -> Decimal:
        """Dollars for one query that scans so many bytes of each of its tables."""
        return self.dollars_per_terabyte * self.billed_bytes(*scanned) / self.terabyte

    def affordable_bytes(self, dollars: Decimal) -> int | None:
        """The most bytes that may be scanned for so much; None where they cost nothing."""
        if not self.dollars_per_terabyte:
            return None
        bytes_paid = int(dollars * self.terabyte / self.dollars_per_terabyte)
        return bytes_paid // self.megabyte * self.megabyte


ATHENA = Pricing("athena", Decimal(5), shares_ctes=False)
"""Amazon Athena: $5 a TB, "rounded up to the nearest megabyte, with a 10 MB minimum per query" (AWS
whitepaper "Big Data Analytics Options"). AWS does not say which TB: binary here, as S3 meters. Its engine,
Trino, puts the text of a CTE wherever it is used."""

ATHENA_DECIMAL = Pricing("athena-decimal", Decimal(5), terabyte=10**12, megabyte=10**6, shares_ctes=False)
"""The same rule with 1 TB = 10^12 bytes."""

REDSHIFT_SPECTRUM = Pricing("redshift-spectrum", Decimal(5))
"""Amazon Redshift Spectrum: $5 a TB, "rounded up to the next megabyte, with a minimum of 10 MB per query"."""

BIGQUERY = Pricing("bigquery", Decimal("6.25"), minimum_megabytes_a_table=10)
"""BigQuery on demand: $6.25 a TiB, at least 10 MB for each table and for each query."""

NONE = Pricing("none", Decimal(0), minimum_megabytes=0)
"""No price: an engine of one's own."""

PRICINGS = {p.name: p for p in (ATHENA, ATHENA_DECIMAL, REDSHIFT_SPECTRUM, BIGQUERY, NONE)}


def find_pricing(pricing: str | Pricing | None = None, settings: Mapping[str, Any] | None = None) -> Pricing:
    """The Pricing of this name, else of the settings' `model`, else of LAKEQ_PRICING, else Athena's. The
    settings' `dollars_per_terabyte` (another region, a discount) is the price of their model. ConfigError for
    what is none."""
    settings = settings or {}
    model, price = settings.get("model", ATHENA.name), settings.get("dollars_per_terabyte")
    if isinstance(pricing, Pricing):
        return pricing
    chosen = find_setting("pricing", pricing, settings, "model").parse(_find_named) or ATHENA
    if price is None or chosen.name != model:
        return chosen
    return replace(chosen, dollars_per_terabyte=parse_dollars(str(price)))


def _find_named(name: str) -> Pricing:
    if name not in PRICINGS:
        raise ConfigError(f"No pricing called {name!r}. There are: {', '.join(PRICINGS)}")
    return PRICINGS[name]
