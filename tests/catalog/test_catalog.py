"""A question about a remote lake lists what it needs, as fresh as it is to be, and remembers it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from lakeq.catalog import lake_stores, lake_tables, prefixes
from lakeq.catalog.catalog import Catalog
from lakeq.catalog.definitions import LakeDefinition, define_table
from lakeq.catalog.freshness import Freshness, parse_freshness
from lakeq.errors import CatalogError, ConfigError, TableNotFoundError
from lakeq.planner.bind import bind_query
from lakeq.planner.build import PlanSettings, build_plan
from lakeq.planner.metadata import metadata_rows
from lakeq.planner.scan import TableScan
from tests.catalog.memory_store import ROWS, PrefixMemoryStore

DAYS = [
    f"events/year={y}/month={m:02d}/day={d:02d}/part-0.csv"
    for y in (2025, 2026)
    for m in range(1, 13)
    for d in range(1, 29)
]
ONE_DAY = "SELECT price FROM events WHERE year = 2026 AND month = 3 AND day = 9"


class World:
    """A lake in memory, and catalogs of it that share a folder and a clock."""

    def __init__(self, objects: Mapping[str, bytes], folder: Path, page: int = 100) -> None:
        self.store = PrefixMemoryStore(objects, page=page)
        self.folder = folder
        self.now = 1000.0

    def catalog(self, seconds: float | None = 0.0, *tables: object) -> Catalog:
        definition = LakeDefinition(self.store.root, tables)  # type: ignore[arg-type]
        return Catalog(definition, Freshness(seconds), self.folder, clock=lambda: self.now)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(dict.fromkeys(DAYS, ROWS), tmp_path)
    monkeypatch.setattr(lake_stores, "open_store", lambda location, **_: made.store)
    for module in (lake_tables, prefixes):
        monkeypatch.setattr(module, "PAGE_OBJECTS", 100)
    return made


def scan(catalog: Catalog, sql: str = ONE_DAY) -> TableScan:
    view = catalog.view()
    for _ in range(4):
        bound = bind_query(sql, None, view.names(), view.table, {}, dt.datetime.now(dt.UTC))
        plan = build_plan(bound, None, view, {}, partial(metadata_rows, catalog=view), PlanSettings())
        if plan is not None:
            return plan.scans[0]
    raise AssertionError("the schema kept changing")


def paths(found: TableScan) -> list[str]:
    return list(found.files.to_table().column("path").to_pylist())


def test_a_cold_question_lists_levels_not_the_table(world: World) -> None:
    found = scan(world.catalog())
    assert paths(found) == ["events/year=2026/month=03/day=09/part-0.csv"]
    assert world.store.lists <= 8
    assert found.table.files_total is None and found.table.partitions_total is None


def test_a_known_catalog_lists_the_levels_in_one_round(world: World) -> None:
    catalog = world.catalog()
    scan(catalog)
    catalog.close()
    world.store.lists = 0
    world.now += 10
    assert paths(scan(world.catalog())) == ["events/year=2026/month=03/day=09/part-0.csv"]
    assert world.store.lists <= 4


def test_index_freshness_lists_nothing_and_tells_the_age(world: World) -> None:
    catalog = world.catalog()
    scan(catalog)
    catalog.close()
    world.store.lists = 0
    world.now += 500
    found = scan(world.catalog(None))
    assert (world.store.lists, found.table.listed_at) == (0, 1000.0)


def test_index_freshness_refuses_what_was_never_listed(world: World) -> None:
    with pytest.raises(CatalogError, match="lakeq refresh"):
        scan(world.catalog(None))
    catalog = world.catalog()
    scan(catalog)
    catalog.close()
    with pytest.raises(CatalogError, match=r"year=2025.*lakeq refresh"):
        scan(world.catalog(None), "SELECT price FROM events WHERE year = 2025 AND month = 1")


def test_a_duration_lists_again_once_it_is_over(world: World) -> None:
    catalog = world.catalog(60.0)
    scan(catalog)
    world.store.lists = 0
    world.now += 59
    scan(catalog)
    assert world.store.lists == 0
    world.now += 2
    scan(catalog)
    assert world.store.lists > 0


def test_a_file_that_came_to_a_kept_prefix_is_in_the_next_answer(world: World) -> None:
    catalog = world.catalog()
    scan(catalog)
    world.store.objects["events/year=2026/month=03/day=09/part-1.csv"] = ROWS
    world.now += 1
    assert len(paths(scan(catalog))) == 2


def test_a_new_spelling_of_a_kept_value_is_found(world: World) -> None:
    catalog = world.catalog()
    scan(catalog)
    world.store.objects["events/year=2026/month=3/day=9/part-0.csv"] = ROWS
    world.now += 1
    assert len(paths(scan(catalog))) == 2


def test_a_new_table_is_found_when_it_is_asked_for(world: World) -> None:
    catalog = world.catalog()
    scan(catalog)
    world.store.objects["clicks/year=2026/part-0.csv"] = ROWS
    world.now += 1
    view = catalog.view()
    with pytest.raises(TableNotFoundError):
        view.table("clicks")
    assert view.look_again() and view.table("clicks").name == "clicks"


def test_a_whole_listing_gives_totals_that_later_questions_show(world: World) -> None:
    catalog = world.catalog()
    (change,) = catalog.refresh()
    assert (change.files, change.is_first) == (len(DAYS), True)
    catalog.close()
    found = scan(world.catalog())
    assert (found.table.files_total, found.table.partitions_total) == (len(DAYS), len(DAYS))


def test_a_refresh_tells_what_was_added_removed_and_replaced(world: World) -> None:
    catalog = world.catalog()
    catalog.refresh()
    world.now += 10
    world.store.objects["events/year=2027/month=01/day=01/part-0.csv"] = ROWS
    world.store.objects[DAYS[1]] = ROWS + b"3,4.5\n"
    world.store.objects["events/year=2027/month=01/day=01/_SUCCESS"] = b""
    del world.store.objects[DAYS[0]]
    (change,) = catalog.refresh("events")
    assert not change.is_first
    assert change.added.examples == (
        "events/year=2027/month=01/day=01/_SUCCESS",
        "events/year=2027/month=01/day=01/part-0.csv",
    )
    assert change.removed.examples == (DAYS[0],)
    assert change.replaced.examples == (DAYS[1],)
    assert [ignored.count for ignored in change.ignored] == [1]


def test_a_value_of_another_type_in_a_prefix_listed_later_widens_the_key(world: World) -> None:
    catalog = world.catalog()
    scan(catalog)
    world.store.objects["events/year=2026/month=03/day=last/part-0.csv"] = ROWS
    world.now += 1
    found = scan(catalog, "SELECT day, price FROM events WHERE year = 2026 AND month = 3")
    assert str(found.table.column("day").type) == "string"  # type: ignore[union-attr]
    assert found.files.count == 29


def test_a_column_in_a_file_read_later_is_bound_anew(world: World) -> None:
    catalog = world.catalog()
    scan(catalog)
    world.store.objects["events/year=2026/month=03/day=10/part-0.csv"] = b"id,price,tax\n1,2.5,0.5\n"
    view = catalog.view()
    entry = view.entry("events")
    view.inspect(entry.index.all)
    assert [c.name for c in view.table("events").columns] == ["id", "price", "tax", "year", "month", "day"]


def test_facts_of_files_are_read_once(world: World) -> None:
    catalog = world.catalog()
    scan(catalog)
    catalog.close()
    world.store.opened.clear()
    world.now += 1
    catalog = world.catalog()
    scan(catalog)
    assert world.store.opened == []


def test_a_saved_catalog_that_cannot_be_read_is_nothing_known(world: World) -> None:
    catalog = world.catalog()
    catalog.refresh()
    catalog.close()
    files = [path for path in world.folder.rglob("*") if path.is_file()]
    assert files
    for path in files:
        path.write_bytes(path.read_bytes()[:100] + b"garbage")
    assert paths(scan(world.catalog())) == ["events/year=2026/month=03/day=09/part-0.csv"]


def test_two_catalogs_that_save_at_once_lose_nothing_that_was_listed(world: World) -> None:
    first, second = world.catalog(), world.catalog()
    scan(first)
    scan(second, "SELECT price FROM events WHERE year = 2025 AND month = 1 AND day = 2")
    first.close()
    second.close()
    world.store.lists = 0
    again = world.catalog(None)
    scan(again)
    scan(again, "SELECT price FROM events WHERE year = 2025 AND month = 1 AND day = 2")
    assert world.store.lists == 0


def test_no_secret_and_no_option_is_written(world: World) -> None:
    definition = LakeDefinition(
        world.store.root, storage={"secret": "CANARY", "key": "CANARYKEY", "token": "CANARY"}
    )
    catalog = Catalog(definition, Freshness(0.0), world.folder, clock=lambda: world.now)
    scan(catalog)
    catalog.close()
    for path in world.folder.rglob("*"):
        assert "CANARY" not in path.name
        assert path.is_dir() or b"CANARY" not in path.read_bytes()


def test_positional_folders_of_time_are_sketched(world: World) -> None:
    world.store.objects = {
        f"logs/{y}/{m:02d}/{d:02d}/a.csv": ROWS
        for y in (2025, 2026)
        for m in range(1, 13)
        for d in range(1, 29)
    }
    found = scan(world.catalog(), "SELECT price FROM logs WHERE year = 2026 AND month = 3 AND day = 9")
    assert paths(found) == ["logs/2026/03/09/a.csv"]
    assert world.store.lists <= 8


def test_folders_that_names_do_not_settle_are_listed_whole_once(world: World) -> None:
    world.store.objects = {f"{product}/{i}.csv": ROWS for product in ("chairs", "tables") for i in range(120)}
    catalog = world.catalog()
    found = scan(catalog, "SELECT price FROM lake WHERE partition_0 = 'chairs'")
    assert found.files.count == 120
    world.store.lists = 0
    world.now += 1
    scan(catalog, "SELECT price FROM lake WHERE partition_0 = 'chairs'")
    assert world.store.lists <= 4


def test_a_declared_layout_is_walked_without_a_sketch(world: World) -> None:
    world.store.objects = {f"exports/{p}/{i:03d}.csv": ROWS for p in ("a", "b", "c") for i in range(150)}
    table = define_table("exports", "exports", layout="{product}/", format="csv")
    found = scan(world.catalog(0.0, table), "SELECT price FROM exports WHERE product = 'b'")
    assert {path.split("/")[1] for path in paths(found)} == {"b"}
    assert found.files.count == 150


@pytest.mark.parametrize("text", ["", "soon", "5 weeks", -1, True])
def test_a_freshness_that_means_nothing_is_refused(text: object) -> None:
    with pytest.raises(ConfigError, match="Not a freshness"):
        parse_freshness(text)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("always", 0.0),
        ("index", None),
        (90, 90.0),
        (0.5, 0.5),
        ("15m", 900.0),
        ("1d", 86_400.0),
    ],
)
def test_a_freshness_is_an_age(text: str | float, seconds: float | None) -> None:
    assert parse_freshness(text) == Freshness(seconds)
