"""What releases have left on disk is opened by this one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import lakeq
from tests.releases.golden import BUCKET, QUERIES, RELEASES, VIEW_QUERY, open_bucket


@pytest.fixture(params=sorted(path.name for path in RELEASES.iterdir()))
def release(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a release's files: opening a catalog may write to it."""
    return Path(shutil.copytree(RELEASES / request.param, tmp_path / "release"))


def read_answers(release: Path) -> dict[str, list[tuple[Any, ...]]]:
    text = (release / "answers.json").read_text()
    return {sql: [tuple(row) for row in rows] for sql, rows in json.loads(text).items()}


def test_this_release_has_left_something() -> None:
    assert (RELEASES / lakeq.__version__ / "answers.json").exists()


def test_a_saved_catalog_is_known_without_a_listing_or_a_footer(release: Path) -> None:
    answers = read_answers(release)
    with open_bucket(release, release / "cache", freshness="index", history=False) as lake:
        assert sorted(lake.names()) == ["events", "lines", "stripes"]
        for sql in QUERIES:
            result = lake.sql(sql, max_bytes="1GB")
            assert not result.stats.requests, sql
            assert result.fetchall() == answers[sql]
            assert "list" not in result.stats.requests_by_kind


def test_a_history_is_read(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEQ_DATA_DIR", str(release))
    with open_bucket(release, release / "cache", history=True, freshness="index") as lake:
        rows = lake.history().to_pylist()
    assert [row["sql"] for row in rows] == list(QUERIES)
    assert {row["outcome"] for row in rows} == {"done"}
    assert all(row["estimated_bytes"] for row in rows)


def test_a_definition_and_its_lake_are_read(release: Path) -> None:
    answers = read_answers(release)
    with lakeq.connect(release / "lakeq.toml", history=False) as lake:
        assert {sql: lake.sql(sql).fetchall() for sql in (*QUERIES, VIEW_QUERY)} == answers
        assert lake.location.endswith(BUCKET)
