"""A lake that is known from an inventory is known as if it were listed, and what came since is listed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from lakeq.catalog import inventory_index, known_objects, lake_stores, path_index_writer
from lakeq.catalog.catalog import Catalog
from lakeq.catalog.definitions import LakeDefinition
from lakeq.catalog.freshness import Freshness
from lakeq.catalog.inventory_index import MOST_IN_MEMORY
from lakeq.errors import CatalogError, ConfigError
from lakeq.storage.stores import open_store
from tests.catalog.memory_store import ROWS, PrefixMemoryStore
from tests.catalog.test_catalog import paths, scan
from tests.inventories import TAKEN_AT, Listed, write_inventory

DAYS = [
    f"events/year={y}/month={m:02d}/day={d:02d}/part-0.csv"
    for y in (2025, 2026)
    for m in (9, 10, 11)
    for d in range(1, 7)
]
ONE_DAY = "SELECT price FROM events WHERE year = 2026 AND month = 10 AND day = 3"
AT = TAKEN_AT.timestamp()
OLD = TAKEN_AT - dt.timedelta(days=30)


class InventoriedLake:
    """A lake in memory with inventories of it on disk, and catalogs that share a folder and a clock."""

    def __init__(self, objects: Mapping[str, bytes], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = PrefixMemoryStore(objects)
        self.folder = folder
        self.config = folder / "inventories"
        self.now = AT + 3600
        monkeypatch.setattr(lake_stores, "open_store", self._open)

    def _open(self, location: str, **options: object) -> object:
        return self.store if location == self.store.root else open_store(location, **options)

    def take_inventory(self, written: Mapping[str, dt.datetime] | None = None) -> None:
        """An inventory of what there is now, in two files, neither of them sorted."""
        lines = [
            Listed(f"lake/{path}", len(body), f"v{len(body)}", (written or {}).get(path, OLD))
            for path, body in self.store.objects.items()
        ]
        write_inventory(self.config, [[*lines[1::2], Listed("else/x.csv")], lines[0::2]])

    def catalog(self, seconds: float | None = None, inventory: str | None = None) -> Catalog:
        definition = LakeDefinition(self.store.root, inventory=inventory)
        return Catalog(definition, Freshness(seconds), self.folder / "cache", clock=lambda: self.now)


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InventoriedLake:
    """A lake whose index is on disk; the last test has the same questions of one in memory."""
    keep_on_disk(monkeypatch)
    return InventoriedLake(dict.fromkeys(DAYS, ROWS), tmp_path, monkeypatch)


def keep_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small indexes are on disk as large ones are, and more than 20 files are too many to plan."""
    monkeypatch.setattr(inventory_index.take_inventory, "__defaults__", (0,))
    monkeypatch.setattr(known_objects, "MOST_OBJECTS", 20)
    monkeypatch.setattr(path_index_writer, "GROUP_ROWS", 7)


def test_a_refresh_by_inventory_lists_levels_and_the_newest_folder_alone(lake: InventoriedLake) -> None:
    lake.take_inventory()
    catalog = lake.catalog()
    (changes,) = catalog.refresh(inventory=str(lake.config))
    assert (changes.name, changes.files, changes.bytes) == ("events", len(DAYS), len(DAYS) * len(ROWS))
    assert changes.inventory is not None and changes.inventory.endswith("manifest.json")
    assert changes.inventory_at == AT and not changes.lacks
    assert "events/year=2026/month=11/day=06/" in changes.listed
    lake.store.lists = 0
    found = scan(catalog, ONE_DAY)
    assert paths(found) == ["events/year=2026/month=10/day=03/part-0.csv"] and not lake.store.lists
    assert found.table.inventory_at == AT and "S3 Inventory of 2026-11-26" in str(found.table.source)


def write_times(newest: Iterable[str]) -> dict[str, dt.datetime]:
    """When objects were written: those of `newest` an hour before the inventory, others long ago."""
    return {path: TAKEN_AT - dt.timedelta(hours=1) for path in newest}


def test_what_came_since_an_inventory_is_listed_and_nothing_else(lake: InventoriedLake) -> None:
    lake.take_inventory(write_times(["events/year=2026/month=11/day=06/part-0.csv"]))
    for path in (
        "events/year=2026/month=11/day=06/part-1.csv",  # in the newest partition
        "events/year=2027/month=01/day=01/part-0.csv",  # begins after it
        "events/year=2025/month=13/day=01/part-0.csv",  # not seen: in a folder that nobody writes to
        "clicks/year=2027/month=01/day=01/part-0.csv",  # a table that did not exist
    ):
        lake.store.objects[path] = ROWS
    del lake.store.objects["events/year=2026/month=09/day=01/part-0.csv"]  # not seen either
    catalog = lake.catalog()
    changes = {change.name: change for change in catalog.refresh(inventory=str(lake.config))}
    assert sorted(changes) == ["clicks", "events"]
    assert changes["events"].files == len(DAYS) + 2
    assert changes["events"].listed == ("events/year=2026/month=11/day=06/", "events/year=2027/")
    assert changes["clicks"].listed == ("clicks/",)
    assert set(lake.store.listed) <= {
        "", "events/", "events/year=2026/", "events/year=2026/month=11/",
        "events/year=2026/month=11/day=06/", "events/year=2027/", "clicks/",
    }  # fmt: skip
    lake.store.lists = 0
    assert paths(scan(catalog, "SELECT price FROM events WHERE year = 2027")) == [
        "events/year=2027/month=01/day=01/part-0.csv"
    ]
    assert len(paths(scan(catalog, "SELECT price FROM events WHERE year = 2026 AND month = 11"))) == 7
    assert not lake.store.lists


def test_a_folder_that_is_gone_is_known_to_be_empty(lake: InventoriedLake) -> None:
    lake.take_inventory(write_times(["events/year=2026/month=11/day=06/part-0.csv"]))
    for path in [path for path in DAYS if "year=2025" in path]:
        del lake.store.objects[path]
    catalog = lake.catalog()
    (changes,) = catalog.refresh(inventory=str(lake.config))
    assert changes.files == len(DAYS) // 2
    assert paths(scan(catalog, "SELECT price FROM events WHERE year = 2025 AND month = 9")) == []


def test_a_later_process_plans_from_the_same_index_and_a_fresher_question_lists(
    lake: InventoriedLake,
) -> None:
    lake.take_inventory(write_times(["events/year=2026/month=11/day=06/part-0.csv"]))
    first = lake.catalog()
    first.refresh(inventory=str(lake.config))
    first.close()
    lake.store.lists = 0
    assert len(paths(scan(lake.catalog(None), ONE_DAY))) == 1 and not lake.store.lists
    assert len(paths(scan(lake.catalog(7200.0), ONE_DAY))) == 1 and not lake.store.lists
    lake.store.objects["events/year=2026/month=10/day=03/late.csv"] = ROWS
    assert len(paths(scan(lake.catalog(60.0), ONE_DAY))) == 2 and 0 < lake.store.lists < 8


def test_an_inventory_is_taken_once_and_a_newer_one_in_its_place(
    lake: InventoriedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.take_inventory(write_times([DAYS[-1]]))
    lake.now = AT + 60
    catalog = lake.catalog(None, str(lake.config))
    catalog.refresh()
    taken = []
    monkeypatch.setattr("lakeq.catalog.inventory_refresh.take_inventory", lambda *_: taken.append(1))
    catalog.refresh()
    assert not taken
    monkeypatch.undo()
    write_inventory(
        lake.config,
        [[Listed(f"lake/{path}", 7, "new", TAKEN_AT if path == DAYS[-1] else OLD) for path in DAYS]],
        at=TAKEN_AT + dt.timedelta(minutes=30),
    )
    monkeypatch.setattr(lake_stores, "open_store", lake._open)
    lake.now = AT + 3600
    catalog.refresh()
    known = catalog._tables.listings()
    assert known is not None
    assert known.known.head(known_objects.folder_range(""), 1)["size"].to_pylist() == [7]


def test_a_table_with_too_many_files_is_counted_and_a_question_for_all_of_them_is_refused(
    lake: InventoriedLake,
) -> None:
    lake.take_inventory(write_times(["events/year=2026/month=11/day=06/part-0.csv"]))
    catalog = lake.catalog()
    (changes,) = catalog.refresh(inventory=str(lake.config))
    assert not changes.is_compared
    (table,) = catalog.view().tables()
    assert (table.files_total, table.partitions_total) == (len(DAYS), len(DAYS))
    assert table.bytes_total == len(DAYS) * len(ROWS) and table.inventory_at == AT
    assert [column.name for column in table.columns] == ["id", "price", "year", "month", "day"]
    with pytest.raises(CatalogError, match=r"'events' \(by year, month, day\).*36.*more than lakeq plans"):
        scan(catalog, "SELECT price FROM events")
    assert len(paths(scan(catalog, "SELECT price FROM events WHERE year = 2026"))) == 18
    fresh = lake.catalog(0.0)
    lake.store.lists = 0
    with pytest.raises(CatalogError, match="more than lakeq plans"):
        scan(fresh, "SELECT price FROM events")
    assert lake.store.lists <= 5, "refused before it is listed"


def test_an_inventory_of_another_prefix_is_refused(lake: InventoriedLake) -> None:
    write_inventory(lake.config, [[Listed("elsewhere/a.csv")]])
    with pytest.raises(ConfigError, match="no object below"):
        lake.catalog().refresh(inventory=str(lake.config))
    assert not list(lake.folder.glob("cache/listings/*.large/*index*"))


def list_indexes(lake: InventoriedLake) -> list[str]:
    return sorted(path.name for path in lake.folder.glob("cache/listings/*.large/*.index"))


def test_an_index_that_another_process_has_made_is_taken_as_it_is(lake: InventoriedLake) -> None:
    lake.take_inventory()
    first, second = lake.catalog(), lake.catalog()
    for catalog in (first, second):  # both were opened when there was none
        assert catalog.refresh(inventory=str(lake.config))
    assert list_indexes(lake) == ["00000001.index"]
    assert len(paths(scan(second, ONE_DAY))) == 1


def test_the_last_two_indexes_are_kept(lake: InventoriedLake) -> None:
    for minutes in (0, 10, 20, 30):
        lines = [Listed(f"lake/{path}", 7, "e", OLD) for path in DAYS]
        write_inventory(lake.config, [lines], at=TAKEN_AT + dt.timedelta(minutes=minutes))
        lake.catalog().refresh(inventory=str(lake.config))
    assert list_indexes(lake) == ["00000003.index", "00000004.index"]
    assert len(paths(scan(lake.catalog(), ONE_DAY))) == 1


def test_without_a_cache_folder_a_small_inventory_is_held_and_a_large_one_refused(
    lake: InventoriedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.take_inventory()
    definition = LakeDefinition(lake.store.root)
    unkept = Catalog(definition, Freshness(None), None, clock=lambda: lake.now)
    with pytest.raises(CatalogError, match=r"36 objects, too many for memory.* Give a cache folder"):
        unkept.refresh(inventory=str(lake.config))
    monkeypatch.setattr(inventory_index.take_inventory, "__defaults__", (MOST_IN_MEMORY,))
    unkept.refresh(inventory=str(lake.config))
    assert len(paths(scan(unkept, ONE_DAY))) == 1
    assert not list_indexes(lake)


def test_an_index_that_cannot_be_written_says_where_room_is_to_be_made(
    lake: InventoriedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.take_inventory()

    def fill(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(inventory_index, "sort_rows", fill)
    with pytest.raises(CatalogError, match=r"No space left.*Make room in .*\.large, or choose another"):
        lake.catalog().refresh(inventory=str(lake.config))
    assert not list_indexes(lake)


def test_an_interrupt_leaves_nothing_behind_and_what_a_killed_process_left_is_removed(
    lake: InventoriedLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.take_inventory()
    left = lake.folder / "cache" / "listings"

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(path_index_writer, "judge_objects", interrupt)
        with pytest.raises(KeyboardInterrupt):
            lake.catalog().refresh(inventory=str(lake.config))
    (large,) = left.glob("*.large")
    assert [path.name for path in large.iterdir()] == ["lock"]
    (large / "index-killed.unfinished").mkdir()
    lake.catalog().refresh(inventory=str(lake.config))
    assert not list(large.glob("*.unfinished"))


layouts = st.sampled_from(["y={a}/m={b}", "{a}/{b}", "k={b}/d=2026-01-{a}", "v={a}", ""])
conditions = st.sampled_from(
    ["", "{k} = 3", "{k} > 5 AND {l} < 4", "{k} IN (1, 12) OR {l} = 2", "{k} IS NULL"]
)


@settings(
    max_examples=6,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    layouts,
    st.lists(st.tuples(st.integers(1, 14), st.integers(1, 9)), min_size=1, max_size=30, unique=True),
    st.lists(conditions, min_size=1, max_size=3),
)
def test_plans_keep_the_same_files_whichever_way_the_lake_is_known(
    tmp_path_factory: pytest.TempPathFactory, layout: str, values: list[tuple[int, int]], asked: list[str]
) -> None:
    objects = {f"t/{layout.format(a=f'{a:02d}', b=b)}/part-{a}-{b}.csv": ROWS for a, b in values}
    objects |= {"t/_hidden/x.csv": ROWS, "o/z=1/a.csv": ROWS}
    kept = []
    for where in ("listed", "in memory", "on disk"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(path_index_writer, "GROUP_ROWS", 7)
            patch.setattr(
                inventory_index.take_inventory, "__defaults__", (0 if where == "on disk" else MOST_IN_MEMORY,)
            )
            lake = InventoriedLake(objects, tmp_path_factory.mktemp("lake"), patch)
            lake.take_inventory()
            catalog = lake.catalog()
            catalog.refresh(inventory=None if where == "listed" else str(lake.config))
            is_told = "t" in catalog.view().names()  # lone folders of numbers are no partitions
            table = catalog.view().table("t" if is_told else catalog.view().names()[-1])
            names = [column.name for column in table.partition_columns]
            found = [
                [
                    (t.name, t.files_total, t.bytes_total, t.partitions_total, t.layout)
                    for t in catalog.view().tables()
                ]
            ]
            for condition in asked:
                text = condition.format(k=names[0], l=names[-1]) if names else ""
                found.append(
                    paths(scan(catalog, f"SELECT price FROM {table.name}{' WHERE ' if text else ''}{text}"))
                )
            kept.append(found)
            catalog.close()
    assert kept[0] == kept[1] == kept[2]
