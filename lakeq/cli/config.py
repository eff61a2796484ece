"""`lakeq config`: each setting in force, and where it comes from. Secrets are never shown."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lakeq.cache import find_block_limit, find_cache_folder
from lakeq.catalog.definitions import LakeDefinition, load_definition
from lakeq.catalog.freshness import find_freshness
from lakeq.cli.pager import DEFAULT_PAGER, paged
from lakeq.cli.printing import print_json
from lakeq.cli.render import draw_table, make_console
from lakeq.cli.values import connect_options
from lakeq.engines.limits import find_run_limits
from lakeq.engines.names import find_engine, find_engine_settings
from lakeq.formats.parquet_keys import find_parquet_keys
from lakeq.ledger.journal import KEEP_DAYS, find_history_folder
from lakeq.ledger.ledger import check_keep_days, find_history, strip_secrets
from lakeq.planner.archived import find_archived
from lakeq.planner.budget import AskAbove, find_ask_above, find_limits, find_max_footers
from lakeq.planner.dialects.names import find_dialect
from lakeq.planner.pricing import ATHENA, find_pricing
from lakeq.planner.storage_prices import find_storage_prices
from lakeq.quantities import format_bytes, format_dollars, parse_bytes, parse_dollars
from lakeq.settings import ARGUMENT, DECLARED, VARIABLES, Found, find_pager, find_setting, find_unknown
from lakeq.storage.options import SECRET_OPTIONS, StorageOptions, parse_options

_STORAGE_VARIABLES = {
    "endpoint_url": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    "region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "profile": ("AWS_DEFAULT_PROFILE", "AWS_PROFILE"),
    "key": ("AWS_ACCESS_KEY_ID",),
    "secret": ("AWS_SECRET_ACCESS_KEY",),
    "token": ("AWS_SESSION_TOKEN",),
    "sse_customer_key": ("AWS_SSE_CUSTOMER_KEY_BASE64",),
}
"""What `storage` reads of the environment of AWS, in its order."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting in force: its name as in a `lakeq.toml`, its value as plain JSON, how that is written for
    people, and where it comes from."""

    name: str
    value: Any
    text: str
    source: str


def show_config(arguments: Namespace) -> None:
    """`lakeq config [LAKE]`. ConfigError for a value that no query would take."""
    definition = _find_definition(arguments.lake)
    options = connect_options(arguments)
    settings = [
        *_find_lake(definition, options, arguments),
        *_find_limits(definition, arguments),
        *_find_prices(definition, options),
        *_find_kept(definition, options),
        *_find_storage(definition, options),
    ]
    for name in find_unknown():
        near = get_close_matches(name, VARIABLES, n=1, cutoff=0.5)
        hint = f" Did you mean {near[0]}?" if near else ""
        sys.stderr.write(f"lakeq: note: {name} sets nothing.{hint}\n")
    if arguments.json:
        print_json([{"name": s.name, "value": s.value, "source": s.source} for s in settings])
        return
    with paged(arguments.no_pager):
        rows = [(s.name, s.text, s.source) for s in settings]
        draw_table(make_console(), ("setting", "value", "from"), rows)


def _find_definition(lake: str | None) -> LakeDefinition | None:
    if lake is None:
        return None
    if lake.endswith(".toml") and "://" not in lake:
        return load_definition(Path(lake))
    return LakeDefinition(location=lake)


def _set(name: str, found: Found, value: Any, text: str | None = None) -> Setting:
    if isinstance(value, str):
        value = strip_secrets(value)
    if text is None:
        text = "none" if value is None else str(value)
    return Setting(name, value, text, found.source)


def _set_bytes(name: str, found: Found, size: int | None) -> Setting:
    return _set(name, found, size) if size is None else _set(name, found, size, format_bytes(size))


def _set_dollars(name: str, found: Found, usd: Decimal | None) -> Setting:
    return _set(name, found, None) if usd is None else _set(name, found, float(usd), format_dollars(usd))


def _find_lake(
    definition: LakeDefinition | None, options: Mapping[str, Any], arguments: Namespace
) -> Iterator[Setting]:
    known = definition or LakeDefinition("")
    if definition is not None:
        source = ARGUMENT if definition.location == arguments.lake else DECLARED
        yield _set("location", Found("location", None, source), definition.location)
    dialect = find_setting("dialect", arguments.dialect, {"dialect": known.dialect})
    yield _set("dialect", dialect, find_dialect(arguments.dialect, known.dialect))
    engines = find_engine_settings(arguments.engine, None, known.engine, known.engines)
    yield _set("engine", find_engine(arguments.engine, known.engine), engines.name)
    for name in engines.targets:
        yield _set(f"engines.{name}", Found(name, None, DECLARED), "set")
    above = find_setting("auto_above", None, known.engines, variables=())
    yield _set_bytes("engines.auto_above", above, engines.auto_above)
    if known.inventory is not None:
        yield _set("inventory", Found("inventory", None, DECLARED), known.inventory)
    archived = options.get("archived")
    found = find_setting("archived", archived, {"archived": known.archived})
    yield _set("archived", found, find_archived(archived or known.archived))
    pager = find_pager("" if arguments.no_pager else None)
    yield _set("pager", pager, DEFAULT_PAGER if pager.value is None else pager.value or "off")


def _find_limits(definition: LakeDefinition | None, arguments: Namespace) -> Iterator[Setting]:
    declared = {} if definition is None else definition.limits
    tables = () if definition is None else definition.tables
    for name, given in (("max_bytes", arguments.max_bytes), ("max_bytes_per_day", None)):
        found = find_setting(name, given, declared)
        yield _set_bytes(f"limits.{name}", found, found.parse(parse_bytes))
    for name, given in (("max_cost", arguments.max_cost), ("max_cost_per_day", None)):
        found = find_setting(name, given, declared)
        yield _set_dollars(f"limits.{name}", found, found.parse(parse_dollars))
    footers = find_setting("max_footers", None, declared)
    yield _set("limits.max_footers", footers, find_max_footers(None, declared))
    run = find_run_limits(declared)
    for name, number in (
        ("threads", run.threads),
        ("time_limit", run.time_limit),
        ("row_limit", run.row_limit),
    ):
        yield _set(f"limits.{name}", find_setting(name, None, declared), number)
    for name, size in (("memory_limit", run.memory_limit), ("temp_limit", run.temp_limit)):
        yield _set_bytes(f"limits.{name}", find_setting(name, None, declared), size)
    yield _set_ask_above(find_setting("ask_above", None, declared), find_ask_above(declared))
    for day in find_limits(arguments.max_bytes, arguments.max_cost, declared, tables).days:
        where = Found(f"tables.{day.table}", None, DECLARED)
        if day.table is not None and day.max_bytes is not None:
            yield _set_bytes(f"{where.name}.max_bytes_per_day", where, day.max_bytes)
        if day.table is not None and day.max_cost is not None:
            yield _set_dollars(f"{where.name}.max_cost_per_day", where, day.max_cost)


def _set_ask_above(found: Found, asks: AskAbove) -> Setting:
    name = "limits.ask_above"
    if asks.usd is not None:
        text = format_dollars(asks.usd)
        return _set(name, found, text, text)
    return _set(name, found, "off") if asks.bytes is None else _set_bytes(name, found, asks.bytes)


def _find_prices(definition: LakeDefinition | None, options: Mapping[str, Any]) -> Iterator[Setting]:
    declared = {} if definition is None else definition.pricing
    given, egress = options.get("pricing"), options.get("egress")
    pricing = find_pricing(given, declared)
    prices = find_storage_prices(declared, egress)
    chosen = find_setting("pricing", given, declared, "model")
    yield _set("pricing.model", chosen, pricing.name)
    is_declared = "dollars_per_terabyte" in declared and pricing.name == declared.get("model", ATHENA.name)
    dollars = Found("dollars_per_terabyte", None, DECLARED) if is_declared else chosen
    yield _set_dollars("pricing.dollars_per_terabyte", dollars, pricing.dollars_per_terabyte)
    yield _set_dollars("pricing.egress", find_setting("egress", egress, declared), prices.egress)
    requests = find_setting("list", None, declared.get("requests"), variables=())
    yield _set_dollars("pricing.requests.list", requests, prices.list)
    for name, changed in declared.get("storage", {}).items():
        for key in changed:
            yield _set(f"pricing.storage.{name}.{key}", Found(key, None, DECLARED), changed[key])


def _find_kept(definition: LakeDefinition | None, options: Mapping[str, Any]) -> Iterator[Setting]:
    declared = {} if definition is None else definition.history
    history = find_history(None, declared)
    yield _set("history", history, history.value or "on")
    days = find_setting("keep_days", None, declared, variables=())
    yield _set("history.keep_days", days, check_keep_days(declared.get("keep_days", KEEP_DAYS)))
    yield _set("data_dir", find_setting("data_dir"), str(find_history_folder().parent))
    folder, cache = options.get("cache_dir"), options.get("cache")
    yield _set("cache_dir", find_setting("cache_dir", folder), str(find_cache_folder(folder)))
    yield _set_bytes("cache", find_setting("cache", cache), find_block_limit(cache))
    fresh = find_setting("freshness", options.get("freshness"))
    find_freshness(fresh.value if fresh.source == ARGUMENT else None)  # refuses what is none
    yield _set("freshness", fresh, fresh.value or "always")


def _find_storage(definition: LakeDefinition | None, options: Mapping[str, Any]) -> Iterator[Setting]:
    declared = {} if definition is None else definition.storage
    names = StorageOptions.__slots__
    given = {name: options[name] for name in names if name in options}
    parsed = parse_options({**declared, **given})
    for name in names:
        found = find_setting(name, given.get(name), declared, variables=_STORAGE_VARIABLES.get(name, ()))
        value = getattr(parsed, name) if found.value is None else found.value
        is_secret = name in SECRET_OPTIONS and value is not None
        yield _set(f"storage.{name}", found, "set" if is_secret else value)
    variables = {} if definition is None else definition.parquet_keys
    find_parquet_keys(None, variables)  # refuses what is none
    keys = find_setting("parquet_keys", None, {"parquet_keys": variables or None})
    yield _set("parquet_keys", keys, None if keys.value is None else "set")
