"""Every query that is run or refused is one row, whichever way it ends; a budget that cannot be kept refuses."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.errors import (
    BudgetExceededError,
    ColumnNotFoundError,
    ConfigError,
    LakeqError,
    ObjectChangedError,
    QueryCancelledError,
)
from lakeq.lake import Lake
from lakeq.ledger.ledger import find_outcome, find_user, strip_secrets

SQL = "SELECT sum(n) FROM t WHERE day = 1"


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A history of the test's own."""
    for name in ("LAKEQ_HISTORY", "LAKEQ_MAX_BYTES_PER_DAY", "LAKEQ_MAX_COST_PER_DAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LAKEQ_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for table in ("t", "u"):
        for day in (1, 2):
            folder = tmp_path / f"lake/{table}/day={day}"
            folder.mkdir(parents=True)
            pq.write_table(pa.table({"n": list(range(day * 1000))}), folder / "f.parquet")
    return tmp_path / "lake"


@pytest.fixture
def lake(root: Path) -> Iterator[Lake]:
    with lakeq.connect(root) as opened:
        yield opened


def rows(lake: Lake) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = lake.history().to_pylist()
    return found


def define(root: Path, text: str) -> Path:
    path = root / "lakeq.toml"
    path.write_text(text)
    return path


def test_a_query_is_a_row_with_its_estimate_and_what_it_read(lake: Lake) -> None:
    result = lake.sql("SELECT n FROM t WHERE day = $d", {"d": 1})
    assert rows(lake) == []  # it was not read
    result.arrow()
    result.arrow()
    (row,) = rows(lake)
    assert (row["outcome"], row["user"], row["lake"]) == ("done", find_user(), lake.location)
    assert (row["sql"], row["tables"], row["engine"]) == ("SELECT n FROM t WHERE day = $d", ["t"], "duckdb")
    size = result.estimate.bytes_scanned
    assert row["estimated_bytes"] == row["scanned_bytes"] == row["estimated_low"] == size > 0
    assert row["accuracy"] == "exact" and row["rows"] == 1000 and row["seconds"] > 0
    assert float(row["scanned_usd"]) == pytest.approx(float(result.estimate.cost_usd))
    assert row["transferred_bytes"] == result.stats.bytes_transferred > size
    assert row["error"] is None


def test_estimates_are_no_rows(lake: Lake) -> None:
    lake.estimate(SQL)
    lake.explain(SQL)
    lake.plan(SQL)
    assert rows(lake) == []


def test_each_way_to_end_has_its_name(lake: Lake, root: Path) -> None:
    lake.sql(SQL).fetchall()
    with pytest.raises(BudgetExceededError):
        lake.sql(SQL, max_bytes=1)
    with pytest.raises(ColumnNotFoundError):
        lake.sql("SELECT m FROM t")
    with lake.sql(SQL) as left:
        assert left.schema.names == ["sum(n)"]
    batches = lake.sql("SELECT * FROM t").batches()
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    late = lake.sql(SQL)
    (root / "t/day=1/f.parquet").unlink()
    with pytest.raises(ObjectChangedError):
        late.arrow()
    outcomes = ["done", "refused", "failed", "cancelled", "cancelled", "failed"]
    assert [row["outcome"] for row in rows(lake)] == outcomes
    for row in rows(lake)[1:]:
        assert row["scanned_bytes"] is None
    refused, failed = rows(lake)[1:3]
    assert refused["estimated_bytes"] > 1 and refused["error"].startswith(
        "BudgetExceededError: Query not run"
    )
    assert failed["estimated_bytes"] is None and failed["error"].startswith("ColumnNotFoundError: Column not")


def test_a_cancelled_query_is_entered_as_such(lake: Lake) -> None:
    result = lake.sql("SELECT count(*) FROM range(100_000_000) a, range(100_000) b")
    timer = threading.Timer(0.2, result.cancel)
    timer.start()
    with pytest.raises(QueryCancelledError):
        result.arrow()
    timer.join()
    assert [row["outcome"] for row in rows(lake)] == ["cancelled"]


def test_a_result_that_is_dropped_does_not_run_for_ever(lake: Lake) -> None:
    result = lake.sql("SELECT * FROM t")
    assert result.schema.names == ["n", "day"]
    dropped = weakref.ref(result)
    del result
    assert dropped() is None
    assert [row["outcome"] for row in rows(lake)] == ["cancelled"]


def test_ctrl_c_cancels_and_other_errors_fail() -> None:
    assert find_outcome(KeyboardInterrupt(), "stopped") == "cancelled"
    assert find_outcome(GeneratorExit(), "stopped") == "cancelled"
    assert find_outcome(BudgetExceededError("", None, 1), "stopped") == "stopped"
    assert find_outcome(LakeqError(), "stopped") == find_outcome(ValueError(), "stopped") == "failed"


def test_a_limit_of_rows_makes_an_estimate_an_upper_bound(lake: Lake) -> None:
    lake.sql("SELECT * FROM t LIMIT 1").arrow()
    (row,) = rows(lake)
    assert (row["accuracy"], row["estimated_low"]) == ("upper_bound", 0)


def test_the_history_is_a_table_in_sql_and_only_of_this_lake(lake: Lake, root: Path) -> None:
    lake.sql(SQL).arrow()
    with lakeq.connect(root / "t") as other:
        other.sql('SELECT count(*) FROM "LakeQ$History"').arrow()
        assert len(rows(other)) == 1
    sql = "SELECT outcome, sum(scanned_bytes) FROM \"lakeq$history\" WHERE 't' IN tables GROUP BY 1"
    assert lake.sql(sql).fetchall() == [("done", lake.estimate(SQL).bytes_scanned)]
    assert len(rows(lake)) == 2
    assert lake.history("1h").num_rows == 2 and lake.history("2099-01-01").num_rows == 0


@pytest.mark.parametrize(
    ("argument", "toml", "environment", "shown"),
    [
        (None, "", "", ["SELECT 'secret'"]),
        (True, "", "off", ["SELECT 'secret'"]),
        ("redact", "", "", ["SELECT ?"]),
        (None, "redact = true", "on", ["SELECT ?"]),
        (None, "redact = false", "redact", ["SELECT 'secret'"]),
        (None, "", "redact", ["SELECT ?"]),
        (None, "", "off", []),
        (False, "redact = true", "", []),
    ],
)
def test_the_history_may_be_off_or_without_literals(
    root: Path, argument: Any, toml: str, environment: str, shown: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEQ_HISTORY", environment)
    path = define(root, f"[history]\n{toml}\n")
    with lakeq.connect(path, history=argument) as lake:
        lake.sql("SELECT 'secret'").arrow()
    with lakeq.connect(root, history=True) as lake:
        assert [row["sql"] for row in rows(lake)] == shown


def test_redacted_errors_tell_only_their_kind(root: Path, data_folder: Path) -> None:
    with lakeq.connect(root, history="redact") as lake, pytest.raises(LakeqError):
        lake.sql("SELECT * FROM t WHERE n = 'secret'").arrow()
    (file,) = (data_folder / "history").iterdir()
    assert "secret" not in file.read_text() and '"error": "' in file.read_text()


@pytest.mark.parametrize("value", ["maybe", "", 3])
def test_other_words_are_errors(root: Path, value: Any) -> None:
    with pytest.raises(ConfigError, match="on, off or redact"):
        lakeq.connect(root, history=value)


@pytest.mark.parametrize("value", ['"no"', "0", '"yes"'])
def test_redaction_is_asked_for_or_not(root: Path, value: str) -> None:
    with pytest.raises(ConfigError, match="must be true or false"):
        lakeq.connect(define(root, f"[history]\nredact = {value}\n"))


@pytest.mark.parametrize("days", ["0", "-1", "true", '"x"', "1.5"])
def test_days_to_keep_are_a_number(root: Path, days: str) -> None:
    with pytest.raises(ConfigError, match="keep_days"):
        lakeq.connect(define(root, f"[history]\nkeep_days = {days}\n"))


def test_secrets_of_urls_are_not_kept() -> None:
    assert strip_secrets("s3://key:secret@host/bucket/p") == "s3://host/bucket/p"
    assert strip_secrets("https://host/lake?sig=secret&x=1") == "https://host/lake"
    assert strip_secrets("/data/what?/a@b") == "/data/what?/a@b"
    assert strip_secrets("s3://bucket/a@b") == "s3://bucket/a@b"


def test_what_cannot_be_written_is_told_once_and_the_query_runs(root: Path, data_folder: Path) -> None:
    data_folder.write_text("a file where the folder would be")
    with lakeq.connect(root) as lake:
        with pytest.warns(UserWarning, match="history of queries is not kept.*LAKEQ_HISTORY=off") as told:
            assert lake.sql(SQL).fetchall() == [(499500,)]
            assert lake.sql(SQL).fetchall() == [(499500,)]
        assert len(told) == 1


@pytest.mark.parametrize("limit", ["[limits]\nmax_bytes_per_day = '1GB'", "[tables.t]\nmax_cost_per_day = 1"])
def test_a_budget_that_cannot_be_kept_refuses(root: Path, data_folder: Path, limit: str) -> None:
    data_folder.write_text("a file where the folder would be")
    for history, reason in ((True, "cannot be used: .*not run"), (False, "is off")):
        with (
            lakeq.connect(define(root, limit), history=history) as lake,
            pytest.raises(ConfigError, match=reason),
        ):
            lake.sql(SQL)


def test_a_day_has_a_budget(root: Path) -> None:
    with lakeq.connect(root) as lake:
        size = lake.estimate(SQL).bytes_scanned
    with lakeq.connect(define(root, f"[limits]\nmax_bytes_per_day = {2 * size}\n")) as lake:
        unread = [lake.sql(SQL) for _ in range(3)]  # what is not read costs nothing
        assert unread[0].fetchall() == unread[1].fetchall() == [(499500,)]
        with pytest.raises(BudgetExceededError, match="Query not run: queries over this lake have used"):
            unread[2].fetchall()
        with pytest.raises(BudgetExceededError, match=r"max_bytes_per_day\.$") as caught:
            lake.sql(SQL)
        assert caught.value.limit == 2 * size and caught.value.estimate.bytes_scanned == size
        assert [row["outcome"] for row in rows(lake)] == ["done", "done", "refused", "refused"]
        lake.sql("SELECT count(*) FROM t").fetchall()  # reads nothing
    with lakeq.connect(root / "t") as other:  # another lake
        assert other.sql("SELECT 1").fetchall() == [(1,)]


def test_a_table_has_a_budget_of_its_own(root: Path) -> None:
    with lakeq.connect(root) as lake:
        size = lake.estimate(SQL).bytes_scanned
    toml = f"[tables.T]\nlocation = 't'\nmax_bytes_per_day = {size}\n[tables.u]\n"
    with lakeq.connect(define(root, toml)) as lake:
        lake.sql(SQL).fetchall()
        with pytest.raises(BudgetExceededError, match="queries over table 'T' have used"):
            lake.sql("SELECT sum(u.n + t.n) FROM u, t WHERE u.day = 1")
        lake.sql("SELECT sum(n) FROM u").fetchall()


def test_dollars_of_a_day_have_a_limit(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEQ_MAX_COST_PER_DAY", "0.0001")  # two queries of 10 MB
    with lakeq.connect(root) as lake:
        lake.sql(SQL).fetchall()
        lake.sql(SQL).fetchall()
        with pytest.raises(BudgetExceededError, match="max_cost_per_day"):
            lake.sql(SQL)
    with lakeq.connect(define(root, "[limits]\nmax_cost_per_day = 1\n")) as lake:
        lake.sql(SQL).fetchall()  # what is declared goes before the environment


def test_a_query_that_failed_counts_with_its_estimate(root: Path) -> None:
    with lakeq.connect(root) as lake:
        size = lake.estimate(SQL).bytes_scanned
    with lakeq.connect(define(root, f"[limits]\nmax_bytes_per_day = {size}\n")) as lake:
        with lake.sql(SQL) as left:
            assert left.schema is not None
        with pytest.raises(BudgetExceededError):
            lake.sql(SQL)


def test_a_query_that_outruns_what_the_day_leaves_is_stopped(root: Path) -> None:
    sql = (
        "WITH RECURSIVE r AS (SELECT 1::BIGINT AS i UNION ALL SELECT i + 1 FROM r, (SELECT max(n) AS m FROM t) "
        "WHERE i < 50 AND i <> m) SELECT count(*) FROM r"
    )
    with lakeq.connect(root, history=False) as lake:
        size = lake.estimate(sql).bytes_scanned
        ran = lake.sql(sql)
        assert ran.fetchall() == [(50,)] and ran.stats.bytes_scanned > 40 * size
    limit = 3 * size
    with lakeq.connect(define(root, f"[limits]\nmax_bytes_per_day = {limit}\n")) as lake:
        with pytest.raises(BudgetExceededError, match="Query stopped") as caught:
            lake.sql(sql).fetchall()
        assert caught.value.limit == limit and caught.value.estimate.bytes_scanned == size
        (row,) = rows(lake)
        assert row["outcome"] == "stopped" and size < row["scanned_bytes"] <= limit


def test_a_killed_query_counts_with_its_estimate(root: Path, data_folder: Path) -> None:
    with lakeq.connect(root) as lake:
        size = lake.estimate(SQL).bytes_scanned
        lake.sql(SQL).fetchall()
    (file,) = (data_folder / "history").iterdir()
    begin, _ = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(begin)
    with lakeq.connect(define(root, f"[limits]\nmax_bytes_per_day = {2 * size - 1}\n")) as lake:
        assert [row["outcome"] for row in rows(lake)] == ["running"]
        with pytest.raises(BudgetExceededError):
            lake.sql(SQL)
