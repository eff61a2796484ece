"""Lines and JSON on standard output."""

from __future__ import annotations

import json
import sys
from typing import Any

from lakeq.texts import show_line


def say(text: str) -> None:
    """Print a line, without characters that a terminal would obey."""
    sys.stdout.write(f"{show_line(text)}\n")


def print_json(value: Any) -> None:
    """Print plain values as JSON."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
