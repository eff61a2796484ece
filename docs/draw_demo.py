"""Draw docs/demo.svg, the picture in the README, from a real run of `lakeq demo`.

python docs/draw_demo.py
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 120
ROOT = Path(__file__).parent.parent


def run_demo() -> str:
    """What `lakeq demo` prints on a colour terminal, with its lake in a folder called `lake`."""
    code = "import sys; from lakeq.cli.app import main; sys.exit(main(['demo', '--keep', 'lake']))"
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    colours = {"PYTHONPATH": path, "FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": str(WIDTH)}
    with tempfile.TemporaryDirectory() as folder:
        run = [sys.executable, "-c", code]
        return subprocess.run(
            run, cwd=folder, env={**os.environ, **colours}, check=True, capture_output=True, text=True
        ).stdout


def draw_text(text: Text, title: str, width: int) -> str:
    """The terminal's text as SVG. The font is the reader's own: nothing is fetched to show it."""
    console = Console(record=True, width=width, file=io.StringIO(), force_terminal=True)
    console.print(text)
    svg = console.export_svg(title=title)
    return re.sub(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", "", svg, flags=re.DOTALL)


if __name__ == "__main__":
    picture = draw_text(Text.from_ansi(run_demo()), "lakeq demo", WIDTH)
    (ROOT / "docs" / "demo.svg").write_text(picture, encoding="utf-8")
