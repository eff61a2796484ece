"""Lakes, tables, columns and partitions as Harlequin's catalog shows them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from harlequin import HarlequinConnection
from harlequin.catalog import CatalogItem, InteractiveCatalogItem
from harlequin.driver import HarlequinDriver

from lakeq.catalog.table import Table
from lakeq.errors import LakeqError
from lakeq.formats.types import quote_name, quote_text, sql_type
from lakeq.lake import Lake
from lakeq.quantities import format_bytes, format_count

MOST_VALUES = 200
"""Values of a partition key that are shown below one node: the greatest."""

_SHORT_TYPES: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
    (pa.types.is_boolean, "t/f"),
    (pa.types.is_unsigned_integer, "u#"),
    (pa.types.is_int64, "##"),
    (pa.types.is_integer, "#"),
    (pa.types.is_decimal, "#.#"),
    (pa.types.is_floating, "#.#"),
    (pa.types.is_date, "d"),
    (pa.types.is_timestamp, "ts"),
    (pa.types.is_time, "t"),
    (pa.types.is_interval, "|-|"),
    (pa.types.is_binary, "0b"),
    (pa.types.is_struct, "{}"),
    (pa.types.is_map, "{m}"),
)


def short_type(kind: pa.DataType) -> str:
    """A type in the three characters that Harlequin's own adapters use: `##`, `s`, `[#]`."""
    if pa.types.is_list(kind):
        return f"[{short_type(kind.value_type)}]"
    return next((short for fits, short in _SHORT_TYPES if fits(kind)), "s")


def make_lake_item(name: str, lake: Lake, connection: HarlequinConnection) -> CatalogItem:
    """A lake with its tables and their columns; it is listed for that."""
    return LakeItem(
        qualified_identifier=quote_name(name),
        query_name=f"USE {quote_name(name)};",
        label=name,
        type_label="lake",
        type_name=lake.location,
        children=[_make_table_item(name, table, lake) for table in lake.tables()],
        connection=connection,
        loaded=True,
    )


def _make_table_item(lake_name: str, table: Table, lake: Lake) -> CatalogItem:
    identifier = f"{quote_name(lake_name)}.{quote_name(table.name)}"
    keys = {column.name for column in table.partition_columns}
    children: list[CatalogItem] = [
        CatalogItem(
            qualified_identifier=f"{identifier}.{quote_name(column.name)}",
            query_name=quote_name(column.name),
            label=column.name,
            type_label=short_type(column.type) + (" key" if column.name in keys else ""),
            type_name=sql_type(column.type),
        )
        for column in table.columns
    ]
    if keys and table.problem is None:
        children.append(
            PartitionsItem(f"{identifier}.partitions", "", "partitions", "", table=table, lake=lake)
        )
    return TableItem(
        qualified_identifier=identifier,
        query_name=quote_name(table.name),
        label=table.name,
        type_label=_label_table(table),
        type_name=table.format if table.problem is None else str(table.problem),
        children=children,
        loaded=True,
        lake=lake,
    )


def _label_table(table: Table) -> str:
    if table.problem is not None:
        return "unreadable"
    if not table.partition_columns:
        return table.format
    count = table.partitions_total
    return f"{table.format} {'' if count is None else format_count(count) + ' '}parts"


def _use_lake(item: LakeItem, driver: HarlequinDriver) -> None:
    if item.connection is not None:
        item.connection.execute(item.query_name)
        driver.notify(f"Queries run on {item.label} now.")


def _preview(item: TableItem, driver: HarlequinDriver) -> None:
    driver.insert_text_in_new_buffer(f"SELECT * FROM {item.query_name} LIMIT 100")


def _tell_cost(item: TableItem, driver: HarlequinDriver) -> None:
    assert item.lake is not None
    try:
        driver.notify(f"All of {item.label}: {item.lake.estimate(f'FROM {item.query_name}')}")
    except LakeqError as error:
        driver.notify(str(error), severity="error")


@dataclass
class LakeItem(InteractiveCatalogItem[HarlequinConnection]):
    """A lake. Its text in the editor is the USE that chooses it."""

    INTERACTIONS = (("Run Queries on This Lake", _use_lake),)


@dataclass
class TableItem(InteractiveCatalogItem[HarlequinConnection]):
    """A table, with its format and how many partitions it has."""

    INTERACTIONS = (("Preview Data", _preview), ("What All of It Costs", _tell_cost))
    lake: Lake | None = None


@dataclass
class PartitionsItem(InteractiveCatalogItem[HarlequinConnection]):
    """The partitions of a table: a level a key. They are listed once, when the table is opened."""

    table: Table | None = None
    lake: Lake | None = None

    def fetch_children(self) -> Sequence[CatalogItem]:
        """The values of the first key."""
        assert self.table is not None and self.lake is not None
        keys = [column.name for column in self.table.partition_columns]
        return _list_values(self.qualified_identifier, "", keys, self.lake.partitions(self.table.name))


@dataclass
class PartitionItem(InteractiveCatalogItem[HarlequinConnection]):
    """All partitions with one value of a key. Its text in the editor is the condition that keeps them."""

    keys: Sequence[str] = ()
    rows: pa.Table = None

    def fetch_children(self) -> Sequence[CatalogItem]:
        """The values of the next key."""
        if not self.keys:
            return []
        return _list_values(self.qualified_identifier, self.query_name, self.keys, self.rows)


def _list_values(above: str, condition: str, keys: Sequence[str], rows: pa.Table) -> list[CatalogItem]:
    """An item a value of the first of `keys` among `rows` (a row a partition), the greatest of them."""
    key, below = keys[0], keys[1:]
    sums = rows.group_by(key).aggregate([("files", "sum"), ("bytes", "sum")]).sort_by([(key, "descending")])
    shown = sums.slice(0, MOST_VALUES)
    values = shown[key].to_pylist()
    width = max((len(str(value)) for value in values if isinstance(value, int)), default=0)
    items: list[CatalogItem] = []
    for value, files, size in zip(
        values, *(shown[n].to_pylist() for n in ("files_sum", "bytes_sum")), strict=True
    ):
        test = f"{_write_name(key)} {_write_value(value)}"
        items.append(
            PartitionItem(
                qualified_identifier=f"{above}.{key}={value}",
                query_name=f"{condition} AND {test}" if condition else test,
                # Harlequin sorts by label what it shows while it loads, and leaves the rest as it is.
                label=f"{key}={'NULL' if value is None else str(value).rjust(width)}",
                type_label=f"{format_bytes(size)}, {format_count(files)} file{'' if files == 1 else 's'}",
                loaded=not below,
                keys=below,
                rows=rows.filter(pc.is_null(rows[key]) if value is None else pc.equal(rows[key], value)),
            )
        )
    items.sort(key=lambda item: item.label)
    if sums.num_rows > len(items):
        more = f"… {format_count(sums.num_rows - len(items))} lesser"
        items.append(CatalogItem(f"{above}.{more}", condition, more, ""))
    return items


def _write_name(name: str) -> str:
    return name if re.fullmatch("[a-z_][a-z0-9_]*", name) else quote_name(name)


def _write_value(value: Any) -> str:
    """A comparison with a value as SQL; texts are cast to the key's type by the engine."""
    if value is None:
        return "IS NULL"
    if isinstance(value, bool):
        return f"= {str(value).lower()}"
    return f"= {value}" if isinstance(value, int) else f"= {quote_text(str(value))}"
