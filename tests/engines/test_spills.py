"""Folders for large intermediate results: those of killed processes are removed, others never."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

from lakeq.engines.spills import find_spill_folder, remove_spills


def test_only_folders_of_processes_that_ended_are_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    own = Path(find_spill_folder())
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    prefix = own.name.removesuffix(str(os.getpid()))
    dead, elsewhere = tmp_path / f"{prefix}{child}", tmp_path / f"lakeq-spill-1-{child}"
    kept = [own, tmp_path / f"{prefix}1", tmp_path / f"{prefix}x", elsewhere, tmp_path / "lakeq"]
    for folder in (dead, *kept):
        folder.mkdir()
        (folder / "duckdb_temp_storage").write_bytes(b"x")
    (tmp_path / f"{prefix}{child + 1}").symlink_to(own)
    remove_spills()
    assert not dead.exists()
    assert all((folder / "duckdb_temp_storage").exists() for folder in kept)
