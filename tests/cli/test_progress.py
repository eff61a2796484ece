"""How far long work is, in a line."""

from __future__ import annotations

import pytest

from lakeq.cli.progress import PromptLine, describe_progress, draw_bar
from lakeq.storage.progress import Progress

HALF = Progress("scanning", 5, 10, 1 << 20, 2 << 20, 2.0)


def test_a_scan_tells_its_share_bytes_rate_and_the_time_left() -> None:
    told = describe_progress(HALF)
    assert told == "██████████          │ 50% · scanning · 1.0 MB of 2.0 MB · 512.0 KB/s · 2.00 s left"
    assert describe_progress(HALF, has_bar=False) == told.partition(" · ")[2]


def test_what_has_no_total_has_no_bar_and_no_end() -> None:
    assert describe_progress(Progress("listing", 12_000, None, 0, None, 3.0)) == "listing · 12,000 objects"


@pytest.mark.parametrize(
    ("share", "bar"), [(0.0, "    │"), (0.5, "██  │"), (0.53125, "██▏ │"), (1.0, "████│")]
)
def test_a_bar_fills_by_eighths(share: float, bar: str) -> None:
    assert draw_bar(share, 4) == bar


def test_while_someone_types_the_line_is_held(capsys: pytest.CaptureFixture[str]) -> None:
    line, changes = PromptLine(), []
    with line.holding(lambda: changes.append(line.held)):
        line.observe(HALF)
    assert changes == [describe_progress(HALF)]
    assert line.held is None
    assert capsys.readouterr() == ("", "")
