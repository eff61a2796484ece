"""What is published: typed, the same bytes whenever it is built, and its dependencies' licences told."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EPOCH = "1790000000"


def build(folder: Path, **environment: str) -> Path:
    """The wheel, built by hatchling itself: without the network."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, env={**os.environ, **environment})
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel"), SOURCE_DATE_EPOCH=EPOCH, TZ="UTC")


def test_a_wheel_holds_the_package_its_types_and_its_licence(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {"lakeq/py.typed", "lakeq/__init__.py"} <= set(names)
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"lakeq"}
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "lakeq").rglob("*.py")}
    assert modules <= set(names)


def test_a_wheel_has_the_same_bytes_whenever_it_is_built(wheel: Path, tmp_path: Path) -> None:
    again = build(tmp_path, SOURCE_DATE_EPOCH=EPOCH, TZ="Asia/Tokyo")
    first, second = (hashlib.sha256(path.read_bytes()).hexdigest() for path in (wheel, again))
    assert (again.name, second) == (wheel.name, first)


def test_the_page_of_licences_is_current() -> None:
    spec = importlib.util.spec_from_file_location("write_licences", ROOT / "docs" / "write_licences.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    told = page.partition("## What these need in turn")[0]
    rows = [line.split(" | ")[0].removeprefix("| ") for line in told.splitlines() if line.startswith("| ")]
    assert rows[1:] == script.find_direct()
    assert script.draw_rows(script.find_direct()) in told
    assert "not declared" not in page
