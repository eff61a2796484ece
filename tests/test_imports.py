"""Imports point down, one door a dependency, and `import lakeq` is light."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
HEAVY = (
    "IPython",
    "argcomplete",
    "duckdb",
    "fsspec",
    "harlequin",
    "narwhals",
    "numpy",
    "obstore",
    "prompt_toolkit",
    "pyarrow",
    "pygments",
    "pyspark",
    "rich",
    "s3fs",
    "sqlglot",
)


def run_python(code: str) -> str:
    """What the code prints, run from the repository's root."""
    return subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout


def test_the_contracts_of_the_layers_hold() -> None:
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_lakeq_loads_no_engine() -> None:
    assert run_python(f"import sys, lakeq; print(*(set({HEAVY}) & set(sys.modules)))").split() == []


def test_the_api_loads_what_a_query_needs_and_nothing_that_only_some_want(
    tmp_path: Path,
) -> None:
    code = f"import sys, lakeq; lakeq.connect({str(tmp_path)!r})"
    code += (
        "; print(*({'duckdb', 's3fs', 'pandas', 'narwhals', 'prompt_toolkit', 'pyspark'} & set(sys.modules)))"
    )
    assert run_python(code).split() == ["duckdb"]


def test_no_command_loads_pandas(tmp_path: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "lakeq", "query", str(tmp_path), "SELECT 1 AS one"]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    assert "one" in done.stdout
    assert "pyarrow" in done.stderr
    assert "pandas.core" not in done.stderr
