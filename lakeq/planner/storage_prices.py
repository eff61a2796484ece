"""What S3 itself asks for being read: requests, retrieval and egress. Money is Decimal; prices are data.

Prices are those of us-east-1; docs/cost.md says where they are from. A GB is 2^30 bytes, as S3 meters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from lakeq.errors import ConfigError
from lakeq.quantities import parse_dollars
from lakeq.settings import find_setting
from lakeq.storage.classes import ARCHIVE_TIERS, TIERED, class_name

GIGABYTE = 1024**3
STANDARD = "STANDARD"


@dataclass(frozen=True, slots=True)
class ClassPrice:
    """Dollars for reading one storage class: `get` for 1,000 requests, `retrieval` for a GB read.

    For an archive also `restore` for a GB, `restore_requests` for 1,000 objects, and `restore_hours`, the
    most that a standard restore takes."""

    get: Decimal = Decimal("0.0004")
    retrieval: Decimal = Decimal(0)
    restore: Decimal = Decimal(0)
    restore_requests: Decimal = Decimal(0)
    restore_hours: int = 0


@dataclass(frozen=True, slots=True)
class StoragePrices:
    """The prices of one region: `list` for 1,000 LIST requests, `classes` by the name of a storage class (of
    archive tiers: by theirs), `egress` for a GB that leaves the region (0: nothing does)."""

    classes: Mapping[str, ClassPrice]
    list: Decimal = Decimal("0.005")
    egress: Decimal = Decimal(0)

    def of(self, storage_class: str | None) -> ClassPrice:
        """The price of a class; an unknown one's is that of STANDARD, as is a restored copy's."""
        states = (storage_class or "").split(" ")[1:]
        tier = next((state for state in states if state in ARCHIVE_TIERS), None)
        name = tier or class_name(storage_class)
        return self.classes.get(name or STANDARD, self.classes[STANDARD])


S3_PRICES = StoragePrices(
    {
        STANDARD: ClassPrice(),
        "REDUCED_REDUNDANCY": ClassPrice(),
        TIERED: ClassPrice(),
        "STANDARD_IA": ClassPrice(get=Decimal("0.001"), retrieval=Decimal("0.01")),
        "ONEZONE_IA": ClassPrice(get=Decimal("0.001"), retrieval=Decimal("0.01")),
        "GLACIER_IR": ClassPrice(get=Decimal("0.01"), retrieval=Decimal("0.03")),
        "EXPRESS_ONEZONE": ClassPrice(get=Decimal("0.00003"), retrieval=Decimal("0.0006")),
        "GLACIER": ClassPrice(restore=Decimal("0.01"), restore_requests=Decimal("0.05"), restore_hours=5),
        "DEEP_ARCHIVE": ClassPrice(
            restore=Decimal("0.02"), restore_requests=Decimal("0.10"), restore_hours=12
        ),
        "ARCHIVE_ACCESS": ClassPrice(restore_hours=5),
        "DEEP_ARCHIVE_ACCESS": ClassPrice(restore_hours=12),
    }
)
"""S3 in us-east-1. Of GLACIER's 1,000 restore requests AWS names $0.03 and $0.05: the dearer is taken."""

INTERNET_EGRESS = Decimal("0.09")
"""Dollars a GB to the internet, the first 10 TB of a month, whose first 100 GB are free."""
_SETTINGS = tuple(field.name for field in fields(ClassPrice))


def find_storage_prices(
    settings: Mapping[str, Any] | None = None, egress: str | float | Decimal | None = None
) -> StoragePrices:
    """S3's prices with those of `[pricing]`: `requests.list`, `storage.<CLASS>.<price>` and `egress`, which
    is `"internet"` or dollars a GB, and which the argument replaces; where neither is, that of LAKEQ_EGRESS.
    ConfigError for what is none."""
    settings = settings or {}
    requests = _table(settings, "requests")
    _check_names(requests, ("list",), "[pricing.requests]")
    classes = dict(S3_PRICES.classes)
    for name, given in _table(settings, "storage").items():
        where = f"[pricing.storage.{name}]"
        _check_names([name], classes, "[pricing.storage]")
        if not isinstance(given, Mapping):
            raise ConfigError(f"{where} must be a table of prices.")
        _check_names(given, _SETTINGS, where)
        classes[name] = replace(classes[name], **{key: _read_price(key, given[key]) for key in given})
    return StoragePrices(
        classes,
        _dollars(requests["list"]) if "list" in requests else S3_PRICES.list,
        find_setting("egress", egress, settings).parse(_parse_egress) or Decimal(0),
    )


def _parse_egress(text: str) -> Decimal:
    return INTERNET_EGRESS if text == "internet" else parse_dollars(text)


def _read_price(name: str, value: Any) -> Any:
    if name != "restore_hours":
        return _dollars(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ConfigError(f"restore_hours must be a whole number of hours, not {value!r}.")
    return value


def _dollars(value: Any) -> Decimal:
    return parse_dollars(str(value))


def _table(settings: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = settings.get(key, {})
    if not isinstance(value, Mapping):
        raise ConfigError(f"[pricing.{key}] must be a table of prices.")
    return value


def _check_names(given: Any, known: Any, where: str) -> None:
    for name in given:
        if name not in known:
            near = get_close_matches(name, list(known), n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]!r}?" if near else f"Known are: {', '.join(known)}."
            raise ConfigError(f"Unknown setting {name!r} in {where}. {hint}")
