"""Only prefixes that may matter are listed, and every file that matters is in them."""

from __future__ import annotations

import itertools
from functools import partial

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakeq.catalog.database import match_rows
from lakeq.catalog.layout import Layout, hive_layout, parse_template
from lakeq.catalog.listings import Listings
from lakeq.catalog.prefixes import (
    UNKNOWN_DENSITY,
    Density,
    PrefixFilter,
    PrefixWalk,
    list_all,
    measure_density,
)
from tests.catalog.memory_store import ROWS, PrefixMemoryStore

YEARS, MONTHS, DAYS = range(2023, 2027), range(1, 13), range(1, 29)
HIVE = [f"t/year={y}/month={m:02d}/day={d:02d}/p.csv" for y, m, d in itertools.product(YEARS, MONTHS, DAYS)]
KEYS = ("year", "month", "day")
INTEGERS = [pa.int64()] * 3


def make_filter(sql: str, keys: tuple[str, ...] = KEYS) -> PrefixFilter:
    """A filter of conjuncts over keys, by name."""
    parts = sql.split(" AND ")
    used = [frozenset(i for i, key in enumerate(keys) if key in part) for part in parts]

    def render(known: frozenset[int]) -> tuple[str | None, ...]:
        told = []
        for part, needs in zip(parts, used, strict=True):
            if needs <= known:
                for i, key in enumerate(keys):
                    part = part.replace(key, f"p{i}")
                told.append(part)
        return (" AND ".join(told) or None,)

    return PrefixFilter(frozenset().union(*used), render)


def walk(
    database: duckdb.DuckDBPyConnection,
    store: PrefixMemoryStore,
    *filters: str,
    layout: Layout | None = None,
    types: list[pa.DataType] | None = None,
    density: Density = UNKNOWN_DENSITY,
) -> list[str]:
    """The paths that are listed for the filters."""
    listings = Listings(store)
    chosen = layout or hive_layout(KEYS)
    how = (
        partial(match_rows, database),
        "t/",
        chosen,
        types or [pa.int64()] * len(chosen.keys),
        density,
        0.0,
    )
    narrowed = PrefixWalk(listings, *how).run([make_filter(f, chosen.keys) for f in filters])
    found = listings.ranges(narrowed.ranges, 0.0).column("path").to_pylist()
    return sorted({*found, *narrowed.loose.column("path").to_pylist()})


def test_one_day_is_listed_by_its_levels_alone(database: duckdb.DuckDBPyConnection) -> None:
    store = PrefixMemoryStore(dict.fromkeys(HIVE, ROWS))
    assert walk(database, store, "year = 2025 AND month = 3 AND day = 9") == [
        "t/year=2025/month=03/day=09/p.csv"
    ]
    assert store.lists == 4
    assert store.listed == ["t/", "t/year=2025/", "t/year=2025/month=03/", "t/year=2025/month=03/day=09/"]


def test_a_value_is_never_printed_into_a_prefix(database: duckdb.DuckDBPyConnection) -> None:
    paths = [
        "t/year=2025/month=3/day=1/a.csv",
        "t/year=2025/month=03/day=1/b.csv",
        "t/year=2025/month=4/day=1/c.csv",
    ]
    found = walk(database, PrefixMemoryStore(dict.fromkeys(paths, ROWS)), "year = 2025 AND month = 3")
    assert found == sorted(paths[:2])


def test_two_references_list_what_either_wants(database: duckdb.DuckDBPyConnection) -> None:
    store = PrefixMemoryStore(dict.fromkeys(HIVE, ROWS))
    found = walk(
        database, store, "year = 2025 AND month = 3 AND day = 9", "year = 2024 AND month = 1 AND day = 1"
    )
    assert found == ["t/year=2024/month=01/day=01/p.csv", "t/year=2025/month=03/day=09/p.csv"]


def test_a_reference_without_a_condition_lists_everything(database: duckdb.DuckDBPyConnection) -> None:
    store = PrefixMemoryStore(dict.fromkeys(HIVE, ROWS))
    assert walk(database, store, "year = 2025", "amount > 5") == HIVE


def test_a_condition_on_a_deep_key_does_not_list_folder_by_folder(
    database: duckdb.DuckDBPyConnection,
) -> None:
    store = PrefixMemoryStore(dict.fromkeys(HIVE, ROWS))
    density = measure_density(store.list("t/").slice(0, 1000), "t/", 4)
    store.lists = 0
    found = walk(database, store, "day = 9", density=density)
    assert {p for p in HIVE if "day=09" in p} <= set(found)
    assert store.lists <= 8


def test_few_objects_below_a_prefix_are_listed_at_once(database: duckdb.DuckDBPyConnection) -> None:
    store = PrefixMemoryStore(dict.fromkeys(HIVE, ROWS))
    density = measure_density(store.list("t/").slice(0, 1000), "t/", 4)
    store.lists = 0
    found = walk(database, store, "year = 2025 AND month = 3 AND day = 9", density=density)
    assert "t/year=2025/month=03/day=09/p.csv" in found
    assert store.lists == 2  # the years, and 336 objects of one of them


@pytest.mark.parametrize("name", ["stray", "month", "2025-03", "month=%ff"])
def test_a_folder_that_cannot_be_read_is_kept(database: duckdb.DuckDBPyConnection, name: str) -> None:
    paths = ["t/year=2025/month=03/day=01/a.csv", f"t/year=2025/{name}/day=01/b.csv"]
    assert walk(database, PrefixMemoryStore(dict.fromkeys(paths, ROWS)), "year = 2025 AND month = 4") == [
        paths[1]
    ]


def test_hidden_folders_are_not_listed(database: duckdb.DuckDBPyConnection) -> None:
    paths = ["t/_temporary/year=2025/a.csv", "t/.tmp/b.csv", "t/year=2025/month=1/day=1/c.csv"]
    store = PrefixMemoryStore(dict.fromkeys(paths, ROWS))
    assert walk(database, store, "year = 2025") == [paths[2]]
    assert not any("_temporary" in place or ".tmp" in place for place in store.listed)


def test_keys_may_stand_in_any_order(database: duckdb.DuckDBPyConnection) -> None:
    paths = [
        "t/year=2025/month=1/day=1/a.csv",
        "t/month=1/year=2024/day=1/b.csv",
        "t/month=2/year=2025/day=1/c.csv",
    ]
    found = walk(database, PrefixMemoryStore(dict.fromkeys(paths, ROWS)), "year = 2025 AND month = 1")
    assert found == [paths[0]]


def test_a_template_is_walked_as_well(database: duckdb.DuckDBPyConnection) -> None:
    paths = [f"t/{y}/{m:02d}/p.csv" for y in YEARS for m in MONTHS]
    store = PrefixMemoryStore(dict.fromkeys(paths, ROWS))
    found = walk(
        database, store, "year = 2024 AND month = 7", layout=parse_template("{year:int}/{month:int}/")
    )
    assert found == ["t/2024/07/p.csv"] and store.lists == 3


def test_objects_beside_the_folders_are_not_lost(database: duckdb.DuckDBPyConnection) -> None:
    paths = ["t/loose.csv", "t/year=2025/month=1/day=1/a.csv"]
    assert walk(database, PrefixMemoryStore(dict.fromkeys(paths, ROWS)), "year = 2024") == ["t/loose.csv"]


def test_the_null_partition_is_judged_as_null(database: duckdb.DuckDBPyConnection) -> None:
    paths = [f"t/year={y}/month=1/day=1/a.csv" for y in ("2024", "__HIVE_DEFAULT_PARTITION__")]
    assert walk(database, PrefixMemoryStore(dict.fromkeys(paths, ROWS)), "year IS NULL") == [paths[1]]


@pytest.mark.parametrize("page", [10, 50, 400])
def test_listing_everything_costs_little_more_than_its_pages(page: int) -> None:
    store = PrefixMemoryStore(dict.fromkeys(HIVE, ROWS), page=page)
    listings = Listings(store)
    first, _ = listings.first_page("", 0.0)
    store.lists = 0
    assert list_all(listings, measure_density(first, "", 8), 0.0).column("path").to_pylist() == HIVE
    assert store.lists <= 1.1 * len(HIVE) / page + 6


def test_the_density_of_a_level_is_told_where_a_sample_has_several_folders_of_it() -> None:
    paths = ["t/a=1/b=1/c=1/f", "t/a=1/b=1/c=1/g", "t/a=1/b=2/c=1/f", "t/a=1/b=2/c=2/f", "t/loose"]
    sample = PrefixMemoryStore(dict.fromkeys(paths, ROWS)).list("t/")
    assert measure_density(sample, "t/", 3).objects == (None, None, 2.5, 5 / 3)
    assert measure_density(sample, "t/", 1).objects == (None, None)
    assert measure_density(sample.slice(0, 0), "t/", 2).objects == (None, None, None)


def test_a_level_that_a_sample_does_not_tell_has_the_folders_of_a_usual_one() -> None:
    density = Density((None, None, 5.0, None))
    assert [density.at(level) for level in range(5)] == [5.0 * 24 * 24, 5.0 * 24, 5.0, None, None]


values = st.sampled_from(["1", "01", "2", "10", "__HIVE_DEFAULT_PARTITION__", "", "x%41", "%31"])
conditions = st.sampled_from(
    [
        "a = 1",
        "a < 5",
        "a IS NULL",
        "a <> 2",
        "b = 1",
        "b IN (2, 10)",
        "b IS NOT NULL",
        "c = 'xA'",
        "c = '01'",
        "a + b = 3",
    ]
)


@settings(max_examples=140, deadline=None)
@given(
    rows=st.lists(st.tuples(values, values, values), min_size=1, max_size=12, unique=True),
    wanted=st.lists(conditions, min_size=1, max_size=3),
    order=st.permutations(["a", "b", "c"]),
)
def test_every_file_that_matters_is_listed(
    database: duckdb.DuckDBPyConnection,
    rows: list[tuple[str, str, str]],
    wanted: list[str],
    order: list[str],
) -> None:
    """The pruned listing holds each file for which the whole condition is TRUE in the types of a whole listing."""
    numbers = ["1", "01", "2", "10", "__HIVE_DEFAULT_PARTITION__", ""]
    rows = [(a, b, c) for a, b, c in rows if a in numbers and b in numbers]
    if not rows:
        return
    paths = {}
    for i, row in enumerate(rows):
        told = dict(zip("abc", row, strict=True))
        paths["t/" + "".join(f"{key}={told[key]}/" for key in order) + f"f{i}.csv"] = told
    layout = hive_layout(("a", "b", "c"))
    types = [pa.int64(), pa.int64(), pa.string()]
    store = PrefixMemoryStore(dict.fromkeys(paths, ROWS))
    found = walk(database, store, " AND ".join(wanted), layout=layout, types=types)
    for path, told in paths.items():
        texts = {k: None if v == "__HIVE_DEFAULT_PARTITION__" else v for k, v in told.items()}
        row = pa.table(
            {
                "p0": pa.array([int(texts["a"]) if texts["a"] else None], pa.int64()),
                "p1": pa.array([int(texts["b"]) if texts["b"] else None], pa.int64()),
                "p2": pa.array([{"x%41": "xA", "%31": "1"}.get(texts["c"] or "", texts["c"])], pa.string()),
            }
        )
        condition = make_filter(" AND ".join(wanted), ("a", "b", "c")).render(frozenset({0, 1, 2}))
        matters = bool(match_rows(database, row, condition)[0])
        assert path in found or not matters
