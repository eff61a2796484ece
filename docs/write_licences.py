"""Write docs/licences.md anew: the licences of what lakeq needs, as the packages installed here declare them.

python docs/write_licences.py
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "licences.md"
_HEAD = """# Licences

lakeq is under the Apache License 2.0. Below are the licences of the packages that `pip install lakeq` brings,
as each declares its own. `python docs/write_licences.py` writes this page anew; a test holds that the first
table is current.

"""
_SPDX = {"MIT License": "MIT", "Apache Software License": "Apache-2.0"}
"""Classifiers that name one licence, so that a package which goes over to SPDX changes nothing here."""
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


def find_direct() -> list[str]:
    """The packages that pyproject.toml asks for, in alphabetical order."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return sorted({_name(text) for text in project["dependencies"]})


def find_others(direct: Iterable[str]) -> list[str]:
    """What those need in turn, extras left out, as far as it is installed."""
    found, waiting = set(direct), list(direct)
    while waiting:
        for text in metadata.requires(waiting.pop()) or ():
            name = _name(text)
            if "extra ==" not in text and name not in found and _is_installed(name):
                found.add(name)
                waiting.append(name)
    return sorted(found - set(direct))


def find_licence(name: str) -> str:
    """The licence of a package: its SPDX expression, else its classifiers, else its own words."""
    told = metadata.metadata(name)
    if told.get("License-Expression"):
        return str(told["License-Expression"])
    classifiers = [text.rpartition("::")[2].strip() for text in told.get_all("Classifier") or ()]
    licences = [
        _SPDX.get(text, text) for text in classifiers if text.endswith("License") or "License (" in text
    ]
    return " or ".join(licences) or (told.get("License") or "not declared").partition("\n")[0]


def draw_rows(names: Iterable[str]) -> str:
    """A table of packages and licences."""
    rows = "".join(f"| {name} | {find_licence(name)} |\n" for name in names)
    return f"| package | licence |\n|---|---|\n{rows}"


def _name(requirement: str) -> str:
    match = _NAME.match(requirement)
    assert match is not None, requirement
    return re.sub(r"[-_.]+", "-", match.group()).lower()


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def write_page() -> None:
    """Write the page."""
    direct = find_direct()
    others = draw_rows(find_others(direct))
    PAGE.write_text(f"{_HEAD}{draw_rows(direct)}\n## What these need in turn\n\n{others}", encoding="utf-8")


if __name__ == "__main__":
    write_page()
