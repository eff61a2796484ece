"""`lakeq audit`: how the bucket or the folder of a lake is set, in words, and a status for CI."""

from __future__ import annotations

from argparse import Namespace
from collections import Counter
from collections.abc import Iterator, Sequence

from lakeq.audit.finding import Finding, Severity
from lakeq.cli.opening import open_lake
from lakeq.cli.pager import paged
from lakeq.cli.printing import print_json, say
from lakeq.errors import AuditFailedError, LakeqError

_ORDER: tuple[Severity, ...] = ("risk", "note", "unknown", "ok")


def show_audit(arguments: Namespace) -> None:
    """`lakeq audit LAKE`."""
    with open_lake(arguments) as lake:
        findings = lake.audit()
    if arguments.json:
        print_json([finding.to_dict() for finding in findings])
    else:
        with paged(arguments.no_pager):
            for line in describe_findings(findings):
                say(line)
    if arguments.strict:
        raise_risks(findings)


def describe_findings(findings: Sequence[Finding]) -> Iterator[str]:
    """A line a finding, the gravest first, below it why it matters and what to do; then how many."""
    width = max((len(finding.id) for finding in findings), default=0)
    for finding in sorted(findings, key=lambda finding: _ORDER.index(finding.severity)):
        yield f"{finding.severity:7}  {finding.id:{width}}  {finding.what}"
        for line in (finding.why, finding.remedy):
            if line:
                yield f"{'':7}  {'':{width}}  {line}"
    counts = Counter(finding.severity for finding in findings)
    yield ", ".join(f"{counts[severity]} {severity}" for severity in _ORDER)


def raise_risks(findings: Sequence[Finding]) -> None:
    """AuditFailedError when there is a risk; LakeqError when there is none and something is not known."""
    counts = Counter(finding.severity for finding in findings)
    if counts["risk"]:
        raise AuditFailedError(f"{counts['risk']} of {len(findings)} findings are a risk.")
    if counts["unknown"]:
        raise LakeqError(f"{counts['unknown']} of {len(findings)} checks have no answer.")
