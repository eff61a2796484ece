"""Lakes whose files lie in several storage classes, on moto's server and on s3sim: what is archived is known
before the run, and what a query asks of S3 is what the estimate said."""

from __future__ import annotations

import json
import os
import pickle
import urllib.request
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lakeq
from lakeq.cli.app import main
from lakeq.errors import BudgetExceededError, ConfigError, ObjectArchivedError
from lakeq.lake import Lake
from lakeq.planner.archived import find_restores
from lakeq.planner.estimate import estimate_plan
from lakeq.planner.storage_cost import GET, HEAD, LIST, RETRIEVAL
from tests.servers import S3Server, run_latency_s3

CREDENTIALS: dict[str, Any] = {"key": "k", "secret": "s", "region": "us-east-1"}
CLASSES = {
    2020: "DEEP_ARCHIVE",
    2021: "GLACIER",
    2022: "GLACIER",
    2023: "GLACIER_IR",
    2024: "STANDARD_IA",
    2025: "STANDARD",
    2026: "STANDARD",
}
SUM_ALL = "SELECT sum(id) FROM events"
OpenLake = Callable[..., Lake]


def write_year(year: int, rows: int = 10) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({"id": [year] * rows}), sink)
    return sink.getvalue().to_pybytes()


def year_key(year: int) -> str:
    return f"events/year={year}/f.parquet"


@pytest.fixture(scope="module")
def moto_lake(s3_server: S3Server) -> str:
    """A bucket of moto's in which 2022 is restored; moto tells so by HEAD alone."""
    bucket = s3_server.new_bucket()
    for year, storage_class in CLASSES.items():
        s3_server.client.put_object(
            Bucket=bucket, Key=year_key(year), Body=write_year(year), StorageClass=storage_class
        )
    s3_server.client.restore_object(Bucket=bucket, Key=year_key(2022), RestoreRequest={"Days": 2})
    return bucket


@pytest.fixture(scope="module")
def sim_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("classes")
    for year in CLASSES:
        path = root / "lake" / year_key(year)
        path.parent.mkdir(parents=True)
        path.write_bytes(write_year(year))
    tiered = root / "tiered" / "events"
    for year in (2024, 2025, 2026):
        path = tiered / f"year={year}/f.parquet"
        path.parent.mkdir(parents=True)
        path.write_bytes(write_year(year))
        if year < 2026:  # what is younger than 90 days is in no archive tier
            os.utime(path, (1_700_000_000, 1_700_000_000))
    options = [f"--storage-class={name}=events/year={year}/" for year, name in CLASSES.items() if year < 2024]
    options += ["--storage-class=INTELLIGENT_TIERING=events/year=202", "--restored=events/year=2022/"]
    options += ["--restoring=events/year=2020/", "--archive-tier=ARCHIVE_ACCESS=events/year=2024/"]
    with run_latency_s3(root, "--latency-ms", "0", *options) as endpoint:
        yield endpoint


@pytest.fixture
def open_moto(moto_lake: str, s3_server: S3Server, tmp_path: Path) -> OpenLake:
    def open_lake(**options: Any) -> Lake:
        return lakeq.connect(f"s3://{moto_lake}", cache_dir=tmp_path, **s3_server.storage_options, **options)

    return open_lake


def sum_of(*years: int) -> list[tuple[int]]:
    return [(10 * sum(years),)]


def test_a_query_that_wants_archived_files_is_refused_before_it_reads(open_moto: OpenLake) -> None:
    with open_moto() as lake, pytest.raises(ObjectArchivedError) as caught:
        lake.sql(SUM_ALL)
    size = len(write_year(2020)) + len(write_year(2021))
    assert (caught.value.files, caught.value.size, caught.value.restore_hours) == (2, size, 12)
    assert caught.value.location.endswith(year_key(2020))
    assert "DEEP_ARCHIVE, GLACIER" in str(caught.value)
    assert "aws s3api restore-object" in str(caught.value)
    assert 'archived="skip"' in str(caught.value)


def test_archived_files_are_left_out_where_asked_for_and_never_silently(open_moto: OpenLake) -> None:
    with open_moto(archived="skip") as lake:
        result = lake.sql(SUM_ALL)
        assert result.fetchall() == sum_of(2022, 2023, 2024, 2025, 2026)
        assert result.notes == (f"events: {archived_words()} left out",)
        assert lake.explain(SUM_ALL).splitlines()[-1] == result.notes[0]
        archived = result.estimate.to_dict()["archived"]
        assert archived["files"] == 2
        assert [share["storage_class"] for share in archived["classes"]] == ["DEEP_ARCHIVE", "GLACIER"]


def archived_words() -> str:
    from lakeq.quantities import format_bytes

    size = format_bytes(len(write_year(2020)) + len(write_year(2021)))
    return f"2 archived files ({size}, DEEP_ARCHIVE, GLACIER)"


def test_restored_copies_are_read(open_moto: OpenLake) -> None:
    with open_moto() as lake:
        result = lake.sql(f"{SUM_ALL} WHERE year = 2022")
        assert result.fetchall() == sum_of(2022)
        assert result.notes == () and result.estimate.archived is None


def test_a_restore_is_seen_by_the_next_question(s3_server: S3Server, tmp_path: Path) -> None:
    bucket = s3_server.new_bucket()
    for year, name in ((2025, "GLACIER"), (2026, "STANDARD")):
        s3_server.client.put_object(
            Bucket=bucket, Key=year_key(year), Body=write_year(year), StorageClass=name
        )
    with lakeq.connect(f"s3://{bucket}", cache_dir=tmp_path, **s3_server.storage_options) as lake:
        with pytest.raises(ObjectArchivedError):
            lake.sql(SUM_ALL)
        s3_server.client.restore_object(Bucket=bucket, Key=year_key(2025), RestoreRequest={"Days": 2})
        assert lake.sql(SUM_ALL).fetchall() == sum_of(2025, 2026)


def test_a_query_that_keeps_no_archived_file_runs(open_moto: OpenLake) -> None:
    with open_moto() as lake:
        assert lake.sql(f"{SUM_ALL} WHERE year >= 2023").fetchall() == sum_of(2023, 2024, 2025, 2026)


def test_the_estimate_counts_each_class(open_moto: OpenLake) -> None:
    with open_moto(egress="internet") as lake:
        estimate = lake.estimate(SUM_ALL)
    assert estimate.storage is not None and estimate.archived is not None and estimate.here_usd is not None
    lines = {(line.name, line.storage_class): line for line in estimate.storage.lines}
    gets = {name: line.quantity for (kind, name), line in lines.items() if kind == GET}
    assert gets == {"GLACIER restored": 1, "GLACIER_IR": 1, "STANDARD": 2, "STANDARD_IA": 1}
    assert {name for kind, name in lines if kind == RETRIEVAL} == {"GLACIER_IR", "STANDARD_IA"}
    assert lines[RETRIEVAL, "GLACIER_IR"].usd == Decimal("0.03") * len(write_year(2023)) / 2**30
    assert estimate.total_usd == estimate.cost_usd + estimate.storage.usd
    assert estimate.here_usd == estimate.storage.usd + estimate.storage.egress_usd > estimate.storage.usd
    expected = sum(
        p * Decimal(len(write_year(y))) / 2**30 + r / 1000
        for y, p, r in ((2020, Decimal("0.02"), Decimal("0.10")), (2021, Decimal("0.01"), Decimal("0.05")))
    )
    assert estimate.archived.restore_usd == expected


def test_commands_restore_what_is_archived(open_moto: OpenLake, moto_lake: str) -> None:
    with open_moto() as lake:
        commands = [restore.command for restore in find_restores(lake.plan(SUM_ALL))]
    assert commands == [
        f"aws s3api restore-object --bucket {moto_lake} --key {year_key(year)} --restore-request "
        '\'{"Days":7,"GlacierJobParameters":{"Tier":"Standard"}}\''
        for year in (2020, 2021)
    ]


def test_a_listing_that_tells_restores_needs_no_more_requests(sim_endpoint: str, tmp_path: Path) -> None:
    options = {"endpoint_url": sim_endpoint, "cache_dir": tmp_path, "archived": "skip", **CREDENTIALS}
    with lakeq.connect("s3://lake", **options) as lake:
        result = lake.sql(f"{SUM_ALL} WHERE year < 2024")
        assert result.fetchall() == sum_of(2022, 2023)
        assert "GLACIER restored" not in result.notes[0] and "DEEP_ARCHIVE restoring" in result.notes[0]
        assert result.stats.requests_by_kind.get("head", 0) == 0
        archived = result.estimate.archived
        assert archived is not None  # what is being restored is not to be paid for again
        assert archived.restore_usd < Decimal("0.0001")
        assert len(list(find_restores(result.plan))) == 1


def test_archive_tiers_that_no_listing_tells_are_found_by_head(sim_endpoint: str, tmp_path: Path) -> None:
    options = {"endpoint_url": sim_endpoint, "cache_dir": tmp_path, "archived": "skip", **CREDENTIALS}
    with lakeq.connect("s3://tiered", **options) as lake:
        result = lake.sql(SUM_ALL)
        assert result.fetchall() == sum_of(2025, 2026)
        assert "1 archived file" in result.notes[0] and "ARCHIVE_ACCESS" in result.notes[0]
        assert result.stats.requests_by_kind["head"] == 2  # the third is too young
        assert result.estimate.storage is not None and result.estimate.storage.count(HEAD) == 2
        (restore,) = find_restores(result.plan)
        command = restore.command
        assert "Days" not in command


def test_the_newest_files_tell_the_schema_where_the_oldest_are_archived(tmp_path: Path) -> None:
    """The first page of the lake is all archived."""
    for day in range(1, 600):
        path = tmp_path / f"lake/events/day={day:03}"
        path.mkdir(parents=True)
        for part in range(2):
            (path / f"p{part}.parquet").write_bytes(write_year(day, 1))
    (tmp_path / "lake/other/day=1").mkdir(parents=True)
    (tmp_path / "lake/other/day=1/o.parquet").write_bytes(write_year(1))
    old = [
        f"--storage-class=GLACIER=events/day={day}" for day in (0, 1, 2, 3, 4, "50", "51", "52", "53", "54")
    ]
    with run_latency_s3(tmp_path, "--latency-ms", "0", *old) as endpoint:
        options = {"endpoint_url": endpoint, "cache_dir": tmp_path / "cache", **CREDENTIALS}
        with lakeq.connect("s3://lake", **options) as lake:
            assert lake.sql(f"{SUM_ALL} WHERE day = 599").fetchall() == [(2 * 599,)]
            with pytest.raises(ObjectArchivedError):
                lake.sql(f"{SUM_ALL} WHERE day = 7")


def test_what_was_archived_since_it_was_listed_is_refused_by_the_store(
    s3_server: S3Server, tmp_path: Path
) -> None:
    bucket = s3_server.new_bucket()
    body = b"id\n" + b"1234567\n" * 100_000  # more than planning reads of it
    s3_server.put(bucket, "events/f.csv", body)
    with lakeq.connect(
        f"s3://{bucket}", cache=False, cache_dir=tmp_path, freshness="1h", **s3_server.storage_options
    ) as lake:
        lake.estimate(SUM_ALL)
        s3_server.client.put_object(Bucket=bucket, Key="events/f.csv", Body=body, StorageClass="GLACIER")
        with pytest.raises(ObjectArchivedError, match="Restore"):
            lake.sql(SUM_ALL).arrow()


def test_skip_may_stand_in_the_lakes_definition(moto_lake: str, s3_server: S3Server, tmp_path: Path) -> None:
    definition = tmp_path / "lakeq.toml"
    definition.write_text(
        f'location = "s3://{moto_lake}"\narchived = "skip"\n'
        "[pricing]\negress = 1\n[pricing.storage.GLACIER_IR]\nretrieval = 1024\n"
    )
    options = s3_server.storage_options | {"cache_dir": tmp_path}
    with lakeq.connect(definition, **options) as lake:
        estimate = lake.sql(SUM_ALL).estimate
        assert estimate.storage is not None and estimate.storage.egress_usd > 0
        (line,) = [
            e for e in estimate.storage.lines if (e.name, e.storage_class) == (RETRIEVAL, "GLACIER_IR")
        ]
        assert line.usd == Decimal(1024) * len(write_year(2023)) / 2**30
        with pytest.raises(BudgetExceededError):  # its scan costs less than a cent
            lake.sql(SUM_ALL, max_cost="0.0005")
    with pytest.raises(ConfigError, match="'error' or 'skip'"):
        lakeq.connect(definition, archived="ignore", **options)  # type: ignore[arg-type]


def test_the_command_line_says_what_it_left_out(
    moto_lake: str, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", s3_server.storage_options["key"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3_server.storage_options["secret"])
    lake = [f"s3://{moto_lake}", SUM_ALL, "--endpoint-url", s3_server.endpoint, "--region", "us-east-1"]
    assert main(["query", *lake]) == 1
    assert "cannot be read before a restore" in capsys.readouterr().err
    assert main(["query", *lake, "--archived", "skip", "--format", "csv"]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[1] == str(10 * (2022 + 2023 + 2024 + 2025 + 2026))
    assert f"events: {archived_words()} left out" in shown.err
    assert main(["restore", *lake]) == 0
    commands = capsys.readouterr().out.splitlines()
    assert main(["restore", *lake, "--json"]) == 0
    restores = json.loads(capsys.readouterr().out)
    assert [restore.pop("command") for restore in restores] == commands and len(commands) == 2
    assert restores == [
        {"bucket": moto_lake, "key": year_key(year), "storage_class": storage_class, "days": 7}
        for year, storage_class in ((2020, "DEEP_ARCHIVE"), (2021, "GLACIER"))
    ]
    assert main(["estimate", *lake, "--egress", "internet"]) == 0
    text = capsys.readouterr().out
    for words in (
        "LIST: ",
        "GET: 1 (GLACIER_IR)",
        "retrieval: ",
        "egress: ",
        "run here",
        "archived, not counted: 2",
    ):
        assert words in text


def write_large(path: Path, seed: int) -> None:
    """A file of several megabytes, in row groups, of columns of unequal width."""
    numbers = np.random.default_rng(seed)
    rows = 60_000
    columns = {f"c{i}": numbers.integers(0, 2**62, rows) for i in range(6)}
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, row_group_size=20_000, compression="none")


REAL = {
    "small": "SELECT sum(id) FROM small",
    "text": "SELECT count(*), sum(id) FROM text",
    "one column": "SELECT sum(c1) FROM large",
    "two columns": "SELECT sum(c0), sum(c4) FROM large WHERE day < 3",
    "all columns": "SELECT max(c0), max(c1), max(c2), max(c3), max(c4), max(c5) FROM large",
    "both": "SELECT sum(id) FROM small UNION ALL SELECT max(c3) FROM large",
    "twice": "SELECT max(c0) FROM large WHERE day = 1 UNION ALL SELECT max(c3) FROM large",
    "keys": "SELECT max(day) FROM large",
}


@pytest.fixture(scope="module")
def real_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("real")
    for day in range(1, 5):
        write_large(root / f"lake/large/day={day}/f.parquet", day)
        small = root / f"lake/small/day={day}/f.parquet"
        small.parent.mkdir(parents=True)
        small.write_bytes(write_year(day))
        text = root / f"lake/text/day={day}/t.csv"
        text.parent.mkdir(parents=True)
        text.write_bytes(b"id\n" + b"1234567\n" * (900_000 if day == 1 else 10 ** (day + 1)))
    with run_latency_s3(root, "--latency-ms", "0", "--log") as endpoint:
        yield endpoint


@pytest.mark.parametrize("name", REAL)
def test_the_requests_of_a_cold_run_are_those_of_the_estimate(
    real_endpoint: str, tmp_path: Path, name: str
) -> None:
    options = {"endpoint_url": real_endpoint, **CREDENTIALS}
    with lakeq.connect("s3://lake", cache_dir=tmp_path / "known", **options) as lake:
        lake.tables()  # which tables there are, and the schemas, are known
        asked = lake.estimate(REAL[name])
    with lakeq.connect("s3://lake", cache_dir=tmp_path / "cold", **options) as lake:
        result = lake.sql(REAL[name])
        result.arrow()
        kinds = result.stats.requests_by_kind
    told = asked.storage
    assert told is not None and result.estimate.storage is not None
    assert told.count(GET) == result.estimate.storage.count(GET)
    assert result.estimate.storage.count(LIST) == kinds["list"]
    # Where the schema is not known yet, a few files are looked into that a query does not keep.
    besides = {"two columns": 2, "keys": 4}.get(name, 0)
    assert told.count(GET) == kinds["get"] - besides


def test_a_plan_that_travels_keeps_what_is_archived(open_moto: OpenLake) -> None:
    with open_moto() as lake:
        plan = lake.plan(SUM_ALL)
        expected, commands = estimate_plan(plan), list(find_restores(plan))
        travelled = pickle.loads(pickle.dumps(plan))
    told = estimate_plan(travelled)
    assert told.storage == expected.storage and told.archived == expected.archived
    assert commands and list(find_restores(travelled)) == commands


def test_files_that_several_references_want_count_once(open_moto: OpenLake) -> None:
    with open_moto(archived="skip") as lake:
        twice = "SELECT count(*) FROM events a, events b WHERE a.year <= 2021 AND b.year <= 2020"
        estimate = lake.estimate(f"{SUM_ALL} UNION ALL {twice}")
    assert estimate.archived is not None and estimate.archived.files == 2
    assert estimate.storage is not None and estimate.storage.count(GET) == 5


def test_a_head_that_is_denied_leaves_what_the_listing_says(tmp_path: Path) -> None:
    path = tmp_path / "lake/events/f.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"id\n7\n")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    with run_latency_s3(
        tmp_path, "--latency-ms", "0", "--storage-class=INTELLIGENT_TIERING=events/"
    ) as endpoint:
        denied = [{"match": "HEAD /lake/events/f", "fault": "status", "code": 403, "times": -1}]
        urllib.request.urlopen(f"{endpoint}/_rules", json.dumps(denied).encode()).close()
        options = {"endpoint_url": endpoint, "cache_dir": tmp_path / "cache", **CREDENTIALS}
        with lakeq.connect("s3://lake", **options) as lake:
            for _ in range(2):  # it is not asked again
                assert lake.sql(SUM_ALL).fetchall() == [(7,)]
        stats = json.load(urllib.request.urlopen(f"{endpoint}/_stats"))
    assert stats["head"] == 2  # one opened the lake


def test_where_prices_are_not_known_none_are_given(s3_server: S3Server, tmp_path: Path) -> None:
    bucket = s3_server.new_bucket()
    s3_server.client.put_bucket_acl(Bucket=bucket, ACL="public-read")
    s3_server.client.put_object(Bucket=bucket, Key="t/f.csv", Body=b"x\n1\n", ACL="public-read")
    options = {"endpoint_url": s3_server.endpoint, "anonymous": True, "cache_dir": tmp_path}
    with lakeq.connect(f"gs://{bucket}", **options) as lake:
        estimate = lake.estimate("SELECT sum(x) FROM t")
    assert estimate.storage is None and estimate.here_usd is None
    assert estimate.total_usd == estimate.cost_usd


def test_a_folder_asks_nothing(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"x\n1\n")
    with lakeq.connect(tmp_path, egress="internet") as lake:
        estimate = lake.estimate("SELECT sum(x) FROM t")
    assert estimate.storage is not None and estimate.storage.lines == ()
    assert estimate.here_usd == 0 and "run here" not in str(estimate)
