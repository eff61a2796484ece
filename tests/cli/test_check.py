"""`lakeq check`: a gate for the queries of a project."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.conftest import Run

WHOLE = "SELECT sum(amount) FROM sales"
YEAR = f"{WHOLE} WHERE year = 2026"


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    for name, sql in (("whole", WHOLE), ("year", YEAR), ("broken", "SELECT nothing FROM sales")):
        (tmp_path / f"{name}.sql").write_text(f"-- {name}\n{sql};\n")
    return tmp_path


def scanned(run: Run, lake: str, sql: str) -> int:
    size: int = json.loads(run("estimate", lake, sql, "--json")[1])["bytes_scanned"]
    return size


def test_queries_within_their_limits_pass(run: Run, lake: str, queries: Path) -> None:
    status, out, err = run(
        "check", lake, str(queries / "whole.sql"), str(queries / "year.sql"), "--max-cost", "1"
    )
    assert (status, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == ["ok", "ok"]
    assert "24 of 24 partitions" in out and "12 of 24 partitions" in out


def test_a_query_over_a_limit_fails_the_check_and_the_others_are_told(
    run: Run, lake: str, queries: Path
) -> None:
    limit = scanned(run, lake, YEAR)
    files = [str(queries / "whole.sql"), str(queries / "year.sql")]
    status, out, err = run("check", lake, *files, "--max-bytes", str(limit))
    assert status == 3 and err == "lakeq: error: 1 of 2 queries are over a limit.\n"
    lines = out.splitlines()
    assert lines[0].startswith("over   ") and "scans" in lines[1] and lines[2].startswith("ok     ")
    assert run("check", lake, *files, "--max-cost", "0.00001")[0] == 3


def test_a_query_that_cannot_be_planned_is_an_error_and_the_others_are_told(
    run: Run, lake: str, queries: Path
) -> None:
    files = [str(queries / name) for name in ("broken.sql", "absent.sql", "year.sql")]
    status, out, err = run("check", lake, *files, "--json", "--max-bytes", "1")
    assert status == 1 and err == "lakeq: error: 2 of 3 queries cannot be estimated.\n"
    broken, absent, year = json.loads(out)
    assert (broken["verdict"], absent["verdict"], year["verdict"]) == ("error", "error", "over")
    assert (
        "nothing" in broken["error"] and "No such file" in absent["error"] and year["estimate"]["files"] == 12
    )


def test_growth_beyond_the_baseline_fails(run: Run, lake: str, queries: Path) -> None:
    query, baseline = queries / "year.sql", queries / "baseline.json"
    options = (lake, str(query), "--baseline", str(baseline))
    assert run("check", *options)[0] == 0 and not baseline.exists()  # nothing to compare with yet
    assert run("check", *options, "--update")[0] == 0
    kept = json.loads(baseline.read_text())
    assert kept["queries"] == {str(query): {"bytes_scanned": scanned(run, lake, YEAR)}}
    assert run("check", *options)[0] == 0
    query.write_text(WHOLE)
    status, out, _ = run("check", *options)
    assert status == 3 and "in the baseline" in out
    assert run("check", *options, "--max-growth", "100%")[0] == 0
    assert run("check", *options, "--max-growth", "0.99")[0] == 3
    (queries / "other.sql").write_text(YEAR)
    assert run("check", lake, str(queries / "other.sql"), "--baseline", str(baseline), "--update")[0] == 0
    assert json.loads(baseline.read_text())["queries"].keys() == {str(query), str(queries / "other.sql")}


@pytest.mark.parametrize(
    "content", ["", "[]", '{"version": 9, "queries": {}}', '{"version": 1, "queries": [1]}']
)
def test_what_is_no_baseline_is_one_clear_error(run: Run, lake: str, queries: Path, content: str) -> None:
    (queries / "b.json").write_text(content)
    status, out, err = run("check", lake, str(queries / "year.sql"), "--baseline", str(queries / "b.json"))
    assert (status, out) == (1, "") and "is no baseline of lakeq check" in err and err.count("\n") == 1


def test_junit_has_a_case_for_each_query(run: Run, lake: str, queries: Path) -> None:
    files = [str(queries / name) for name in ("broken.sql", "whole.sql", "year.sql")]
    limit = str(scanned(run, lake, YEAR))
    status, out, _ = run("check", lake, *files, "--junit", "--max-bytes", limit)
    suite = ElementTree.fromstring(out)
    assert status == 1
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    assert [[child.tag for child in case] for case in suite] == [
        ["error"],
        ["failure", "system-out"],
        ["system-out"],
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--update",), "--update needs --baseline"),
        (("--max-growth", "some"), "not a share"),
        (("--max-growth", "-1"), "not a share"),
        (("--json", "--junit"), "not allowed with"),
    ],
)
def test_wrong_usage_is_told(
    run: Run, lake: str, queries: Path, options: tuple[str, ...], words: str
) -> None:
    status, _, err = run("check", lake, str(queries / "year.sql"), *options)
    assert status in (1, 2) and words in err
