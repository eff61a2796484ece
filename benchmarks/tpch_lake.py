"""TPC-H as a lake: eight tables in four formats and five layouts, made by tpchgen-cli.

    python -m benchmarks.tpch_lake [--scale 1] DIR

`DIR/plain/` gets the tables as tpchgen-cli writes them, a Parquet file each: what answers are compared with.
`DIR/lake/` gets the same rows laid out as a lake, with a lakeq.toml for what files cannot tell:

    lineitem   Parquet   year=1994/month=3/     of l_shipdate, which stays in the files
    orders     CSV.gz    1994/03/17/            of o_orderdate, which stays in the files
    customer   JSON      c_nationkey=7/         not in the files: the path alone has it
    part       ORC       p_brand=Brand%2311/    not in the files, %-escaped in the path
    supplier, partsupp   Parquet                flat, as tpchgen-cli writes them
    nation, region       CSV                    flat

At scale 1 that is 2,500 files and half a minute.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sysconfig
from pathlib import Path
from urllib.parse import quote

import duckdb
import pyarrow.orc as orc

TABLES = ("customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier")

# Money in text is a decimal: found out from the digits it would be a double, and sums would not be exact.
DEFINITION = """\
[tables.orders]
format = "csv"
[tables.orders.columns]
o_totalprice = "decimal(15,2)"

[tables.customer]
format = "json"
[tables.customer.columns]
c_acctbal = "decimal(15,2)"
"""


def write_tpch(root: Path, scale: float) -> tuple[Path, Path]:
    """Write the plain tables and the lake below `root`, unless they are there; the folder of the plain tables
    and the lakeq.toml of the lake."""
    plain, lake = root / "plain", root / "lake"
    definition = lake / "lakeq.toml"
    if not definition.exists():
        generate_tables(plain, scale)
        write_lake(plain, lake)
        definition.write_text(DEFINITION, encoding="utf-8")  # last: a lake with it is complete
    return plain, definition


def generate_tables(folder: Path, scale: float) -> None:
    """The eight tables as `folder/<table>.parquet`."""
    program = shutil.which("tpchgen-cli", path=sysconfig.get_path("scripts")) or shutil.which("tpchgen-cli")
    if program is None:
        raise SystemExit("tpchgen-cli is not installed: pip install tpchgen-cli")
    arguments = [
        "parquet",
        "--scale-factor",
        str(scale),
        "--output-dir",
        str(folder),
        "--quiet",
        "--overwrite",
    ]
    subprocess.run([program, *arguments], check=True)


def write_lake(plain: Path, lake: Path) -> None:
    """The tables of `plain` laid out below `lake`."""
    shutil.rmtree(lake, ignore_errors=True)
    lake.mkdir(parents=True)
    with duckdb.connect(config={"threads": 1}) as connection:  # one thread: one file a partition, in order
        for table in TABLES:
            connection.read_parquet(str(plain / f"{table}.parquet")).create_view(table)
        write_lineitem(connection, lake / "lineitem")
        write_orders(connection, lake / "orders")
        write_customer(connection, lake / "customer")
        write_part(connection, lake / "part")
        for table in ("nation", "region"):
            (lake / table).mkdir()
            connection.table(table).write_csv(str(lake / table / f"{table}.csv"))
    for table in ("supplier", "partsupp"):
        (lake / table).mkdir()
        shutil.copy(plain / f"{table}.parquet", lake / table)


def write_lineitem(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    connection.execute(
        "COPY (SELECT *, year(l_shipdate) AS year, month(l_shipdate) AS month FROM lineitem) "
        f"TO '{folder}' (FORMAT parquet, PARTITION_BY (year, month))"
    )


def write_orders(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Sorted by day, so that only one file is open at a time; then the folders drop their `key=`."""
    hive = folder.with_name("orders.hive")
    parts = {"year": "%Y", "month": "%m", "day": "%d"}
    keys = ", ".join(f"strftime(o_orderdate, '{form}') AS {name}" for name, form in parts.items())
    connection.execute(
        f"COPY (SELECT *, {keys} FROM orders ORDER BY o_orderdate, o_orderkey) TO '{hive}' "
        "(FORMAT csv, HEADER, COMPRESSION gzip, FILE_EXTENSION 'csv.gz', PARTITION_BY (year, month, day))"
    )
    for file in hive.glob("*/*/*/*.csv.gz"):
        levels = (level.partition("=")[2] for level in file.relative_to(hive).parts[:-1])
        target = folder.joinpath(*levels, file.name)
        target.parent.mkdir(parents=True, exist_ok=True)
        file.rename(target)
    shutil.rmtree(hive)


def write_customer(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    connection.execute(
        f"COPY customer TO '{folder}' (FORMAT json, FILE_EXTENSION 'json', PARTITION_BY (c_nationkey))"
    )


def write_part(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    brands = connection.sql("SELECT DISTINCT p_brand FROM part ORDER BY 1").fetchall()
    for (brand,) in brands:
        rows = connection.sql("SELECT * EXCLUDE p_brand FROM part WHERE p_brand = ?", params=[brand])
        target = folder / f"p_brand={quote(brand, safe='')}"
        target.mkdir(parents=True)
        orc.write_table(rows.to_arrow_table(), target / "part.orc", compression="zstd")


def main() -> None:
    parser = argparse.ArgumentParser(description="Write TPC-H as a lake.")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--scale", type=float, default=1)
    arguments = parser.parse_args()
    plain, definition = write_tpch(arguments.folder, arguments.scale)
    files = sum(1 for path in definition.parent.rglob("*") if path.is_file())
    print(f"{files:,} files of a lake in {definition.parent}, plain tables in {plain}")


if __name__ == "__main__":
    main()
