"""Small lakes made by hand, and plans over them, without discovery or planner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from lakeq.catalog.database import open_index_database
from lakeq.catalog.index import FileIndex
from lakeq.catalog.layout import FLAT, Layout, hive_layout, parse_template
from lakeq.catalog.table import Table
from lakeq.engines.duckdb import DuckDBEngine
from lakeq.engines.limits import find_run_limits
from lakeq.formats.base import Column, ReadOptions
from lakeq.formats.detect import FORMATS
from lakeq.formats.types import common_type
from lakeq.planner.plan import ScanPlan
from lakeq.planner.scan import TableScan
from lakeq.storage.base import Store
from lakeq.storage.local import LocalStore

Values = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Pinned:
    """A formats.Source over a store."""

    store: Store
    path: str
    size: int
    etag: str | None

    def read(self, start: int, length: int) -> bytes:
        return self.store.read(self.path, start, length, self.etag)


def make_table(
    store: Store,
    name: str,
    kind: str,
    prefix: str = "",
    keys: Sequence[Column] = (),
    values: Values | None = None,
    raws: Values | None = None,
    template: str = "",
    columns: Sequence[Column] | None = None,
    options: ReadOptions | None = None,
) -> tuple[Table, FileIndex]:
    """A table over the objects below `prefix`, whose partition values are given by path."""
    listing = store.list(prefix)
    paths = listing["path"].to_pylist()
    for i, key in enumerate(keys):
        typed = [(values or {})[path][i] for path in paths]
        raw = [(raws or values or {})[path][i] for path in paths]
        listing = listing.append_column(f"raw_{i}", pa.array([None if r is None else str(r) for r in raw]))
        listing = listing.append_column(f"value_{i}", pa.array(typed, key.type))
    index = FileIndex(open_index_database(), name, listing, keys)
    ids = dict(zip(index.all.to_table()["path"].to_pylist(), range(len(paths)), strict=True))
    facts = [
        (
            ids[row["path"]],
            FORMATS[kind].inspect(
                Pinned(store, row["path"], row["size"], row["etag"]), options or ReadOptions()
            ),
        )
        for row in listing.select(["path", "size", "etag"]).to_pylist()
    ]
    index.add_facts(facts)
    data = columns if columns is not None else unite([fact.schema.columns for _, fact in facts], keys)
    layout = (
        parse_template(template) if template else hive_layout(tuple(k.name for k in keys)) if keys else FLAT
    )
    return _table(store, name, kind, layout, (*data, *keys), tuple(keys), index), index


def unite(schemas: Sequence[Sequence[Column]], keys: Sequence[Column]) -> list[Column]:
    """The union of file schemas, without the keys."""
    types: dict[str, pa.DataType] = {}
    for columns in schemas:
        for column in columns:
            merged = common_type(types.get(column.name, pa.null()), column.type)
            assert merged is not None
            types[column.name] = merged
    return [Column(name, type_) for name, type_ in types.items() if name not in {k.name for k in keys}]


def _table(
    store: Store,
    name: str,
    kind: str,
    layout: Layout,
    columns: tuple[Column, ...],
    keys: tuple[Column, ...],
    index: FileIndex,
) -> Table:
    return Table(
        name=name,
        location=store.root,
        store_root=store.root,
        format=kind,
        layout=layout,
        columns=columns,
        partition_columns=keys,
        files_total=index.count,
        partitions_total=index.partitions,
        bytes_total=index.size,
    )


def scan(
    made: tuple[Table, FileIndex], where: str | None = None, hidden: Sequence[str] = (), alias: str = ""
) -> TableScan:
    """A reference to a table that keeps the files for which `where` holds."""
    table, index = made
    files = index.all if where is None else index.select(where)
    return TableScan(
        table=table,
        alias=alias or table.name,
        columns=tuple(c.name for c in table.columns),
        partition_keys=tuple(c.name for c in table.partition_columns),
        hidden_columns=tuple(hidden),
        files=files,
        row_groups=None,
        row_groups_total=None,
        column_bytes=None,
    )


def plan(sql: str, *scans: TableScan, **more: Any) -> ScanPlan:
    """A plan of `sql` over `scans`."""
    return ScanPlan(text=sql, sql=sql, params=more.pop("params", None), scans=scans, **more)


def run(engine: DuckDBEngine, made: ScanPlan) -> list[dict[str, Any]]:
    """All rows of a plan."""
    result = engine.execute(made)
    return [row for batch in result.batches() for row in batch.to_pylist()]


def local_engine(
    *stores: Store, threads: int | None = None, memory_limit: str | None = None, **options: Any
) -> DuckDBEngine:
    """An engine over these stores, by their roots."""
    by_root = {store.root: store for store in stores}
    limits = find_run_limits({}, threads=threads, memory_limit=memory_limit)
    return DuckDBEngine(by_root.__getitem__, limits=limits, **options)


class Remote(LocalStore):
    """A local folder that an engine may not open by itself, as if it were a bucket."""

    @property
    def is_local(self) -> bool:
        return False


def open_folder(folder: Path, remote: bool = False) -> LocalStore:
    """A store over `folder`."""
    return (Remote if remote else LocalStore)(str(folder))
