"""How near is the estimate to what is then read, and to what others estimate?

    python -m benchmarks.estimate_accuracy DIR [--scale 1] [--peers PYTHON]

TPC-H's 22 queries and the 40 of benchmarks/queries/lake.sql, over the lakes of benchmarks.columnar_lake in
DIR. `estimated` is lakeq's, for an engine that shares the result of a CTE as DuckDB does; `read` is the
engine's own counter after the run, footers left out: of Parquet DuckDB's profile, of ORC the bytes that
pyarrow asked for. Target: within 1 % each.

Where an engine may do with less than the columns of a query in the row groups that are left (joins, LIMIT,
conditions), `low` is 0. DuckDB 2.0 may also read more: gaps of up to 16 KB between columns, now and then a
column chunk twice, and all columns of the outer table of some correlated subqueries.

PYTHON is an interpreter with athena-cost-guard[parquet] and moto[s3,glue]: over the same Parquet files, with
its column-aware estimate from 8 footers a table. Target: lakeq's error is a tenth of its at most.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import lakeq
from benchmarks.columnar_lake import FORMATS, write_columnar
from benchmarks.harness import print_table, write_result
from benchmarks.tpch import QUERIES, read_query

TARGET = 0.01
_PEER = Path(__file__).parent / "peers" / "cost_guard.py"


def read_queries() -> dict[str, str]:
    """All 62, by name."""
    queries = {f"TPC-H Q{number}": read_query(number) for number in QUERIES}
    text = (Path(__file__).parent / "queries" / "lake.sql").read_text(encoding="utf-8")
    for part in text.split("-- ")[1:]:
        name, _, sql = part.partition("\n")
        queries[name] = sql.strip().rstrip(";")
    return queries


def measure(folder: Path, format: str, queries: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """A row a query: bytes estimated and bytes read."""
    with lakeq.connect(folder, pricing="none", history=False) as lake:
        for name, sql in queries.items():
            result = lake.sql(sql)
            for _ in result.batches():
                pass
            estimate, read = result.estimate, result.stats.bytes_scanned
            yield {
                "format": format,
                "query": name,
                "estimated": estimate.bytes_scanned,
                "low": estimate.low,
                "high": estimate.high,
                "read": read,
                "error_percent": round(100 * find_error(estimate.bytes_scanned, read), 3),
                "accuracy": estimate.accuracy,
            }


def find_error(estimated: int, read: int) -> float:
    """The error as a share of what was read; 1 where nothing was."""
    return abs(estimated - read) / read if read else float(estimated != read)


def ask_peer(python: str, folder: Path, queries: Mapping[str, str]) -> dict[str, int | None]:
    """What athena-cost-guard estimates of each query, None where it cannot."""
    command = [python, str(_PEER), str(folder)]
    done = subprocess.run(
        command, input=json.dumps(dict(queries)), check=True, stdout=subprocess.PIPE, text=True
    )
    told: dict[str, int | None] = json.loads(done.stdout)
    return told


def sum_up(rows: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """A row a format: how many queries are within the target, and the errors."""
    for format in FORMATS:
        errors = [row["error_percent"] for row in rows if row["format"] == format]
        yield {
            "format": format,
            "queries": len(errors),
            "within_target": sum(error <= 100 * TARGET for error in errors),
            "median_error_percent": statistics.median(errors),
            "mean_error_percent": statistics.fmean(errors),
            "worst_error_percent": max(errors),
        }


def compare(rows: Sequence[dict[str, Any]], told: Mapping[str, int | None]) -> dict[str, Any]:
    """The errors of both, over the Parquet queries that the peer can estimate; adds its figures to them."""
    ours, theirs = [], []
    for row in rows:
        estimated = told.get(row["query"])
        if row["format"] == "parquet" and row["read"]:
            row["athena_cost_guard"] = estimated
            if estimated is not None:
                ours.append(find_error(row["estimated"], row["read"]))
                theirs.append(find_error(estimated, row["read"]))
    return {
        "queries": len(ours),
        "lakeq_mean_error_percent": 100 * statistics.fmean(ours),
        "athena_cost_guard_mean_error_percent": 100 * statistics.fmean(theirs),
        "lakeq_median_error_percent": 100 * statistics.median(ours),
        "athena_cost_guard_median_error_percent": 100 * statistics.median(theirs),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare estimates with what is read.")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--peers", metavar="PYTHON")
    arguments = parser.parse_args()
    folders, queries = write_columnar(arguments.folder, arguments.scale), read_queries()
    rows = [row for name, folder in folders.items() for row in measure(folder, name, queries)]
    print_table(rows)
    summary = list(sum_up(rows))
    print_table(summary)
    facts: dict[str, Any] = {"summary": summary, "scale": arguments.scale, "target_percent": 100 * TARGET}
    if arguments.peers:
        facts["peer"] = compare(rows, ask_peer(arguments.peers, folders["parquet"], queries))
        print_table([facts["peer"]])
    question = "Estimate against the bytes that the engine reads, footers left out"
    print(f"Written to {write_result('estimate_accuracy', question, rows, **facts)}")


if __name__ == "__main__":
    main()
