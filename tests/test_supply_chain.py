"""What is installed to develop lakeq is locked, and looked up in lists of vulnerabilities."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCK = (ROOT / ".ci" / "requirements.lock").read_text(encoding="utf-8")


def find_asked() -> list[Requirement]:
    """All that pyproject.toml asks for, to run, build, test and look at lakeq."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lists = [
        project["build-system"]["requires"],
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
    ]
    return [Requirement(text) for texts in lists for text in texts]


def find_locked() -> dict[str, list[Requirement]]:
    """The locked versions by package: several where they depend on Python's own."""
    locked: dict[str, list[Requirement]] = {}
    for line in re.findall(r"^[^\s#].*$", LOCK, re.MULTILINE):
        requirement = Requirement(line.removesuffix("\\").strip())
        locked.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return locked


@pytest.mark.parametrize("asked", find_asked(), ids=str)
def test_each_requirement_is_locked(asked: Requirement) -> None:
    locked = find_locked().get(canonicalize_name(asked.name), [])
    assert locked, f"{asked.name} is not locked: renew .ci/requirements.lock, see docs/contributing.md"
    for requirement in locked:
        (pin,) = requirement.specifier
        assert pin.operator == "=="
        assert asked.specifier.contains(pin.version, prereleases=True), "renew .ci/requirements.lock"


def test_the_lock_has_hashes_and_no_places() -> None:
    entries = re.split(r"^(?=\S)", LOCK, flags=re.MULTILINE)[1:]
    assert len(entries) > 100
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}$", entry, re.MULTILINE) for entry in entries)
    assert "://" not in LOCK
    assert "--index" not in LOCK
    assert " @ " not in LOCK


FLAW = {"id": "PYSEC-1", "aliases": ["CVE-2026-1"], "fix_versions": ["1.1"]}
FINE = {"name": "fine", "version": "1.0", "vulns": []}
FLAWED = {"name": "flawed", "version": "1.0", "vulns": [FLAW]}
UNKNOWN = {"name": "unknown", "skip_reason": "Dependency not found"}


def run_audit(tmp_path: Path, answers: dict[str, Any]) -> tuple[int, str]:
    """The step of CI with a pip-audit that answers so to each service; None: it cannot reach it."""
    program = tmp_path / "pip_audit.py"
    program.write_text(
        "import json, sys\n"
        f"packages = {answers!r}[sys.argv[sys.argv.index('--vulnerability-service') + 1]]\n"
        "if packages is None: sys.exit('ConnectionError: not resolved')\n"
        "print(json.dumps({'dependencies': packages}))\n"
        "sys.exit(any(p.get('vulns') for p in packages))\n"
    )
    command = [sys.executable, str(ROOT / ".ci" / "audit.py"), sys.executable, str(program)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert not done.stderr
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("answers", "code", "words"),
    [
        ({"pypi": [FINE]}, 0, "No known vulnerabilities in 1 packages (pypi)"),
        ({"pypi": [FINE, FLAWED]}, 1, "flawed 1.0: PYSEC-1, CVE-2026-1, mended in 1.1"),
        ({"pypi": None, "osv": [FINE]}, 0, "No known vulnerabilities in 1 packages (osv)"),
        ({"pypi": [UNKNOWN], "osv": [FLAWED]}, 1, "flawed 1.0"),
        ({"pypi": [UNKNOWN, FLAWED]}, 1, "flawed 1.0"),
        (
            {"pypi": [FINE, UNKNOWN], "osv": None},
            3,
            "pypi: 1 of 2 packages are not known there, such as unknown",
        ),
        (
            {"pypi": None, "osv": None},
            3,
            "not checked: known vulnerabilities\npypi: ConnectionError: not resolved",
        ),
        ({"pypi": [], "osv": []}, 3, "not checked"),
    ],
)
def test_what_could_not_be_looked_up_is_not_checked(
    tmp_path: Path, answers: dict[str, Any], code: int, words: str
) -> None:
    found, text = run_audit(tmp_path, answers)
    assert found == code
    assert words in text


def test_an_audit_that_is_not_there_is_not_checked() -> None:
    command = [sys.executable, str(ROOT / ".ci" / "audit.py"), "./no-such-audit"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, "not checked" in done.stdout) == (3, True)
