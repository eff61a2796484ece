"""A small run of the oracle, and proof that it can fail."""

from __future__ import annotations

import filecmp
import random
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracle.compare import OpenLake, compare_tables, list_rows, run_truth
from tests.oracle.expressions import Expressions
from tests.oracle.lakes import write_lake
from tests.oracle.queries import Query, QueryWriter
from tests.oracle.run import Tally, check_lake
from tests.oracle.shrink import shrink_sql


@given(seed=st.integers(0, 2**32))
@settings(max_examples=3)
def test_queries_over_a_random_lake_have_the_answers_of_all_rows(seed: int) -> None:
    tally = Tally()
    assert list(check_lake(seed, 40, tally)) == []
    assert tally.pairs == 40


def test_jobs_of_their_own_processes_add_up() -> None:
    run = [
        sys.executable,
        "-m",
        "tests.oracle",
        "--jobs",
        "2",
        "--lakes",
        "1",
        "--queries",
        "2",
        "--seed",
        "41",
    ]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "4 pairs over 2 lakes from seed 41: 0 failures" in done.stdout


def test_a_seed_writes_one_lake(tmp_path: Path) -> None:
    tables = [write_lake(tmp_path / name, 3) for name in ("one", "other")]
    assert [list_rows(table.rows) for table in tables[0]] == [list_rows(table.rows) for table in tables[1]]
    found = [sorted(p.relative_to(tmp_path / n) for p in (tmp_path / n).rglob("*")) for n in ("one", "other")]
    files = [str(path) for path in found[0] if (tmp_path / "one" / path).is_file()]
    assert found[0] == found[1]
    assert filecmp.cmpfiles(tmp_path / "one", tmp_path / "other", files, shallow=False)[1:] == ([], [])


def test_most_queries_are_sql_and_have_rows(tmp_path: Path) -> None:
    with OpenLake(tmp_path, 5) as opened:
        writer = QueryWriter(random.Random(5), opened.tables)
        answers = [run_truth(opened.truth, writer.query().sql) for _ in range(200)]
    tables = [answer for answer in answers if isinstance(answer, pa.Table)]
    assert len(tables) > 170
    assert sum(table.num_rows > 0 for table in tables) > 100


def test_a_row_that_lakeq_does_not_give_is_found(tmp_path: Path) -> None:
    with OpenLake(tmp_path, 7) as opened:
        name = opened.tables[0].name
        opened.truth.execute(f"INSERT INTO {name}_rows (id, n) VALUES (-7, 3)")
        assert opened.compare(Query(f"SELECT id FROM {name} WHERE id > 0")) is None
        reason = opened.compare(Query(f"SELECT id FROM {name} WHERE n = 3"))
        assert reason is not None
        assert "missing 1: [(-7,)]" in reason


def test_a_file_that_is_not_kept_is_found(tmp_path: Path) -> None:
    with OpenLake(tmp_path, 7) as opened:
        table = opened.tables[0]
        assert opened.check_files(table, "id >= 0") is None
        opened.truth.execute(f"INSERT INTO {table.name}_paths SELECT min(id), 'lost' FROM {table.name}_paths")
        assert opened.check_files(table, "id >= 0") == "files pruned that hold rows: ['lost']"


def test_parts_by_a_condition_that_changes_its_mind_are_found(tmp_path: Path) -> None:
    with OpenLake(tmp_path, 7) as opened:
        name = max(opened.tables, key=lambda table: len(table.rows)).name
        assert opened.compare_parts(name, "n > 2") is None
        assert opened.compare_parts(name, "random() < 0.5") is not None


def test_answers_compare_as_sql_does() -> None:
    found = pa.table({"f": [float("nan"), -0.0, None], "l": [[1.0], [float("nan")], None]})
    same = pa.table({"f": [None, float("nan"), 0.0], "l": [None, [1.0], [float("nan")]]})
    assert compare_tables(found, same, is_ordered=False) is None
    assert compare_tables(found, same, is_ordered=True) == "the same rows in another order"
    assert "missing 1" in (compare_tables(found.slice(1), same, is_ordered=False) or "")
    assert "types" in (compare_tables(pa.table({"f": [1]}), pa.table({"f": [1.0]}), is_ordered=False) or "")


def test_a_query_shrinks_to_what_fails() -> None:
    sql = "WITH c AS (SELECT * FROM t WHERE x > 1) SELECT a, b, bad FROM c JOIN u ON TRUE WHERE p AND NOT (q) ORDER BY a"
    assert shrink_sql(sql, lambda text: "fails" if "bad" in text else None) == "SELECT bad FROM c"


def test_the_same_draws_write_the_same_condition(tmp_path: Path) -> None:
    with OpenLake(tmp_path, 9) as opened:
        scope = QueryWriter(random.Random(1), opened.tables).pick()[1]
        texts = {Expressions(random.Random(4)).condition(scope, 3) for _ in range(3)}
    assert len(texts) == 1
