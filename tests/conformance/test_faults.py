"""Faults of a store, row by row: the right answer or one clear error, never a wrong answer or a part of it."""

from __future__ import annotations

import json
import os
import random
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.cli.app import main
from lakeq.errors import (
    AccessDeniedError,
    LakeqError,
    ObjectChangedError,
    StorageError,
    StorageUnavailableError,
)
from lakeq.lake import Lake
from lakeq.storage import throttle
from tests.servers import run_latency_s3

PARTS = range(1, 4)
TABLES = ("small", "large", "text", "long")
QUERY = "SELECT p, count(*), sum(x), sum(length(s)) FROM {t} GROUP BY p ORDER BY p"
LIST = r"GET /lake\?"
MUCH = 10**12
"""A limit that no query here exceeds: with a limit, planning fetches footers and no data."""
HASTE = {"timeout": 0.2, "retry_timeout": 0.3}
"""For faults that do not end."""


def write_lake(root: Path) -> None:
    """Parquet files of less and of more than are fetched whole, and CSV files likewise."""
    numbers = random.Random(3)
    for p in PARTS:
        for table, rows in (("small", 300), ("large", 2_000), ("text", 500), ("long", 2_000)):
            data = pa.table(
                {
                    "x": [numbers.randrange(10**9) for _ in range(rows)],
                    "s": [f"{numbers.randrange(10**9):0300}" for _ in range(rows)],
                    "unused": [numbers.random() for _ in range(rows)],
                }
            )
            write_file(root / table, p, data, is_text=table in ("text", "long"))


def write_file(table: Path, p: int, data: pa.Table, is_text: bool) -> None:
    folder = table / f"p={p}"
    folder.mkdir(parents=True, exist_ok=True)
    if is_text:
        lines = [",".join(map(str, row.values())) for row in data.to_pylist()]
        (folder / "f.csv").write_text("\n".join([",".join(data.column_names), *lines]) + "\n")
    else:
        pq.write_table(
            data, folder / "f.parquet", row_group_size=800, compression="none", use_dictionary=False
        )


class Simulator:
    """A simulator of S3 over the folders of `root`."""

    def __init__(self, root: Path, endpoint: str) -> None:
        self.root = root
        self.endpoint = endpoint

    def connect(self, bucket: str, cache_dir: Path, **options: Any) -> Lake:
        """A lake that gives up soon only where `options` say so."""
        where = {"endpoint_url": self.endpoint, "key": "AKIDCANARY", "secret": "s3cr3t-canary"}
        return lakeq.connect(f"s3://{bucket}", cache_dir=cache_dir, **where, **options)

    def rule(self, *rules: dict[str, Any]) -> None:
        self._ask("/_rules", json.dumps(rules).encode())

    def reset(self) -> None:
        """Forget rules and log."""
        self._ask("/_reset", b"")

    def log(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self._ask("/_log"))
        return found

    def _ask(self, path: str, body: bytes | None = None) -> bytes:
        with urllib.request.urlopen(self.endpoint + path, body) as answer:
            told: bytes = answer.read()
        return told


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    root = tmp_path_factory.mktemp("buckets")
    write_lake(root / "lake")
    many = "many=t/year=2020..2026/month=01..12/f-00..39.csv"
    options = ["--latency-ms", "0", "--log", "--synthetic", many, "--synthetic-size", "100"]
    options += ["--deny", "t/year=2024/", "--deny", "small_denied/p=3/"]
    with run_latency_s3(root, *options) as endpoint:
        yield Simulator(root, endpoint)


@pytest.fixture
def sim(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """The simulator without faults, and no time lost between two tries."""
    monkeypatch.setattr(throttle, "_FIRST_PAUSE", 0.0005)
    simulator.reset()
    yield simulator
    simulator.reset()


@pytest.fixture(scope="module")
def right(simulator: Simulator) -> dict[str, list[tuple[Any, ...]]]:
    """The answer over each table, from the folder."""
    with lakeq.connect(simulator.root / "lake") as lake:
        return {name: lake.sql(QUERY.format(t=name)).fetchall() for name in TABLES}


def ask(lake: Lake, table: str, before_reading: Callable[[], object] = lambda: None, **limits: Any) -> Any:
    result = lake.sql(QUERY.format(t=table), **limits)
    before_reading()
    return result.fetchall()


def fault(kind: str, times: int = 1, match: str = "GET /lake/", **more: Any) -> dict[str, Any]:
    return {"match": match, "times": times, "fault": kind, **more}


def check_error(error: LakeqError, kind: type[LakeqError], table: str = "") -> None:
    """One line of the kind that is asked for, with the place in it and no credential."""
    assert isinstance(error, kind), repr(error)
    assert f"s3://lake/{table}" in str(error)
    assert isinstance(error, StorageError) and error.location.startswith("s3://lake/")
    assert "\n" not in str(error) and "canary" not in str(error).lower()


def check_requests(sim: Simulator) -> None:
    """Every byte of a file was asked for at its listed version."""
    for entry in sim.log():
        if entry["method"] == "GET" and not entry["query"] and entry["path"].startswith("/lake/"):
            assert entry["if_match"], entry


PASSING = {
    "503 twice": fault("status", 2),
    "503 eight times": fault("status", 8),
    "503 with Retry-After": fault("status", 1, retry_after=1),
    "500 twice": fault("status", 2, code=500),
    "429 twice": fault("status", 2, code=429),
    "reset": fault("reset"),
    "reset thrice": fault("reset", 3),
    "no byte": fault("truncate", bytes=0),
    "one byte": fault("truncate", bytes=1),
    "half a body": fault("truncate", 3),
    "silence": fault("hang", 1, seconds=30),
    "a moment late": fault("delay", 3, seconds=0.05),
}
LASTING: dict[str, tuple[dict[str, Any], type[LakeqError]]] = {
    "503": (fault("status", -1), StorageUnavailableError),
    "429": (fault("status", -1, code=429), StorageUnavailableError),
    "reset": (fault("reset", -1), StorageUnavailableError),
    "half a body": (fault("truncate", -1), StorageUnavailableError),
    "no byte": (fault("truncate", -1, bytes=0), StorageUnavailableError),
    "silence": (fault("hang", -1, seconds=30), StorageUnavailableError),
    "403": (fault("status", -1, code=403), AccessDeniedError),
    "expired": (fault("status", -1, code=400, s3code="ExpiredToken"), AccessDeniedError),
    "404": (fault("status", -1, code=404), ObjectChangedError),
    "another version": (fault("stale_etag", -1), ObjectChangedError),
    "other bytes": (fault("wrong_range", -1), StorageError),
    "an error with status 200": (fault("error_body", -1), StorageError),
}
PLACES = [("small", "footers"), ("large", "footers"), ("large", "data"), ("text", "data"), ("long", "data")]
"""Which table is asked, and whether the fault comes while the plan is made or while its data is read."""
EVERYWHERE = ("503 twice", "half a body", "503", "403", "404", "an error with status 200")
"""The faults that are tried at all of PLACES; the others where columns and where text is read."""


def cases(names: Iterable[str]) -> list[tuple[str, str, str]]:
    """Each fault with the places where it is tried."""
    return [
        (name, *place)
        for name in names
        for place in PLACES
        if name in EVERYWHERE or place in (("large", "data"), ("long", "data"))
    ]


@pytest.mark.parametrize(("name", "table", "stage"), cases(PASSING))
def test_a_fault_that_passes_leaves_the_answer_right(
    sim: Simulator, right: dict[str, Any], tmp_path: Path, name: str, table: str, stage: str
) -> None:
    with sim.connect("lake", tmp_path, timeout=0.5 if name == "silence" else 20.0) as lake:
        if stage == "footers":
            sim.rule(PASSING[name])
            assert ask(lake, table) == right[table]
        else:
            assert ask(lake, table, lambda: sim.rule(PASSING[name]), max_bytes=MUCH) == right[table]
    check_requests(sim)


@pytest.mark.parametrize(("name", "table", "stage"), cases(LASTING))
def test_a_fault_that_lasts_is_one_error(
    sim: Simulator, tmp_path: Path, name: str, table: str, stage: str
) -> None:
    rule, kind = LASTING[name]
    with sim.connect("lake", tmp_path, **HASTE) as lake, pytest.raises(LakeqError) as caught:
        if stage == "footers":
            sim.rule(rule)
            ask(lake, table)
        else:
            ask(lake, table, lambda: sim.rule(rule), max_bytes=MUCH)
    check_error(caught.value, kind, f"{table}/p=")
    if name in ("503", "reset"):
        assert "Tried " in str(caught.value)
    check_requests(sim)


@pytest.mark.parametrize("name", [name for name in PASSING if name != "503 eight times"])
def test_a_fault_of_a_listing_that_passes_leaves_the_answer_right(
    sim: Simulator, right: dict[str, Any], tmp_path: Path, name: str
) -> None:
    with sim.connect("lake", tmp_path, timeout=0.5 if name == "silence" else 20.0) as lake:
        sim.rule({**PASSING[name], "match": LIST})
        assert ask(lake, "small") == right["small"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *((name, StorageUnavailableError) for name in ("503", "429", "reset", "half a body", "silence")),
        ("403", AccessDeniedError),
        ("expired", AccessDeniedError),
        ("an error with status 200", StorageError),
    ],
)
def test_a_fault_of_a_listing_that_lasts_is_one_error(
    sim: Simulator, tmp_path: Path, name: str, kind: type[LakeqError]
) -> None:
    with sim.connect("lake", tmp_path, **HASTE) as lake:
        sim.rule({**LASTING[name][0], "match": LIST})
        with pytest.raises(LakeqError) as caught:
            ask(lake, "small")
    check_error(caught.value, kind)


def test_a_listing_that_repeats_a_key_has_it_once(sim: Simulator, right: Any, tmp_path: Path) -> None:
    with sim.connect("lake", tmp_path) as lake:
        sim.rule(fault("dup_keys", -1, LIST))
        assert [ask(lake, name) for name in TABLES] == [right[name] for name in TABLES]
        assert lake.estimate("SELECT * FROM large").files == len(PARTS)


def test_a_flat_listing_without_an_end_is_an_error(sim: Simulator, tmp_path: Path) -> None:
    with sim.connect("many", tmp_path) as lake:
        sim.rule(fault("loop_token", -1, r"GET /many\?(?!.*delimiter)"))
        with pytest.raises(StorageError, match="The server is at fault") as caught:
            lake.sql("SELECT count(*) FROM t").fetchall()
    assert caught.value.location.startswith("s3://many/")


def test_a_key_that_a_listing_left_out_is_told_by_refresh(sim: Simulator, right: Any, tmp_path: Path) -> None:
    """One listing cannot tell that a key is missing; the catalog can."""
    with sim.connect("lake", tmp_path) as lake:
        lake.refresh()
    with sim.connect("lake", tmp_path) as lake:
        sim.rule(fault("drop_keys", -1, LIST, regex="small/p=2/"))
        assert ask(lake, "small") == [row for row in right["small"] if row[0] != 2]
        (change,) = lake.refresh("small")
        assert (change.files, len(right["small"])) == (2, 3)
    with sim.connect("lake", tmp_path) as lake:
        sim.rule()
        (change,) = lake.refresh("small")
        assert "p=2" in str(change) and change.files == 3
        assert ask(lake, "small") == right["small"]


@pytest.mark.parametrize("table", TABLES)
def test_a_server_that_knows_no_ranges_is_read_right_or_refused(
    sim: Simulator, right: dict[str, Any], tmp_path: Path, table: str
) -> None:
    sim.rule(fault("ignore_range", -1))
    with sim.connect("lake", tmp_path, **HASTE) as lake:
        try:
            assert ask(lake, table) == right[table]
        except LakeqError as error:
            check_error(error, StorageError, f"{table}/p=")


# --- Objects that change under a plan -------------------------------------------------------------------


@pytest.fixture
def own(sim: Simulator, tmp_path: Path) -> Path:
    """A bucket `lake/…` of this test alone: the folder of its table `t`."""
    name = "own" + tmp_path.name.replace("_", "").lower()[-40:]
    return sim.root / name / "t"


def fill(table: Path, is_text: bool, first: int) -> None:
    for p in PARTS:
        rows = pa.table({"x": list(range(first, first + 2_000)), "s": ["s" * 300] * 2_000})
        write_file(table, p, rows, is_text)


def replace_file(path: Path, other: bytes | None) -> None:
    """Put other bytes in place of a file, or none; its time changes whatever the clock's steps are."""
    then = path.stat().st_mtime_ns
    if other is None:
        path.unlink()
        return
    path.write_bytes(other)
    os.utime(path, ns=(then + 10**9, then + 10**9))


CHANGES = ["the same size", "another size", "gone"]


@pytest.mark.parametrize("scanner", ["auto", "arrow"])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("is_text", [False, True], ids=["parquet", "csv"])
def test_a_file_replaced_between_plan_and_read_is_an_error(
    sim: Simulator, own: Path, tmp_path: Path, is_text: bool, change: str, scanner: Any
) -> None:
    fill(own, is_text, 100_000)
    (path,) = (own / "p=2").iterdir()
    before = path.read_bytes()
    fill(own.with_name("other"), is_text, 200_000)
    after = next((own.with_name("other") / "p=2").iterdir()).read_bytes()
    after = after[: len(before)].ljust(len(before)) if change == "the same size" and is_text else after
    if change == "the same size":
        assert len(before) == len(after)
    with sim.connect(own.parent.name, tmp_path / "cache", scanner=scanner) as lake:
        result = lake.sql("SELECT p, sum(x), max(s) FROM t GROUP BY p", max_bytes=MUCH)
        replace_file(path, None if change == "gone" else after + b"\n" * (change == "another size"))
        with pytest.raises(ObjectChangedError) as caught:
            result.fetchall()
    assert caught.value.location == f"s3://{own.parent.name}/t/p=2/{path.name}"


@pytest.mark.parametrize("is_text", [False, True], ids=["parquet", "csv"])
def test_a_file_replaced_after_its_data_was_read_changes_no_answer(
    sim: Simulator, own: Path, tmp_path: Path, is_text: bool
) -> None:
    """A query that may read at once has what it needs of small files when it is planned."""
    rows = pa.table({"x": [1, 2, 3]})
    for p in PARTS:
        write_file(own, p, rows, is_text)
    with sim.connect(own.parent.name, tmp_path / "cache") as lake:
        result = lake.sql("SELECT sum(x) FROM t")
        for path in own.rglob("f.*"):
            replace_file(path, path.read_bytes().replace(b"3", b"4"))
        assert result.fetchall() == [(18,)]


def test_a_file_added_between_plan_and_read_is_not_read(sim: Simulator, own: Path, tmp_path: Path) -> None:
    for p in (1, 2):
        write_file(own, p, pa.table({"x": [p]}), False)
    with sim.connect(own.parent.name, tmp_path / "cache") as lake:
        result = lake.sql("SELECT sum(x) FROM t")
        write_file(own, 3, pa.table({"x": [3]}), False)
        assert result.fetchall() == [(3,)]
        assert lake.sql("SELECT sum(x) FROM t").fetchall() == [(6,)]


def test_a_replaced_file_is_read_anew_by_the_next_query(sim: Simulator, own: Path, tmp_path: Path) -> None:
    for p in (1, 2):
        write_file(own, p, pa.table({"x": [p]}), True)
    with sim.connect(own.parent.name, tmp_path / "cache") as lake:
        assert lake.sql("SELECT sum(x) FROM t").fetchall() == [(3,)]
        replace_file(own / "p=2/f.csv", b"x\n7\n")
        assert lake.sql("SELECT sum(x) FROM t").fetchall() == [(8,)]
    with sim.connect(own.parent.name, tmp_path / "cache") as lake:
        replace_file(own / "p=1/f.csv", b"x\n4\n")
        assert lake.sql("SELECT sum(x) FROM t").fetchall() == [(11,)]


# --- Every request, one after the other -----------------------------------------------------------------


@pytest.mark.parametrize("is_text", [False, True], ids=["parquet", "csv"])
def test_a_fault_at_any_request_gives_the_answer_or_an_error(
    sim: Simulator, own: Path, tmp_path: Path, is_text: bool
) -> None:
    bucket = own.parent.name
    for p in (1, 2):
        write_file(own, p, pa.table({"x": list(range(2_000)), "s": ["s" * 300] * 2_000}), is_text)
    with sim.connect(bucket, tmp_path / "first") as lake:
        expected = lake.sql(QUERY.format(t="t")).fetchall()
    requests = len(sim.log())
    assert requests > 4
    for number in range(requests + 1):
        for rule in (fault("truncate"), fault("status", code=403)):
            sim.rule({**rule, "match": f"GET /{bucket}", "skip": number})
            with sim.connect(bucket, tmp_path / f"{number}{rule['fault']}") as lake:
                try:
                    assert lake.sql(QUERY.format(t="t")).fetchall() == expected
                except AccessDeniedError as error:
                    assert rule["fault"] == "status" and f"s3://{bucket}/" in str(error)
                else:
                    # A listing that is refused is asked for again, without what a policy may deny.
                    assert rule["fault"] == "truncate" or number == 0 or number >= 3


def test_only_files_that_are_planned_are_opened(sim: Simulator, tmp_path: Path) -> None:
    with sim.connect("lake", tmp_path) as lake:
        for name in TABLES:
            lake.describe(name)
    for name in TABLES:
        for sql in (f"SELECT sum(x) FROM {name} WHERE p = 2", f"SELECT * FROM {name} WHERE p > 2 AND x < 5"):
            with sim.connect("lake", tmp_path, cache=False) as lake:
                sim.reset()
                result = lake.sql(sql)
                planned = {
                    path for scan in result.plan.scans for path in scan.files.to_table()["path"].to_pylist()
                }
                result.fetchall()
            opened = {e["path"] for e in sim.log() if e["method"] == "GET" and not e["query"]}
            assert opened <= {f"/lake/{path}" for path in planned}
            check_requests(sim)


def test_an_estimate_reads_no_data(sim: Simulator, tmp_path: Path) -> None:
    """Footers of Parquet, heads of CSV files."""
    with sim.connect("lake", tmp_path) as lake:
        estimate = lake.estimate("SELECT sum(x) FROM large")
        log = [e for e in sim.log() if e["path"].startswith("/lake/large/")]
    assert (
        0
        < estimate.bytes_scanned
        < sum(f.stat().st_size for f in (sim.root / "lake/large").rglob("*.parquet"))
    )
    asked = [e["range"].removeprefix("bytes=").split("-") for e in log]
    assert all(int(last) - int(first) < 70_000 for first, last in asked)


# --- Places that may not be read -------------------------------------------------------------------------


def test_a_denied_object_fails_the_queries_that_need_it(sim: Simulator, tmp_path: Path) -> None:
    denied = sim.root / "lake" / "small_denied"
    for p in PARTS:
        write_file(denied, p, pa.table({"x": [p]}), False)
    with sim.connect("lake", tmp_path) as lake:
        assert lake.sql("SELECT sum(x) FROM small_denied WHERE p <> 3").fetchall() == [(3,)]
        with pytest.raises(AccessDeniedError, match=r"s3://lake/small_denied/p=3/f\.parquet"):
            lake.sql("SELECT sum(x) FROM small_denied").fetchall()
        assert lake.sql("SELECT count(DISTINCT p) FROM small_denied WHERE p < 3").fetchall() == [(2,)]


def test_a_denied_prefix_fails_the_queries_that_need_it(sim: Simulator, tmp_path: Path) -> None:
    sql = "SELECT year, month, count(*) FROM t WHERE {} GROUP BY ALL"
    with sim.connect("many", tmp_path) as lake:
        assert lake.sql(sql.format("year = 2025 AND month = 3")).fetchall() == [(2025, 3, 120)]
        for condition in ("year = 2024 AND month = 3", "month = 3"):
            with pytest.raises(AccessDeniedError, match="s3://many/t/year=2024/"):
                lake.sql(sql.format(condition)).fetchall()
        assert len(lake.sql(sql.format("year < 2022 AND month < 3")).fetchall()) == 4


# --- The command line ------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["large", "long", "text"])
@pytest.mark.parametrize("name", ["403", "404", "another version"])
def test_a_query_that_fails_leaves_no_output_file(
    sim: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    table: str,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDCANARY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cr3t-canary")
    rule = {**LASTING[name][0], "match": f"GET /lake/{table}/p=3/"}
    options = ["--endpoint-url", sim.endpoint, "--cache-dir", str(tmp_path / "cache")]
    (tmp_path / "out").mkdir()
    sql = f"SELECT * FROM {table}"
    assert main(["estimate", "s3://lake", sql, *options]) == 0
    sim.rule(rule)
    target = tmp_path / "out" / "rows.csv"
    status = main(["query", "s3://lake", sql, "-o", str(target), "--max-bytes", "1TB", *options])
    said = capsys.readouterr().err.splitlines()
    assert (status, len(said)) == (1, 1)
    assert said[0].startswith("lakeq: error: ") and f"s3://lake/{table}/p=3/" in said[0]
    assert list((tmp_path / "out").iterdir()) == []
