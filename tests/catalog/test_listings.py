"""What was listed is known with its age; what was not is never taken for empty."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakeq.catalog.known_objects import KeyRange, KnownObjects, folder_range
from lakeq.catalog.listings import NEVER_LIST, Listings
from lakeq.errors import CatalogError
from tests.catalog.memory_store import ROWS, PrefixMemoryStore

DAYS = [f"events/day={day:02d}/part-{part}.csv" for day in range(1, 8) for part in range(3)]


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def make_listings(paths: list[str] = DAYS, clock: Clock | None = None) -> tuple[Listings, PrefixMemoryStore]:
    store = PrefixMemoryStore(dict.fromkeys(paths, ROWS))
    return Listings(store, clock=clock or Clock()), store


def paths_of(listings: Listings, asked: KeyRange, since: float) -> list[str]:
    return listings.ranges([asked], since).column("path").to_pylist()


def test_a_range_is_listed_once_while_it_is_young_enough() -> None:
    clock = Clock()
    listings, store = make_listings(clock=clock)
    day = folder_range("events/day=03/")
    assert paths_of(listings, day, 100.0) == [p for p in DAYS if "day=03" in p]
    clock.now = 160.0
    assert paths_of(listings, day, 90.0) and store.lists == 1
    assert paths_of(listings, day, 150.0) and store.lists == 2


def test_an_object_that_came_and_one_that_went_are_seen_by_the_next_listing() -> None:
    listings, store = make_listings()
    everything = folder_range("")
    assert paths_of(listings, everything, 100.0) == DAYS
    del store.objects[DAYS[0]]
    store.objects["events/day=09/part-0.csv"] = ROWS
    assert paths_of(listings, everything, 101.0) == [*DAYS[1:], "events/day=09/part-0.csv"]


def test_a_part_listed_anew_replaces_just_that_part() -> None:
    clock = Clock()
    listings, store = make_listings(clock=clock)
    listings.ranges([folder_range("")], 100.0)
    del store.objects[DAYS[3]], store.objects[DAYS[20]]
    clock.now = 200.0
    listings.ranges([folder_range("events/day=02/")], 150.0)
    known = listings.known.objects.column("path").to_pylist()
    assert DAYS[3] not in known and DAYS[20] in known
    assert listings.age_of(folder_range("events/day=02/")) == 200.0
    assert listings.age_of(folder_range("")) == 100.0


def test_what_was_never_listed_is_refused_when_listing_is_not_allowed() -> None:
    listings, store = make_listings()
    listings.ranges([folder_range("events/day=02/")], 0.0)
    assert paths_of(listings, folder_range("events/day=02/"), NEVER_LIST)
    with pytest.raises(CatalogError, match=r"events/day=03.*lakeq refresh"):
        listings.ranges([folder_range("events/day=03/")], NEVER_LIST)
    with pytest.raises(CatalogError, match="lakeq refresh"):
        listings.folders(["events/"], NEVER_LIST)
    assert store.lists == 1


def test_a_folder_in_a_listed_range_is_answered_from_it() -> None:
    listings, store = make_listings()
    listings.ranges([folder_range("events/")], 0.0)
    (found,) = listings.folders(["events/"], 0.0)
    assert found.folders == tuple(f"events/day={day:02d}/" for day in range(1, 8))
    assert store.lists == 1


def test_folders_listed_by_themselves_are_known_with_their_own_objects() -> None:
    listings, store = make_listings([*DAYS, "events/readme.csv"])
    (found,) = listings.folders(["events/"], 0.0)
    assert found.objects.column("path").to_pylist() == ["events/readme.csv"]
    assert listings.folders(["events/"], 0.0)[0].folders == found.folders and store.lists == 1
    assert listings.age_of(folder_range("events/")) is None


def test_two_pages_are_a_whole_lake_for_two_requests() -> None:
    store = PrefixMemoryStore(dict.fromkeys(DAYS, ROWS), page=12)
    listings = Listings(store, clock=Clock())
    page, is_whole = listings.first_page("", 0.0)
    assert (page.num_rows, is_whole) == (12, False)
    found = listings.second_page(page, 0.0)
    assert found is not None and found.column("path").to_pylist() == DAYS
    assert listings.age_of(folder_range("")) == 100.0


def test_a_third_page_leaves_the_lake_unknown() -> None:
    store = PrefixMemoryStore(dict.fromkeys(DAYS, ROWS), page=5)
    listings = Listings(store, clock=Clock())
    assert listings.second_page(listings.first_page("", 0.0)[0], 0.0) is None
    assert listings.age_of(folder_range("")) is None


names = st.text(st.sampled_from("ab/0.-"), min_size=1, max_size=6)
bounds = st.text(st.sampled_from("ab/0.-~"), max_size=4)


@settings(deadline=None)
@given(
    st.lists(st.tuples(bounds, bounds, st.integers(0, 9)), max_size=6),
    st.lists(names, unique=True),
    bounds,
    bounds,
)
def test_known_objects_are_those_of_the_last_listing_of_each_place(
    steps: list[tuple[str, str, int]], paths: list[str], low: str, high: str
) -> None:
    store = PrefixMemoryStore(dict.fromkeys(paths, ROWS))
    everything = store.list()
    known, ages = KnownObjects(), dict.fromkeys(paths)
    for start, stop, at in steps:
        if start >= stop:
            continue
        asked = KeyRange(start, stop)
        rows = [p for p in everything.column("path").to_pylist() if start <= p < stop]
        is_in = pa.array([p in rows for p in everything.column("path").to_pylist()], pa.bool_())
        known.put_range(asked, everything.filter(is_in), at)
        ages.update(dict.fromkeys(rows, at))
    assert known.objects.column("path").to_pylist() == sorted(p for p, at in ages.items() if at is not None)
    assert all(a.range.stop <= b.range.start for a, b in zip(known.listed, known.listed[1:], strict=False))
    if low < high and known.age_of(KeyRange(low, high)) is not None:
        inside = sorted(p for p in paths if low <= p < high)
        assert known.slice(KeyRange(low, high)).column("path").to_pylist() == inside
