"""No function, statement or setting of DuckDB leads out of the lake: first by what lakeq refuses, then by how
DuckDB is set up beneath it. A new version of DuckDB cannot open a door unseen: what no list knows fails here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

import lakeq
from lakeq.engines.duckdb import DuckDBEngine
from lakeq.engines.sessions import SESSION_SETTINGS
from lakeq.errors import LakeqError, QueryError, TableNotFoundError, UnsupportedSqlError
from lakeq.lake import Lake
from lakeq.planner.functions import TABLE_FUNCTIONS, is_refused, is_system_name
from lakeq.storage.local import LocalStore
from tests.engines.closed import (
    INSIDE,
    NAME,
    VALUE,
    VARIABLE,
    Canaries,
    list_functions,
    make_canaries,
    read_sections,
)

SECTIONS = read_sections()
FUNCTIONS = list_functions()
ALLOWED = {name for title, names in SECTIONS.items() if title.startswith("allowed") for name in names}
REFUSED = {name for title, names in SECTIONS.items() if title.startswith("refused:") for name in names}
NOT_IN_FROM = {name for title, names in SECTIONS.items() if title.startswith("refused in") for name in names}

UNPARSED = "SELECT 5!, {} "
"""DuckDB's SQL that sqlglot cannot take apart, so that only the engine's own check stands in the way."""

STATEMENTS = {
    "INSERT": ["INSERT INTO t VALUES (1)", "WITH q AS (INSERT INTO t VALUES (1) RETURNING *) FROM q"],
    "UPDATE": ["UPDATE t SET a = 1"],
    "DELETE": ["DELETE FROM t", "TRUNCATE t"],
    "MERGE_INTO": ["MERGE INTO t USING t AS s ON t.a = s.a WHEN MATCHED THEN DELETE"],
    "CREATE": [
        "CREATE TABLE x AS FROM read_text('{csv}')", "CREATE TEMP VIEW x AS FROM read_text('{csv}')",
        "CREATE SECRET x (TYPE http, BEARER_TOKEN 'y')", "CREATE PERSISTENT SECRET x (TYPE http)",
        "CREATE SEQUENCE x", "CREATE TYPE x AS ENUM ('a')", "CREATE INDEX x ON t (a)", "CREATE SCHEMA x",
        "CREATE MACRO x() AS TABLE FROM read_text('{csv}')", "CREATE FUNCTION x() AS 1",
    ],
    "CREATE_FUNC": [],
    "ALTER": ["ALTER TABLE t ADD COLUMN x INT", "COMMENT ON TABLE t IS 'x'"],
    "DROP": ["DROP VIEW t", "DROP SECRET x"],
    "PREPARE": ["PREPARE x AS FROM read_text('{csv}')"],
    "EXECUTE": ["EXECUTE x"],
    "TRANSACTION": ["BEGIN", "COMMIT", "ROLLBACK"],
    "COPY": [
        "COPY t TO '{out}'", "COPY t FROM '{csv}'", "COPY (FROM read_text('{csv}')) TO '{out}'",
        "WITH q AS (COPY t TO '{out}') SELECT 1",
    ],
    "COPY_DATABASE": ["COPY FROM DATABASE memory TO x"],
    "ANALYZE": ["ANALYZE t"],
    "VARIABLE_SET": ["SET VARIABLE x = 1"],
    "EXPLAIN": [
        "EXPLAIN FROM t", "EXPLAIN ANALYZE FROM read_text('{csv}')", "EXPLAIN (FORMAT json) FROM t",
        "EXPLAIN ANALYZE COPY t TO '{out}'",
    ],
    "EXPORT": ["EXPORT DATABASE '{out}'"],
    "PRAGMA": ["PRAGMA database_list", "PRAGMA threads=2", "PRAGMA show_tables", "PRAGMA import_database('{out}')"],
    "VACUUM": ["VACUUM t", "VACUUM"],
    "CALL": ["CALL pragma_version()", "CALL enable_logging(storage='file', storage_path='{out}')", "CALL duckdb_settings()"],
    "SET": ["SET threads=2", "SET GLOBAL enable_external_access=true", "RESET threads", "USE x", "SET lock_configuration=false"],
    "LOAD": ["LOAD httpfs", "INSTALL httpfs", "FORCE INSTALL httpfs FROM 'http://127.0.0.1:1'", "LOAD '{out}'"],
    "ATTACH": ["ATTACH '{duckdb}' AS x", "ATTACH '{out}' AS x (TYPE sqlite)", "ATTACH ':memory:' AS x"],
    "DETACH": ["DETACH x"],
    "RELATION": [],
    "EXTENSION": [],
    "no name in Python": ["CONNECT"],
    "LOGICAL_PLAN": [],
    "INVALID": [],
}  # fmt: skip
"""Statements by their type, beside SELECT and MULTI (several, of which a PIVOT without IN is made). The types
without an example cannot be written in SQL."""

STARTS = {
    "desc", "describe", "from", "pivot", "pivot_longer", "pivot_wider", "select", "summarize", "table", "unpivot",
    "values", "with", "show",
}  # fmt: skip
"""Keywords that a query begins with."""


@pytest.fixture(scope="module")
def canaries(tmp_path_factory: pytest.TempPathFactory) -> Canaries:
    return make_canaries(tmp_path_factory.mktemp("outside") / "files")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    folder = tmp_path_factory.mktemp("lake")
    (folder / "t").mkdir()
    (folder / "t" / "f.csv").write_text("a,b\n1,x\n2,y\n")
    with lakeq.connect(folder, history=False) as opened:
        yield opened


@pytest.fixture
def beneath(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of the engine's, on which anything may be tried."""
    with DuckDBEngine(LocalStore) as engine:
        database = engine._open_database(frozenset({str(tmp_path / "lake")}))
        yield database.connection.cursor()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, VALUE)


def run(lake: Lake, sql: str) -> str:
    """The rows of a query, or its error, as text."""
    try:
        return str(lake.sql(sql).arrow().to_pylist())
    except LakeqError as error:
        return str(error)


def try_out(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """What comes back of a statement. Errors may repeat what they were given, names of files among it."""
    try:
        return str(connection.execute(sql).fetchall())
    except duckdb.Error as error:
        return str(error).replace(NAME, "")


def calls_of(name: str, argument: str) -> Iterator[str]:
    """Ways to call a function with a text that may be a path, a pattern, SQL or the name of a variable; where
    there is one of this name."""
    kinds = FUNCTIONS[name]
    starts = ["SELECT "] if kinds - {"table", "table_macro"} else []
    starts += ["FROM "] if kinds - {"scalar", "aggregate", "macro"} else []
    text, quoted = argument.replace("'", "''"), '"' + name + '"'
    for arguments in (f"'{text}'", f"['{text}']", f"'{text}', '{text}'"):
        yield from (f"{start}{quoted}({arguments})" for start in starts)


def test_every_function_of_duckdb_is_judged() -> None:
    known = set().union(*SECTIONS.values())
    unknown = sorted(FUNCTIONS.keys() - known)
    assert not unknown, f"New in this DuckDB: decide, and write them into duckdb_functions.txt: {unknown}"
    assert len(ALLOWED) > 500
    assert len(NOT_IN_FROM) > 100


def test_the_lists_of_the_program_and_of_the_tests_agree() -> None:
    assert {name for name in FUNCTIONS if is_refused(name)} - {"copy_database", "import_database"} == REFUSED
    tables = {name for name, kinds in FUNCTIONS.items() if kinds & {"table", "table_macro"}}
    assert tables - TABLE_FUNCTIONS - {"histogram"} - REFUSED == NOT_IN_FROM
    assert not ALLOWED & (REFUSED | NOT_IN_FROM)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_refused_function_is_refused_wherever_it_stands(lake: Lake, name: str) -> None:
    call = f"\"{name.upper()}\"('x')"
    for sql in (
        f"SELECT {call} FROM t",
        f"SELECT {name}('x') FROM t",
        f"SELECT a FROM t WHERE b = system.main.{call}",
        f"FROM t SELECT 'x'.{name}()",
        f"SELECT list_transform([b], lambda v: {name}(v)) FROM t",
        f"WITH q AS MATERIALIZED (SELECT {call}) FROM q, t",
        f"FROM (DESCRIBE SELECT {call})",
        f"SELECT sum(a) OVER (ORDER BY {call}) FROM t LIMIT 1",
        f"PIVOT (SELECT b, {call} AS c FROM t) ON b USING any_value(c)",
        UNPARSED.format(f"{call} FROM t"),
    ):
        with pytest.raises(QueryError, match=r"refused|PIVOT|this one writes"):
            lake.sql(sql)


@pytest.mark.parametrize("name", sorted(NOT_IN_FROM | {"histogram"}))
def test_a_function_that_makes_tables_is_refused_in_from(lake: Lake, name: str) -> None:
    for sql in (
        f"FROM {name}('x')",
        f"FROM system.main.\"{name}\"('x')",
        f"SELECT * FROM t, LATERAL (FROM {name}(t.b))",
        f"SELECT (SELECT 1 FROM {name}()) FROM t",
        f"WITH q AS (FROM {name}('x')) FROM q",
        f"SUMMARIZE FROM {name}('x')",
        f"DESCRIBE FROM {name}('x')",
        f"SELECT * FROM t WHERE EXISTS (FROM {name}('x')) UNION ALL FROM t",
        UNPARSED.format(f"* FROM {name}('x')"),
    ):
        with pytest.raises(QueryError, match="refused"):
            lake.sql(sql)


def test_a_pivot_that_reads_while_it_is_bound_calls_no_function_that_makes_tables(lake: Lake) -> None:
    for name in sorted(NOT_IN_FROM):
        for call in (f"{name}('x')", f"\"{name}\" ('x')", f"{name}/**/('x')", f"{name} -- x\n ('x')"):
            with pytest.raises((QueryError, TableNotFoundError), match=r"refused|PIVOT|not found"):
                lake.sql(f"PIVOT (SELECT 5! AS c, * FROM {call}) ON c USING count(*)")


def test_no_call_of_any_function_reads_beneath_the_binder(
    beneath: duckdb.DuckDBPyConnection, canaries: Canaries
) -> None:
    """Each function, with each text that it could take. Those that do read without the engine's settings show
    that this would see it."""
    names = sorted(name for name in FUNCTIONS if name.isidentifier() and name not in _NOT_CALLED)
    readers = set()
    with duckdb.connect() as unguarded:
        for name in names:
            for argument in canaries.arguments:
                for sql in calls_of(name, argument):
                    text = try_out(beneath, sql)
                    assert not any(canary in text for canary in (INSIDE, VALUE)), sql
                    if name in NOT_IN_FROM and "CANARY" in try_out(unguarded, sql):
                        readers.add(name)
    assert {
        "read_text",
        "read_csv",
        "read_json",
        "read_parquet",
        "read_blob",
        "sniff_csv",
        "query",
    } <= readers
    assert {"parquet_schema", "query_table", "glob"} <= readers


_NOT_CALLED = {"arrow_scan", "arrow_scan_dumb", "pandas_scan", "python_arrow_scan", "python_map_function"}
"""These take addresses in memory."""


def test_no_pattern_lists_files_beneath_the_binder(
    beneath: duckdb.DuckDBPyConnection, canaries: Canaries
) -> None:
    pattern = f"{canaries.folder}/*"
    with pytest.raises(duckdb.PermissionException):
        beneath.execute(f"FROM glob('{pattern}')").fetchall()
    assert len(duckdb.connect().execute(f"FROM glob('{pattern}')").fetchall()) == len(canaries.files)


def test_every_type_of_statement_is_judged() -> None:
    types = set(duckdb.StatementType.__members__)
    assert types == STATEMENTS.keys() - {"no name in Python"} | {"SELECT", "MULTI"}, (
        "New in this DuckDB: decide"
    )


@pytest.mark.parametrize("kind", [kind for kind, examples in STATEMENTS.items() if examples])
def test_only_queries_pass(
    lake: Lake, beneath: duckdb.DuckDBPyConnection, canaries: Canaries, kind: str, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    paths = {suffix: str(path) for suffix, path in canaries.files.items()}
    for example in STATEMENTS[kind]:
        sql = example.format(out=outside, **paths)
        for text in (
            sql,
            f"/* x */ {sql}",
            f"SELECT 1; {sql}",
            f"({sql})",
            f"SELECT * FROM ({sql})",
            f"-- \n{sql};",
        ):
            with pytest.raises((QueryError, TableNotFoundError)):
                lake.sql(text).arrow()
        assert INSIDE not in try_out(beneath, sql)
        assert not outside.exists(), sql
    assert run(lake, "SELECT count(*) AS n FROM t") == "[{'n': 2}]"


def test_every_keyword_that_is_no_query_is_refused(lake: Lake) -> None:
    with duckdb.connect() as connection:
        keywords = {
            word for (word,) in connection.execute("SELECT keyword_name FROM duckdb_keywords()").fetchall()
        }
    assert len(keywords) > 400
    for word in sorted(keywords - STARTS):
        for sql in (f"{word} t", f"{word} TABLE t", f"{word} 'x'", word):
            with pytest.raises(LakeqError):
                lake.sql(sql)


_NAMES_SCHEMAS = {"schema", "search_path"}
"""They are never locked, and can name nothing but the schemas of a database in memory."""


@pytest.mark.parametrize("scope", ["", "GLOBAL ", "SESSION "])
def test_no_setting_can_be_changed_beneath_the_binder(beneath: duckdb.DuckDBPyConnection, scope: str) -> None:
    settings = beneath.execute("SELECT name, value FROM duckdb_settings()").fetchall()
    assert len(settings) > 150
    for name, value in settings:
        for sql in (f"SET {scope}{name}=$${value}$$", f"SET {scope}{name}=true", f"RESET {scope}{name}"):
            if name in SESSION_SETTINGS or name in _NAMES_SCHEMAS:
                continue
            with pytest.raises(duckdb.Error):
                beneath.execute(sql)
    assert beneath.execute("SELECT name, value FROM duckdb_settings()").fetchall() == settings


def test_no_setting_is_told(lake: Lake) -> None:
    with duckdb.connect() as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM duckdb_settings()").fetchall()]
    for name in names:
        with pytest.raises(QueryError, match="refused"):
            lake.sql(f"SELECT current_setting('{name}')")
        with pytest.raises(QueryError):
            lake.sql(f"SELECT @@{name}")


def test_no_view_of_the_system_is_read(lake: Lake) -> None:
    with duckdb.connect() as connection:
        views = connection.execute(
            "SELECT schema_name, view_name FROM duckdb_views() WHERE internal"
        ).fetchall()
    assert len(views) > 20
    for schema, view in views:
        assert schema != "main" or is_system_name(view), f"New in this DuckDB: {view}"
        for name in (view, f"{schema}.{view}", f"system.{schema}.{view}", f'"{view.upper()}"'):
            for sql in (
                f"FROM {name}",
                f"DESCRIBE {name}",
                UNPARSED.format(f"* FROM {name}"),
                f"SUMMARIZE {name}",
            ):
                with pytest.raises((TableNotFoundError, UnsupportedSqlError)):
                    lake.sql(sql)


def test_no_name_of_a_table_becomes_a_file_or_a_variable(lake: Lake, canaries: Canaries) -> None:
    import pyarrow as pa

    frame = pa.table({"a": [INSIDE]})  # a replacement scan would find it in this frame
    assert frame.num_rows == 1
    paths = [
        *map(str, canaries.files.values()),
        "s3://b/k.csv",
        "http://127.0.0.1:1/x.csv",
        "frame",
        "../t/f.csv",
    ]
    for name in [text for path in paths for text in (f"'{path}'", f'"{path}"')]:
        for sql in (
            f"FROM {name}", f"SELECT * FROM t JOIN {name} ON true", f"WITH q AS (FROM {name}) FROM q, t",
            f"DESCRIBE {name}", f"SUMMARIZE {name}", UNPARSED.format(f"* FROM {name}"), f"TABLE {name}",
            f"PIVOT {name} ON a USING count(*)", f"UNPIVOT {name} ON a",
        ):  # fmt: skip
            with pytest.raises(LakeqError) as caught:
                lake.sql(sql).arrow()
            assert INSIDE not in str(caught.value)
    for dialect in ("athena", "trino", "spark", "bigquery"):
        for sql in (
            f"SELECT * FROM `{paths[0]}`",
            f'SELECT * FROM "{paths[0]}"',
            f"SELECT read_text('{paths[0]}')",
        ):
            with pytest.raises(LakeqError):
                lake.sql(sql, dialect=dialect)


@pytest.mark.parametrize(
    "sql",
    [
        "FROM read_text('{csv}')",
        "FROM '{csv}'",
        "SELECT current_setting('home_directory')",
        "FROM duckdb_settings()",
    ],
)
def test_no_view_hides_what_a_query_may_not_do(
    lake: Lake, canaries: Canaries, tmp_path: Path, sql: str
) -> None:
    text = sql.format(csv=canaries.files["csv"])
    with pytest.raises(LakeqError):
        lake.create_view("v", text)
    definition = tmp_path / "lakeq.toml"
    definition.write_text(f'location = "{lake.location}"\n[views]\nv = """{text}"""\n')
    with lakeq.connect(definition, history=False) as declared:
        for query in ("FROM v", "SELECT count(*) FROM v, t", "DESCRIBE v", UNPARSED.format("* FROM v")):
            with pytest.raises(LakeqError):
                declared.sql(query).arrow()


def test_a_database_that_judges_conditions_can_open_no_file(canaries: Canaries) -> None:
    from lakeq.catalog.database import open_index_database

    with pytest.raises(duckdb.PermissionException):
        open_index_database().cursor().execute(f"FROM read_text('{canaries.files['csv']}')")
    with pytest.raises(duckdb.InvalidInputException, match="locked"):
        open_index_database().cursor().execute("SET threads=1")


def test_the_page_tells_how_many_doors_there_are() -> None:
    page = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
    with duckdb.connect() as connection:
        counts = connection.execute(
            "SELECT (SELECT count(DISTINCT function_name) FROM duckdb_functions()), "
            "(SELECT count(*) FROM duckdb_settings()), (SELECT count(*) FROM duckdb_views() WHERE internal), "
            "(SELECT count(DISTINCT keyword_name) FROM duckdb_keywords())"
        ).fetchall()[0]
    collations = counts[0] - len(FUNCTIONS)
    pragmas = counts[0] - collations - len(ALLOWED | REFUSED | NOT_IN_FROM)
    assert f"DuckDB {duckdb.__version__}" in page
    for told in (
        f"| functions | {counts[0]:,} | {len(ALLOWED) + collations} may be called ({collations} of them collations), "
        f"{len(REFUSED | NOT_IN_FROM)} are refused, {pragmas} are pragmas |",
        f"| settings | {counts[1]} | none can be read by SQL; {len(SESSION_SETTINGS)} can be changed",
        f"| types of statement | {len(duckdb.StatementType.__members__)} | 2 pass",
        f"| keywords | {counts[3]} | {len(STARTS)} begin a query |",
        f"| views of the system | {counts[2]} | none",
    ):
        assert told in page, told
