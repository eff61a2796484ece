"""The line below the prompt: what the text that is being typed would scan and cost, or why it cannot."""

from __future__ import annotations

from lakeq.cli.repl.live import Judged
from lakeq.cli.repl.prompt import ERROR, ESTIMATE, HINT, WARNING, Words
from lakeq.errors import BudgetExceededError, LakeqError, SqlSyntaxError
from lakeq.planner.budget import AskAbove
from lakeq.planner.estimate import Estimate
from lakeq.planner.preview import Preview
from lakeq.planner.scan import SAMPLED, UPPER_BOUND, TableScan
from lakeq.quantities import format_bytes, format_dollars, format_share
from lakeq.texts import show_line


def describe_judged(judged: Judged | None, hint: str, ask_above: AskAbove) -> Words:
    """What is told of a statement; `hint` where there is none."""
    if judged is None:
        return HINT, hint
    if judged.preview is not None:
        return describe_preview(judged.preview, ask_above)
    if judged.error is None:
        return HINT, "asking the store …"
    return describe_reason(judged.error)


def describe_reason(error: LakeqError) -> Words:
    """Why there is no estimate. SQL that is not finished is no mistake."""
    if isinstance(error, SqlSyntaxError):
        return HINT, show_line(str(error))
    style = WARNING if isinstance(error, BudgetExceededError) else ERROR
    return style, show_line(str(error))


def describe_preview(preview: Preview, ask_above: AskAbove) -> Words:
    """`24 of 8,760 partitions · 1.2 GB · $0.0059`, and what is to be known before it runs."""
    estimate = preview.estimate
    if preview.refusal is not None:
        return WARNING, show_line(str(preview.refusal))
    parts = [
        f"{format_share(estimate.partitions, estimate.partitions_total)} partitions",
        _spell_bytes(estimate),
        format_dollars(estimate.dearest_usd),
    ]
    if not estimate.scans:
        parts = ["reads no table"]
    warnings = [_name_unpruned(scan) for scan in estimate.scans if is_unpruned(scan)]
    if ask_above.is_below(estimate):
        warnings.append("asks before it runs")
    words = [*parts, *dict.fromkeys(warnings), *map(show_line, preview.notes)]
    style = WARNING if warnings else HINT if preview.notes else ESTIMATE
    return style, f"{'' if preview.is_whole else 'so far '}{' · '.join(words)}"


def is_unpruned(scan: TableScan) -> bool:
    """Whether a table with partitions is read whole."""
    total = scan.table.partitions_total
    keys = scan.table.partition_columns
    return bool(keys) and not scan.from_index and (total or 0) > 1 and scan.files.partitions == total


def _name_unpruned(scan: TableScan) -> str:
    keys = [column.name for column in scan.table.partition_columns]
    return f"full scan of {scan.table.name}: filter on {' or '.join(keys[:3])}"


def _spell_bytes(estimate: Estimate) -> str:
    sign = {SAMPLED: "~", UPPER_BOUND: "≤ "}.get(estimate.accuracy, "")
    return f"{sign}{format_bytes(estimate.bytes_scanned)}"
