"""The tables that a sketch tells of few listings are those that discovery finds in the whole listing."""

from __future__ import annotations

from contextlib import closing

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lakeq.catalog import lake_stores, lake_tables, prefixes
from lakeq.catalog.catalog import Catalog
from lakeq.catalog.definitions import LakeDefinition, define_table
from lakeq.catalog.freshness import Freshness
from lakeq.catalog.table import Table
from tests.catalog.memory_store import ROWS, PrefixMemoryStore

_NAMES = st.sampled_from(["events", "logs", "2024", "eu", "x.d", "orders"])
_YEARS, _DAYS = st.sampled_from(["2024", "2025", "2026"]), st.integers(1, 12).map("{:02d}".format)
_LEVELS = st.sampled_from(
    [
        ("year={y}", "month={d}"),
        ("day={y}-01-{d}",),
        ("{y}", "{d}"),
        ("{y}", "{d}", "{d}"),
        ("{y}-01-{d}",),
        ("{y}{d}{d}",),
        ("{w}",),
        ("{w}", "{y}"),
        ("{w}", "year={y}"),
        (),
    ]
)
_WORDS = st.sampled_from(["red", "blue", "2025", "01"])
_FILES = st.sampled_from(["a.csv", "b.csv", "c.csv", "_SUCCESS", ".hidden", "a.csv.gz"])
_ODD = st.sampled_from(
    [
        "_temporary/0/a.csv",
        "README.txt",
        "a.csv",
        "events/a.csv",
        "logs/old/a.csv",
        "events/year=2024/x/a.csv",
    ]
)


@st.composite
def _tables(draw: st.DrawFn) -> list[str]:
    """Paths of a table, at some depth."""
    folder = "/".join(draw(st.lists(_NAMES, min_size=1, max_size=2)))
    levels = draw(_LEVELS)
    paths = []
    for _ in range(draw(st.integers(1, 8))):
        parts = [level.format(y=draw(_YEARS), d=draw(_DAYS), w=draw(_WORDS)) for level in levels]
        paths += ["/".join([folder, *parts, name]) for name in draw(st.lists(_FILES, min_size=1, max_size=3))]
    return paths


_LAKES = st.tuples(
    st.lists(_tables(), min_size=1, max_size=4), st.lists(_ODD, max_size=2), st.lists(_NAMES, max_size=1)
)


def _tell(paths: list[str], declared: list[str], page: int) -> list[tuple[object, ...]]:
    """Each table of the lake, listed in pages of so many objects: its name, place, columns, files, or its problem."""
    store = PrefixMemoryStore(dict.fromkeys(paths, ROWS), page=page)
    definitions = tuple(define_table(f"my_{name}", name) for name in declared)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lake_stores, "open_store", lambda location, **_: store)
        for module in (lake_tables, prefixes):
            patch.setattr(module, "PAGE_OBJECTS", page)
        with closing(Catalog(LakeDefinition(store.root, definitions), Freshness(0.0), None)) as catalog:
            return [_describe(catalog, table) for table in catalog.view().tables()]


def _describe(catalog: Catalog, table: Table) -> tuple[object, ...]:
    if table.problem is not None:
        return table.name, table.location, type(table.problem)
    columns = tuple((column.name, str(column.type)) for column in table.columns)
    files = catalog.view().entry(table.name).files.files["path"].to_pylist()
    return table.name, table.location, str(table.layout), table.format, columns, sorted(files)


@settings(max_examples=20)
@given(_LAKES)
def test_few_listings_tell_the_tables_that_all_objects_tell(
    lake: tuple[list[list[str]], list[str], list[str]],
) -> None:
    tables, odd, declared = lake
    paths = sorted({path for table in tables for path in table} | set(odd))
    assume(not any(a != b and b.startswith(f"{a}/") for a in paths for b in paths))
    assert _tell(paths, declared, page=3) == _tell(paths, declared, page=10_000)
