"""`python -m tests.fuzz TARGET --minutes N [--corpus DIR]`: fuzz one target with atheris (the extra `fuzz`).

What is found is written to the folder of `--findings`, and the exit status is then not 0.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import atheris

CORPUS = Path(__file__).parent / "corpus"


def main() -> None:
    """Fuzz until the time is over or something is found. Ends the process, as libFuzzer does."""
    options = parse_arguments()
    with atheris.instrument_imports(include=["lakeq", "tests.fuzz"], enable_loader_override=False):
        from tests.fuzz.targets import TARGETS
    if options.target not in TARGETS:
        sys.exit(f"No target {options.target!r}; there are {', '.join(TARGETS)}.")
    grown = options.corpus / options.target
    options.findings.mkdir(parents=True, exist_ok=True)
    grown.mkdir(parents=True, exist_ok=True)
    flags = [
        f"-max_total_time={round(options.minutes * 60)}",
        f"-artifact_prefix={options.findings}/{options.target}-",
        f"-max_len={options.longest}",
        f"-seed={options.seed}",
        "-timeout=60",
        "-rss_limit_mb=3000",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *flags, str(grown), str(CORPUS / options.target)], TARGETS[options.target])
    atheris.Fuzz()


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", help="layout, parquet, orc, csv, json, sql or config")
    parser.add_argument("--minutes", type=float, default=1.0, help="how long to go on")
    parser.add_argument("--seed", type=int, default=1, help="of what is random; 0: another each time")
    parser.add_argument("--longest", type=int, default=4096, help="bytes of an input, at most")
    parser.add_argument(
        "--corpus", type=Path, default=Path("fuzz-corpus"), help="where inputs that reach further are kept"
    )
    parser.add_argument(
        "--findings", type=Path, default=Path("fuzz-findings"), help="where what failed is kept"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
