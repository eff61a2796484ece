"""`lakeq repl` without a terminal: statements and commands from a pipe or an option."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from lakeq.cli.repl.commands import COMMANDS
from lakeq.cli.repl.settings import SETTINGS
from tests.cli.conftest import Run

TEA = "select product, count(*) as n from sales where year = 2026 and month = 3 group by product order by product"


def test_statements_run_one_after_the_other(run: Run, lake: str) -> None:
    status, out, err = run("repl", lake, "-c", "select 1 as a; select 2 as b", "-c", "select 3 as c")
    assert status == 0
    assert [line.strip() for line in out.splitlines()] == ["a", "─", "1", "b", "─", "2", "c", "─", "3"]
    assert err.splitlines() == ["1 row"] * 3


def test_a_script_comes_through_a_pipe(
    run: Run, lake: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = tmp_path / "script.sql"
    script.write_text(f".mode csv\n{TEA};\n")
    with script.open() as piped:
        monkeypatch.setattr("sys.stdin", piped)
        status, out, _ = run("repl", lake)
    assert status == 0
    assert "product,n\ntea,5\n,5\n" in out


def test_it_ends_at_the_first_that_fails(run: Run, lake: str) -> None:
    status, out, err = run("repl", lake, "-c", "select 1 as a; select nope from sales; select 2 as b")
    assert status == 1
    assert "a\n" in out
    assert "b\n" not in out
    assert "Column not found: 'nope'" in err
    assert "  select nope from sales\n         ^" in err


def test_large_queries_are_refused_where_nobody_can_be_asked(
    run: Run, lake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEQ_ASK_ABOVE", "100")
    status, out, err = run("repl", lake, "-c", "select sum(amount) from sales")
    assert (status, out) == (3, "")
    assert "Query not run. This would scan" in err
    assert "--yes" in err
    assert run("repl", lake, "--yes", "-c", "select sum(amount) as s from sales")[0] == 0


def test_a_result_goes_to_a_file_once(run: Run, lake: str, tmp_path: Path) -> None:
    target = tmp_path / "tea.parquet"
    status, out, err = run("repl", lake, "-c", f".output {target}", "-c", f"{TEA}; select 1 as shown")
    assert status == 0
    assert pq.read_table(target).to_pydict() == {"product": ["tea", None], "n": [5, 5]}
    assert f"2 rows · written to {target}" in err
    assert "shown" in out


def test_each_command_answers(run: Run, lake: str, tmp_path: Path) -> None:
    script = tmp_path / "one.sql"
    script.write_text("select 'from a file' as told;")
    arguments = {"schema": "sales", "partitions": "sales", "files": "sales", "mode": "line", "timing": "on"}
    arguments |= {"estimate": TEA, "explain": TEA, "read": str(script), "output": "off", "budget": "10GB"}
    for name in COMMANDS:
        status, out, err = run("repl", lake, "-c", f".{name} {arguments.get(name, '')}")
        assert (status, err) == (0, "1 row\n" if name == "read" else ""), name
        assert out or name == "quit", name


def test_help_lists_every_command(run: Run, lake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    _, out, _ = run("repl", lake, "-c", ".help")
    assert all(command.usage in out and command.help in out for command in COMMANDS.values())
    _, one, _ = run("repl", lake, "-c", ".help .mode")
    assert ".mode" in one
    assert ".tables" not in one


def test_partitions_are_drawn_with_what_a_query_keeps(run: Run, lake: str) -> None:
    _, out, _ = run("repl", lake, "-c", ".partitions sales select * from sales where year = 2026")
    assert "2026-01" in out
    assert "the query keeps" in out


def test_the_last_query_is_explained(run: Run, lake: str) -> None:
    _, out, _ = run("repl", lake, "-c", f"{TEA};", "-c", ".explain")
    assert "pruned by" in out
    assert "1 of 24 partitions" in out


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (".tabels", "No command is called .tabels. Did you mean .tables?"),
        (".xyz", ".help lists them."),
        (".schema slaes", "Table not found: 'slaes'. Did you mean 'sales'"),
        (".files", "Name a table."),
        (".estimate", "no query ran before"),
        (".read nowhere.sql", "nowhere.sql: No such file or directory"),
        (".output here.txt", "let it end in .csv, .json"),
        (".mode pie", "Not one of table, line, csv, json, ndjson: 'pie'."),
        (".set rows none", "Not a number of rows: 'none'."),
        (".set colour blue", "No setting is called 'colour'."),
        (".budget much", "Not a number of bytes: 'much'."),
        (".history all", "Not a number of queries: 'all'."),
    ],
)
def test_a_mistake_is_told_in_one_line(run: Run, lake: str, command: str, reason: str) -> None:
    status, out, err = run("repl", lake, "-c", command)
    assert (status, out) == (1, "")
    assert reason in err
    assert err.count("\n") == 1


def test_a_file_that_reads_itself_is_refused(run: Run, lake: str, tmp_path: Path) -> None:
    script = tmp_path / "snake.sql"
    script.write_text(f".read {script}\n")
    status, _, err = run("repl", lake, "-c", f".read {script}")
    assert status == 1
    assert "reads itself" in err


def test_settings_are_shown_and_changed(run: Run, lake: str) -> None:
    _, out, _ = run("repl", lake, "-c", ".set")
    assert all(name in out for name in SETTINGS)
    _, out, _ = run(
        "repl", lake, "-c", ".set max_cost 0.25", "-c", ".set max_cost off", "-c", ".set ask_above $2"
    )
    assert [line.split()[1] for line in out.splitlines() if line.startswith(("max_cost", "ask_above"))] == [
        "$0.25",
        "off",
        "$2.00",
    ]


def test_a_budget_of_the_session_refuses(run: Run, lake: str) -> None:
    status, out, err = run("repl", lake, "-c", ".budget 10", "-c", "select sum(amount) from sales")
    assert status == 3
    assert "a query may scan 10 bytes" in out
    assert "over the limit of 10 bytes" in err


def test_the_history_of_this_lake_is_shown(run: Run, lake: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    _, out, _ = run("repl", lake, "-c", "select 'a needle in the history' as s", "-c", ".history 1")
    assert "a needle in the history" in out.split("outcome")[1]


def test_json_is_json(run: Run, lake: str) -> None:
    _, out, _ = run("repl", lake, "--mode", "json", "-c", TEA)
    assert json.loads(out) == [{"product": "tea", "n": 5}, {"product": None, "n": 5}]
