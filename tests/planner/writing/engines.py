"""The other engines, to be asked: Spark in this process, Trino at an address."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.planner.writing.compare import Rows, list_rows, settle

Run = Callable[[str], "Rows | str"]
"""A query's rows, or its error as text."""
_JAVA = Path("/usr/lib/jvm/java-17-openjdk-amd64")
_INTERPRETED = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}


def why_no_spark() -> str:
    """Why Spark cannot be asked here; empty when it can."""
    try:
        import pyspark  # noqa: F401 - whether it is there
    except ImportError:
        return "pyspark is not installed"
    return "" if find_java() else "there is no Java for Spark"


def find_java() -> str:
    """The Java for Spark: JAVA_HOME's, else the one of this system; empty for none."""
    home = os.environ.get("JAVA_HOME") or (str(_JAVA) if _JAVA.exists() else "")
    return home if home and (Path(home) / "bin" / "java").exists() else ""


@contextmanager
def open_spark(folder: Path, compiles: bool = False) -> Iterator[Any]:
    """A Spark session of one thread. `compiles`: with code made for each query, which takes longer for small
    ones than to interpret them."""
    from pyspark.sql import SparkSession

    os.environ["JAVA_HOME"] = find_java()
    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    settings = {
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        **({} if compiles else _INTERPRETED),
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    try:
        yield session
    finally:
        session.stop()


def show_to_spark(session: Any, folder: Path, tables: Mapping[str, pa.Table]) -> tuple[Run, dict[str, str]]:
    """The tables as views of Spark's: what runs a query, and their names there."""
    for name, table in tables.items():
        path = folder / f"{name}.parquet"
        pq.write_table(table, path, coerce_timestamps="us")
        session.read.parquet(str(path)).createOrReplaceTempView(name)

    def run(sql: str) -> Rows | str:
        try:
            return list_rows(session.sql(sql).toArrow())
        except Exception as error:  # noqa: BLE001 - whatever the engine says is compared
            return f"{type(error).__name__}: {error}"

    return run, {name: f"`{name}`" for name in tables}


def show_to_trino(
    port: int, folder: Path, tables: Mapping[str, pa.Table], prefix: str
) -> tuple[Run, dict[str, str]]:
    """The same of a Trino on this machine with the catalogs `hive` (local files) and `memory`."""
    import trino

    def ask(sql: str) -> tuple[list[Any], list[str]]:
        cursor = trino.dbapi.connect(
            host="127.0.0.1", port=port, user="lakeq", catalog="memory", schema="default", timezone="UTC"
        ).cursor()
        cursor.execute(sql)
        return cursor.fetchall(), [column[1] for column in cursor.description or ()]

    ask("CREATE SCHEMA IF NOT EXISTS hive.default")
    names = {}
    for name, table in tables.items():
        place = folder / prefix / name
        place.mkdir(parents=True)
        plain, shown = table, []
        for position, field in enumerate(table.schema):
            quoted = f'"{field.name}"'
            if pa.types.is_timestamp(field.type) and field.type.tz:  # Hive has no such type
                moments = table[field.name].cast(pa.timestamp("us", "UTC")).cast(pa.int64())
                plain = plain.set_column(position, field.name, moments.cast(pa.timestamp("us")))
                quoted = f"with_timezone({quoted}, 'UTC') AS {quoted}"
            shown.append(quoted)
        pq.write_table(plain, place / "part-0.parquet", coerce_timestamps="us")
        full = f"{prefix}_{name}"
        columns = ", ".join(f'"{field.name}" {_trino_type(field.type)}' for field in plain.schema)
        for catalog in ("hive", "memory"):
            ask(f"DROP TABLE IF EXISTS {catalog}.default.{full}")
        ask(
            f"CREATE TABLE hive.default.{full} ({columns}) "
            f"WITH (external_location = 'local://{place}', format = 'PARQUET')"
        )
        ask(f"CREATE TABLE memory.default.{full} AS SELECT {', '.join(shown)} FROM hive.default.{full}")
        names[name] = f'"memory"."default"."{full}"'

    def run(sql: str) -> Rows | str:
        try:
            rows, types = ask(sql)
        except Exception as error:  # noqa: BLE001 - whatever the engine says is compared
            return f"{type(error).__name__}: {error}"
        return [tuple(_read(v, t) for v, t in zip(row, types, strict=True)) for row in rows]

    return run, names


def _read(value: Any, type_: str) -> Any:
    """A value of the client's: a REAL comes as the decimals that tell it apart."""
    if type_ == "real" and isinstance(value, float):
        return struct.unpack("f", struct.pack("f", value))[0]
    return settle(value)


def _trino_type(type_: pa.DataType) -> str:
    if pa.types.is_list(type_):
        return f"array({_trino_type(type_.value_type)})"
    if pa.types.is_struct(type_):
        return "row(" + ", ".join(f'"{f.name}" {_trino_type(f.type)}' for f in type_) + ")"
    if pa.types.is_decimal(type_):
        return f"decimal({type_.precision}, {type_.scale})"
    if pa.types.is_timestamp(type_):
        return "timestamp(6)"
    plain = {
        "int8": "tinyint", "int16": "smallint", "int32": "integer", "int64": "bigint", "double": "double",
        "float": "real", "bool": "boolean", "date32[day]": "date", "string": "varchar",
    }  # fmt: skip
    return plain[str(type_)]
