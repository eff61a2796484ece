"""What `lakeq` prints, and the status it ends with."""

from __future__ import annotations

import argparse
import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakeq.cli import commands
from lakeq.cli.arguments import build_parser
from lakeq.errors import QueryCancelledError
from tests.cli.conftest import Run

LAKEQ = [sys.executable, "-m", "lakeq"]
ROOT = Path(__file__).parents[2]


def test_tables_lists_each_table_with_its_size(run: Run, lake: str) -> None:
    status, out, _ = run("tables", lake)
    assert status == 0
    assert [word for word in out.split() if word in ("sales", "parquet", "24")] == [
        "sales",
        "parquet",
        "24",
        "24",
    ]


def test_tables_as_json_are_an_array_of_tables(run: Run, lake: str) -> None:
    (table,) = json.loads(run("tables", lake, "--json")[1])
    assert (table["name"], table["partitions"], table["files"]) == ("sales", 24, 24)
    assert table["bytes"] == sum(f.stat().st_size for f in Path(lake).rglob("*.parquet"))


def test_describe_tells_columns_by_origin_and_what_was_ignored(run: Run, lake: str) -> None:
    table = json.loads(run("describe", lake, "SALES", "--json")[1])
    assert {c["name"]: c["origin"] for c in table["columns"]} == {
        "id": "file",
        "product": "file",
        "amount": "file",
        "year": "path",
        "month": "path",
    }
    assert table["columns"][0]["type"] == "BIGINT"
    assert [(i["count"], i["examples"]) for i in table["ignored"]] == [(1, ["sales/_SUCCESS"])]
    text = run("describe", lake, "sales")[1]
    assert "_SUCCESS" in text
    assert table["evidence"] and all(sentence in text for sentence in table["evidence"])


def test_a_broken_table_is_listed_and_described_and_hides_no_other(run: Run, broken_lake: str) -> None:
    status, out, _ = run("tables", broken_lake)
    assert status == 0
    assert "good" in out and "bad cannot be read: " in out
    described = run("describe", broken_lake, "bad")
    assert described[0] == 0 and "problem" in described[1]
    assert run("query", broken_lake, "SELECT n FROM good", "--format", "csv")[1] == "n\n1\n"
    status, out, err = run("query", broken_lake, "SELECT n FROM bad")
    assert (status, out) == (1, "") and "x=1" in err and "y=1" in err


def test_partitions_count_files_and_bytes(run: Run, lake: str) -> None:
    partitions = json.loads(run("partitions", lake, "sales", "--json")[1])
    assert len(partitions) == 24
    assert partitions[0]["year"] == 2025 and partitions[0]["month"] == 1
    assert sum(p["bytes"] for p in partitions) == sum(f.stat().st_size for f in Path(lake).rglob("*.parquet"))
    assert "2026" in run("partitions", lake, "sales")[1]


def test_estimate_json_is_one_object_with_the_documented_keys(run: Run, lake: str) -> None:
    sql = "SELECT sum(amount) FROM sales WHERE year = 2026 AND month < 3"
    estimate = json.loads(run("estimate", lake, sql, "--json")[1])
    assert set(estimate) == {
        "bytes_scanned",
        "bytes_low",
        "bytes_high",
        "cost_low",
        "cost_high",
        "accuracy",
        "cost_usd",
        "total_usd",
        "here_usd",
        "storage",
        "archived",
        "files",
        "files_total",
        "partitions",
        "partitions_total",
        "listed_at",
        "tables",
    }
    assert (estimate["files"], estimate["files_total"], estimate["accuracy"]) == (2, 24, "exact")
    (scan,) = estimate["tables"]
    assert set(scan) == {
        "table",
        "bytes_scanned",
        "uses",
        "footers",
        "files",
        "files_total",
        "partitions",
        "partitions_total",
        "columns",
        "row_groups",
        "row_groups_total",
        "predicate",
        "declared_time",
        "not_pruned_by",
        "warnings",
    }


def test_estimate_in_words_names_bytes_dollars_and_the_predicate(run: Run, lake: str) -> None:
    out = run("estimate", lake, "SELECT sum(amount) FROM sales WHERE year = 2026 AND length(product) = 3")[1]
    assert "KB, costs $0.000048" in out
    assert "12 of 24 partitions, 12 of 24 files" in out
    assert "pruned by: " in out and "not pruned by: " in out


def test_a_price_is_chosen_by_name(run: Run, lake: str) -> None:
    sql = "SELECT sum(s.amount) FROM sales s JOIN sales t USING (id)"
    costs = {
        name: json.loads(run("estimate", lake, sql, "--json", "--pricing", name)[1])["cost_usd"]
        for name in ("athena", "bigquery", "none")
    }
    assert costs["none"] == 0 and costs["bigquery"] == pytest.approx(1.25 * costs["athena"])
    status, out, err = run("query", lake, sql, "--pricing", "gold")
    assert (status, out) == (1, "") and "No pricing called 'gold'. There are: athena, " in err


def test_every_command_that_reports_prints_json() -> None:
    (commands,) = [a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction)]
    others = {
        "query",
        "repl",
        "demo",
        "completion",
    }  # rows in a format of their own, a session, a show, a script
    assert [
        name
        for name, command in commands.choices.items()
        if name not in others and "--json" not in command._option_string_actions
    ] == []


def test_explain_as_json_says_what_its_text_says(run: Run, lake: str) -> None:
    sql = "SELECT * FROM sales s WHERE month = 7 AND length(product) = 3"
    status, out, _ = run("explain", lake, sql, "--json")
    plan = json.loads(out)
    assert status == 0 and (plan["pricing"], plan["dialect"], plan["sql"]) == ("athena", "duckdb", sql)
    estimate = json.loads(run("estimate", lake, sql, "--json")[1])
    (scan,), (table,) = plan["tables"], estimate["tables"]
    assert {key: plan[key] for key in estimate if key != "tables"} == {
        key: estimate[key] for key in estimate if key != "tables"
    }
    assert {key: scan.pop(key) for key in table} == table
    assert scan == {
        "alias": "s",
        "format": "parquet",
        "layout": "year={year}/month={month}/",
        "accuracy": "exact",
        "answered_by_index": False,
    }
    text = run("explain", lake, sql)[1]
    (missed,) = table["not_pruned_by"]
    assert all(
        told in text for told in (table["predicate"], missed["condition"], missed["reason"], "sales as s")
    )


def test_explain_as_json_counts_the_rows_that_the_index_gives(run: Run, lake: str) -> None:
    plan = json.loads(run("explain", lake, 'SELECT count(*) FROM "sales$files"', "--json")[1])
    assert plan["from_index"] == [{"table": "sales$files", "rows": 24}]


def test_explain_shows_what_is_kept(run: Run, lake: str) -> None:
    status, out, _ = run("explain", lake, "SELECT * FROM sales WHERE month = 7")
    assert status == 0 and "2 of 24" in out


def test_a_query_prints_rows_on_stdout_and_one_status_line_on_stderr(run: Run, lake: str) -> None:
    status, out, err = run(
        "query", lake, "SELECT sum(id) AS ids FROM sales WHERE year = 2026", "--format", "csv"
    )
    assert (status, out) == (0, "ids\n540\n")
    assert err.startswith("12 of 24 partitions · estimated ") and err.count("\n") == 1
    assert [part.split()[0] for part in err.split(" · ")[1:3]] == ["estimated", "scanned"]


def test_the_formats_hold_the_same_rows(run: Run, lake: str) -> None:
    sql = "SELECT id, product, amount FROM sales WHERE year = 2025 AND month = 1 ORDER BY id"
    expected = [{"id": n, "product": "tea" if n % 2 == 0 else None, "amount": 0.5 * n} for n in range(10)]

    def text(name: str) -> str:
        return run("query", lake, sql, "--format", name)[1]

    assert json.loads(text("json")) == expected
    assert [json.loads(line) for line in text("ndjson").splitlines()] == expected
    rows = list(csv.DictReader(io.StringIO(text("csv"))))
    assert [(int(r["id"]), r["product"] or None, float(r["amount"])) for r in rows] == [
        tuple(row.values()) for row in expected
    ]
    assert text("table").count("NULL") == 5


@pytest.mark.parametrize("name", ["answer.parquet", "answer.arrow"])
def test_the_name_of_the_output_file_tells_its_format(run: Run, lake: str, tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    status, out, _ = run("query", lake, "SELECT id FROM sales WHERE month = 1", "-o", str(target))
    assert (status, out) == (0, "")
    table = pq.read_table(target) if name.endswith("parquet") else pa.ipc.open_file(target).read_all()
    assert table.num_rows == 20


def test_arrow_in_a_pipe_is_a_stream(lake: str) -> None:
    command = [*LAKEQ, "query", lake, "SELECT id FROM sales", "--format", "arrow"]
    piped = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    assert pa.ipc.open_stream(piped).read_all().num_rows == 240


def test_a_failed_query_leaves_the_old_output_and_no_part_of_a_new_one(
    run: Run, lake: str, tmp_path: Path
) -> None:
    target = tmp_path / "answer.csv"
    target.write_text("old")
    status, _, err = run("query", lake, "SELECT error('no') FROM sales", "-o", str(target))
    assert status == 1 and err.startswith("lakeq: error: ")
    assert [(f.name, f.read_text()) for f in tmp_path.iterdir()] == [("answer.csv", "old")]


def test_a_table_shows_the_first_rows_and_says_so(run: Run, lake: str) -> None:
    status, out, err = run("query", lake, "SELECT id FROM sales", "--rows", "5")
    assert status == 0 and "the first 5 rows" in out
    assert "stopped after the rows shown" in err
    assert "the first" not in run("query", lake, "SELECT id FROM sales WHERE id = 0", "--rows", "24")[1]


def test_sql_comes_from_a_file_or_from_standard_input(
    run: Run, lake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "query.sql"
    path.write_text("SELECT count(*) AS n FROM sales")
    assert run("query", lake, f"@{path}", "--format", "csv")[1] == "n\n240\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO("SELECT 7 AS n"))
    assert run("query", lake, "-", "--format", "csv")[1] == "n\n7\n"
    status, _, err = run("query", lake, "@nowhere.sql")
    assert status == 1 and "nowhere.sql" in err


def test_parameters_by_name_and_by_place(run: Run, lake: str) -> None:
    named = [
        "SELECT count(*) AS n FROM sales WHERE year = $y AND product = $p",
        "--param",
        "y=2026",
        "--param",
        "p=tea",
    ]
    placed = [
        "SELECT count(*) AS n FROM sales WHERE year = ? AND product = ?",
        "--param",
        "2026",
        "--param",
        "tea",
    ]
    for query in (named, placed):
        status, out, err = run("query", lake, *query, "--format", "csv")
        assert (status, out) == (0, "n\n60\n")
        assert err.startswith("12 of 24 partitions")


def test_over_the_budget_is_status_3_and_names_the_limit(run: Run, lake: str) -> None:
    for limit in (["--max-bytes", "10"], ["--max-cost", "0.00001"]):
        status, out, err = run("query", lake, "SELECT id FROM sales", *limit)
        assert (status, out) == (3, "") and "over the limit of" in err and err.count("\n") == 1
    assert run("query", lake, "SELECT id FROM sales", "--max-bytes", "1.5TiB", "--max-cost", "$2")[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["query", "lake", "SELECT 1", "--max-bytes", "many"],
        ["query", "lake", "SELECT 1", "--format", "xml"],
        ["query", "lake", "SELECT 1", "--rows", "0"],
        ["query", "lake"],
        ["tabels", "lake"],
        [],
    ],
)
def test_wrong_usage_is_status_2(run: Run, arguments: list[str]) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "") and "usage: lakeq" in err


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT amout FROM sales", "amount"),
        ("SELECT id FROM sale", "sales"),
        ("SELECT id FRO sales", ""),
        ("DROP TABLE sales", "DROP"),
        ("SELECT * FROM read_csv('/etc/passwd')", "read_csv"),
        ("SELECT * FROM '/etc/passwd'", "passwd"),
        ("", "empty"),
        ("SELECT 1; SELECT 2", "ne statement"),
    ],
)
def test_bad_sql_is_one_line_that_names_the_thing(run: Run, lake: str, sql: str, words: str) -> None:
    status, out, err = run("query", lake, sql)
    assert (status, out) == (1, "")
    first, *place = err.splitlines()
    assert first.startswith("lakeq: error: ") and words in first
    assert len(place) in (0, 2) and "Traceback" not in err


def test_an_error_points_at_its_place_in_the_sql(run: Run, lake: str) -> None:
    err = run("query", lake, "SELECT id,\n       amout\nFROM sales")[2]
    line, caret = err.splitlines()[1:]
    assert line.strip() == "amout"
    assert caret.index("^") == line.index("amout")


def test_debug_shows_the_traceback_and_keeps_the_status(run: Run, lake: str) -> None:
    status, _, err = run("query", lake, "SELECT nope FROM sales", "--debug")
    assert status == 1 and "Traceback" in err and "lakeq: error: " in err


def test_a_place_that_is_not_there_is_an_error(run: Run, tmp_path: Path) -> None:
    status, out, err = run("tables", str(tmp_path / "nothing"))
    assert (status, out) == (1, "") and "nothing" in err


def test_a_defect_of_ours_is_told_in_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("surprise")

    monkeypatch.setitem(commands.COMMANDS, "tables", fail)
    status, _, err = run("tables", "lake")
    assert status == 1 and err.count("\n") == 1 and "internal error: RuntimeError: surprise" in err


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), QueryCancelledError("stopped")])
def test_interrupted_is_status_130(
    run: Run, monkeypatch: pytest.MonkeyPatch, interruption: BaseException
) -> None:
    def stop(_: object) -> None:
        raise interruption

    monkeypatch.setitem(commands.COMMANDS, "tables", stop)
    assert run("tables", "lake") == (130, "", "lakeq: interrupted\n")


def test_a_reader_that_leaves_early_is_no_error(lake: str) -> None:
    sql = "SELECT s.id, repeat('x', 100) AS x FROM sales s, range(1000)"
    query = subprocess.Popen(
        [*LAKEQ, "query", lake, sql, "--format", "csv"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert query.stdout is not None and query.stderr is not None
    assert query.stdout.readline() == b"id,x\n"
    query.stdout.close()
    assert (query.wait(60), query.stderr.read()) == (0, b"")
    query.stderr.close()


def test_binary_formats_do_not_go_to_a_terminal(run: Run, lake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    status, _, err = run("query", lake, "SELECT 1", "--format", "parquet")
    assert status == 1 and "-o" in err


def test_help_loads_neither_duckdb_nor_pyarrow() -> None:
    code = (
        "import sys\n"
        "from lakeq.cli.app import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit:\n    pass\n"
        "loaded = {'duckdb', 'pyarrow', 'rich', 'sqlglot', 'numpy', 'obstore', 's3fs'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {loaded}' if loaded else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "usage: lakeq" in done.stdout


def test_version_is_the_package_version(run: Run) -> None:
    from lakeq import __version__

    assert run("--version") == (0, f"lakeq {__version__}\n", "")


def test_restore_takes_the_query_in_its_dialect(run: Run, lake: str) -> None:
    assert run("restore", lake, "SELECT id FROM sales", "--dialect", "spark") == (0, "", "")
    status, out, err = run("restore", lake, "SELECT id FROM sales", "--dialect", "sprak")
    assert (status, out) == (1, "") and "Did you mean 'spark'?" in err


def test_ddl_prints_sql_alone_on_standard_output(run: Run, lake: str) -> None:
    status, out, err = run(
        "ddl", lake, "sales", "--dialect", "spark", "--name", "db.sales", "--exclude", "id"
    )
    assert (status, err) == (0, "")
    assert out.startswith("-- sales at ")
    assert "CREATE TABLE `db`.`sales` (" in out
    assert "`id`" not in out
    code = "".join(line for line in out.splitlines(keepends=True) if not line.startswith("--"))
    assert code.endswith(";\n")
    shown = json.loads(run("ddl", lake, "sales", "--dialect", "spark", "--json")[1])
    assert shown["dialect"] == "spark"
    assert shown["statements"][0].startswith("CREATE TABLE")
    assert shown["notes"][0].startswith("sales at ")


def test_ddl_that_cannot_be_written_is_an_error_and_no_output(run: Run, lake: str) -> None:
    status, out, err = run("ddl", lake, "sales", "--dialect", "athena")
    assert (status, out) == (1, "")
    assert "--location s3://" in err
    status, out, err = run("ddl", lake, "sales", "--dialect", "athena", "--location", "s3://b/sales")
    assert (status, err) == (0, "")
    assert run("ddl", lake, "sales")[0] == 2
    assert run("ddl", lake, "sales", "--dialect", "hive")[0] == 2
