"""Statements for each engine: golden ones, what they must not say, and that they parse."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlglot

import lakeq
from lakeq.ddl.statements import Ddl
from lakeq.ddl.write import DIALECTS, write_ddl
from lakeq.errors import ConfigError, PartitionLayoutError, TableNotFoundError, UnsupportedTableError
from lakeq.lake import Lake
from tests.ddl.lakes import CASES, FORMATS, make_all_types, open_case, write_case, write_file
from tests.servers import S3Server

TODAY = dt.date(2026, 11, 27)
S3 = {"athena": "s3://b/t", "redshift-spectrum": "s3://b/t", "trino": "s3://b/t", "spark": "s3a://b/t"}


def write(lake: Lake, table: str, dialect: str, **options: Any) -> Ddl:
    """The statements as of TODAY, of a table that lies at s3://b/t for the engine."""
    options.setdefault("location", S3[dialect])
    return write_ddl(lake._catalog.view().entry(table), dialect, today=TODAY, **options)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every case as Parquet, and one in each format."""
    place = tmp_path_factory.mktemp("ddl")
    for case in CASES:
        write_case(place, case, "parquet")
    for file_format in FORMATS:
        write_case(place, CASES[0], file_format)
    return place


@pytest.fixture(scope="module")
def lake(root: Path) -> Iterator[Lake]:
    with lakeq.connect(str(root)) as opened:
        for case in CASES:
            if case.declared:
                opened.register(f"{case.name}_parquet", f"{case.name}_parquet", **case.declared)
        yield opened


def put(root: Path, path: str, rows: pa.Table | str) -> None:
    place = root / path
    if isinstance(rows, str):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(rows, encoding="utf-8")
    else:
        write_file(place, rows, "parquet")


def refuse(root: Path, table: str, dialect: str, **options: Any) -> str:
    """The message with which a table is refused."""
    with lakeq.connect(str(root)) as opened, pytest.raises(UnsupportedTableError) as caught:
        write(opened, table, dialect, **options)
    assert caught.value.name == table
    return str(caught.value)


ATHENA_POSITIONAL = """\
CREATE EXTERNAL TABLE `positional_parquet` (
  `id` bigint,
  `name` string,
  `amount` double,
  `seen` timestamp,
  `born` date
)
PARTITIONED BY (
  `year` bigint,
  `month` bigint,
  `day` bigint
)
STORED AS PARQUET
LOCATION 's3://b/t/'
TBLPROPERTIES (
  'projection.enabled' = 'true',
  'projection.year.type' = 'integer',
  'projection.year.range' = '2025,2036',
  'projection.month.type' = 'integer',
  'projection.month.range' = '1,12',
  'projection.month.digits' = '2',
  'projection.day.type' = 'integer',
  'projection.day.range' = '1,31',
  'projection.day.digits' = '2',
  'storage.location.template' = 's3://b/t/${year}/${month}/${day}/'
)"""

ATHENA_CSV = """\
CREATE EXTERNAL TABLE `web`.`flat_raw` (
  `id` string,
  `name` string,
  `amount` string,
  `seen` string,
  `born` string
)
ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde'
WITH SERDEPROPERTIES (
  'separatorChar' = ',',
  'quoteChar' = '"',
  'escapeChar' = '\\u0001'
)
STORED AS INPUTFORMAT 'org.apache.hadoop.mapred.TextInputFormat'
  OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION 's3://b/t/'
TBLPROPERTIES (
  'skip.header.line.count' = '1'
)"""

ATHENA_VIEW = """\
CREATE OR REPLACE VIEW "web"."flat" AS
SELECT
  CAST(NULLIF("id", '') AS bigint) AS "id",
  NULLIF("name", '') AS "name",
  CAST(NULLIF("amount", '') AS double) AS "amount",
  CAST(replace(NULLIF("seen", ''), 'T', ' ') AS timestamp(3)) AS "seen",
  CAST(NULLIF("born", '') AS date) AS "born"
FROM "web"."flat_raw\""""

SPARK_ESCAPED = r"""
ALTER TABLE `escaped_parquet` ADD IF NOT EXISTS
  PARTITION (`city` = '100% \\') LOCATION 's3a://b/t/city=100%25 \\/'
  PARTITION (`city` = 'a/b') LOCATION 's3a://b/t/city=a%2Fb/'
  PARTITION (`city` = 'it\'s') LOCATION 's3a://b/t/city=it%27s/'
  PARTITION (`city` = 'x y') LOCATION 's3a://b/t/city=x y/'
  PARTITION (`city` = 'é%') LOCATION 's3a://b/t/city=é%25/'""".strip()

REDSHIFT_NESTED = """\
CREATE EXTERNAL TABLE "spectrum"."template_parquet" (
  "id" bigint,
  "name" varchar(65535),
  "amount" double precision,
  "seen" timestamp,
  "born" date
)
PARTITIONED BY (
  "dt" date,
  "product" varchar(65535)
)
STORED AS PARQUET
LOCATION 's3://b/t/'"""

REDSHIFT_PARTITIONS = """\
ALTER TABLE "spectrum"."template_parquet" ADD IF NOT EXISTS
  PARTITION ("dt" = '2026-11-01', "product" = 'coffee') LOCATION 's3://b/t/v1/dt=2026-11-01/coffee/'
  PARTITION ("dt" = '2026-11-02', "product" = 'lamp') LOCATION 's3://b/t/v1/dt=2026-11-02/lamp/'"""

TRINO_TEMPLATE = """\
CREATE TABLE "hive"."default"."template_parquet" (
  "id" bigint,
  "name" varchar,
  "amount" double,
  "seen" timestamp(3),
  "born" date,
  "dt" date WITH (partition_projection_type = 'DATE', partition_projection_range = ARRAY['2026-11-01', 'NOW'], \
partition_projection_format = 'yyyy-MM-dd', partition_projection_interval = 1, \
partition_projection_interval_unit = 'DAYS'),
  "product" varchar WITH (partition_projection_type = 'ENUM', \
partition_projection_values = ARRAY['coffee', 'lamp'])
)
WITH (
  external_location = 's3://b/t/',
  format = 'PARQUET',
  partitioned_by = ARRAY['dt', 'product'],
  partition_projection_enabled = true,
  partition_projection_location_template = 's3://b/t/v1/dt=${dt}/${product}/'
)"""


def test_golden_positional_layout_in_athena_has_a_location_template(lake: Lake) -> None:
    assert write(lake, "positional_parquet", "athena").statements == (ATHENA_POSITIONAL,)


def test_golden_quoted_csv_in_athena_is_texts_and_a_view_that_casts(lake: Lake) -> None:
    found = write(lake, "flat_csv", "athena", name="web.flat")
    assert found.statements == (ATHENA_CSV, ATHENA_VIEW)


def test_golden_escaped_values_in_spark_are_located_as_their_folders_are_spelled(lake: Lake) -> None:
    assert write(lake, "escaped_parquet", "spark").statements[1] == SPARK_ESCAPED


def test_golden_template_in_redshift_lists_partitions_in_batches(lake: Lake) -> None:
    assert write(lake, "template_parquet", "redshift-spectrum").statements == (
        REDSHIFT_NESTED,
        REDSHIFT_PARTITIONS,
    )


def test_golden_template_in_trino_projects_days_and_values(lake: Lake) -> None:
    assert write(lake, "template_parquet", "trino").statements == (TRINO_TEMPLATE,)


@pytest.mark.parametrize("dialect", ["athena", "trino", "spark"])
@pytest.mark.parametrize("lists", [False, True], ids=["projected", "listed"])
def test_statements_parse(lake: Lake, dialect: str, lists: bool) -> None:
    for name in lake.names():
        for statement in write(lake, name, dialect, lists_partitions=lists).statements:
            (tree,) = sqlglot.parse(statement, read=dialect)
            if not isinstance(tree, sqlglot.exp.Command):
                assert tree is not None
                assert tree.sql(dialect) != ""


def test_hive_folders_need_no_location_template(lake: Lake) -> None:
    for name in ("padded_parquet", "unpadded_parquet", "dates_parquet"):
        text = str(write(lake, name, "athena"))
        assert "projection.enabled" in text
        assert "template" not in text
    assert "'projection.month.digits' = '2'" in str(write(lake, "padded_parquet", "athena"))
    assert "digits" not in str(write(lake, "unpadded_parquet", "athena"))


def test_keys_in_capitals_have_a_template_for_engines_lower_names(lake: Lake) -> None:
    text = str(write(lake, "Upper_parquet", "athena"))
    assert "'storage.location.template' = 's3://b/t/Year=${year}/'" in text
    assert "projection.year.range" in text


def test_null_is_a_partition_by_its_name_in_hive(lake: Lake) -> None:
    text = str(write(lake, "nulls_parquet", "athena"))
    assert "PARTITION (`month` = '4', `shop` = '__HIVE_DEFAULT_PARTITION__')" in text
    assert "projection" not in text.replace("partitions are listed", "")
    with pytest.raises(UnsupportedTableError, match="--dialect athena"):
        write(lake, "nulls_parquet", "redshift-spectrum")


def test_partitions_are_listed_on_request(lake: Lake) -> None:
    assert write(lake, "positional_parquet", "athena", lists_partitions=True).statements[1] == (
        "ALTER TABLE `positional_parquet` ADD IF NOT EXISTS\n"
        "  PARTITION (`year` = '2025', `month` = '1', `day` = '9') LOCATION 's3://b/t/2025/01/09/'\n"
        "  PARTITION (`year` = '2026', `month` = '11', `day` = '10') LOCATION 's3://b/t/2026/11/10/'"
    )


def test_a_statement_adds_a_hundred_partitions_at_most(tmp_path: Path) -> None:
    for i in range(101):
        put(tmp_path, f"t/{i:03}x/a.parquet", pa.table({"id": [i]}))
    with lakeq.connect(str(tmp_path)) as lake:
        lake.register("t", "t", layout="{k}/")
        _, first, second = write(lake, "t", "athena", lists_partitions=True).statements
    assert (first.count("PARTITION ("), second.count("PARTITION (")) == (100, 1)


def test_orc_is_read_by_name(lake: Lake) -> None:
    assert "'orc.column.index.access' = 'false'" in str(write(lake, "flat_orc", "athena"))
    assert "SET SESSION" not in write(lake, "flat_orc", "trino").statements[0]
    moved = write(lake, "flat_orc", "trino", name="cat.s.t", exclude=["name"])
    assert moved.statements[0] == 'SET SESSION "cat".orc_use_column_names = true'
    assert any("read by position" in note for note in moved.notes)


def test_csv_without_quotes_has_the_serde_without_quotes(tmp_path: Path) -> None:
    put(tmp_path, "t/a.psv", "1|x\n2|\n")
    with lakeq.connect(str(tmp_path)) as lake:
        lake.register(
            "t", "t", delimiter="|", quote="", header=False, null="-", columns={"a": "bigint", "b": "text"}
        )
        text = str(write(lake, "t", "athena"))
        assert "LazySimpleSerDe" in text
        assert "'field.delim' = '|'" in text
        assert "'serialization.null.format' = '-'" in text
        assert "skip.header" not in text
        assert """CAST(NULLIF(NULLIF("a", '-'), '') AS bigint)""" in text
        assert "textfile_field_separator = '|'" in str(write(lake, "t", "trino"))
        assert "FIELDS TERMINATED BY '|'" in str(write(lake, "t", "redshift-spectrum"))


def test_unsigned_integers_are_mended_by_a_view_where_engines_read_them_as_signed(tmp_path: Path) -> None:
    put(tmp_path, "t/a.parquet", make_all_types())
    with lakeq.connect(str(tmp_path)) as lake:
        for dialect in ("athena", "trino"):
            text = str(write(lake, "t", dialect))
            assert 'CASE WHEN "u32" < 0 THEN "u32" + 4294967296 ELSE "u32" END AS "u32"' in text
            assert "DECIMAL '18446744073709551616'" in text
        assert "`u64` DECIMAL(20,0)" in str(write(lake, "t", "spark"))
        assert "`s` struct<a:bigint, x:string>" in str(write(lake, "t", "athena"))
        assert "`l` array<bigint>" in str(write(lake, "t", "athena"))
        with pytest.raises(UnsupportedTableError, match=r"'u64'.*--exclude u64"):
            write(lake, "t", "redshift-spectrum")
        assert '"u32" bigint' in str(write(lake, "t", "redshift-spectrum", exclude=["u64"]))


def test_a_type_that_the_engine_has_not_is_refused_with_the_column_and_the_remedy(tmp_path: Path) -> None:
    times = pa.table({"id": [1], "at": pa.array([dt.time(1, 2)], pa.time64("us"))})
    put(tmp_path, "t/a.parquet", times)
    put(tmp_path, "ns/a.parquet", pa.table({"at": pa.array([1], pa.timestamp("ns"))}))
    put(tmp_path, "odd/a.parquet", pa.table({"s": [{"a b": 1}]}))
    put(tmp_path, "comma/a.parquet", pa.table({"a,b": [1]}))
    for dialect in DIALECTS:
        assert "'at'" in refuse(tmp_path, "t", dialect)
        assert "--exclude at" in refuse(tmp_path, "t", dialect)
    with lakeq.connect(str(tmp_path)) as lake:
        assert "`at`" not in str(write(lake, "t", "athena", exclude=["AT"]))
    assert "nanoseconds" in refuse(tmp_path, "ns", "spark")
    assert "'a b'" in refuse(tmp_path, "odd", "athena")
    assert "'a,b'" in refuse(tmp_path, "comma", "trino")


def test_two_folders_that_are_one_partition_are_refused(tmp_path: Path) -> None:
    for folder in ("month=3", "month=03"):
        put(tmp_path, f"t/{folder}/a.parquet", pa.table({"id": [1]}))
    for dialect in DIALECTS:
        assert "'partition_types'" in refuse(tmp_path, "t", dialect)
    with lakeq.connect(str(tmp_path)) as lake:
        lake.register("t", "t", layout="hive", partition_types={"month": "text"})
        assert str(write(lake, "t", "spark"))
        assert "'projection.month.values' = '03,3'" in str(write(lake, "t", "athena"))


def test_an_empty_value_is_refused(tmp_path: Path) -> None:
    for folder in ("shop=", "shop=a"):
        put(tmp_path, f"t/{folder}/a.parquet", pa.table({"id": [1]}))
    assert "Rename the folder" in refuse(tmp_path, "t", "athena")


def test_csv_whose_columns_move_is_refused_and_columns_at_the_end_may_lack(tmp_path: Path) -> None:
    put(tmp_path, "moved/a.csv", "id,name\n1,x\n")
    put(tmp_path, "moved/b.csv", "name,id\nx,1\n")
    put(tmp_path, "short/a.csv", "id,name\n1,x\n")
    put(tmp_path, "short/b.csv", "id,name,more\n1,x,2\n")
    put(tmp_path, "kinds/a.csv", "id,name\n1,x\n")
    put(tmp_path, "kinds/b.csv", "id|name\n1|x\n")
    with lakeq.connect(str(tmp_path)) as lake:
        for table in ("moved", "short", "kinds"):
            lake.register(table, table, layout="flat")
        with pytest.raises(UnsupportedTableError, match=r"b\.csv.*a\.csv.*position"):
            write(lake, "moved", "spark")
        assert "`more` string" in str(write(lake, "short", "athena"))
        with pytest.raises(UnsupportedTableError, match="written in 2 ways"):
            write(lake, "kinds", "athena")


def test_a_column_of_csv_is_left_out_only_at_the_end(tmp_path: Path) -> None:
    put(tmp_path, "t/a.csv", "id,name,more\n1,x,2\n")
    assert "others follow it" in refuse(tmp_path, "t", "athena", exclude=["name"])
    with lakeq.connect(str(tmp_path)) as lake:
        assert "more" not in str(write(lake, "t", "athena", exclude=["more"]))
        with pytest.raises(ConfigError, match="'nope'"):
            write(lake, "t", "athena", exclude=["nope"])


def test_json_that_is_not_an_object_a_line_is_refused_where_engines_read_lines(tmp_path: Path) -> None:
    put(tmp_path, "t/a.json", json.dumps([{"id": 1}, {"id": 2}]))
    assert "--format ndjson" in refuse(tmp_path, "t", "athena")
    assert "--format ndjson" in refuse(tmp_path, "t", "trino")
    with lakeq.connect(str(tmp_path)) as lake:
        assert "'multiLine' = 'true'" in str(write(lake, "t", "spark"))
        assert "'strip.outer.array' = 'true'" in str(write(lake, "t", "redshift-spectrum"))


def test_times_in_json_are_texts_that_a_view_casts(lake: Lake) -> None:
    text = str(write(lake, "flat_json", "athena"))
    assert "`seen` string" in text
    assert "org.openx.data.jsonserde.JsonSerDe" in text
    assert """CAST(replace(NULLIF("seen", ''), 'T', ' ') AS timestamp(3)) AS "seen\"""" in text


def test_keys_of_json_in_another_case_are_told_to_whoever_uses_spark(tmp_path: Path) -> None:
    put(tmp_path, "t/a.json", '{"id": 1}\n')
    put(tmp_path, "t/b.json", '{"ID": 2}\n')
    with lakeq.connect(str(tmp_path)) as lake:
        lake.register("t", "t", layout="flat")
        assert any("b.json spells id as ID" in note for note in write(lake, "t", "spark").notes)
        assert not any("spells" in note for note in write(lake, "t", "athena").notes)


def test_a_table_that_cannot_be_read_raises_its_problem(tmp_path: Path) -> None:
    for folder in ("a=1", "b=1"):
        put(tmp_path, f"t/{folder}/a.parquet", pa.table({"id": [1]}))
    with lakeq.connect(str(tmp_path)) as lake, pytest.raises(PartitionLayoutError):
        lake.ddl("t", "spark")


def test_one_file_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "prices.csv", "id,price\n1,2\n")
    put(tmp_path, "cities.parquet", pa.table({"id": [1]}))
    for dialect in DIALECTS:
        assert "folder of its own" in refuse(tmp_path, "prices", dialect)


def test_files_below_a_partition_are_refused_where_the_engine_does_not_look(tmp_path: Path) -> None:
    put(tmp_path, "t/day=2026-11-01/part/a.parquet", pa.table({"id": [1]}))
    put(tmp_path, "t/day=2026-11-02/b.parquet", pa.table({"id": [1]}))
    assert "Move them up" in refuse(tmp_path, "t", "spark")
    with lakeq.connect(str(tmp_path)) as lake:
        notes = write(lake, "t", "trino").notes
        assert any("hive.recursive-directories=true" in note for note in notes)


def test_flat_tables_with_folders_are_read_with_them_by_spark(lake: Lake) -> None:
    assert "'recursiveFileLookup' = 'true'" in str(write(lake, "deep_parquet", "spark"))
    assert "recursiveFileLookup" not in str(write(lake, "flat_parquet", "spark"))


def test_a_view_a_strange_dialect_and_a_strange_table_are_refused_with_the_remedy(root: Path) -> None:
    with lakeq.connect(str(root)) as lake:
        lake.create_view("recent", "SELECT id FROM flat_parquet")
        with pytest.raises(ConfigError, match=r"view.*lake\.views"):
            lake.ddl("Recent", "athena")
        with pytest.raises(ConfigError, match="athena, trino, spark, redshift-spectrum"):
            lake.ddl("flat_parquet", "bigquery")
        with pytest.raises(TableNotFoundError):
            lake.ddl("flat", "athena")


def test_files_of_this_machine_are_refused_by_engines_of_aws(lake: Lake) -> None:
    for dialect in ("athena", "redshift-spectrum"):
        with pytest.raises(ConfigError, match="--location s3://"):
            lake.ddl("flat_parquet", dialect)
        with pytest.raises(ConfigError, match="s3://"):
            lake.ddl("flat_parquet", dialect, location="gs://b/t")
    assert "LOCATION 'file:///" in str(lake.ddl("flat_parquet", "spark"))
    assert "LOCATION 'file:///" in str(lake.ddl("flat_parquet", "spark", location="here/t"))
    assert "external_location = 'local:///" in str(lake.ddl("flat_parquet", "trino"))


def test_names_are_of_the_engine(lake: Lake) -> None:
    assert 'CREATE TABLE "c"."s"."t" (' in str(write(lake, "flat_parquet", "trino", name="c.s.t"))
    assert 'CREATE TABLE "hive"."s"."t" (' in str(write(lake, "flat_parquet", "trino", name="s.t"))
    assert "CREATE TABLE `db`.`t` (" in str(write(lake, "flat_parquet", "spark", name="db.t"))
    assert 'CREATE EXTERNAL TABLE "s"."t" (' in str(
        write(lake, "flat_parquet", "redshift-spectrum", name="s.t")
    )
    for name in ("a.b.c", "a..b", ""):
        with pytest.raises(ConfigError, match=r"schema\.table"):
            write(lake, "flat_parquet", "athena", name=name)
    with pytest.raises(ConfigError, match="letters, digits and _"):
        write(lake, "flat_parquet", "athena", name="my-table")


def test_a_key_that_files_hold_too_is_declared_once(lake: Lake) -> None:
    for dialect in ("athena", "trino", "spark"):
        found = write(lake, "held_parquet", dialect)
        assert sum(line.strip().startswith(("`year`", '"year"')) for line in str(found).splitlines()) == 1
        assert any("year is also a column of the files" in note for note in found.notes)


def test_a_key_in_csv_keeps_its_place_under_another_name(root: Path) -> None:
    case = next(case for case in CASES if case.name == "held")
    table = write_case(root, case, "csv")
    with open_case(root, case, table) as lake:
        text = str(write(lake, table, "athena"))
    assert "`id` string,\n  `year_in_file` string,\n  `name` string" in text
    assert 'AS "id",\n  "year",\n  NULLIF("name"' in text


def test_what_the_engine_sees_otherwise_is_told_in_comments(tmp_path: Path) -> None:
    put(tmp_path, "t/a.parquet", pa.table({"id": pa.array([1], pa.int64()), "x": [1]}))
    put(tmp_path, "t/b.parquet", pa.table({"id": pa.array([1], pa.int32()), "x": ["a"]}))
    put(tmp_path, "t/README.html", "<p>")
    put(tmp_path, "t/inner/a.csv", "k,v\n1,2\n")
    with lakeq.connect(str(tmp_path)) as lake:
        lake.register("t", "t", layout="flat", format="parquet")
        lake.register("inner", "t/inner")
        text = str(lake.ddl("t", "athena", location="s3://b/t"))
    assert text.startswith("-- t at ")
    assert "-- column x is BIGINT in " in text
    assert "column id" not in text
    assert "README.html" in text
    assert "the files of inner too" in text


def test_compression_that_names_do_not_tell_is_told(tmp_path: Path) -> None:
    import gzip

    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "a.csv").write_bytes(gzip.compress(b"id,name\n1,x\n"))
    (tmp_path / "t" / "b.csv.gz").write_bytes(gzip.compress(b"id,name\n1,x\n"))
    with lakeq.connect(str(tmp_path)) as lake:
        lake.register("t", "t", layout="flat", format="csv")
        (note,) = [note for note in write(lake, "t", "athena").notes if "compressed" in note]
    assert "1 files" in note
    assert "t/a.csv" in note


def test_no_folder_can_write_a_statement_of_its_own(tmp_path: Path) -> None:
    evil = "x'); DROP TABLE y; --\n DROP TABLE z;"
    put(tmp_path, f"t/k={evil}/a.parquet", pa.table({"id": [1]}))
    put(tmp_path, "t/k=b/a.parquet", pa.table({"id": [1]}))
    with lakeq.connect(str(tmp_path)) as lake:
        for dialect in ("athena", "trino", "spark", "redshift-spectrum"):
            text = str(write(lake, "t", dialect, lists_partitions=True))
            assert all(line.isprintable() for line in text.splitlines())
            assert "\n DROP" not in text
        for dialect in ("athena", "trino", "spark"):
            text = str(write(lake, "t", dialect, lists_partitions=True))
            for tree in sqlglot.parse(text, read=dialect):
                assert not isinstance(tree, sqlglot.exp.Drop)


def test_a_lake_in_s3_is_named_as_it_is_and_archived_files_are_told(
    s3_server: S3Server, tmp_path: Path
) -> None:
    bucket = s3_server.new_bucket()
    put(tmp_path, "a.parquet", pa.table({"id": [1]}))
    body = (tmp_path / "a.parquet").read_bytes()
    s3_server.put(bucket, "lake/t/day=2026-11-02/a.parquet", body)
    archived = {"Key": "lake/t/day=2026-11-01/a.parquet", "StorageClass": "GLACIER"}
    s3_server.client.put_object(Bucket=bucket, Body=body, **archived)
    with lakeq.connect(f"s3://{bucket}/lake", **s3_server.storage_options) as lake:
        found = lake.ddl("t", "athena")
        redshift = str(lake.ddl("t", "redshift-spectrum"))
    assert f"LOCATION 's3://{bucket}/lake/t/'" in str(found)
    assert "'projection.day.range' = '2026-11-01,NOW'" in str(found)
    assert "'read_restored_glacier_objects' = 'true'" in str(found)
    assert any(note.startswith("1 files are archived") for note in found.notes)
    assert f"LOCATION 's3://{bucket}/lake/t/day=2026-11-01/'" in redshift
