"""`lakeq audit`: words, JSON, and the status that CI takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lakeq.audit.finding import Finding
from lakeq.cli.audit import describe_findings, raise_risks
from lakeq.errors import AuditFailedError, LakeqError
from tests.cli.conftest import Run

RISK = Finding("policy", "risk", "It is open.", "Anyone may read.", "Close it.")
OPEN = Finding("acl", "unknown", "Not known.", action="s3:GetBucketAcl")
NOTE = Finding("versioning", "note", "It is off.")
FINE = Finding("encryption", "ok", "It is on.")


def test_the_gravest_finding_comes_first_with_what_to_do() -> None:
    assert list(describe_findings([FINE, OPEN, NOTE, RISK])) == [
        "risk     policy      It is open.",
        "                     Anyone may read.",
        "                     Close it.",
        "note     versioning  It is off.",
        "unknown  acl         Not known.",
        "ok       encryption  It is on.",
        "1 risk, 1 note, 1 unknown, 1 ok",
    ]


def test_strict_fails_on_a_risk_and_on_what_is_not_known() -> None:
    raise_risks([NOTE, FINE])
    with pytest.raises(AuditFailedError, match="1 of 2 findings are a risk"):
        raise_risks([RISK, OPEN])
    with pytest.raises(LakeqError, match="1 of 2 checks have no answer"):
        raise_risks([OPEN, FINE])


def test_the_status_is_3_for_a_risk_only_where_asked_for(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    (folder / "t.csv").write_text("n\n1\n")
    folder.chmod(0o777)
    status, out, err = run("audit", str(folder))
    assert (status, err) == (0, "")
    assert out.startswith("risk     folder-writable  Any user of this machine may write to")
    status, out, err = run("audit", str(folder), "--strict", "--json")
    assert (status, err) == (3, "lakeq: error: 1 of 2 findings are a risk.\n")
    assert [finding["severity"] for finding in json.loads(out)] == ["risk", "ok"]
    folder.chmod(0o755)
    assert run("audit", str(folder), "--strict")[0] == 0
