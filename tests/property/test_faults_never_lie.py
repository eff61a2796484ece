"""Over a store that fails at random, a query ends in the right answer or in an error: lakes, filters and
faults are drawn."""

from __future__ import annotations

import gzip
import itertools
import json
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.orc as orc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lakeq
from lakeq.errors import LakeqError
from lakeq.storage import throttle
from tests.property.lakes import make
from tests.property.test_answers_are_equal import rows_of
from tests.servers import run_latency_s3

FORMATS = ("parquet", "csv", "csv.gz", "json", "orc")
LAYOUTS = ("year={y}/month={m:02}", "year={y}/month={m}", "{y}/{m:02}", "m={m}/y={y}")
KINDS: dict[str, dict[str, Any]] = {
    "503": {"fault": "status", "code": 503},
    "500": {"fault": "status", "code": 500},
    "reset": {"fault": "reset"},
    "truncate": {"fault": "truncate"},
    "nothing": {"fault": "truncate", "bytes": 0},
    "slow": {"fault": "delay", "seconds": 0.05},
    "silent": {"fault": "hang", "seconds": 20},
    "error with 200": {"fault": "error_body"},
    "other version": {"fault": "stale_etag"},
    "other bytes": {"fault": "wrong_range"},
    "whole body": {"fault": "ignore_range"},
    "repeated key": {"fault": "dup_keys"},
    "403": {"fault": "status", "code": 403},
    "404": {"fault": "status", "code": 404},
}
CONDITIONS = (
    "TRUE",
    "{y} = 2026",
    "{m} = 2",
    "{y} = 2026 AND {m} > 1",
    "{y} = 2025 OR x > 40",
    "x % 7 = 3",
    "s LIKE 'a%' AND NOT ({m} = 3)",
    "{y} IS NULL",
    "x IS NULL",
)
QUERIES = (
    "SELECT * FROM t WHERE {c}",
    "SELECT count(*), sum(x), min(s) FROM t WHERE {c}",
    "SELECT {y}, count(*), max(x) FROM t WHERE {c} GROUP BY ALL",
    "SELECT a.x, b.s FROM t a JOIN t b ON a.x = b.x AND a.{m} = b.{m} WHERE a.x < 20",
    "SELECT x FROM t WHERE {c} ORDER BY x NULLS FIRST LIMIT 5",
)
_numbers = itertools.count()


@dataclass(frozen=True)
class Simulator:
    """A simulator of S3 over the folders of `root`."""

    root: Path
    endpoint: str

    def rule(self, rules: list[dict[str, Any]]) -> None:
        urllib.request.urlopen(f"{self.endpoint}/_rules", json.dumps(rules).encode()).close()


@dataclass(frozen=True)
class Example:
    """A lake, a query and what goes wrong: `faults` are the kind, the requests that pass before, and how
    many it hits."""

    file_format: str
    layout: str
    rows: int
    months: int
    sql: str
    budgeted: bool
    scanner: Any
    faults: tuple[tuple[str, int, int], ...]


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    root = tmp_path_factory.mktemp("buckets")
    with run_latency_s3(root, "--latency-ms", "0") as endpoint:
        yield Simulator(root, endpoint)


@st.composite
def examples(draw: st.DrawFn) -> Example:
    layout = draw(st.sampled_from(LAYOUTS))
    # Folders of years and months are called so; other names are those of the folders.
    names = {"y": "y", "m": "m"} if layout.startswith("m=") else {"y": "year", "m": "month"}
    condition = draw(st.sampled_from(CONDITIONS)).format(**names)
    faults = st.tuples(
        st.sampled_from(sorted(KINDS)), st.integers(0, 30), st.sampled_from([1, 1, 1, 2, 3, 7, -1])
    )
    return Example(
        draw(st.sampled_from(FORMATS)),
        layout,
        draw(st.sampled_from([3, 60, 9_000])),
        draw(st.integers(1, 4)),
        draw(st.sampled_from(QUERIES)).format(c=condition, **names),
        draw(st.booleans()),
        draw(st.sampled_from(["auto", "auto", "arrow"])),
        tuple(draw(st.lists(faults, min_size=1, max_size=6))),
    )


def write_example(root: Path, example: Example) -> None:
    for year, month in itertools.product((2025, 2026), range(1, example.months + 1)):
        numbers = [year % 100 + month + n if n % 11 else None for n in range(example.rows)]
        data = pa.table(
            {"x": pa.array(numbers, pa.int64()), "s": [f"{'abc'[n % 3]}{n:060}" for n in range(example.rows)]}
        )
        folder = example.layout.format(y=year, m=month)
        write_table(make(root / "t" / folder / f"f.{example.file_format}"), data, example.file_format)


def write_table(path: Path, data: pa.Table, file_format: str) -> None:
    if file_format == "parquet":
        pq.write_table(data, path, row_group_size=2_000, compression="none")
    elif file_format == "orc":
        orc.write_table(data, path)
    elif file_format == "json":
        path.write_text("".join(json.dumps(row) + "\n" for row in data.to_pylist()))
    else:
        lines = ["x,s", *(f"{'' if row['x'] is None else row['x']},{row['s']}" for row in data.to_pylist())]
        body = ("\n".join(lines) + "\n").encode()
        path.write_bytes(gzip.compress(body) if file_format == "csv.gz" else body)


def run_example(simulator: Simulator, example: Example) -> str:
    """Ask over the folder and over the faulty store; "answer", or the name of the error that came."""
    bucket = f"lake{next(_numbers)}"
    write_example(simulator.root / bucket, example)
    with lakeq.connect(simulator.root / bucket) as lake:
        expected = rows_of(lake.sql(example.sql).arrow())
    rules = [
        {**KINDS[kind], "match": f"^GET /{bucket}", "skip": skip, "times": times}
        for kind, skip, times in example.faults
    ]
    simulator.rule([])
    with (
        tempfile.TemporaryDirectory() as cache,
        lakeq.connect(
            f"s3://{bucket}",
            cache_dir=cache,
            scanner=example.scanner,
            endpoint_url=simulator.endpoint,
            key="k",
            secret="s",
            timeout=0.5,
            retry_timeout=1.0,
        ) as lake,
    ):
        simulator.rule(rules)
        try:
            found = rows_of(lake.sql(example.sql, max_bytes=10**12 if example.budgeted else None).arrow())
        except LakeqError as error:
            assert str(error).count("\n") == 0 or "LINE" in str(error), error
            return type(error).__name__
        finally:
            simulator.rule([])
        assert found == expected
        simulator.rule(rules)  # the same question again, of what is known and kept by now
        try:
            again = rows_of(lake.sql(example.sql).arrow())
        except LakeqError as error:
            return f"answer, then {type(error).__name__}"
        assert again == expected
    return "answer"


@pytest.fixture(scope="module", autouse=True)
def no_pauses() -> Iterator[None]:
    """No time is lost between two tries."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(throttle, "_FIRST_PAUSE", 0.0005)
        yield


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(example=examples())
def test_a_faulty_store_gives_the_right_answer_or_an_error(simulator: Simulator, example: Example) -> None:
    outcome = run_example(simulator, example)
    lasting = [kind for kind, _, times in example.faults if times < 0]
    harmful = {"other version", "other bytes", "whole body", "403", "404", "error with 200", "silent"}
    if not lasting and not harmful & {kind for kind, _, _ in example.faults}:
        assert outcome == "answer", (outcome, example)
