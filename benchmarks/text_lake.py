"""TPC-H as a lake of CSV and as one of JSON, with the folders of benchmarks.columnar_lake."""

from __future__ import annotations

from pathlib import Path

import duckdb

from benchmarks.tpch_lake import TABLES

FORMATS = ("csv", "json")
_KEYS = {
    "lineitem": {"year": "year(l_shipdate)", "month": "month(l_shipdate)"},
    "orders": {"year": "year(o_orderdate)"},
}
_MONEY = {
    "lineitem": ("l_quantity", "l_extendedprice", "l_discount", "l_tax"),
    "orders": ("o_totalprice",),
    "customer": ("c_acctbal",),
    "supplier": ("s_acctbal",),
    "part": ("p_retailprice",),
    "partsupp": ("ps_supplycost",),
}
"""Columns that are decimals: found out from their digits they would be doubles, and sums not exact."""


def write_text(root: Path, plain: Path) -> dict[str, Path]:
    """Write the tables of `plain` as lakes below `root`, unless they are there; the lakeq.toml of each, by
    format."""
    definitions = {name: root / name / "lakeq.toml" for name in FORMATS}
    for name, definition in definitions.items():
        if not definition.exists():
            definition.parent.mkdir(parents=True, exist_ok=True)
            with duckdb.connect(config={"threads": 1}) as connection:
                for table in TABLES:
                    connection.read_parquet(str(plain / f"{table}.parquet")).create_view(table)
                    write_table(connection, table, name, definition.parent / table)
            definition.write_text("\n".join(describe_table(table, name) for table in TABLES))
    return definitions


def write_table(connection: duckdb.DuckDBPyConnection, table: str, format: str, folder: Path) -> None:
    """One table, a file a partition."""
    keys = _KEYS.get(table, {})
    options = f"FORMAT {format}" + (", HEADER" if format == "csv" else "")
    if not keys:
        folder.mkdir()
        connection.execute(f"COPY {table} TO '{folder / f'{table}.{format}'}' ({options})")
        return
    shown = ", ".join(f"{value} AS {name}" for name, value in keys.items())
    connection.execute(
        f"COPY (SELECT *, {shown} FROM {table}) TO '{folder}' ({options}, PARTITION_BY ({', '.join(keys)}))"
    )


def describe_table(table: str, format: str) -> str:
    """What the files cannot tell, as a part of lakeq.toml."""
    lines = [f"[tables.{table}]", f'format = "{format}"', f"[tables.{table}.columns]"]
    return "\n".join([*lines, *(f'{column} = "decimal(15,2)"' for column in _MONEY.get(table, ()))]) + "\n"
