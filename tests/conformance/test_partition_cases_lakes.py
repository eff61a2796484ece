"""Others' cases that need rows: small lakes, asked.

Where lakeq's rule agrees, every case is run. Where it differs on purpose, a test says so and why.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.catalog.hive_names import NULL_TEXT, escape_hive
from lakeq.catalog.layout import parse_template
from lakeq.errors import BudgetExceededError, LakeqError, PartitionLayoutError
from lakeq.formats.types import common_type, parse_type
from lakeq.lake import Lake
from tests.catalog.memory_store import only_table
from tests.conformance.partition_cases import found_keys, load_cases, read, type_values

SPARK = load_cases("spark_partition")
ARROW = load_cases("arrow_partition")
DUCKDB = load_cases("duckdb_hive")
POLARS = load_cases("polars_hive")
DATAFUSION = load_cases("datafusion_partition")
TRINO = load_cases("trino")


def write_file(path: Path, columns: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    root = tmp_path_factory.mktemp("others")
    kinds = itertools.product([0, 1], ["a", "b", "c"], [True, False])
    for number, (integer, string, boolean) in enumerate(kinds):
        folder = f"dnf/integer={integer}/string={string}/boolean={boolean}"
        write_file(root / folder / "f.parquet", {"v": list(range(number * 5, number * 5 + 5))})
    for number in range(5):
        write_file(root / f"integers/integers={number}/f.parquet", {"a": [number]})
        write_file(root / f"days/dates=2018-04-{9 + number:02}/f.parquet", {"v": [number]})
        write_file(root / f"five/a={number}/f.parquet", {"x": [number]})
    for week in ("2019_2", "2019_3"):
        write_file(root / f"weeks/year_week={week}/f.parquet", {"v": [1]})
    for a in (1, 2):
        write_file(root / f"two/a={a}/f.parquet", {"x": [a] * 5})
    for day in ("2024-01-01", "2024-02-01", NULL_TEXT):
        write_file(root / f"dated/date1={day}/f.parquet", {"x": [1]})
    write_file(root / "also/a=1/b=2/f.parquet", {"x": [7, 8], "a": [3, 3], "b": [4, 4], "y": [5, 6]})
    for year in ("2021/month=09/day=09", "2021/month=10/day=09", "2021/month=10/day=28"):
        write_file(root / f"parts/year={year}/f.parquet", {"c1": ["a", "b"]})
    for hour, name in ((10, "a1"), (11, "a2")):
        write_file(root / f"pt/dt=2021-12-09/hh={hour}/f.parquet", {"id": [hour - 9], "name": [name]})
    write_file(root / "np/f.parquet", {"name": ["a1", "a2"], "dt": ["2021-12-09"] * 2})
    for c1, c2 in (("value", "value"), ("v1", "value"), ("v2", "v2")):
        write_file(root / f"exp/c1={c1}/c2={c2}/f.parquet", {"x": [1], "d": [c1]})
    with lakeq.connect(root, history=False) as opened:
        opened.register("guarded", "pt", require_partition_filter=True)
        yield opened


# --- Spark ------------------------------------------------------------------------------------------

SPARK_NAMES = {"byte": "tinyint", "short": "smallint", "long": "bigint", "float": "real"}


@pytest.mark.parametrize("case", SPARK["typed_roundtrip"], ids=str)
def test_spark_values_of_a_declared_type_are_read_back(case: list[Any]) -> None:
    """One differs: 40000 is no `short`, and lakeq does not wrap it around."""
    name, value = case
    kind = parse_type(SPARK_NAMES.get(name, name))
    if name == "short":
        with pytest.raises(PartitionLayoutError, match="40000"):
            type_values([str(value)], kind)
        return
    expected = {
        "date": date.fromisoformat,
        "timestamp": datetime.fromisoformat,
        "decimal(10,5)": Decimal,
        "decimal(38,18)": Decimal,
    }.get(name, lambda text: text)
    assert type_values([str(value)], kind) == (kind, [expected(value)])


def test_spark_a_path_without_folders_has_no_keys() -> None:
    assert found_keys(only_table(["f.csv"])) == []


def test_spark_a_column_in_file_and_path_is_the_paths(lake: Lake) -> None:
    assert lake.sql("SELECT a, b, x FROM also ORDER BY x").fetchall() == [(1, 2, 7), (1, 2, 8)]


def test_spark_keys_that_files_hold_too_are_shown_once_and_null_where_the_path_is(tmp_path: Path) -> None:
    for pi, ps in ((1, "foo"), (2, NULL_TEXT)):
        write_file(tmp_path / f"t/pi={pi}/ps={ps}/f.parquet", {"v": [pi], "pi": [pi], "ps": ["foo"]})
    with lakeq.connect(tmp_path, history=False) as lake:
        assert [column.name for column in lake.describe("t").columns] == ["v", "pi", "ps"]
        assert lake.sql("SELECT v, pi, ps FROM t WHERE ps IS NULL").fetchall() == [(2, 2, None)]


def test_spark_the_estimate_of_some_partitions_is_their_size(lake: Lake) -> None:
    parts = [lake.estimate(f"SELECT * FROM five WHERE a = {a}").bytes_scanned for a in range(5)]
    assert sum(parts) == lake.estimate("SELECT * FROM five").bytes_scanned
    assert lake.estimate("SELECT * FROM five WHERE a IN (1, 3)").bytes_scanned == parts[1] + parts[3]


def test_differs_from_spark_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    """Spark lists it as empty; a misspelled location must not answer with no rows."""
    with pytest.raises(LakeqError, match="nowhere"), lakeq.connect(tmp_path / "nowhere") as lake:
        lake.tables()


def test_a_root_may_end_in_a_slash_and_be_a_file_uri(lake: Lake) -> None:
    root = str(lake.location).rstrip("/").removeprefix("file://")
    for location in (f"{root}/", f"file://{root}", f"file://{root}/"):
        with lakeq.connect(location, history=False) as other:
            found = {table.name: len(table.partition_columns) for table in other.tables()}
            assert (found["pt"], found["dnf"], found["np"]) == (2, 3, 0)


# --- Arrow ------------------------------------------------------------------------------------------

DNF = ARROW["filters_dnf"]["cases"]


def test_arrow_a_condition_on_three_keys(lake: Lake) -> None:
    without = DNF[0]["must_not_contain"]
    rows = lake.sql(f"SELECT * EXCLUDE (v) FROM dnf WHERE {DNF[0]['filter']}").arrow().to_pylist()
    assert len(rows) == 10
    assert all(row[key] != value for row in rows for key, value in without.items() if key != "boolean")
    assert {row["boolean"] for row in rows} == {"True"}  # text, as Athena has it


def test_arrow_a_condition_that_no_partition_meets_has_no_rows(lake: Lake) -> None:
    assert lake.sql("SELECT * FROM dnf WHERE string = ?", ["1\0a"]).fetchall() == []
    assert lake.sql("SELECT * FROM integers WHERE integers IN (SELECT 1 WHERE false)").fetchall() == []


def test_arrow_ranges_of_keys(lake: Lake) -> None:
    sql = f"SELECT integers FROM integers WHERE {DNF[2]['filter']} ORDER BY 1"
    assert [row[0] for row in lake.sql(sql).fetchall()] == DNF[2]["result"]
    days = lake.sql(f"SELECT dates FROM days WHERE {DNF[5]['filter']}").fetchall()
    assert [str(row[0]) for row in days] == DNF[5]["result"]
    weeks = lake.sql("SELECT year_week FROM weeks ORDER BY 1").fetchall()
    assert [row[0] for row in weeks] == DNF[6]["result"]


def test_arrow_a_column_that_is_not_there_is_an_error(lake: Lake) -> None:
    with pytest.raises(LakeqError, match="non_existent_column"):
        lake.sql(f"SELECT * FROM integers WHERE {DNF[4]['filter']}")


def test_arrow_keys_alone_are_a_row_for_each_row(lake: Lake) -> None:
    assert lake.sql("SELECT integer, string FROM dnf").arrow().num_rows == 60


@pytest.mark.parametrize("case", ARROW["schema_merge"], ids=str)
def test_arrow_types_of_several_files_have_a_common_one(case: dict[str, Any]) -> None:
    """As Arrow's `permissive`, which is not its default: `int32` and `double` are double."""
    names = {"int32": pa.int32(), "int32 not null": pa.int32(), "float64": pa.float64()}
    first, second = (names[kind] for file in case["files"] for kind in file.values())
    expected = case.get("permissive") or case["result"]["i32"]
    assert common_type(first, second) == names[expected]


def test_differs_from_arrow_a_missing_level_is_an_error_where_types_are_declared() -> None:
    """Arrow reads the key that is missing as NULL."""
    case = ARROW["positional_existing_schema"]["cases"][4]
    with pytest.raises(PartitionLayoutError, match="different depths"):
        read([f"{path.strip('/')}/f" for path in case["paths"]], parse_template("{alpha:bigint}/{beta}/"))


# --- DuckDB -----------------------------------------------------------------------------------------


def test_differs_from_duckdb_a_backslash_is_part_of_a_value() -> None:
    """Keys of object stores may hold one; only `/` parts folders."""
    assert read(["a=x\\y/f"])["a"].to_pylist() == ["x\\y"]


def test_duckdb_the_path_decides_type_and_filter_not_the_files_column(tmp_path: Path) -> None:
    same, other = DUCKDB["override"]
    write_file(tmp_path / f"same/{same['path']}/f.parquet", {"x": [1], "part": pa.array([42], pa.uint64())})
    write_file(tmp_path / f"other/{other['path']}", {"x": [1], "part": [999]})
    with lakeq.connect(tmp_path, history=False) as lake:
        assert lake.sql("SELECT typeof(part), part FROM same").fetchall() == [(same["typeof"], 42)]
        for clause, expected in other["checks"]:
            if clause.startswith("GROUP"):
                found: Any = lake.sql(f"SELECT part, count(*) FROM other {clause}").fetchall()
                assert [list(row) for row in found] == expected
            else:
                assert lake.sql(f"SELECT count(*) FROM other {clause}").fetchall() == [(expected,)]


def test_duckdb_the_plan_tells_files_kept_of_all(lake: Lake) -> None:
    assert "1 of 5" in lake.explain("SELECT * FROM five WHERE a = 3")


# --- Polars -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "table", "condition", "files", "rows"),
    [
        (0, "five", "a IN (1, 4)", 2, 2),
        (1, "two", "a = 1", 1, 5),
        (2, "five", "a < 0", 0, 0),
        (3, "dated", "date1 <> DATE '2024-01-01'", 1, 1),
        (4, "five", "TRUE", 5, 5),
        (5, "five", "FALSE", 0, 0),
    ],
)
def test_polars_files_and_rows_left(
    lake: Lake, number: int, table: str, condition: str, files: int, rows: int
) -> None:
    result = lake.sql(f"SELECT * FROM {table} WHERE {condition}")
    assert (result.estimate.files, result.arrow().num_rows) == (files, rows)
    case = POLARS["pruning"][number]
    assert case.get("rows", rows) in (rows, "all") and case.get("files_left", files) == files


def test_polars_pruning_renumbers_no_row(lake: Lake) -> None:
    numbered = "SELECT row_number() OVER (ORDER BY a) - 1 AS i, a FROM two"
    rows = lake.sql(f"SELECT i FROM ({numbered}) WHERE a = 2 ORDER BY i").fetchall()
    assert [row[0] for row in rows] == POLARS["pruning"][6]["index"]


def test_polars_a_condition_after_the_last_row_was_taken_is_not_pushed_below(lake: Lake) -> None:
    last = "SELECT * FROM two ORDER BY a DESC LIMIT 1"
    assert lake.sql(f"SELECT * FROM ({last}) WHERE a = 1").arrow().num_rows == POLARS["pruning"][7]["rows"]


def test_polars_a_key_alone_has_a_row_for_each_row(lake: Lake) -> None:
    assert lake.sql("SELECT a FROM two WHERE a = 2").fetchall() == [(2,)] * 5


@pytest.mark.parametrize("columns", list(itertools.permutations(["x", "a", "b", "y"])), ids=str)
def test_polars_columns_in_any_order(lake: Lake, columns: tuple[str, ...]) -> None:
    row = {"x": 7, "a": 1, "b": 2, "y": 5}
    result = lake.sql(f"SELECT {', '.join(columns)} FROM also WHERE x = 7")
    assert result.fetchall() == [tuple(row[name] for name in columns)]


def test_differs_from_polars_keys_have_the_paths_type_wherever_they_stand(lake: Lake) -> None:
    """Polars keeps the file's type of a key that files hold too; here a value is always the path's."""
    kinds = {column.name: column.type for column in lake.describe("also").columns}
    assert (kinds["a"], kinds["b"], list(kinds)) == (pa.int64(), pa.int64(), ["x", "a", "b", "y"])


def test_polars_a_date_is_found_beside_the_null_partition(lake: Lake) -> None:
    sql = "SELECT date1 FROM dated WHERE date1 = DATE '2024-01-01'"
    assert lake.sql(sql).fetchall() == [(date(2024, 1, 1),)]
    assert lake.sql("SELECT count(*) FROM dated WHERE date1 IS NULL").fetchall() == [(1,)]


def test_polars_dates_are_text_where_declared_so() -> None:
    texts = [text for text in POLARS["dates"]["date1"] if text is not None]
    assert type_values(texts, pa.string()) == (pa.string(), texts)


@pytest.mark.parametrize("value", POLARS["roundtrip_values"]["float"])
def test_polars_floats_are_read_back(value: float) -> None:
    assert type_values([repr(value)]) == (pa.float64(), [value])


@pytest.mark.parametrize("value", POLARS["roundtrip_values"]["string"])
def test_polars_texts_are_read_back(value: str) -> None:
    assert type_values([value]) == (pa.string(), [value])


def test_polars_a_key_that_was_not_declared_is_an_error() -> None:
    with pytest.raises(PartitionLayoutError, match="as declared"):
        read(["c=1/f"], parse_template("nonexistent={nonexistent:int}/"))


# --- DataFusion -------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", DATAFUSION["prunable_expressions"], ids=lambda case: case[0])
def test_datafusion_which_conditions_prune(lake: Lake, case: list[Any]) -> None:
    """With one key, `c2` is a column of the files, here `d`; bounds may still leave files out."""
    condition, keys, prunes = case
    sql = condition if keys != ["c1"] else condition.replace("c2", "lower(d)")
    estimate = lake.estimate(f"SELECT x FROM exp WHERE {sql}")
    assert (estimate.files < 3) == (prunes and condition != "true")


def test_datafusion_keys_compare_as_integers(lake: Lake) -> None:
    sql = "SELECT DISTINCT year, month, day FROM parts WHERE day = month"
    assert lake.sql(sql).fetchall() == [(2021, 9, 9)]


def test_datafusion_groups_of_a_key(lake: Lake) -> None:
    sql = "SELECT day, count(*), count(DISTINCT c1) FROM parts WHERE month <= 10 AND day < 28 GROUP BY day"
    assert lake.sql(sql).fetchall() == [(9, 4, 2)]


# --- Trino ------------------------------------------------------------------------------------------

REQUIRED = TRINO["partition_filter_required"]
REJECTED = {
    "WHERE name LIKE '%1' OR hh LIKE '%1'": "SELECT * FROM pt WHERE name LIKE '%1' OR hh::TEXT LIKE '%1'",
    "WHERE id = 1 OR dt = '2021-12-09'": "SELECT * FROM pt WHERE id = 1 OR dt = '2021-12-09'",
    "join ON (t1.dt = t2.dt) with no other filter": "SELECT * FROM pt t1 JOIN np t2 ON t1.dt = t2.dt::DATE",
    "join ... WHERE t1.id = 1": "SELECT * FROM pt t1 JOIN np t2 ON t1.dt = t2.dt::DATE WHERE t1.id = 1",
    "self join WHERE only one side is filtered on a non-join column": (
        "SELECT * FROM pt t1 JOIN pt t2 ON t1.id = t2.id WHERE t1.dt = '2021-12-09'"
    ),
}


@pytest.mark.parametrize("case", REQUIRED["rejected"], ids=str)
def test_trino_a_query_without_a_condition_on_a_key_is_refused(lake: Lake, case: str) -> None:
    """One differs: an expression over keys alone is evaluated for each partition, and so is a condition."""
    sql = REJECTED.get(case, case).replace("FROM pt", "FROM guarded").replace("JOIN pt", "JOIN guarded")
    if "% 2" in case:
        sql = "SELECT name FROM guarded WHERE CAST(hh AS INTEGER) % 2 = 0"
        assert lake.sql(sql).fetchall() == [("a1",)]
        return
    with pytest.raises(BudgetExceededError, match="dt or hh"):
        lake.sql(sql)


@pytest.mark.parametrize("case", REQUIRED["accepted"], ids=lambda case: case[0])
def test_trino_a_condition_on_a_key_is_enough(lake: Lake, case: list[Any]) -> None:
    """One differs: a condition that reaches the key through a join alone does not count."""
    sql = case[0].replace("FROM pt", "FROM guarded").replace("hh LIKE", "hh::TEXT LIKE")
    if "JOIN" in sql:
        with pytest.raises(BudgetExceededError, match="dt or hh"):
            lake.sql(sql.replace("t1.dt = t2.dt", "t1.dt = t2.dt::DATE"))
        return
    assert sorted(row[0] for row in lake.sql(sql).fetchall()) == sorted(case[1])


# --- our own ----------------------------------------------------------------------------------------


def test_a_second_equals_sign_belongs_to_the_value() -> None:
    assert read(["a==1/f"])["a"].to_pylist() == ["=1"]


def test_a_key_of_another_type_than_the_files_column_wins(tmp_path: Path) -> None:
    write_file(tmp_path / f"t/k={escape_hive('x/y')}/f.parquet", {"v": [1], "k": [2.5]})
    with lakeq.connect(tmp_path, history=False) as lake:
        assert lake.sql("SELECT k, v FROM t").fetchall() == [("x/y", 1)]
