"""The magics in a real kernel: progress, interrupts, and the notebook of the examples."""

from __future__ import annotations

import os
import queue
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).parent.parent.parent
SLOW = "SELECT count(*) FROM range(400000) x, range(400000) y, t WHERE hash(x.range) % 7 = hash(y.range) % 11"
SECONDS = 120


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A client of a kernel, and how to interrupt it."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    manager, client = start_new_kernel(kernel_name="python3", startup_timeout=SECONDS)
    try:
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def read_until_idle(client: Any, request: str) -> list[dict[str, Any]]:
    """What the kernel says of a request until it has ended."""
    found = []
    while True:
        message = client.get_iopub_msg(timeout=SECONDS)
        if message["parent_header"].get("msg_id") != request:
            continue
        found.append(message)
        if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
            return found


def run(client: Any, code: str) -> list[dict[str, Any]]:
    return read_until_idle(client, client.execute(code))


def test_interrupting_the_kernel_cancels_the_query(kernel: Any, folder: Path) -> None:
    manager, client = kernel
    run(client, f"%load_ext lakeq\nlake = %lakeq {folder}")
    request = client.execute(f"%%lakeq\n{SLOW}")
    while client.get_iopub_msg(timeout=SECONDS)["msg_type"] != "display_data":
        pass  # the estimate: from here on the query runs
    manager.interrupt_kernel()
    (error,) = [m["content"] for m in read_until_idle(client, request) if m["msg_type"] == "error"]
    assert error["ename"] == "KeyboardInterrupt"
    assert error["traceback"] == ["KeyboardInterrupt: the query was cancelled"]
    answer, until = "['running']", time.monotonic() + SECONDS
    while answer == "['running']" and time.monotonic() < until:  # its thread is told, and enters it
        (answer,) = [
            m["content"]["data"]["text/plain"]
            for m in run(client, "lake.history()['outcome'].to_pylist()")
            if m["msg_type"] == "execute_result"
        ]
    assert answer in ("['cancelled']", "[]")  # the latter when it came before the query was entered
    assert [m for m in run(client, "lake.sql('SELECT 1').fetchall()") if m["msg_type"] == "execute_result"]
    with pytest.raises(queue.Empty):
        client.get_iopub_msg(timeout=0)


def execute(notebook: Path, folder: Path) -> nbformat.NotebookNode:
    """The notebook, run in a folder as someone who opens it would."""
    nb = nbformat.read(notebook, as_version=4)
    NotebookClient(
        nb, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": folder}}
    ).execute()
    return nb


@pytest.fixture
def paths(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))


@pytest.mark.usefixtures("paths")
def test_the_notebook_of_the_examples_runs(tmp_path: Path) -> None:
    nb = execute(ROOT / "examples" / "notebook.ipynb", tmp_path)
    kept = [output for cell in nb.cells for output in cell.get("outputs", [])]
    pictures = [output.data["text/html"] for output in kept if "text/html" in output.get("data", {})]
    assert any("<svg" in picture for picture in pictures)
    assert list(tmp_path.glob("*")) == [tmp_path / "ipython"]


@pytest.mark.usefixtures("paths")
def test_a_query_over_its_budget_stops_the_notebook(tmp_path: Path, folder: Path) -> None:
    cells = ["%load_ext lakeq", f"%%lakeq {folder} --max-bytes 1\nSELECT * FROM t", "later = 1"]
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(nb, tmp_path / "budget.ipynb")
    with pytest.raises(CellExecutionError, match="BudgetExceededError: Query not run"):
        execute(tmp_path / "budget.ipynb", tmp_path)
