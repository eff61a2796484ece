"""An IPython shell that knows the magics, and a lake for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config


@dataclass
class Shell:
    """A shell; `outputs` are what the last cell displayed, `printed` what it wrote."""

    ipython: InteractiveShell
    outputs: list[dict[str, Any]] = field(default_factory=list)
    printed: str = ""

    @property
    def names(self) -> dict[str, Any]:
        """The user's variables."""
        return self.ipython.user_ns

    def run(self, code: str) -> ExecutionResult:
        """Run a cell."""
        with capture_output(display=True) as captured:
            display_pub = self.ipython.display_pub
            result = self.ipython.run_cell(code)
            self.outputs = list(display_pub.outputs)  # type: ignore[attr-defined]  # of the captured
        self.printed = captured.stdout + captured.stderr
        return result

    def get(self, code: str) -> Any:
        """The value of a cell that succeeds."""
        result = self.run(code)
        assert result.success, self.printed
        return result.result

    def fail(self, code: str) -> BaseException:
        """The error of a cell that fails."""
        result = self.run(code)
        assert not result.success and result.error_in_exec is not None
        return result.error_in_exec

    def texts(self) -> list[str]:
        """The texts of what was displayed, in order."""
        return [output["data"]["text/plain"] for output in self.outputs]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    config = Config()
    config.HistoryManager.enabled = False
    ipython = InteractiveShell.instance(config=config)
    shell = Shell(ipython)
    shell.get("%load_ext lakeq")
    yield shell
    shell.get("%unload_ext lakeq")
    InteractiveShell.clear_instance()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A lake with a table `t` of two days of 30 rows."""
    for day in (1, 2):
        place = tmp_path / "lake" / "t" / f"day={day}"
        place.mkdir(parents=True)
        pq.write_table(pa.table({"n": range(30), "s": ["a  b"] * 30}), place / "part-0.parquet")
    return tmp_path / "lake"
