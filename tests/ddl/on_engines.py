"""The same tables in lakeq and, through its statements, in Spark or Trino: every layout in every format.

    JAVA_HOME=… python -m tests.ddl.on_engines spark
    LAKEQ_TRINO=… LAKEQ_TRINO_JAVA=… python -m tests.ddl.on_engines trino

prints a line for each table that differs, and how many did; ends with 1 then. What the two need:
tests/ddl/test_spark.py and tests/trino_server.py.
"""

from __future__ import annotations

import contextlib
import gzip
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

import lakeq
from lakeq.lake import Lake
from tests.ddl.lakes import (
    CASES,
    FORMATS,
    make_all_types,
    open_case,
    read_rows,
    sort_rows,
    write_case,
    write_file,
)
from tests.ddl.spark_session import run_spark
from tests.trino_server import TrinoServer, run_trino

Run = Callable[[str], tuple[Sequence[str], list[Any]]]
"""Runs one statement: the names of its columns, and its rows."""


def compare_table(lake: Lake, table: str, engine: str, run: Run, **options: Any) -> str | None:
    """What differs between lakeq's rows of the table and the engine's; None: nothing does."""
    name = options.setdefault("name", table.lower())
    ddl = lake.ddl(table, engine, **options)
    for statement in ddl.statements:
        run(statement)
    found = sort_rows(*run(f"SELECT * FROM {name}"))
    wanted = read_rows(lake, table)
    return None if found == wanted else f"{ddl}\n{engine}: {found}\nlakeq: {wanted}"


def compare_cases(root: Path, engine: str, run: Run) -> Iterator[tuple[str, str | None]]:
    """Each table that is compared, and what differs."""
    for file_format in FORMATS:
        for case in CASES:
            if engine == "spark" and (case.name, file_format) == ("held", "csv"):
                continue  # its own column is shown beside the key, as a note says
            table = write_case(root, case, file_format)
            with open_case(root, case, table) as lake:
                yield table, compare_table(lake, table, engine, run)
                if engine == "trino":
                    listed = {"name": f"{table}_listed".lower(), "lists_partitions": True}
                    yield f"{table} listed", compare_table(lake, table, engine, run, **listed)


def compare_types(root: Path, engine: str, run: Run) -> Iterator[tuple[str, str | None]]:
    """The same of tables in which types, and ways to write text, are what is to be seen."""
    write_types(root, engine)
    with lakeq.connect(str(root)) as lake:
        lake.register("spelled", "spelled", layout="flat")
        tabs: dict[str, Any] = {"quote": "", "header": False, "null": "\\N", "delimiter": "\t"}
        lake.register("tabs", "tabs", **tabs, columns={"a": "bigint", "b": "text"})
        for table in ("types", "orc_types", "spelled", "zoned", "blank", "tabs", "packed", "objects"):
            yield table, compare_table(lake, table, engine, run)


def write_types(root: Path, engine: str) -> None:
    """The tables of compare_types; Trino reads no timestamps with a zone from ORC."""
    write_file(root / "types" / "a.parquet", make_all_types(), "parquet")
    missing = ["u8", "u16", "u32", "u64", *(["tz"] if engine == "trino" else [])]
    write_file(root / "orc_types" / "a.orc", make_all_types().drop_columns(missing), "orc")
    older = pa.table({"a": pa.array([1], pa.int32()), "F": pa.array([1.5], pa.float32()), "only": ["x"]})
    newer = pa.table({"A": pa.array([2**40], pa.int64()), "f": pa.array([1.1], pa.float64())})
    write_file(root / "spelled" / "a.parquet", older, "parquet")
    write_file(root / "spelled" / "b.parquet", newer, "parquet")
    texts = {
        "zoned/a.csv": "id,at,n\n1,2026-11-03T14:00:00+02:00,123456789012345678901\n2,2026-11-03 14:00:00.123Z,5\n3,,\n",
        "blank/a.csv": "\n\nid,name\n1,a\n",
        "tabs/a.tsv": '1\tx "y"\n2\t\\N\n',
        "objects/a.json": '{"Id":1,"at":"2026-11-03T14:00:00Z","s":{"n":[1,2]},"t":"x","b":true}\n{"Id":2,"s":null}\n',
    }
    for path, text in texts.items():
        (root / path).parent.mkdir()
        (root / path).write_text(text, encoding="utf-8")
    (root / "packed").mkdir()
    (root / "packed" / "a.csv.gz").write_bytes(gzip.compress(b'id,name\n1,"a ""b"", c"\n'))


def run_on_trino(server: TrinoServer) -> Run:
    """Statements run in one session of the server."""
    cursor = server.connect().cursor()

    def run(sql: str) -> tuple[Sequence[str], list[Any]]:
        cursor.execute(sql)
        rows = cursor.fetchall()
        return [column[0] for column in cursor.description or ()], rows

    return run


@contextlib.contextmanager
def open_engine(engine: str) -> Iterator[Run]:
    """What runs statements on Spark or Trino, until the block ends."""
    if engine == "spark":
        with run_spark() as session:

            def run(sql: str) -> tuple[Sequence[str], list[Any]]:
                frame = session.sql(sql)
                return frame.columns, frame.collect()

            yield run
    else:
        with run_trino() as server:
            yield run_on_trino(server)


def main(engine: str) -> int:
    """How many tables differ; they are printed."""
    compared = differing = 0
    with tempfile.TemporaryDirectory() as place, open_engine(engine) as run:
        for compare, folder in ((compare_cases, "cases"), (compare_types, "types")):
            (Path(place) / folder).mkdir()
            for table, difference in compare(Path(place) / folder, engine, run):
                compared += 1
                if difference is not None:
                    differing += 1
                    sys.stdout.write(f"{table} differs:\n{difference}\n")
    sys.stdout.write(f"{compared} tables compared, {differing} differ\n")
    return differing


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) > 0)
