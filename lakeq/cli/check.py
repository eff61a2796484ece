"""`lakeq check`: estimates of many queries against limits and against what they were, for CI."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from lakeq.cli.values import read_sql
from lakeq.errors import BudgetExceededError, ConfigError, LakeqError
from lakeq.lake import Lake
from lakeq.planner.estimate import Estimate
from lakeq.quantities import format_bytes, format_dollars, format_share
from lakeq.texts import show_line

_VERSION = 1


@dataclass(frozen=True, slots=True)
class CheckLimits:
    """What a query may scan and cost, and by which share it may grow beyond its baseline."""

    max_bytes: int | None = None
    max_cost: Decimal | None = None
    max_growth: float = 0.2


@dataclass(frozen=True, slots=True)
class CheckedQuery:
    """One query: its estimate, or the error that it met; and each limit that it is over, in words."""

    path: str
    estimate: Estimate | None
    error: str | None
    problems: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """`ok`, `over` or `error`."""
        return "error" if self.error is not None else "over" if self.problems else "ok"


def check_queries(
    lake: Lake,
    paths: Sequence[str],
    baseline: Mapping[str, int],
    limits: CheckLimits,
    dialect: str | None = None,
) -> list[CheckedQuery]:
    """Estimate the query in each file. `baseline` has the bytes that queries scanned, by path."""
    texts = {path: _try_read(path) for path in paths}
    readable = {path: text for path, text in texts.items() if isinstance(text, str)}
    estimates = dict(zip(readable, lake.estimate_all(readable.values(), dialect), strict=True))
    checked = []
    for path, text in texts.items():
        outcome = text if isinstance(text, LakeqError) else estimates[path]
        if isinstance(outcome, LakeqError):
            checked.append(CheckedQuery(path, None, show_line(str(outcome))))
        else:
            problems = tuple(_find_problems(outcome, baseline.get(path), limits))
            checked.append(CheckedQuery(path, outcome, None, problems))
    return checked


def _try_read(path: str) -> str | LakeqError:
    try:
        return read_sql(f"@{path}")
    except ConfigError as error:
        return error


def _find_problems(estimate: Estimate, before: int | None, limits: CheckLimits) -> Iterator[str]:
    scanned, cost = estimate.bytes_scanned, estimate.dearest_usd
    if limits.max_bytes is not None and scanned > limits.max_bytes:
        yield f"scans {format_bytes(scanned)}, over {format_bytes(limits.max_bytes)}"
    if limits.max_cost is not None and cost > limits.max_cost:
        yield f"costs {format_dollars(cost)}, over {format_dollars(limits.max_cost)}"
    if before is not None and scanned > before * (1 + limits.max_growth):
        yield f"scans {format_bytes(scanned)}, {format_bytes(before)} in the baseline"


def read_baseline(path: str) -> dict[str, int]:
    """Bytes by path, as `write_baseline` wrote them; none where there is no file yet. ConfigError for another
    file."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if content["version"] != _VERSION:
            raise ValueError(content["version"])
        return {name: int(query["bytes_scanned"]) for name, query in content["queries"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"'{path}' is no baseline of lakeq check. Write it with --update.") from error


def write_baseline(path: str, checked: Sequence[CheckedQuery], before: Mapping[str, int]) -> None:
    """Keep what the queries scan now, beside what is known of others."""
    known = dict(before) | {c.path: c.estimate.bytes_scanned for c in checked if c.estimate is not None}
    queries = {name: {"bytes_scanned": size} for name, size in sorted(known.items())}
    text = json.dumps({"version": _VERSION, "queries": queries}, indent=2, ensure_ascii=False)
    try:
        Path(path).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"Cannot write the baseline '{path}': {error.strerror}.") from error


def describe_checked(checked: Sequence[CheckedQuery]) -> Iterator[str]:
    """A line for each query, and one for each of its problems."""
    width = max((len(show_line(c.path)) for c in checked), default=0)
    for query in checked:
        head = f"{query.verdict:5}  {show_line(query.path):{width}}"
        if query.estimate is None:
            yield f"{head}  {query.error}"
            continue
        e = query.estimate
        shares = f"{format_share(e.partitions, e.partitions_total)} partitions"
        yield f"{head}  {format_bytes(e.bytes_scanned)} ({format_dollars(e.cost_usd)}), {shares}"
        for problem in query.problems:
            yield f"       {problem}"


def checked_to_dict(query: CheckedQuery) -> dict[str, Any]:
    """One query of `--json`."""
    estimate = None if query.estimate is None else query.estimate.to_dict()
    return {
        "path": query.path,
        "verdict": query.verdict,
        "problems": list(query.problems),
        "error": query.error,
        "estimate": estimate,
    }


def checked_to_junit(checked: Sequence[CheckedQuery]) -> str:
    """The outcome as JUnit's XML, which CI servers show as tests."""
    counts = {verdict: sum(c.verdict == verdict for c in checked) for verdict in ("over", "error")}
    suite = ElementTree.Element(
        "testsuite",
        name="lakeq check",
        tests=str(len(checked)),
        failures=str(counts["over"]),
        errors=str(counts["error"]),
    )
    for query in checked:
        case = ElementTree.SubElement(suite, "testcase", classname="lakeq", name=show_line(query.path))
        if query.error is not None:
            ElementTree.SubElement(case, "error", message=query.error)
        elif query.problems:
            ElementTree.SubElement(case, "failure", message="; ".join(query.problems))
        if query.estimate is not None:
            ElementTree.SubElement(case, "system-out").text = str(query.estimate)
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True)


def raise_failure(checked: Sequence[CheckedQuery]) -> None:
    """LakeqError when a query could not be estimated, BudgetExceededError when one is over a limit."""
    broken = sum(c.verdict == "error" for c in checked)
    over = [c for c in checked if c.verdict == "over"]
    if broken:
        raise LakeqError(f"{broken} of {len(checked)} queries cannot be estimated.")
    if over:
        message = f"{len(over)} of {len(checked)} queries are over a limit."
        raise BudgetExceededError(message, over[0].estimate, over[0].problems)


def run_check(lake: Lake, arguments: Namespace) -> list[CheckedQuery]:
    """Check the files of the arguments, and keep their baseline if asked to."""
    baseline = read_baseline(arguments.baseline) if arguments.baseline else {}
    if arguments.update and not arguments.baseline:
        raise ConfigError("--update needs --baseline FILE, which it is to write.")
    limits = CheckLimits(arguments.max_bytes, arguments.max_cost, arguments.max_growth)
    known = {} if arguments.update else baseline
    checked = check_queries(lake, arguments.files, known, limits, arguments.dialect)
    if arguments.update:
        write_baseline(arguments.baseline, checked, baseline)
    return checked
