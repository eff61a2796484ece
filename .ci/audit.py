"""Look up known vulnerabilities of what requirements.lock has: `python .ci/audit.py PIP_AUDIT [OPTION…]`.

Ends with 1 for a finding, and with 3 where some packages could not be asked about: those are not checked,
which is not fine. pip-audit itself finds nothing in packages that its service does not know.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FINE, FOUND, NOT_CHECKED = 0, 1, 3
LOCK = Path(__file__).with_name("requirements.lock")
_SERVICES = "pypi", "osv"
_SECONDS = 300


def ask(command: Sequence[str], service: str) -> tuple[list[dict[str, Any]], str]:
    """What pip-audit tells of each package by this service; nothing, and why, where it cannot."""
    options = (
        "-r",
        str(LOCK),
        "--require-hashes",
        "--disable-pip",
        "--progress-spinner",
        "off",
        "--timeout",
        "10",
    )
    try:
        done = subprocess.run(
            [*command, *options, "--format", "json", "--vulnerability-service", service],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
        )
        return json.loads(done.stdout)["dependencies"], ""
    except subprocess.TimeoutExpired:
        return [], f"no answer within {_SECONDS} s"
    except (ValueError, LookupError):
        return [], (done.stderr.strip() or "pip-audit said nothing").splitlines()[-1][-300:]
    except OSError as error:
        return [], str(error)


def judge(told: Sequence[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """The findings, a line each, and the names of the packages that were not looked up."""
    found = [
        f"{package['name']} {package['version']}: {', '.join([flaw['id'], *flaw.get('aliases', ())])}, "
        f"mended in {', '.join(flaw.get('fix_versions', ())) or 'no version yet'}"
        for package in told
        for flaw in package.get("vulns", ())
    ]
    return found, [package["name"] for package in told if "skip_reason" in package]


def main(command: Sequence[str]) -> int:
    lacks = []
    for service in _SERVICES:
        told, why = ask(command, service)
        found, skipped = judge(told)
        if found:
            sys.stdout.write("\n".join([f"Known vulnerabilities ({service}):", *found, ""]))
            return FOUND
        if told and not skipped:
            sys.stdout.write(f"No known vulnerabilities in {len(told)} packages ({service}).\n")
            return FINE
        unknown = f"{len(skipped)} of {len(told)} packages are not known there"
        why = why or f"{unknown}, such as {min(skipped, default='')}"
        lacks.append(f"{service}: {why}")
    sys.stdout.write("\n".join(["not checked: known vulnerabilities", *lacks, ""]))
    return NOT_CHECKED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
