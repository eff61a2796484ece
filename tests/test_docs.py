"""The pages tell what is there: commands run, links lead somewhere, code works."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakeq.cli.arguments import build_parser
from lakeq.cli.demo_lake import DEFINITION, write_demo_lake

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def code_blocks(language: str) -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for found, code in FENCE.findall(page.read_text(encoding="utf-8")):
            if found == language:
                yield page, code


@pytest.fixture(scope="module")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `lake/` is the lake of the demo."""
    folder = tmp_path_factory.mktemp("docs")
    write_demo_lake(folder / "lake")
    (folder / "lake" / "lakeq.toml").write_text(DEFINITION.format(location="."), encoding="utf-8")
    return folder


def run_python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=folder, capture_output=True, text=True
    )


def test_readme_has_two_commands_that_need_only_a_clone() -> None:
    commands = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)
    assert commands == [
        "python3 -m venv .venv && .venv/bin/pip install -q . && .venv/bin/lakeq demo",
        "python3 -m venv .venv && .venv/bin/pip install -q '.[test]' && .venv/bin/python -m pytest -n auto",
    ]


def test_ci_takes_the_two_commands_from_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    patterns = re.findall(r"grep -m1 '([^']+)' README\.md", script)
    assert len(patterns) == 2
    for pattern, command in zip(patterns, re.findall(r"^python3 .*$", README, re.MULTILINE), strict=True):
        lines = [line for line in README.splitlines() if re.search(pattern, line)]
        assert lines == [command]


def test_every_command_and_option_is_on_the_page_of_the_command_line() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    (commands,) = [a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction)]
    for name, command in commands.choices.items():
        assert f"## lakeq {name}" in page
        for action in command._actions:
            assert action.help, f"lakeq {name}: {action.dest} has no help"
            for option in action.option_strings:
                assert f"`{option}" in page, f"docs/cli.md does not tell of {option}"


def test_every_guarantee_names_tests_that_exist() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (G\d+) \|.*\| ([^|]*) \|$", page, re.MULTILINE)
    assert [name for name, _ in rows] == [f"G{number}" for number in range(1, 19)]
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    known = set(re.findall(r"^def (test_\w+)\(", source, re.MULTILINE))
    for name, proofs in rows:
        named = set(re.findall(r"`(test_\w+)`", proofs))
        assert named, f"{name} is not proved"
        assert named <= known, f"{name}: {named - known}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_are_short_and_their_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 200
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text)
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize(
    ("page", "code"), [*code_blocks("python")], ids=lambda value: getattr(value, "name", "")
)
def test_python_on_the_pages_runs(page: Path, code: str, demo_folder: Path) -> None:
    done = run_python(code, demo_folder)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("page", "code"), [*code_blocks("toml")], ids=lambda value: getattr(value, "name", "")
)
def test_definitions_on_the_pages_are_accepted(page: Path, code: str) -> None:
    from lakeq.catalog.definitions import load_definition

    definition = load_definition(code, "somewhere")
    assert definition.tables or definition.storage


def test_examples_are_numbered_and_short() -> None:
    assert len(EXAMPLES) >= 4
    for number, example in enumerate(EXAMPLES, start=1):
        assert example.name.startswith(f"{number:02}_")
        assert len(example.read_text(encoding="utf-8").splitlines()) <= 80


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_examples_run_without_a_network(example: Path, tmp_path: Path) -> None:
    done = run_python(example.read_text(encoding="utf-8"), tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_picture_shows_a_run_of_this_demo() -> None:
    picture = (ROOT / "docs" / "demo.svg").read_text(encoding="utf-8").replace("&#160;", " ")
    assert "$ lakeq tables lake/lakeq.toml" in picture
    assert "The filter saves" in picture
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")
