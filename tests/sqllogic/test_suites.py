"""The scripts below tests/data/sqllogic, and the runner's own behaviour."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.sqllogic.records import Record, ScriptError, read_script
from tests.sqllogic.run import SKIPPED, MismatchError, Runner, check_rows, find_root

SCRIPTS = Path(__file__).parents[1] / "data" / "sqllogic"

ASKED = {"pushdown": 16, "static": 28, "values": 18}
"""How many records of each script lakeq answers."""
PREPARED = {"pushdown": 17, "static": 0, "values": 17}
"""How many DuckDB runs, to make data or to look where it lies."""
SKIPPED_OF = {
    "pushdown": [
        "the plan is of another engine",
        "a root is no pattern: a condition on the keys says which folders",
    ],
    "static": ["keys of the path are columns always"],
    "values": ["the hidden column is called $path"],
}
"""Why the others are not asked."""


@pytest.mark.parametrize("name", sorted(path.stem for path in SCRIPTS.glob("*.test")))
def test_a_script_comes_out_as_it_says(tmp_path: Path, name: str) -> None:
    with Runner(tmp_path) as runner:
        outcome = runner.run_script(SCRIPTS / f"{name}.test", SCRIPTS / "data")
    assert (outcome.asked, outcome.prepared) == (ASKED[name], PREPARED[name])
    assert outcome.skipped == Counter(SKIPPED_OF[name])


def test_every_reason_to_skip_is_met() -> None:
    assert {reason for reasons in SKIPPED_OF.values() for reason in reasons} == set(SKIPPED.values())


def test_loops_and_names_are_unrolled(tmp_path: Path) -> None:
    script = tmp_path / "a.test"
    script.write_text(
        "foreach x a b\n\nloop i 0 2\n\nstatement ok\nSELECT '${x}{i}{HERE}__HERE__'\n\nendloop\n\nendloop\n"
        "skipif duckdb\nstatement ok\nSELECT 1\n\nonlyif duckdb\nquery I rowsort\nSELECT 2\n----\n2\n\n"
        "mode skip\n\nstatement ok\nSELECT 3\n\nmode unskip\n\nrequire spatial\n\nstatement ok\nSELECT 4\n"
    )
    records = list(read_script(script, {"HERE": "!"}))
    assert [record.sql for record in records] == [f"SELECT '{x}{i}!!'" for x in "ab" for i in "01"] + [
        "SELECT 2"
    ]
    assert records[-1] == Record("a:16", "SELECT 2", "I", "rowsort", ("2",))


def test_a_word_that_is_not_known_is_an_error(tmp_path: Path) -> None:
    for text in ("unzip a b\n", "loop i 0 2\n\nstatement ok\nSELECT 1\n"):
        (tmp_path / "a.test").write_text(text)
        with pytest.raises(ScriptError, match="a:1"):
            list(read_script(tmp_path / "a.test", {}))


@pytest.mark.parametrize(
    ("rows", "expected", "sort"),
    [
        ([(1, "x")], ("1\ty",), "nosort"),
        ([(1, "x")], (), "nosort"),
        ([(1, "x"), (2, "y")], ("2\ty", "1\tx"), "nosort"),
        ([(1, "x")], ("1\tx", "2\ty"), "rowsort"),
        ([(1, None)], ("1\t(empty)",), "nosort"),
        ([(1, "x")], ("1\t<REGEX>:y.*",), "nosort"),
        ([(1, "x")], ("1\t<!REGEX>:x.*",), "nosort"),
        ([(1,)], ("1",), "nosort"),
    ],
)
def test_rows_that_differ_are_found(
    rows: list[tuple[object, ...]], expected: tuple[str, ...], sort: str
) -> None:
    with pytest.raises(MismatchError, match="here:1"):
        check_rows(Record("here:1", "", "IT", sort, expected), rows)


@pytest.mark.parametrize(
    ("rows", "expected", "sort"),
    [
        ([(1, ""), (2.50, None)], ("1\t(empty)", "2.5\tNULL"), "nosort"),
        ([(2, "y"), (1, "x")], ("1\tx", "2\ty"), "rowsort"),
        ([(2, "y"), (1, "x")], ("1", "2", "x", "y"), "valuesort"),
        ([(1, "x")], ("1\t<REGEX>:[a-z]",), "nosort"),
        ([(True, "x")], ("true", "x"), "nosort"),
    ],
)
def test_rows_that_are_equal_pass(
    rows: list[tuple[object, ...]], expected: tuple[str, ...], sort: str
) -> None:
    check_rows(Record("here:1", "", "IT", sort, expected), rows)


def test_a_root_is_the_folder_above_patterns_and_keys() -> None:
    globs = {
        "/a/t/**/*.parquet": "/a/t",
        "/a/t/year=*/m=1/*.csv": "/a/t",
        "/a/t/k=1/*.csv": "/a/t",
        "/a/t.csv": "/a",
    }
    assert {glob: find_root(glob) for glob in globs} == globs


def test_a_wrong_answer_of_a_script_is_named_with_its_place(tmp_path: Path) -> None:
    script = tmp_path / "wrong.test"
    script.write_text(
        "statement ok\nCOPY (SELECT 1 AS k, 2 AS v) TO '{TEST_DIR}/t' (FORMAT parquet, PARTITION_BY k)\n\n"
        "query II\nSELECT k, v FROM '{TEST_DIR}/t/**/*.parquet'\n----\n1\t3\n"
    )
    with Runner(tmp_path) as runner, pytest.raises(MismatchError, match="wrong:4"):
        runner.run_script(script, tmp_path)
    assert runner.outcome.skipped == Counter()
