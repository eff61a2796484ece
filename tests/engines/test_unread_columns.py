"""What text must hold is checked of the columns that a query asks for, and of those only."""

from __future__ import annotations

from pathlib import Path

import pyarrow.fs
import pytest

import lakeq
from lakeq.engines import sessions
from lakeq.engines.tables import OpenedTable
from lakeq.engines.views import TableView, build_view
from lakeq.errors import LakeqError
from lakeq.planner.time_parts import HiddenBounds

ROWS = 60_000
"""Enough for the last row to lie behind the head, from which types are told."""


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    (tmp_path / "t").mkdir()
    lines = [f"{n},{n},x" for n in range(ROWS)] + [f"{ROWS},no number,x"]
    (tmp_path / "t" / "a.csv").write_text("\n".join(["id,n,s", *lines, ""]))
    return tmp_path


def test_a_broken_cell_of_a_column_that_nobody_asks_for_is_none_of_the_query(broken: Path) -> None:
    with lakeq.connect(broken) as lake:
        held = "WITH c AS MATERIALIZED (SELECT * FROM t) SELECT max(id) FROM c"
        assert lake.sql("SELECT max(id) FROM t").arrow()[0].to_pylist() == [ROWS]
        assert lake.sql(held).arrow()[0].to_pylist() == [ROWS]


@pytest.mark.parametrize("sql", ["SELECT max(n) FROM t", "SELECT id FROM t WHERE n = 5", "SELECT * FROM t"])
def test_a_broken_cell_of_a_column_that_is_asked_for_stops_the_query(sql: str, broken: Path) -> None:
    with lakeq.connect(broken) as lake, pytest.raises(LakeqError, match=r"a\.csv.*no number"):
        lake.sql(sql).arrow()


def test_checks_are_bound_for_what_is_asked_for_only(broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def build_seen(opened: OpenedTable, planned: pyarrow.fs.FileSystem, hidden: HiddenBounds) -> TableView:
        view = build_view(opened, planned, hidden)
        seen.append(view.sql)
        return view

    monkeypatch.setattr(sessions, "build_view", build_seen)
    with lakeq.connect(broken) as lake:
        lake.sql("SELECT max(id) FROM t").arrow()
    assert [('Column "id" holds' in sql, 'Column "n" holds' in sql) for sql in seen] == [(True, False)]
