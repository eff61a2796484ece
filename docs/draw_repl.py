"""Draw docs/repl.svg, the picture of the prompt, from a real session in a terminal.

python docs/draw_repl.py
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from draw_demo import ROOT, draw_text

sys.path.insert(0, str(ROOT))

from benchmarks.terminal import Terminal

WIDTH, HEIGHT = 110, 26
QUERY = "select kind, count(*) as n, sum(amount) as total from events"


def hold_session(folder: Path) -> Terminal:
    """A terminal in the middle of a session over the demo's lake."""
    lakeq = [sys.executable, "-m", "lakeq"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "LAKEQ_DATA_DIR": "data", "LAKEQ_CACHE_DIR": "cache"}
    subprocess.run([*lakeq, "demo", "--keep", "lake"], cwd=folder, env=env, check=True, capture_output=True)
    terminal = Terminal([*lakeq, "repl", "lake/lakeq.toml"], env, WIDTH, HEIGHT, folder)
    terminal.wait_for("4 tables · .help")
    terminal.type(f"{QUERY}\rwhere year = 2026 and month = 11 and day = 3 group by kind order by kind;\r")
    terminal.wait_for("4 rows ·")
    terminal.type("select kind, amont from events;\r")
    terminal.wait_for("Did you mean 'amount'")
    terminal.type(f"{QUERY} where year = 2026 and month = 11 and day = 1")
    terminal.wait_for("value of day")
    terminal.wait_for(lambda screen: "24 of 360 partitions" in screen.splitlines()[-1])
    return terminal


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary, hold_session(Path(temporary)) as session:
        picture = draw_text(session.draw(), "lakeq lake/lakeq.toml", WIDTH)
    (ROOT / "docs" / "repl.svg").write_text(picture, encoding="utf-8")
