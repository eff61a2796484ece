"""The demo: a real lake, real runs, and the same story on files and on S3."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

import lakeq
from tests.cli.conftest import Run


def test_the_demo_leaves_a_lake_whose_four_tables_are_found(run: Run, tmp_path: Path) -> None:
    status, out, err = run("demo", "--keep", str(tmp_path / "lake"))
    assert (status, err) == (0, "")
    with lakeq.connect(tmp_path / "lake" / "lakeq.toml") as lake:
        found = {t.name: (t.format, tuple(c.name for c in t.partition_columns)) for t in lake.tables()}
        whole, day = (
            lake.estimate(f"SELECT kind, sum(amount) FROM events {where} GROUP BY kind")
            for where in ("", "WHERE year = 2026 AND month = 11 AND day = 3")
        )
    assert found == {
        "events": ("parquet", ("year", "month", "day", "hour")),
        "orders": ("csv", ("product",)),
        "clicks": ("json", ("date",)),
        "sensors": ("orc", ("year", "month", "day")),
    }
    assert (whole.files, day.files) == (360, 24)
    saved = 1 - day.bytes_scanned / whole.bytes_scanned
    assert f"The filter saves {saved:.0%}" in out
    assert "24 of 360 partitions · estimated" in out


def test_the_demo_is_the_same_over_s3(run: Run) -> None:
    status, out, err = run("demo", "--s3")
    assert (status, err) == (0, "")
    assert "24 of 360 partitions · estimated" in out and "The filter saves" in out


def test_a_folder_with_something_in_it_is_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    status, out, err = run("demo", "--keep", str(tmp_path))
    assert (status, out) == (1, "") and "is not empty" in err
    assert [f.name for f in tmp_path.iterdir()] == ["mine"]


def test_without_moto_the_s3_demo_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    status, _, err = run("demo", "--s3")
    assert status == 1 and "pip install 'lakeq[demo]'" in err
