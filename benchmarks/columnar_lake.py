"""TPC-H as a lake of Parquet and as one of ORC, with the same rows, folders and files.

    python -m benchmarks.columnar_lake [--scale 1] DIR

`DIR/plain/` is as benchmarks.tpch_lake has it. Below `DIR/parquet/` and `DIR/orc/`, lineitem lies in
`year=1994/month=3/` of l_shipdate, orders in `year=1994/` of o_orderdate, the others flat. Row groups hold
122,880 rows, as DuckDB writes them; stripes are of 1 MB, so that statistics have something to leave out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import duckdb
import pyarrow.orc as orc
import pyarrow.parquet as pq

from benchmarks.tpch_lake import TABLES, generate_tables

ROW_GROUP_ROWS, STRIPE_BYTES = 122_880, 1 << 20
FORMATS = ("parquet", "orc")
_PARTS = {
    "lineitem": ("year(l_shipdate)", "month(l_shipdate)"),
    "orders": ("year(o_orderdate)",),
}
_NAMES = ("year", "month")


def write_columnar(root: Path, scale: float) -> dict[str, Path]:
    """Write the lakes below `root`, unless they are there; the folder of each, by format."""
    plain = root / "plain"
    folders = {name: root / name for name in FORMATS}
    if not all((folder / "region").exists() for folder in folders.values()):
        if not (plain / "region.parquet").exists():
            generate_tables(plain, scale)
        with duckdb.connect() as connection:
            for table in TABLES:  # region comes last: a lake with it is complete
                connection.read_parquet(str(plain / f"{table}.parquet")).create_view(table)
            for table in sorted(TABLES, key=lambda name: name == "region"):
                write_table(connection, table, folders)
    return folders


def write_table(connection: duckdb.DuckDBPyConnection, table: str, folders: dict[str, Path]) -> None:
    """One table in every format, partition by partition."""
    keys = _PARTS.get(table, ())
    values = connection.sql(f"SELECT DISTINCT {', '.join(keys)} FROM {table}").fetchall() if keys else [()]
    for value in sorted(values):
        where = " AND ".join(f"{key} = {part}" for key, part in zip(keys, value, strict=True)) or "TRUE"
        rows = connection.sql(f"SELECT * FROM {table} WHERE {where}").to_arrow_table()
        place = "/".join([table, *(f"{name}={part}" for name, part in zip(_NAMES, value, strict=False))])
        for folder in folders.values():
            (folder / place).mkdir(parents=True, exist_ok=True)
        pq.write_table(
            rows,
            folders["parquet"] / place / "part-0.parquet",
            compression="zstd",
            row_group_size=ROW_GROUP_ROWS,
        )
        orc.write_table(
            rows, folders["orc"] / place / "part-0.orc", compression="zstd", stripe_size=STRIPE_BYTES
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Write TPC-H as Parquet and as ORC.")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--scale", type=float, default=1)
    arguments = parser.parse_args()
    for name, folder in write_columnar(arguments.folder, arguments.scale).items():
        print(f"{sum(1 for path in folder.rglob('*') if path.is_file())} files of {name} in {folder}")


if __name__ == "__main__":
    main()
